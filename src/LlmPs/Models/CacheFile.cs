using System;
using System.IO;
using LlmPs.Values;

namespace LlmPs.Models;

/// <summary>The module's files in the user's local application data. They have no secrets, and the module works without them.</summary>
internal static class CacheFile
{
    /// <summary>The folder, or the one in the environment variable LLMPS_CACHE; null where the system has no such folder.</summary>
    internal static string? Folder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("LLMPS_CACHE") is { Length: > 0 } given) return given;
            const Environment.SpecialFolder data = Environment.SpecialFolder.LocalApplicationData;
            var folder = Environment.GetFolderPath(data, Environment.SpecialFolderOption.DoNotVerify);
            return folder.Length == 0 ? null : Path.Combine(folder, "LlmPs");
        }
    }

    /// <summary>Replaces a file. Another process that reads at this moment sees the old file or the new one, never a part.</summary>
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
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            Discard(draft);
            throw;
        }
    }

    private static void Discard(string draft)
    {
        try
        {
            File.Delete(draft);
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            // The file remains; nothing reads it.
        }
    }
}
