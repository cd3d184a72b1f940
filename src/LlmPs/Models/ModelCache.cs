using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using LlmPs.Text;

namespace LlmPs.Models;

/// <summary>
/// The models that a provider last listed, kept a day for the completion of <c>-Model</c>. One file per provider and address; it holds ids
/// and context lengths and nothing else, and the address only as a hash. Whatever is wrong with the file, it counts as none.
/// </summary>
internal static class ModelCache
{
    private const string Heading = "LlmPs models 2";
    private const int LargestFile = 1024 * 1024;
    private const int LongestId = 256;

    private static readonly TimeSpan s_keeps = TimeSpan.FromDays(1);

    internal static IReadOnlyList<(string Id, long? ContextLength)> Read(string provider, Uri address)
    {
        try
        {
            if (FileOf(provider, address) is not { } path) return [];
            var file = new FileInfo(path);
            if (!file.Exists || file.Length > LargestFile || !IsFresh(file.LastWriteTimeUtc)) return [];
            var lines = File.ReadAllLines(path);
            return lines.Length > 1 && lines[0] == Heading ? lines.Skip(1).Select(Parse).Where(model => IsId(model.Id)).ToArray() : [];
        }
        catch (Exception e) when (CacheFile.IsOfFiles(e))
        {
            return [];
        }
    }

    internal static void Write(LlmSession session, IEnumerable<LlmModel> models)
    {
        // What the simulator makes up is not what the address serves.
        if (session.IsSimulated || FileOf(session.Provider, session.BaseUri) is not { } path) return;
        try
        {
            CacheFile.Replace(path,
                Encoding.UTF8.GetBytes(string.Join("\n", new[] { Heading }.Concat(models.Where(model => IsId(model.Id)).Select(Line)))));
        }
        catch (Exception e) when (CacheFile.IsOfFiles(e))
        {
            // It is there to save typing, and nobody asked for it.
        }
    }

    /// <summary>The id, and behind a tab the context length where the provider says it.</summary>
    private static string Line(LlmModel model) =>
        model.ContextLength is { } tokens ? $"{model.Id}\t{tokens.ToString(CultureInfo.InvariantCulture)}" : model.Id;

    private static (string Id, long? ContextLength) Parse(string line)
    {
        var tab = line.IndexOf('\t');
        if (tab < 0) return (line, null);
        return (line.Substring(0, tab),
            long.TryParse(line.Substring(tab + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) ? tokens : null);
    }

    private static string? FileOf(string provider, Uri address)
    {
        if (CacheFile.Folder is not { } folder) return null;
        // FNV-1a: a name for the file that does not tell the address.
        var hash = address.AbsoluteUri.TrimEnd('/').Aggregate(14695981039346656037UL, (sum, c) => unchecked((sum ^ c) * 1099511628211UL));
        return Path.Combine(folder, $"models-{provider}-{hash.ToString("x16", CultureInfo.InvariantCulture)}.txt");
    }

    private static bool IsFresh(DateTime written)
    {
        var age = DateTime.UtcNow - written;
        return age < s_keeps && age > -s_keeps;
    }

    private static bool IsId(string id) => id.Length is > 0 and <= LongestId && PrintableText.IsPlain(id);
}
