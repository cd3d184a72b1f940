using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>
/// The options that a request for a completion can carry. A blank text is unset. Each row may have them for itself, in a column of that
/// name or by a script block over the row. PowerShell's binder would look for each of them up to four times a row, and make an object each
/// time it looks, which takes longer than all the rest of a row. So <see cref="RowOptions"/> reads the columns, once a row, and has the
/// script blocks run; the binder takes the options for plain ones, which are the properties of <see cref="Template"/>.
/// </summary>
public abstract class ChatOptionsCommand : PSCmdlet
{
    private LlmSession? _default;
    private bool _isBegun;

    /// <summary>What the command line asks for. The parameters are its properties; each row starts with a copy.</summary>
    private protected ChatRequest Template { get; } = new();

    /// <summary>The options given as script blocks, which are run over each row.</summary>
    internal Dictionary<string, RowBlock>? RowBlocks { get; private set; }

    /// <summary>The system prompt.</summary>
    [Parameter]
    [RowOption]
    public string? System { get; set => field = Bound(value); }

    /// <summary>The model; the session's default where not given.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [RowOption]
    public string? Model { get => Template.Model; set => Template.Model = Bound(value); }

    /// <summary>GenStudio: the chip, or several in order of preference.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    [RowOption]
    public string[]? Chip
    {
        get;
        set
        {
            field = Bound(value)?.Where(chip => !string.IsNullOrWhiteSpace(chip)).ToArray();
            Template.Chip = field?.Length == 1 ? field[0] : null;
        }
    }

    /// <summary>The session, by name or object, or several in order of preference; the newest default session where not given.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession[]? Session { get; set; }

    /// <summary>Randomness.</summary>
    [Parameter]
    [RowOption]
    public double? Temperature { get => Template.Temperature; set => Template.Temperature = Bound(value); }

    /// <summary>Nucleus sampling.</summary>
    [Parameter]
    [RowOption]
    public double? TopP { get => Template.TopP; set => Template.TopP = Bound(value); }

    /// <summary>Sample from the k likeliest tokens.</summary>
    [Parameter]
    [RowOption]
    public int? TopK { get => Template.TopK; set => Template.TopK = Bound(value); }

    /// <summary>Leave out tokens less likely than this share of the likeliest.</summary>
    [Parameter]
    [RowOption]
    public double? MinP { get => Template.MinP; set => Template.MinP = Bound(value); }

    /// <summary>The most tokens to generate, reasoning included.</summary>
    [Parameter]
    [RowOption]
    public int? MaxTokens { get => Template.MaxTokens; set => Template.MaxTokens = Bound(value); }

    /// <summary>Texts that end the answer.</summary>
    [Parameter]
    [RowOption(KeepsWhiteSpace = true)]
    public string[]? Stop { get =>
        (string[]?)Template.Stop; set => Template.Stop = Bound(value)?.Where(text => !string.IsNullOrEmpty(text)).ToArray(); }

    /// <summary>Less of what was said at all.</summary>
    [Parameter]
    [RowOption]
    public double? PresencePenalty { get => Template.PresencePenalty; set => Template.PresencePenalty = Bound(value); }

    /// <summary>Less of what was said often.</summary>
    [Parameter]
    [RowOption]
    public double? FrequencyPenalty { get => Template.FrequencyPenalty; set => Template.FrequencyPenalty = Bound(value); }

    /// <summary>How many choices to generate.</summary>
    [Parameter]
    [RowOption]
    public int? N { get => Template.N; set => Template.N = Bound(value); }

    /// <summary>For answers that repeat.</summary>
    [Parameter]
    [RowOption]
    public long? Seed { get => Template.Seed; set => Template.Seed = Bound(value); }

    /// <summary>Return the tokens' log probabilities.</summary>
    [Parameter]
    [RowOption]
    public SwitchParameter LogProbs { get => Template.LogProbs == true; set => Template.LogProbs = Bound(value).IsPresent ? true : null; }

    /// <summary>How many likely tokens to return at each place.</summary>
    [Parameter]
    [RowOption]
    public int? TopLogProbs { get => Template.TopLogProbs; set => Template.TopLogProbs = Bound(value); }

    /// <summary>Your own id of the end user.</summary>
    [Parameter]
    [RowOption]
    public string? User { get => Template.User; set => Template.User = Bound(value); }

    /// <summary>Whether the model should think before it answers.</summary>
    [Parameter]
    [RowOption]
    public ThinkingMode? Thinking { get => Template.Thinking; set => Template.Thinking = Bound(value); }

    /// <summary>The most tokens to think with.</summary>
    [Parameter]
    [RowOption]
    public int? ThinkingBudget { get => Template.ThinkingBudget; set => Template.ThinkingBudget = Bound(value); }

    /// <summary>How hard to think, in the provider's words.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ReasoningEffortCompleter))]
    [RowOption]
    public string? ReasoningEffort { get => Template.ReasoningEffort; set => Template.ReasoningEffort = Bound(value); }

    /// <summary>Fields of the body that are sent as they are.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? ExtraBody { get; set; }

    /// <summary>Send options and values that the provider does not document.</summary>
    [Parameter]
    public SwitchParameter SkipValidation { get => Template.SkipValidation; set => Template.SkipValidation = value; }

    /// <summary>
    /// Takes the default session: one that is opened or closed meanwhile, such as by a command downstream, is none of this run's.
    /// </summary>
    protected override void BeginProcessing()
    {
        _default = SessionTable.Current.Default;
        _isBegun = true;
    }

    /// <summary>
    /// What the setter of a row's option keeps: nothing where the option is a script block, which comes by another way
    /// (<see cref="RowOptionAttribute.TakeBlock"/>). Only a script block of the command line is kept: one out of the pipeline is a row, and
    /// its text may be anyone's.
    /// </summary>
    private protected T? Bound<T>(T value, [CallerMemberName] string option = "")
    {
        if (RowOptionAttribute.TakeBlock() is not { } block) return value;
        if (!_isBegun) (RowBlocks ??= [])[option] = new RowBlock(option, block);
        return default;
    }

    /// <summary>Refuses script blocks where there are no rows.</summary>
    private protected void RefuseBlocks(string wayOut)
    {
        if (RowBlocks?.Keys.FirstOrDefault() is { } option)
            Refuse($"{option} is a script block, and there is no row to run it over: {wayOut}.", option);
    }

    /// <summary>Ends the command for the sake of a parameter.</summary>
    internal void Refuse(string message, string parameter) =>
        ThrowTerminatingError(
            new ErrorRecord(new PSArgumentException(message, parameter), "InvalidParameter", ErrorCategory.InvalidArgument, null));

    /// <summary>A request as the command line gives it, without messages.</summary>
    /// <exception cref="ArgumentException">A value of <c>-ExtraBody</c> that is no JSON.</exception>
    internal ChatRequest NewRequest()
    {
        var request = Template.Copy();
        request.ExtraBody = ExtraFields();
        return request;
    }

    /// <summary>The session to use, which is that of the conversation where one goes on; ends the command where there is none.</summary>
    internal LlmSession SessionFor(ChatCompletion? history)
    {
        if (Session?.Length > 1) RefusePool();
        if (Session?.Length > 0) return Session[0];
        var identity = history?.Context?.Session;
        var earlier = identity is null ? null : LlmSession.Of(identity) is { IsClosed: false } open ? open
            : SessionTable.Current.Find(identity.Name);
        // What was said to one provider does not go to another that happens to be the default.
        if ((identity is null ? _default ??= SessionTable.Current.Default : earlier) is { } session) return session;
        var message = identity is null
            ? "No session is open. Open one with Connect-LlmProvider, such as: Connect-LlmProvider SiliconFlow"
            : $"The session '{identity.Name}' of this conversation is closed. Open it again with Connect-LlmProvider, or give another "
                + "session as -Session.";
        ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(message), "NoSession", ErrorCategory.ConnectionError, null));
        throw new PipelineStoppedException();
    }

    /// <summary>Ends a command that talks to one session on one chip where several are given.</summary>
    private protected void RefusePool()
    {
        const string WayOut = "Only Invoke-ChatCompletion uses several";
        if (Session?.Length > 1)
            Refuse($"-Session has {Session.Length} sessions ({string.Join(", ", Session.Select(session => session.Name))}): give "
                + $"one. {WayOut}.", nameof(Session));
        if (Chip?.Length > 1) Refuse($"-Chip has {Chip.Length} chips ({string.Join(", ", Chip)}): give one. {WayOut}.", nameof(Chip));
    }

    private Dictionary<string, string>? ExtraFields()
    {
        if (ExtraBody is null) return null;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry field in ExtraBody)
            fields[Convert.ToString(field.Key, CultureInfo.InvariantCulture)!] = JsonText.From(field.Value);
        return fields;
    }
}
