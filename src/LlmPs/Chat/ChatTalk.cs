using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Transport;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Chat;

/// <summary>A conversation in the terminal.</summary>
/// <param name="newRequest">Returns a request with the options of the command line and the messages.</param>
/// <param name="typedAhead">Takes the keys that are pressed during an answer.</param>
internal sealed class ChatTalk(PSCmdlet cmdlet, AnswerPrinter printer, LlmSession session,
    Func<IReadOnlyList<ChatMessage>, ChatRequest> newRequest, Queue<ConsoleKeyInfo> typedAhead)
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(30);

    private readonly List<ChatMessage> _messages = [];
    private ChatMessage? _prompt;
    private int _turn;

    internal LlmSession Session { get; } = session;

    internal string? Model { get; set; }

    internal string? Chip { get; set => field = Session.ChatProvider.ChipId(value); }

    internal ThinkingMode? Thinking { get; set; }

    internal IReadOnlyList<ChatMessage> Messages => _messages;

    internal TokenUsage? Usage { get; private set; }

    internal int Answers { get; private set; }

    /// <summary>The finish reason of the last answer; null where it was cut off, or before the first answer.</summary>
    internal string? FinishReason { get; private set; }

    internal string? System
    {
        get => HasSystem ? _messages[0].Content : null;
        set
        {
            if (HasSystem)
            {
                _messages.RemoveAt(0);
                _turn--;
            }

            if (value is null) return;
            _messages.Insert(0, new ChatMessage(ChatRole.System, value));
            _turn++;
        }
    }

    private bool HasSystem => _messages.Count > 0 && _messages[0].Role == ChatRole.System;

    internal void Ask(string prompt)
    {
        _turn = _messages.Count;
        _prompt = new ChatMessage(ChatRole.User, prompt);
        Send();
    }

    /// <summary>Sends the last prompt again and replaces its answer. Returns false where there is no prompt yet.</summary>
    internal bool Retry()
    {
        if (_prompt is null) return false;
        _messages.RemoveRange(_turn, _messages.Count - _turn);
        Send();
        return true;
    }

    internal void Clear() => Replace(_messages.Take(HasSystem ? 1 : 0).ToList());

    internal void Replace(IReadOnlyList<ChatMessage> messages, string? finishReason = null)
    {
        FinishReason = finishReason;
        _messages.Clear();
        _messages.AddRange(messages);
        // Its last prompt can be sent again.
        _turn = _messages.FindLastIndex(message => message.Role == ChatRole.User);
        _prompt = _turn < 0 ? null : _messages[_turn];
        _turn = Math.Max(_turn, 0);
    }

    private void Send()
    {
        try
        {
            var request = newRequest([.. _messages, _prompt!]);
            request.Model = Model ?? request.Model;
            request.Chip = Chip ?? request.Chip;
            request.Thinking = Thinking;
            request = Session.Resolve(request, out var warnings);
            foreach (var warning in warnings) VerboseLine.Warn(cmdlet, warning);
            Receive(new ChatTicket(Session, new AnswerContext(Session.Identity, request)));
        }
        catch (LlmApiException e)
        {
            ShowError(e);
        }
    }

    private void Receive(ChatTicket row)
    {
        var answer = new ChatCompletionBuilder();
        LlmApiException? error = null;
        using (var run = new BulkRun(new BulkRunOptions { Stream = true }))
        using (var interrupt = new InterruptKey(typedAhead))
        {
            run.Add(row);
            var isEnded = false;
            while (run.TryTake(s_tick, out var output) is var taken && taken != Taken.Drained)
            {
                if (taken == Taken.Item && !isEnded)
                {
                    if (output.Value is ChatCompletionDelta delta)
                    {
                        answer.Append(delta);
                        printer.Print(delta);
                    }

                    error = output.Value as LlmApiException ?? error;
                    if (output.Value is LogLine { Level: RequestLogLevel.Warning } line) VerboseLine.Write(cmdlet, line);
                }

                // A host or a closing runspace stops the cmdlet; Ctrl+C is a key here.
                if (cmdlet.Stopping) throw new PipelineStoppedException();
                if (!interrupt.IsPressed()) continue;
                isEnded = true;
                run.Cancel();
            }
        }

        Keep(answer, error);
    }

    /// <summary>Adds the prompt and its answer to the conversation, if any part of the answer has arrived.</summary>
    private void Keep(ChatCompletionBuilder answer, LlmApiException? error)
    {
        var completion = answer.ToCompletion();
        Usage = TokenUsage.Sum(Usage, completion.Usage);
        if (completion.Message is { } message && !string.IsNullOrEmpty(message.Content))
        {
            _messages.Add(_prompt!);
            _messages.Add(message);
            FinishReason = completion.FinishReason;
        }

        if (answer.IsComplete)
        {
            Answers++;
            printer.End(completion);
            return;
        }

        printer.EndLine();
        if (error is null) printer.Line("[ended; /retry asks again]");
        else ShowError(error);
    }

    private void ShowError(LlmApiException error)
    {
        cmdlet.WriteError(RowError.From(error, _prompt));
        printer.Line("[/retry asks again]");
    }
}
