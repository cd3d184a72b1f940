using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>The open sessions of this runspace.</summary>
[Cmdlet(VerbsCommon.Get, "LlmSession", DefaultParameterSetName = NameSet)]
[OutputType(typeof(LlmSession))]
public sealed class GetLlmSessionCommand : PSCmdlet
{
    private const string NameSet = "Name";
    private const string DefaultSet = "Default";

    /// <summary>Names or wildcards.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <summary>Emit the default session only; nothing where there is none.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DefaultSet)]
    public SwitchParameter Default { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Default)
        {
            if (SessionTable.Current.Default is { } session) WriteObject(session);
            return;
        }

        var open = SessionTable.Current.All;
        if (Name is null)
        {
            WriteObject(open, enumerateCollection: true);
            return;
        }

        foreach (var name in Name)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            var found = open.Where(session => pattern.IsMatch(session.Name)).ToList();
            WriteObject(found, enumerateCollection: true);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                WriteError(new ErrorRecord(new ItemNotFoundException(SessionAttribute.Unknown(name)), "SessionNotFound",
                    ErrorCategory.ObjectNotFound, name));
        }
    }
}
