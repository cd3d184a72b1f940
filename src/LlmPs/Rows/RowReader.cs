using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Cmdlets;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Makes of each row that the pipeline has bound the request to send, and warns of what its sender may not have meant.</summary>
internal sealed class RowReader
{
    private const char Lost = '\uFFFD';

    private readonly InvokeChatCompletionCommand _cmdlet;
    private readonly HashSet<string> _given;
    private readonly RowOptions _columns;
    private readonly HashSet<string> _warned = [];
    private long _read;

    /// <param name="cmdlet">Whose parameters the rows are bound to; those of the command line are bound by now, and no others.</param>
    internal RowReader(InvokeChatCompletionCommand cmdlet)
    {
        _cmdlet = cmdlet;
        _given = new HashSet<string>(cmdlet.MyInvocation.BoundParameters.Keys, StringComparer.OrdinalIgnoreCase);
        _columns = new RowOptions(_given, cmdlet.RowBlocks);
    }

    /// <summary>The row that is bound.</summary>
    /// <param name="index">Its place in the input.</param>
    /// <param name="refusal">Why it can't be sent; null where it can.</param>
    internal ChatTicket Read(long index, out LlmApiException? refusal)
    {
        _read++;
        refusal = null;
        var history = (_cmdlet.InputObject?.BaseObject as ChatCompletion) ?? _cmdlet.History;
        var session = _cmdlet.SessionFor(history);
        ChatRequest? request = null;
        string? prompt = null;
        string? system = null;
        string? model = null;
        IReadOnlyList<string> warnings = [];
        try
        {
            prompt = Prompt();
            var row = new RowRequest(_cmdlet.NewRequest()) { System = _cmdlet.System, Images = _cmdlet.Image };
            _columns.Apply(row, _cmdlet.InputObject);
            system = row.System;
            model = row.Request.Model;
            request = row.Request;
            request.Messages = Messages(history, row, prompt, index);
            if (history?.Provider == session.Provider) Continue(request, history);
            request = session.Resolve(request, out warnings);
        }
        // A drive that is not there, a column that throws: that row fails, and the others go on.
        catch (Exception e) when (e is LlmApiException or ArgumentException or RuntimeException and not PipelineStoppedException)
        {
            refusal = e as LlmApiException ?? new LlmApiException(LlmErrorKind.InvalidRequest, e.Message, e);
        }

        WarnOfModel(session, model);
        WarnOfPrompt();
        WarnOfMark();
        WarnOfDamage(prompt, system, index);
        foreach (var warning in warnings)
            if (_warned.Add(warning)) VerboseLine.Warn(_cmdlet, warning);
        return new ChatTicket(
            session, new AnswerContext(session.Identity, request ?? new ChatRequest()) { InputIndex = index, InputObject = _cmdlet.InputObject ?? (object?)prompt });
    }

    /// <summary>With the same provider the conversation goes on with the same model and chip, unless the command line or the row names others.</summary>
    private static void Continue(ChatRequest request, ChatCompletion history)
    {
        request.Model ??= history.Context?.Request.Model ?? history.Model;
        request.Chip ??= history.Chip;
    }

    /// <summary>The text of the row's prompt, of the one given, or of what the script block that it was given as makes of the row.</summary>
    private string? Prompt()
    {
        if (_cmdlet.RowBlocks?.TryGetValue(nameof(_cmdlet.Prompt), out var block) == true)
            return PromptTextAttribute.TextOf(block!.Evaluate(_cmdlet.InputObject));
        return _given.Contains(nameof(_cmdlet.Prompt)) ? PromptTextAttribute.TextOf(_cmdlet.Prompt) : PromptTextAttribute.TextOfRow(_cmdlet.Prompt);
    }

    private List<ChatMessage> Messages(ChatCompletion? history, RowRequest row, string? prompt, long index)
    {
        var messages = new List<ChatMessage>(history?.Messages ?? []);
        if (row.System is not null)
        {
            if (messages.Count > 0 && messages[0].Role == ChatRole.System) messages.RemoveAt(0);
            messages.Insert(0, new ChatMessage(ChatRole.System, row.System));
        }

        if (_cmdlet.ParameterSetName == InvokeChatCompletionCommand.MessageSet) messages.AddRange(_cmdlet.Message);
        else if (_cmdlet.InputObject?.BaseObject is ChatMessage piped && !_given.Contains(nameof(_cmdlet.Prompt))) messages.Add(piped);
        else messages.Add(UserMessage(prompt, row.Images, index));
        return messages;
    }

    private ChatMessage UserMessage(string? prompt, IReadOnlyList<string>? images, long index)
    {
        if (string.IsNullOrWhiteSpace(prompt)) throw new LlmApiException(LlmErrorKind.InvalidRequest, NoPrompt());
        if (images is not { Count: > 0 }) return new ChatMessage(ChatRole.User, prompt);
        var parts = new List<ChatContentPart> { ChatContentPart.FromText(prompt!) };
        parts.AddRange(images.Select(image => ImageSource.Read(image, _cmdlet.SessionState.Path)));
        return new ChatMessage { Role = ChatRole.User, Parts = parts };
    }

    private string NoPrompt()
    {
        var row = _cmdlet.InputObject;
        if (row?.BaseObject is null or string) return "Prompt is blank: give a text, or a script block over the row.";
        if (row.BaseObject is ChatCompletion) return "Prompt is not set: give what to say next, such as $answer | Invoke-ChatCompletion 'And now?'.";
        if (LiveObjectAttribute.Advice(row) is { } advice) return advice;
        return InputRow.NoPrompt(row, isMissing: !_given.Contains(nameof(_cmdlet.Prompt)) && !PromptTextAttribute.IsIn(row));
    }

    /// <summary>A column Model may be about something else: a computer in an inventory, or who answered the row in a stage before.</summary>
    private void WarnOfModel(LlmSession session, string? model)
    {
        if (model is null || session.Model is null || model == session.Model || _given.Contains(nameof(_cmdlet.Model)) || !_warned.Add(nameof(_cmdlet.Model))) return;
        VerboseLine.Warn(_cmdlet, $"The column Model of the rows takes the place of the session's model: '{PrintableText.Line(model)}' is asked, not '{session.Model}'. Give -Model for one model, or -Model {{ $_.Model }} where the column is meant.");
    }

    /// <summary>Options and prompts are found in a column with a mark before its name; a script block does not find it.</summary>
    private void WarnOfMark()
    {
        if (_read > 1 || _cmdlet.RowBlocks is null || _cmdlet.InputObject is not { BaseObject: PSCustomObject } row) return;
        if (RowColumns.Of(row).FirstOrDefault(column => RowColumns.HasMark(column.Name)) is not { } marked) return;
        var name = PrintableText.Line(RowColumns.NameOf(marked.Name));
        VerboseLine.Warn(_cmdlet, $"A byte order mark stands before the name of the column '{name}', so $_.{name} finds nothing in a script block. "
            + "Read the file with its encoding, for example: Import-Csv -Encoding UTF8");
    }

    /// <summary>What was lost when the file was read does not come back, and costs as much as a whole prompt.</summary>
    private void WarnOfDamage(string? prompt, string? system, long index)
    {
        if (_warned.Contains(nameof(WarnOfDamage))) return;
        var given = _cmdlet.Message.SelectMany(message => (message.Parts ?? []).Select(part => part.Text).Prepend(message.Content));
        var texts = new[] { prompt, system }.Concat(given);
        if (!texts.Any(text => text?.IndexOf(Lost) >= 0)) return;
        _warned.Add(nameof(WarnOfDamage));
        VerboseLine.Warn(_cmdlet, $"Row {index}: the prompt contains U+FFFD, which stands for a character that could not be read: "
            + "the file was read in the wrong encoding. Give Import-Csv or Get-Content the -Encoding of the file, for example: "
            + "-Encoding ansi (PowerShell 7.4), -Encoding Default (Windows PowerShell), -Encoding 936 (a code page).");
    }

    /// <summary>A prompt in quotes is made once, before there is a row, and a piped text is no part of it.</summary>
    private void WarnOfPrompt()
    {
        if (_cmdlet.RowBlocks is not null || !_given.Contains(nameof(_cmdlet.Prompt)) || _columns.HasAny) return;
        // One object alone may well be spoken of in the prompt. Numbers say how often.
        var row = _cmdlet.InputObject?.BaseObject;
        var isUnused = row is string || (_read > 1 && row is not (null or ValueType or ChatCompletion or ChatMessage));
        if (isUnused && _warned.Add(nameof(_cmdlet.Prompt)))
            VerboseLine.Warn(_cmdlet, "The rows are not in the prompt: -Prompt is the same text for all of them. Give a script block, such as -Prompt { \"Summarize: $_\" } for texts or -Prompt { \"Classify: $($_.Subject)\" } for objects.");
    }
}
