using System.Management.Automation;
using LlmPs.Binding;
using LlmPs.Loading;

namespace LlmPs.Cmdlets;

/// <summary>Closes sessions and forgets their credentials.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "LlmProvider", DefaultParameterSetName = "Name")]
public sealed class DisconnectLlmProviderCommand : PSCmdlet
{
    /// <summary>The sessions' names.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Close all sessions of this runspace.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "All")]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (All)
        {
            foreach (var session in SessionTable.Current.All) SessionTable.Current.Remove(session);
            return;
        }

        foreach (var name in Name)
        {
            if (SessionTable.Current.Find(name) is { } session) SessionTable.Current.Remove(session);
            else WriteError(new ErrorRecord(new ItemNotFoundException(SessionAttribute.Unknown(name)), "SessionNotFound", ErrorCategory.ObjectNotFound, name));
        }
    }
}
