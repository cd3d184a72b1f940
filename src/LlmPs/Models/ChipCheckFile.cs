using System;
using System.IO;
using LlmPs.Providers;
using LlmPs.Values;

namespace LlmPs.Models;

/// <summary>The results of <c>Get-LlmModel -Verify</c>, one file per account. Its name is a hash of address and key.</summary>
internal static class ChipCheckFile
{
    private const int LargestFile = 4 * 1024 * 1024;

    /// <summary>Returns the results for the session's account; none where the file is missing or damaged.</summary>
    internal static ChipChecks Read(LlmSession session)
    {
        if (session.IsSimulated) return new ChipChecks();
        try
        {
            var file = PathOf(session) is { } path ? new FileInfo(path) : null;
            return file is { Exists: true, Length: <= LargestFile } ? ChipChecks.Read(File.ReadAllBytes(file.FullName)) : new ChipChecks();
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            return new ChipChecks();
        }
    }

    /// <exception cref="IOException">The file cannot be written. Other exceptions of files are possible.</exception>
    internal static void Write(LlmSession session, ChipChecks checks)
    {
        if (!session.IsSimulated && PathOf(session) is { } path) CacheFile.Replace(path, checks.ToJson());
    }

    private static string? PathOf(LlmSession session) =>
        CacheFile.Folder is { } folder ? Path.Combine(folder, $"chips-{session.Provider}-{session.AccountHash()}.json") : null;
}
