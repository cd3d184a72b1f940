using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Security;
using LlmPs.Chat;
using LlmPs.Loading;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Reads conversations that /save or Export-ChatSession saved, as completions that can be continued.</summary>
[Cmdlet(VerbsData.Import, "ChatSession", DefaultParameterSetName = PathSet)]
[OutputType(typeof(ChatCompletion))]
public sealed class ImportChatSessionCommand : PSCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    /// <summary>The files, with wildcards.</summary>
    [Parameter(
        Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>The files; no character of the paths is a wildcard.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralPathSet)]
    [Alias("PSPath", "LP")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var given in ParameterSetName == PathSet ? Path : LiteralPath)
            foreach (var file in Try(given, () => Files(given)) ?? [])
                if (Try(file, () => ChatFile.Load(file)) is { } chat) WriteObject(chat.ToCompletion(SessionFor(chat.Provider)));
    }

    private IReadOnlyList<string> Files(string given) =>
        ParameterSetName == PathSet ? FilePath.Existing(SessionState.Path, given) : [FilePath.Literal(SessionState.Path, given)];

    // A conversation is continued with its provider: in the default session, or else in the newest one.
    private static LlmSession? SessionFor(string? provider)
    {
        var open = SessionTable.Current;
        if (open.Default is { } session && (provider is null || session.Provider == provider)) return session;
        return open.All.LastOrDefault(other => other.Provider == provider);
    }

    /// <summary>Returns what was read; null after an error, so that the other files are still read.</summary>
    private T? Try<T>(string path, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            var (id, category) = e switch
            {
                InvalidDataException => ("InvalidChatFile", ErrorCategory.InvalidData),
                ItemNotFoundException or FileNotFoundException or DirectoryNotFoundException =>
                    ("FileNotFound", ErrorCategory.ObjectNotFound),
                UnauthorizedAccessException or SecurityException => ("FileNotReadable", ErrorCategory.PermissionDenied),
                _ => ("FileNotReadable", ErrorCategory.ReadError),
            };
            WriteError(new ErrorRecord(e, id, category, path));
            return null;
        }
    }
}
