using System;
using System.IO;
using System.Security;

namespace LlmPs.Models;

/// <summary>
/// The files that the module keeps in the user's local application data. None of them holds a secret, and all can be done without.
/// </summary>
internal static class CacheFile
{
    /// <summary>The folder; the environment variable LLMPS_CACHE puts it elsewhere. Null where the system has none.</summary>
    internal static string? Folder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("LLMPS_CACHE") is { Length: > 0 } given) return given;
            var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData,
                Environment.SpecialFolderOption.DoNotVerify);
            return data.Length == 0 ? null : Path.Combine(data, "LlmPs");
        }
    }

    /// <summary>Writes a file anew. Another PowerShell that reads at this moment sees the old one or the new one, never a half.</summary>
    internal static void Replace(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var draft = $"{path}.{Guid.NewGuid():N}";
        try
        {
            File.WriteAllBytes(draft, content);
            if (File.Exists(path)) File.Replace(draft, path, null);
            else File.Move(draft, path);
        }
        catch (Exception e) when (IsOfFiles(e))
        {
            Discard(draft);
            throw;
        }
    }

    /// <summary>Whether an exception tells of files rather than of a defect.</summary>
    internal static bool IsOfFiles(Exception e) =>
        e is IOException or UnauthorizedAccessException or SecurityException or NotSupportedException or ArgumentException;

    private static void Discard(string draft)
    {
        try
        {
            File.Delete(draft);
        }
        catch (Exception e) when (IsOfFiles(e))
        {
            // It stays; nothing reads it.
        }
    }
}
