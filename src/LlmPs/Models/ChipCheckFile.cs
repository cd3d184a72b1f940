using System;
using System.IO;
using LlmPs.Providers;

namespace LlmPs.Models;

/// <summary>
/// What <c>Get-LlmModel -Verify</c> found, a file for each account. The file's name is a hash of address and key; neither is in it.
/// </summary>
internal static class ChipCheckFile
{
    private const int LargestFile = 4 * 1024 * 1024;

    /// <summary>What is known for the session's account; whatever is wrong with the file, nothing.</summary>
    internal static ChipChecks Read(LlmSession session)
    {
        // What the simulator serves is not what the account is served.
        if (session.IsSimulated) return new ChipChecks();
        try
        {
            var file = PathOf(session) is { } path ? new FileInfo(path) : null;
            return file is { Exists: true, Length: <= LargestFile } ? ChipChecks.Read(File.ReadAllBytes(file.FullName)) : new ChipChecks();
        }
        catch (Exception e) when (CacheFile.IsOfFiles(e))
        {
            return new ChipChecks();
        }
    }

    /// <exception cref="IOException">Among others: the file cannot be written.</exception>
    internal static void Write(LlmSession session, ChipChecks checks)
    {
        if (!session.IsSimulated && PathOf(session) is { } path) CacheFile.Replace(path, checks.ToJson());
    }

    private static string? PathOf(LlmSession session) =>
        CacheFile.Folder is { } folder ? Path.Combine(folder, $"chips-{session.Provider}-{session.AccountHash()}.json") : null;
}
