using System;
using System.Collections.Generic;
using System.Globalization;
using LlmPs.Bulk;
using LlmPs.Providers;
using LlmPs.Wire;

namespace LlmPs.Batch;

/// <summary>
/// Puts rows into files within the provider's limits of lines and bytes, one model in each. Equal rows in equal order make equal files.
/// </summary>
/// <param name="path">The beginning of the paths of the files; null if lines are only counted.</param>
internal sealed class BatchSplitter(string? path) : IDisposable
{
    private readonly List<BatchFile> _files = [];
    private readonly Dictionary<(LlmSession Session, string Model), BatchFile> _open = [];

    /// <summary>The files in the order in which they were begun.</summary>
    internal IReadOnlyList<BatchFile> Files => _files;

    /// <summary>Adds a row.</summary>
    /// <param name="row">The row, resolved by its session.</param>
    /// <param name="n">Which occurrence of its request it is.</param>
    /// <exception cref="LlmApiException">The row cannot be in a batch.</exception>
    internal void Add(ChatTicket row, int n)
    {
        var limits = BatchService.LimitsOf(row.Session);
        if (limits.Problem(row.Session.Provider, row.Request) is { } problem)
            throw new LlmApiException(LlmErrorKind.InvalidRequest, problem);
        var id = new BatchRow(row.Key, n, row.Index);
        var line = Line(limits, id.CustomId, row.Body);
        if (line.Length > limits.MaxBytes)
        {
            throw new LlmApiException(LlmErrorKind.RequestTooLarge, string.Format(
                CultureInfo.InvariantCulture, "The row has {0} bytes. A batch file of {1} can have {2}.", line.Length,
                    row.Session.Provider, limits.MaxBytes));
        }

        var model = row.Session.ChatProvider.ModelId(row.Request.Model!);
        if (!_open.TryGetValue((row.Session, model), out var file) || file.Lines == limits.MaxLines
            || file.Bytes + line.Length > limits.MaxBytes)
        {
            file = new BatchFile(row.Session, model, path is null ? null : $"{path}.{Guid.NewGuid():N}.batch");
            _open[(row.Session, model)] = file;
            _files.Add(file);
        }

        file.Add(line, row, id);
    }

    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    private static byte[] Line(BatchLimits limits, string customId, byte[] body) => CompactJson.Write(
        (limits.Endpoint, customId, body),
        static (json, line) =>
        {
            json.WriteStartObject();
            json.WriteString("custom_id", line.customId);
            json.WriteString("method", "POST");
            json.WriteString("url", line.Endpoint);
            json.WritePropertyName("body");
            json.WriteRawValue(line.body, skipInputValidation: true);
            json.WriteEndObject();
        },
        asLine: true);
}
