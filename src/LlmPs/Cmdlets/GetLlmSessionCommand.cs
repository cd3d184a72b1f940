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

    /// <summary>Whether to emit only the default session, if there is one.</summary>
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

        var open = SessionTable.Current.All.Select(session => (session.Name, session)).ToList();
        this.WriteNamed(Name ?? ["*"], open, SessionAttribute.Unknown, "SessionNotFound");
    }
}
