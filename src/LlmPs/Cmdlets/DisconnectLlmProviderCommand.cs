using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Closes sessions and deletes their credentials from memory.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "LlmProvider", DefaultParameterSetName = "Name")]
public sealed class DisconnectLlmProviderCommand : PSCmdlet
{
    /// <summary>
    /// The sessions, by name or object. Of type object: converted to text, a replaced session would close the one that has its name now.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public object[] Name { get; set; } = [];

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

        foreach (var given in Name)
        {
            var item = PSObject.AsPSObject(given);
            var name = $"{item.Properties["Name"]?.Value ?? item}";
            if ((item.BaseObject as LlmSession ?? SessionTable.Current.Find(name)) is { } session) SessionTable.Current.Remove(session);
            else
                WriteError(new ErrorRecord(
                    new ItemNotFoundException(SessionAttribute.Unknown(name)), "SessionNotFound", ErrorCategory.ObjectNotFound, name));
        }
    }
}
