using System;
using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Makes an open session the default, which commands without -Session use.</summary>
[Cmdlet(VerbsCommon.Select, "LlmSession")]
[OutputType(typeof(LlmSession))]
public sealed class SelectLlmSessionCommand : PSCmdlet
{
    private object? _given;
    private int _count;

    /// <summary>
    /// The session, by name or object. Of type object: converted to text, a closed session would select another one of its name.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNullOrEmpty]
    public object? Name { get; set; }

    /// <summary>Whether to emit the session.</summary>
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
        // All errors end the command: the next prompt must not be sent to the earlier default session.
        const string byName = "Give its name: Select-LlmSession <name>. Get-LlmSession lists the open sessions.";
        if (_count == 0) throw Refusal($"No session was piped in. {byName}", "SessionNotFound", null);
        if (_count > 1)
            throw Refusal($"{_count} sessions were piped in, and only one can be the default. {byName}", "SeveralSessions", null);
        var session = SessionOf(PSObject.AsPSObject(_given));
        SessionTable.Current.Select(session);
        if (PassThru) WriteObject(session);
    }

    private LlmSession SessionOf(PSObject given)
    {
        var open = SessionTable.Current;
        var name = $"{given.Properties["Name"]?.Value ?? given}";
        if (given.BaseObject is not LlmSession session)
            return open.Find(name) ?? throw Refusal(SessionAttribute.Unknown(name), "SessionNotFound", name);
        if (session.IsClosed)
            throw Refusal($"Session '{name}' is closed. Open it again with Connect-LlmProvider.", "SessionClosed", session);
        if (open.All.Contains(session)) return session;
        var message = $"Session '{name}' was opened in another runspace and cannot be the default here. Give it to each command: "
            + "-Session $session.";
        throw Refusal(message, "SessionNotFound", session);
    }

    private Exception Refusal(string message, string id, object? target) =>
        this.Refusal(new ItemNotFoundException(message), id, ErrorCategory.ObjectNotFound, target);
}
