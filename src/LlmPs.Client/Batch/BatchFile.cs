using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using LlmPs.Bulk;

namespace LlmPs.Batch;

/// <summary>
/// The lines of one batch, on disk beside the checkpoint until they are uploaded. The file has no name, or the system deletes it when
/// the process ends: a run that is killed leaves no file.
/// </summary>
internal sealed class BatchFile : IDisposable
{
    private const int BlockSize = 64 * 1024;

    private readonly SHA256 _sha = SHA256.Create();
    private readonly FileStream? _content;
    private string? _hash;

    /// <param name="session">The session that the batch is submitted with.</param>
    /// <param name="model">The model of all lines, as the provider spells it.</param>
    /// <param name="path">The path to write to while the lines come in; null if they are only counted.</param>
    internal BatchFile(LlmSession session, string model, string? path)
    {
        Session = session;
        Model = model;
        if (path is null) return;
        // Windows deletes it when its handle closes, also after a kill. On other systems an open file needs no name.
        var isWindows = Path.DirectorySeparatorChar == '\\';
        _content = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BlockSize, isWindows
            ? FileOptions.DeleteOnClose : FileOptions.None);
        if (!isWindows) File.Delete(path);
    }

    internal LlmSession Session { get; }

    internal string Model { get; }

    internal int Lines { get; private set; }

    internal long Bytes { get; private set; }

    /// <summary>An estimate of the tokens of all prompts.</summary>
    internal long Tokens { get; private set; }

    /// <summary>The cost of all prompts at the price of a batch; null where the cost of one is not known.</summary>
    internal decimal? Cost { get; private set; } = 0;

    /// <summary>The most that all prompts and answers can cost; null where one has no price or no limit.</summary>
    internal decimal? MostCost { get; private set; } = 0;

    internal List<BatchRow> Rows { get; } = [];

    /// <summary>The content from its beginning.</summary>
    internal Stream Content => _content ?? throw new InvalidOperationException("The lines were only counted.");

    /// <summary>The SHA-256 of the content, in hex. After that no line can be added.</summary>
    internal string Hash
    {
        get
        {
            if (_hash is not null) return _hash;
            _sha.TransformFinalBlock([], 0, 0);
            _content?.Flush();
            return _hash = string.Concat(_sha.Hash!.Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Adds the line of a row.</summary>
    internal void Add(byte[] line, ChatTicket row, BatchRow id)
    {
        if (_content is not null)
        {
            _content.Write(line, 0, line.Length);
            _sha.TransformBlock(line, 0, line.Length, null, 0);
            Rows.Add(id);
        }

        Lines++;
        Bytes += line.Length;
        var tokens = row.EstimateRequest();
        Tokens += tokens;
        Cost += row.Price?.Of(tokens, 0) * TokenPrice.BatchFactor;
        MostCost += row.EstimateMost() is { } most ? row.Price?.Of(most.Prompt, most.Generated) * TokenPrice.BatchFactor : null;
    }

    public void Dispose()
    {
        _content?.Dispose();
        _sha.Dispose();
    }
}
