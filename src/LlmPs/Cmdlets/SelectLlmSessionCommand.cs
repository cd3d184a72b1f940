using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Makes an open session the default: the one that is used where a command names none.</summary>
[Cmdlet(VerbsCommon.Select, "LlmSession")]
[OutputType(typeof(LlmSession))]
public sealed class SelectLlmSessionCommand : PSCmdlet
{
    private object? _given;
    private int _count;

    /// <summary>The session, by name or object. Not text: a session that was closed would select another that has its name now.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNullOrEmpty]
    public object? Name { get; set; }

    /// <summary>Emit the session.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        _given = Name;
        _count++;
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // All errors end the command: the next prompt must not go to the session that was the default before.
        const string byName = "Give its name: Select-LlmSession <name>. Get-LlmSession lists the open sessions.";
        if (_count == 0) Refuse($"No session was piped in. {byName}", "SessionNotFound", null);
        if (_count > 1) Refuse($"{_count} sessions were piped in, and only one can be the default. {byName}", "SeveralSessions", null);
        var session = SessionOf(PSObject.AsPSObject(_given));
        SessionTable.Current.Select(session);
        if (PassThru) WriteObject(session);
    }

    private LlmSession SessionOf(PSObject given)
    {
        var open = SessionTable.Current;
        var name = $"{given.Properties["Name"]?.Value ?? given}";
        if (given.BaseObject is not LlmSession session)
        {
            if (open.Find(name) is { } found) return found;
            Refuse(SessionAttribute.Unknown(name), "SessionNotFound", name);
            throw new PipelineStoppedException();
        }

        if (session.IsClosed) Refuse($"Session '{name}' is closed. Open it again with Connect-LlmProvider.", "SessionClosed", session);
        if (open.All.Contains(session)) return session;
        Refuse(
            $"Session '{name}' was opened in another runspace and cannot be the default here. Give it to each command: -Session $session.",
            "SessionNotFound",
            session);
        throw new PipelineStoppedException();
    }

    private void Refuse(string message, string id, object? target) =>
        ThrowTerminatingError(new ErrorRecord(new ItemNotFoundException(message), id, ErrorCategory.ObjectNotFound, target));
}
