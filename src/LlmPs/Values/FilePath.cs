using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Security;

namespace LlmPs.Values;

/// <summary>Paths of PowerShell as paths of files: wildcards, drives, the current location.</summary>
internal static class FilePath
{
    /// <summary>The files that a path names; several where it has wildcards.</summary>
    /// <exception cref="ItemNotFoundException">No file matches.</exception>
    /// <exception cref="PSArgumentException">The path is not of the file system.</exception>
    internal static IReadOnlyList<string> Existing(PathIntrinsics paths, string path)
    {
        var files = paths.GetResolvedProviderPathFromPSPath(path, out var provider);
        RefuseOther(provider, path);
        return files.Count > 0 ? files : throw new ItemNotFoundException($"No file matches the path '{path}'.");
    }

    /// <summary>The file that a path names as it stands.</summary>
    /// <exception cref="PSArgumentException">The path is not of the file system.</exception>
    internal static string Literal(PathIntrinsics paths, string path)
    {
        var file = paths.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
        RefuseOther(provider, path);
        return file;
    }

    /// <summary>The file to write: the one that matches, or the path as it stands where none does, as for Out-File.</summary>
    /// <exception cref="PSArgumentException">The path is not of the file system, or several files match.</exception>
    internal static string ToWrite(PathIntrinsics paths, string path)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(path)) return Literal(paths, path);
        var files = paths.GetResolvedProviderPathFromPSPath(path, out var provider);
        RefuseOther(provider, path);
        return files.Count switch
        {
            0 => Literal(paths, path),
            1 => files.First(),
            _ => throw new PSArgumentException($"-Path '{path}' matches {files.Count} files. Give the path of one file."),
        };
    }

    /// <summary>Whether an exception is of a path or of the file that it names, rather than of a defect.</summary>
    internal static bool IsOfFiles(Exception e) =>
        e is IOException or InvalidDataException or UnauthorizedAccessException or SecurityException
            or ArgumentException or NotSupportedException or SessionStateException;

    private static void RefuseOther(ProviderInfo provider, string path)
    {
        if (provider.Name == "FileSystem") return;
        throw new PSArgumentException($"The path '{path}' is of the provider {provider.Name}. Give the path of a file.");
    }
}
