using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text;
using LlmPs.Binding;
using LlmPs.Bulk;
using LlmPs.Providers;

namespace LlmPs.Cmdlets;

/// <summary>Sends prompts and emits completions, or deltas with <c>-Stream</c>.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ChatCompletion", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low, DefaultParameterSetName = "Prompt")]
[OutputType(typeof(ChatCompletion), typeof(ChatCompletionDelta), typeof(PSObject))]
public sealed class InvokeChatCompletionCommand : ChatOptionsCommand, IDisposable
{
    private const int LongestBodyShown = 500;

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);

    private readonly HashSet<string> _given = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _warned = [];
    private BulkRun? _run;
    private AnswerWriter? _writer;
    private long _rows;
    private bool _describes;

    /// <summary>The prompt: a text, a column of that name, or a script block over the row.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Prompt")]
    [PromptText]
    public string? Prompt { get; set; }

    /// <summary>The row itself. Bound by the pipeline.</summary>
    [Parameter(ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    /// <summary>Messages in place of a prompt.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Message")]
    [ValidateNotNullOrEmpty]
    public ChatMessage[] Message { get; set; } = [];

    /// <summary>The completion whose conversation goes on.</summary>
    [Parameter]
    public ChatCompletion? History { get; set; }

    /// <summary>Images to add to the prompt: files, addresses, data URIs.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Prompt")]
    [BlankIsUnset]
    public string[]? Image { get; set; }

    /// <summary>The form of the answer.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public ChatResponseFormat? ResponseFormat { get; set; }

    /// <summary>Emit deltas as they arrive.</summary>
    [Parameter]
    public SwitchParameter Stream { get; set; }

    /// <summary>Requests in flight at once: 5, and 1 with <c>-Stream</c>.</summary>
    [Parameter]
    [ValidateRange(1, 1024)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Emit results as they come, not in the order of the input.</summary>
    [Parameter]
    public SwitchParameter Unordered { get; set; }

    /// <summary>Emit the input row with the answer's columns added.</summary>
    [Parameter]
    public SwitchParameter MergeInput { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        _given.UnionWith(MyInvocation.BoundParameters.Keys);
        if (MergeInput && Stream) Refuse("MergeInput and -Stream exclude each other: a row has room for a whole answer only.", nameof(MergeInput));
        _describes = IsSet("WhatIf", "WhatIfPreference") || IsSet("Confirm", null);
        _run = new BulkRun(ThrottleLimit ?? (Stream ? 1 : 5), !Unordered, Stream, IsSet("Debug", "DebugPreference"));
        _writer = new AnswerWriter(this, MergeInput);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(() =>
    {
        Add(_rows++);
        while (_run!.TryTake(_run.IsFull ? s_tick : TimeSpan.Zero, out var output) is var taken)
        {
            if (taken == Taken.Item) _writer!.Write(output, _run);
            else if (!_run.IsFull || Stopping) break;
        }

        if (_run.Ending is not null) Finish();
    });

    /// <inheritdoc/>
    protected override void EndProcessing() => Guard(Finish);

    /// <inheritdoc/>
    protected override void StopProcessing() => _run?.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _run?.Dispose();

    /// <summary>Whatever ends the pipeline in the middle, such as Select-Object -First, ends the requests as well.</summary>
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch
        {
            _run?.Dispose();
            throw;
        }
    }

    private void Finish()
    {
        while (_run!.TryTake(s_tick, out var output) is var taken && taken != Taken.Drained && !Stopping)
            if (taken == Taken.Item) _writer!.Write(output, _run);
        if (_run.Ending is not { } ending || Stopping) return;
        if (_run.Unsent > 0) WriteWarning($"{_run.Unsent} of the rows read were not sent.");
        ThrowTerminatingError(RowError.From(ending.Error, ending.Row.InputObject));
    }

    private void Add(long index)
    {
        var history = (InputObject?.BaseObject as ChatCompletion) ?? History;
        var session = SessionOrDefault(history?.Context?.Session is { IsClosed: false } earlier ? earlier : null);
        var request = new ChatRequest();
        LlmApiException? refusal = null;
        try
        {
            request = NewRequest(Messages(history));
            request.ResponseFormat = ResponseFormat;
            if (history is not null) Continue(request, history);
            request = session.Resolve(request, out var warnings);
            foreach (var warning in warnings)
                if (_warned.Add(warning)) WriteWarning(warning);
        }
        catch (Exception e) when (e is LlmApiException or PSArgumentException or ArgumentException or ItemNotFoundException)
        {
            refusal = e as LlmApiException ?? new LlmApiException(LlmErrorKind.InvalidRequest, e.Message, e);
        }

        var row = new AnswerContext(session, session.Provider, request) { InputIndex = index, InputObject = InputObject ?? (object?)Prompt };
        if (refusal is not null) _run!.Fail(row, refusal);
        else if (IsWanted(session, request)) _run!.Add(row);
    }

    /// <summary>The conversation goes on with the same model and chip. What the completion's own properties bound by name is not an option given.</summary>
    private void Continue(ChatRequest request, ChatCompletion history)
    {
        if (!_given.Contains(nameof(Model))) request.Model = history.Context?.Request.Model ?? history.Model;
        if (!_given.Contains(nameof(Chip))) request.Chip = history.Chip;
    }

    private List<ChatMessage> Messages(ChatCompletion? history)
    {
        var messages = new List<ChatMessage>(history?.Messages ?? []);
        if (System is not null)
        {
            if (messages.Count > 0 && messages[0].Role == ChatRole.System) messages.RemoveAt(0);
            messages.Insert(0, new ChatMessage(ChatRole.System, System));
        }

        if (ParameterSetName == "Message") messages.AddRange(Message);
        else if (InputObject?.BaseObject is ChatMessage piped && !_given.Contains(nameof(Prompt))) messages.Add(piped);
        else messages.Add(UserMessage());
        return messages;
    }

    private ChatMessage UserMessage()
    {
        if (string.IsNullOrWhiteSpace(Prompt)) throw new LlmApiException(LlmErrorKind.InvalidRequest, NoPrompt());
        if (Image is not { Length: > 0 }) return new ChatMessage(ChatRole.User, Prompt);
        var parts = new List<ChatContentPart> { ChatContentPart.FromText(Prompt!) };
        parts.AddRange(Image.Select(image => ImageSource.Read(image, SessionState.Path)));
        return new ChatMessage { Role = ChatRole.User, Parts = parts };
    }

    private string NoPrompt()
    {
        if (InputObject?.BaseObject is null or string) return "Prompt is blank: give a text, or a script block over the row.";
        if (InputObject.BaseObject is ChatCompletion) return "Prompt is not set: give what to say next, such as $answer | Invoke-ChatCompletion 'And now?'.";
        var columns = InputRow.ColumnsOf(InputObject);
        return Prompt is null && !_given.Contains(nameof(Prompt))
            ? $"Row {_rows} has no Prompt column, and -Prompt is not given. Its columns: {columns}. Give -Prompt with a script block, such as -Prompt {{ $_.{columns.Split(',')[0]} }}."
            : $"Prompt is blank in row {_rows}. Its columns: {columns}.";
    }

    /// <summary>With -WhatIf what would be sent, and to where; with -Confirm the question.</summary>
    private bool IsWanted(LlmSession session, ChatRequest request)
    {
        if (!_describes) return ShouldProcess(session.Name);
        var body = ErrorEnvelope.Shorten(session.Redactor.Clean(Encoding.UTF8.GetString(RequestWriter.Write(session.ChatProvider, request, Stream))), LongestBodyShown);
        var sending = $"Row {_rows}: POST {session.CompletionUri(request)} {body}";
        return ShouldProcess(sending, sending + " Send it?", "Invoke-ChatCompletion");
    }

    private bool IsSet(string parameter, string? preference)
    {
        if (MyInvocation.BoundParameters.TryGetValue(parameter, out var bound)) return LanguagePrimitives.IsTrue(bound);
        return preference is not null && SessionState.PSVariable.GetValue(preference) is var value
            && (value is ActionPreference action ? action != ActionPreference.SilentlyContinue && action != ActionPreference.Ignore : LanguagePrimitives.IsTrue(value));
    }

    private void Refuse(string message, string parameter) =>
        ThrowTerminatingError(new ErrorRecord(new PSArgumentException(message, parameter), "InvalidParameter", ErrorCategory.InvalidArgument, null));
}
