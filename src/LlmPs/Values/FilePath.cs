using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Security;

namespace LlmPs.Values;

/// <summary>Converts paths of PowerShell, with wildcards and drives, to paths of files.</summary>
internal static class FilePath
{
    /// <exception cref="ItemNotFoundException">No file matches.</exception>
    /// <exception cref="PSArgumentException">The path is not in the file system.</exception>
    internal static IReadOnlyList<string> Existing(PathIntrinsics paths, string path)
    {
        var files = paths.GetResolvedProviderPathFromPSPath(path, out var provider);
        RefuseOther(provider, path);
        return files.Count > 0 ? files : throw new ItemNotFoundException($"No file matches the path '{path}'.");
    }

    /// <summary>Returns the file of a path, in which no character is a wildcard.</summary>
    /// <exception cref="PSArgumentException">The path is not in the file system.</exception>
    internal static string Literal(PathIntrinsics paths, string path)
    {
        var file = paths.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
        RefuseOther(provider, path);
        return file;
    }

    /// <summary>Returns the file to write: the one that matches, or else the path itself, as Out-File does.</summary>
    /// <exception cref="PSArgumentException">The path is not in the file system, or several files match.</exception>
    internal static string ToWrite(PathIntrinsics paths, string path)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(path)) return Literal(paths, path);
        var files = paths.GetResolvedProviderPathFromPSPath(path, out var provider);
        RefuseOther(provider, path);
        return files.Count switch
        {
            0 => Literal(paths, path),
            1 => files[0],
            _ => throw new PSArgumentException($"-Path '{path}' matches {files.Count} files. Give the path of one file."),
        };
    }

    /// <summary>Whether an exception is about a path or a file, and not a defect of the module.</summary>
    internal static bool IsOfFiles(Exception e) =>
        e is IOException or InvalidDataException or UnauthorizedAccessException or SecurityException
            or ArgumentException or NotSupportedException or SessionStateException;

    private static void RefuseOther(ProviderInfo provider, string path)
    {
        if (provider.Name == "FileSystem") return;
        throw new PSArgumentException($"The path '{path}' is of the provider {provider.Name}. Give the path of a file.");
    }
}
