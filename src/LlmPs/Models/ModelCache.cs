using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Models;

/// <summary>
/// The models that a provider listed, kept for a day for the completion of <c>-Model</c>. One file per provider and address, with ids and
/// context lengths. A damaged file counts as empty.
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
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            return [];
        }
    }

    internal static void Write(LlmSession session, IEnumerable<LlmModel> models)
    {
        if (session.IsSimulated || FileOf(session.Provider, session.BaseUri) is not { } path) return;
        try
        {
            var lines = models.Where(model => IsId(model.Id)).Select(Line).Prepend(Heading);
            CacheFile.Replace(path, Encoding.UTF8.GetBytes(string.Join("\n", lines)));
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            // Only completion needs the file.
        }
    }

    // The id, a tab, and the context length where it is known.
    private static string Line(LlmModel model) =>
        model.ContextLength is { } tokens ? $"{model.Id}\t{tokens.ToString(CultureInfo.InvariantCulture)}" : model.Id;

    private static (string Id, long? ContextLength) Parse(string line)
    {
        var tab = line.IndexOf('\t');
        if (tab < 0) return (line, null);
        var isKnown = long.TryParse(line.Substring(tab + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var tokens);
        return (line.Substring(0, tab), isKnown ? tokens : null);
    }

    private static string? FileOf(string provider, Uri address)
    {
        if (CacheFile.Folder is not { } folder) return null;
        // FNV-1a, so that the name does not contain the address.
        var hash = address.AbsoluteUri.TrimEnd('/').Aggregate(14695981039346656037UL, (sum, c) => unchecked((sum ^ c) * 1099511628211UL));
        return Path.Combine(folder, $"models-{provider}-{hash.ToString("x16", CultureInfo.InvariantCulture)}.txt");
    }

    private static bool IsFresh(DateTime written) => (DateTime.UtcNow - written).Duration() < s_keeps;

    private static bool IsId(string id) => id.Length is > 0 and <= LongestId && PrintableText.IsPlain(id);
}
