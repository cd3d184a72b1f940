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

/// <summary>Makes a request of each row that the pipeline binds, and warns of what the user may not have meant.</summary>
internal sealed class RowReader
{
    private const char Lost = '\uFFFD';

    private readonly PromptRowsCommand _cmdlet;
    private readonly HashSet<string> _given;
    private readonly RowOptions _options;
    private readonly FinishPolicy _policy;
    private readonly SessionPool? _pool;
    private readonly bool _needsPrice;
    private readonly HashSet<string> _warned = [];
    private long _read;

    /// <param name="cmdlet">The cmdlet. The parameters of the command line are bound, and no others.</param>
    /// <param name="pool">The sessions or chips that rows go to; null for one session.</param>
    /// <param name="policy">Which answers count; null for all.</param>
    /// <param name="needsPrice">Whether a model without a price is an error.</param>
    internal RowReader(PromptRowsCommand cmdlet, SessionPool? pool = null, FinishPolicy? policy = null, bool needsPrice = false)
    {
        _cmdlet = cmdlet;
        _pool = pool;
        _given = new HashSet<string>(cmdlet.MyInvocation.BoundParameters.Keys, StringComparer.OrdinalIgnoreCase);
        _policy = policy ?? FinishPolicy.None;
        _needsPrice = needsPrice;
        _options = new RowOptions(_given, cmdlet.RowBlocks, cmdlet.RowOption);
    }

    private bool HasPromptGiven => _given.Contains(nameof(_cmdlet.Prompt));

    private bool HasPromptColumn =>
        !HasPromptGiven && _cmdlet.ParameterSetName != PromptRowsCommand.MessageSet && PromptText.IsIn(_cmdlet.InputObject);

    /// <summary>Reads the row that is bound.</summary>
    /// <param name="index">Its place in the input.</param>
    /// <param name="refusal">Why it cannot be sent; null where it can.</param>
    internal ChatTicket Read(long index, out LlmApiException? refusal)
    {
        _read++;
        refusal = null;
        var history = (_cmdlet.InputObject?.BaseObject as ChatCompletion) ?? _cmdlet.History;
        var sessions = _cmdlet.Session is { Length: > 1 } several ? several : [_cmdlet.SessionFor(history)];
        RowRequest? row = null;
        string? prompt = null;
        List<ChatTicket> tickets = [];
        try
        {
            prompt = Prompt();
            var read = new RowRequest(_cmdlet.NewRequest()) { System = _cmdlet.System, Images = _cmdlet.Image };
            _options.Apply(read, _cmdlet.InputObject, HasPromptColumn);
            row = read;
            row.Request.Messages = Messages(history, row, prompt);
            tickets = Tickets(sessions, row.Request, history, index, prompt);
        }
        // Such as a missing drive, or a column that throws: only this row fails.
        catch (Exception e) when (e is LlmApiException or ArgumentException or RuntimeException and not PipelineStoppedException)
        {
            refusal = Blame(e);
        }

        WarnOfModel(sessions[0], row?.Request.Model);
        ReportColumns();
        WarnOfMark();
        WarnOfDamage(prompt, row?.System, index);
        if (tickets.Count == 0) return NewTicket(sessions[0], row?.Request ?? new ChatRequest(), index, prompt);
        tickets[0].Others = tickets.Skip(1).ToList();
        return tickets[0];
    }

    private ChatTicket NewTicket(LlmSession session, ChatRequest request, long index, string? prompt)
    {
        var row = _cmdlet.InputObject ?? (object?)prompt;
        return new ChatTicket(session, new AnswerContext(session.Identity, request) { InputIndex = index, InputObject = row }, _policy);
    }

    /// <summary>Returns the row for each session and chip that can take it.</summary>
    /// <exception cref="LlmApiException">None can.</exception>
    private List<ChatTicket> Tickets(LlmSession[] sessions, ChatRequest request, ChatCompletion? history, long index, string? prompt)
    {
        var tickets = new List<ChatTicket>();
        var refusals = new List<(PoolMember? Member, LlmApiException Error)>();
        foreach (var (session, chip) in Targets(sessions, request.Chip))
        {
            var own = _pool is null ? request : request.Copy();
            own.Chip = chip;
            var member = _pool?.Member(session, session.ChatProvider.ChipId(chip));
            try
            {
                // A conversation with the same provider keeps its model and chip, unless the command line or the row names others.
                if (history?.Provider == session.Provider)
                {
                    own.Model ??= history.Context?.Request.Model ?? history.Model;
                    own.Chip ??= history.Chip;
                }

                var ticket = NewTicket(session, Validated(session, own), index, prompt);
                ticket.Member = member;
                tickets.Add(ticket);
            }
            catch (LlmApiException e)
            {
                refusals.Add((member, e));
            }
        }

        if (tickets.Count == 0) throw refusals[0].Error;
        foreach (var (member, error) in refusals)
            if (_warned.Add("member " + member!.Name))
                VerboseLine.Warn(_cmdlet, $"Row {index} and similar rows cannot be sent to {member.Name}: {error.Message}");
        return tickets;
    }

    /// <summary>Returns the sessions, each with each chip. Where some sessions have chips, the others take the row without one.</summary>
    private IEnumerable<(LlmSession Session, string? Chip)> Targets(LlmSession[] sessions, string? chip)
    {
        var chips = chip is null ? _cmdlet.Chip ?? [] : [chip];
        var hasChoice = sessions.Any(session => session.ChatProvider.Chips.Count > 0);
        foreach (var session in sessions)
        {
            if (chips.Length == 0 || (hasChoice && session.ChatProvider.Chips.Count == 0)) yield return (session, null);
            else
                foreach (var one in chips) yield return (session, one);
        }
    }

    private ChatRequest Validated(LlmSession session, ChatRequest request)
    {
        var resolved = session.Resolve(request, out var warnings);
        foreach (var warning in warnings)
            if (_warned.Add(warning)) VerboseLine.Warn(_cmdlet, warning);
        _policy.Check(session.ChatProvider, resolved);
        if (_needsPrice) RequirePrice(session, resolved);
        return resolved;
    }

    /// <summary>Refuses a row without a price, and the whole run where all rows ask the same model.</summary>
    private void RequirePrice(LlmSession session, ChatRequest request)
    {
        try
        {
            session.RequirePrice(request, "-MaxCost");
        }
        catch (LlmApiException e)
            when (_read == 1 && !_options.Columns.ContainsKey(nameof(_cmdlet.Model))
                && _cmdlet.RowBlocks?.ContainsKey(nameof(_cmdlet.Model)) != true)
        {
            _cmdlet.Refuse(e.Message, nameof(InvokeChatCompletionCommand.MaxCost));
        }
    }

    private string? Prompt()
    {
        if (_cmdlet.RowBlocks?.TryGetValue(nameof(_cmdlet.Prompt), out var block) == true)
            return PromptText.Of(block!.Evaluate(_cmdlet.InputObject));
        return HasPromptGiven ? PromptForAll() : PromptText.OfRow(_cmdlet.Prompt);
    }

    /// <summary>Returns the constant prompt, with a piped text below it. A piped object of which nothing is sent is an error.</summary>
    private string? PromptForAll()
    {
        var prompt = PromptText.Of(_cmdlet.Prompt);
        if (!_cmdlet.MyInvocation.ExpectingInput || string.IsNullOrWhiteSpace(prompt)) return prompt;
        var row = _cmdlet.InputObject;
        if (PromptText.TryText(row, out var text))
        {
            if (!string.IsNullOrWhiteSpace(text)) return prompt + "\n\n" + text;
            throw new LlmApiException(LlmErrorKind.InvalidRequest,
                "The piped text is blank, so there is nothing to add to -Prompt. Pipe a text, or leave out the pipeline.");
        }

        // A number only counts, a conversation is continued, and a row may be there for its options.
        if (row!.BaseObject is ValueType or ChatCompletion or ChatMessage) return prompt;
        if (_cmdlet.RowBlocks is not null || _cmdlet.RowOption is not null) return prompt;
        throw new LlmApiException(LlmErrorKind.InvalidRequest, LiveObjectAttribute.Advice(row) ?? InputRow.NotInPrompt(row, prompt!));
    }

    private List<ChatMessage> Messages(ChatCompletion? history, RowRequest row, string? prompt)
    {
        var messages = new List<ChatMessage>(history?.Messages ?? []);
        if (row.System is not null)
        {
            if (messages.Count > 0 && messages[0].Role == ChatRole.System) messages.RemoveAt(0);
            messages.Insert(0, new ChatMessage(ChatRole.System, row.System));
        }

        if (_cmdlet.ParameterSetName == PromptRowsCommand.MessageSet) messages.AddRange(_cmdlet.Message);
        else if (_cmdlet.InputObject?.BaseObject is ChatMessage piped && !HasPromptGiven) messages.Add(piped);
        else messages.Add(UserMessage(prompt, row.Images));
        return messages;
    }

    private ChatMessage UserMessage(string? prompt, IReadOnlyList<string>? images)
    {
        if (string.IsNullOrWhiteSpace(prompt)) throw new LlmApiException(LlmErrorKind.InvalidRequest, NoPrompt());
        if (images is not { Count: > 0 }) return new ChatMessage(ChatRole.User, prompt);
        return new ChatMessage { Role = ChatRole.User, Parts = [ChatContentPart.FromText(prompt!), .. images.Select(ReadImage)] };
    }

    private ChatContentPart ReadImage(string image)
    {
        try
        {
            return ImageSource.Read(image, _cmdlet.SessionState.Path);
        }
        catch (Exception e)
            when (_options.Columns.ContainsKey(nameof(_cmdlet.Image))
                && e is ArgumentException or RuntimeException and not PipelineStoppedException)
        {
            throw new LlmApiException(LlmErrorKind.InvalidRequest, e.Message, e) { RefusedOptions = [nameof(_cmdlet.Image)] };
        }
    }

    /// <summary>Returns the error of a row that is not sent. An error about a value from a column names the column.</summary>
    private LlmApiException Blame(Exception e)
    {
        var error = e as LlmApiException ?? new LlmApiException(LlmErrorKind.InvalidRequest, e.Message, e);
        var columns = error.RefusedOptions.Where(_options.Columns.ContainsKey)
            .Select(option => PrintableText.Line(_options.Columns[option])).Distinct().ToList();
        if (columns.Count == 0) return error;
        var source = columns.Count == 1
            ? $"The value comes from the row's column {columns[0]}"
            : $"The values come from the row's columns {string.Join(", ", columns)}";
        return new LlmApiException(error.Kind, $"{error.Message} {source}: correct the cell or leave it blank.", error);
    }

    private string NoPrompt()
    {
        var row = _cmdlet.InputObject;
        if (row?.BaseObject is null or string) return "Prompt is blank: give a text, or a script block over the row.";
        if (row.BaseObject is ChatCompletion)
            return "Prompt is not set: give the next prompt, for example: $answer | Invoke-ChatCompletion 'And now?'";
        if (LiveObjectAttribute.Advice(row) is { } advice) return advice;
        return InputRow.NoPrompt(row, isMissing: !HasPromptGiven && !PromptText.IsIn(row));
    }

    // A column Model may mean something else: a computer, or the model of an earlier run.
    private void WarnOfModel(LlmSession session, string? model)
    {
        if (model is null || session.Model is null || model == session.Model || _cmdlet.RowOption is not null) return;
        if (!_options.Columns.ContainsKey(nameof(_cmdlet.Model)) || !_warned.Add(nameof(_cmdlet.Model))) return;
        VerboseLine.Warn(_cmdlet,
            $"The column Model of the rows replaces the session's model: '{PrintableText.Line(model)}' is used, not '{session.Model}'. "
                + "If you want this, give -RowOption Model. To use one model, give -Model.");
    }

    private void ReportColumns()
    {
        var found = _options.Columns.Values.Where(column => _warned.Add("column " + column))
            .Select(column => PrintableText.Line(column)).ToList();
        if (found.Count > 0)
            VerboseLine.Write(_cmdlet,
                $"Options are read from the {(found.Count == 1 ? "column" : "columns")} {string.Join(", ", found)} of the rows.");
    }

    // Options and prompts are found in a column with a mark before its name; a script block does not find it.
    private void WarnOfMark()
    {
        if (_read > 1 || _cmdlet.RowBlocks is null || _cmdlet.InputObject is not { BaseObject: PSCustomObject } row) return;
        if (RowColumns.Of(row).FirstOrDefault(column => RowColumns.HasMark(column.Name)) is not { } marked) return;
        var name = PrintableText.Line(RowColumns.NameOf(marked.Name));
        VerboseLine.Warn(_cmdlet,
            $"A byte order mark stands before the name of the column '{name}', so $_.{name} finds nothing in a script block. "
                + "Read the file with its encoding, for example: Import-Csv -Encoding UTF8");
    }

    private void WarnOfDamage(string? prompt, string? system, long index)
    {
        if (_warned.Contains(nameof(WarnOfDamage))) return;
        var given = _cmdlet.Message.SelectMany(message => (message.Parts ?? []).Select(part => part.Text).Prepend(message.Content));
        if (!new[] { prompt, system }.Concat(given).Any(text => text?.IndexOf(Lost) >= 0)) return;
        _warned.Add(nameof(WarnOfDamage));
        VerboseLine.Warn(_cmdlet, $"Row {index}: the prompt contains U+FFFD, which stands for a character that could not be read: "
            + "the file was read in the wrong encoding. Give Import-Csv or Get-Content the -Encoding of the file, for example: "
            + "-Encoding ansi (PowerShell 7.4), -Encoding Default (Windows PowerShell), -Encoding 936 (a code page).");
    }
}
