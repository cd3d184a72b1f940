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
/// The options of a request for a completion. A blank text is unset. Each row can set them for itself, in a column of that name or by a
/// script block. PowerShell's binder would search each row up to four times for each option, so <see cref="RowOptions"/> reads the row once
/// instead. For the binder the options are plain parameters: the properties of <see cref="Template"/>.
/// </summary>
public abstract class ChatOptionsCommand : PSCmdlet
{
    private LlmSession? _default;

    /// <summary>The request of the command line. Each row starts with a copy.</summary>
    private protected ChatRequest Template { get; } = new();

    /// <summary>The script blocks that were given as options, by name.</summary>
    internal Dictionary<string, RowBlock>? RowBlocks { get; private set; }

    /// <summary>The system prompt.</summary>
    [Parameter]
    [RowOption]
    public string? System { get; set => field = Bound(value); }

    /// <summary>The model. Default: the session's model.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [RowOption]
    public string? Model { get => Template.Model; set => Template.Model = Bound(value); }

    /// <summary>GenStudio: the chip, or several in order of preference. Default: the session's chip.</summary>
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

    /// <summary>The session by name or object, or several in order of preference. Default: the default session.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession[]? Session { get; set; }

    /// <summary>Sampling temperature, 0 to 2. Higher values give more varied answers.</summary>
    [Parameter]
    [RowOption]
    public double? Temperature { get => Template.Temperature; set => Template.Temperature = Bound(value); }

    /// <summary>Nucleus sampling: the share of probability to sample from, 0 to 1.</summary>
    [Parameter]
    [RowOption]
    public double? TopP { get => Template.TopP; set => Template.TopP = Bound(value); }

    /// <summary>The number of most likely tokens to sample from.</summary>
    [Parameter]
    [RowOption]
    public int? TopK { get => Template.TopK; set => Template.TopK = Bound(value); }

    /// <summary>The least probability of a token, as a share of the most likely token's probability, 0 to 1.</summary>
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
    public string[]? Stop
    {
        get => (string[]?)Template.Stop;
        set => Template.Stop = Bound(value)?.Where(text => !string.IsNullOrEmpty(text)).ToArray();
    }

    /// <summary>Penalty for tokens that occur already, -2 to 2. Higher values give more new topics.</summary>
    [Parameter]
    [RowOption]
    public double? PresencePenalty { get => Template.PresencePenalty; set => Template.PresencePenalty = Bound(value); }

    /// <summary>Penalty for tokens that occur often, -2 to 2. Higher values give less repetition.</summary>
    [Parameter]
    [RowOption]
    public double? FrequencyPenalty { get => Template.FrequencyPenalty; set => Template.FrequencyPenalty = Bound(value); }

    /// <summary>The number of choices to generate.</summary>
    [Parameter]
    [RowOption]
    public int? N { get => Template.N; set => Template.N = Bound(value); }

    /// <summary>Seed of the sampling. The same seed gives similar answers.</summary>
    [Parameter]
    [RowOption]
    public long? Seed { get => Template.Seed; set => Template.Seed = Bound(value); }

    /// <summary>Whether to return the log probabilities of the tokens.</summary>
    [Parameter]
    [RowOption]
    public SwitchParameter LogProbs { get => Template.LogProbs == true; set => Template.LogProbs = Bound(value).IsPresent ? true : null; }

    /// <summary>The number of likely tokens to return at each place.</summary>
    [Parameter]
    [RowOption]
    public int? TopLogProbs { get => Template.TopLogProbs; set => Template.TopLogProbs = Bound(value); }

    /// <summary>Your own id of the end user.</summary>
    [Parameter]
    [RowOption]
    public string? User { get => Template.User; set => Template.User = Bound(value); }

    /// <summary>Whether the model thinks before it answers.</summary>
    [Parameter]
    [RowOption]
    public ThinkingMode? Thinking { get => Template.Thinking; set => Template.Thinking = Bound(value); }

    /// <summary>The most tokens of reasoning.</summary>
    [Parameter]
    [RowOption]
    public int? ThinkingBudget { get => Template.ThinkingBudget; set => Template.ThinkingBudget = Bound(value); }

    /// <summary>Effort of the reasoning, in the provider's words.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ReasoningEffortCompleter))]
    [RowOption]
    public string? ReasoningEffort { get => Template.ReasoningEffort; set => Template.ReasoningEffort = Bound(value); }

    /// <summary>Further fields of the request body, sent unchanged.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? ExtraBody { get; set; }

    /// <summary>Whether to send options and values that the provider does not document.</summary>
    [Parameter]
    public SwitchParameter SkipValidation { get => Template.SkipValidation; set => Template.SkipValidation = value; }

    /// <summary>Remembers the default session, because a command downstream may open or close one.</summary>
    protected override void BeginProcessing() => _default = SessionTable.Current.Default;

    /// <summary>Returns the value that the setter of an option keeps. A script block is kept in <see cref="RowBlocks"/> instead.</summary>
    private protected T? Bound<T>(T value, [CallerMemberName] string option = "")
    {
        var state = SessionTable.Current;
        if (state.WaitingBlock is not { } block) return value;
        state.WaitingBlock = null;
        Keep(option, block);
        return default;
    }

    private protected void Keep(string option, ScriptBlock block) => (RowBlocks ??= [])[option] = new RowBlock(option, block);

    private protected void RefuseBlocks(string wayOut)
    {
        if (RowBlocks?.Keys.FirstOrDefault() is { } option)
            Refuse($"{option} is a script block, and there is no row to run it over: {wayOut}.", option);
    }

    internal void Refuse(string message, string parameter) =>
        throw this.Refusal(new PSArgumentException(message, parameter), "InvalidParameter", ErrorCategory.InvalidArgument);

    /// <exception cref="ArgumentException">A value of <c>-ExtraBody</c> cannot be written as JSON.</exception>
    internal ChatRequest NewRequest()
    {
        var request = Template.Copy();
        if (ExtraBody is null) return request;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry field in ExtraBody)
            fields[Convert.ToString(field.Key, CultureInfo.InvariantCulture)!] = JsonText.From(field.Value);
        request.ExtraBody = fields;
        return request;
    }

    /// <summary>Returns the session to use: the one given, the conversation's, or the default. Ends the command without one.</summary>
    internal LlmSession SessionFor(ChatCompletion? history)
    {
        if (Session?.Length > 1) RefusePool();
        if (Session?.Length > 0) return Session[0];
        if (history?.Context?.Session is not { } identity)
            return (_default ??= SessionTable.Current.Default) ?? throw NoSession(
                "No session is open. Run Connect-LlmProvider first, for example: Connect-LlmProvider SiliconFlow");
        // Never the default session: the conversation could go to another provider.
        return (LlmSession.Of(identity) is { IsClosed: false } open ? open : SessionTable.Current.Find(identity.Name))
            ?? throw NoSession($"The session '{identity.Name}' of this conversation is closed. Open it again with Connect-LlmProvider, or "
                + "give another session with -Session.");
    }

    /// <summary>Ends a command that uses one session and one chip where several are given.</summary>
    private protected void RefusePool()
    {
        const string WayOut = "Only Invoke-ChatCompletion uses several";
        if (Session?.Length > 1)
            Refuse($"-Session has {Session.Length} sessions ({string.Join(", ", Session.Select(session => session.Name))}): give "
                + $"one. {WayOut}.", nameof(Session));
        if (Chip?.Length > 1) Refuse($"-Chip has {Chip.Length} chips ({string.Join(", ", Chip)}): give one. {WayOut}.", nameof(Chip));
    }

    private Exception NoSession(string message) =>
        this.Refusal(new InvalidOperationException(message), "NoSession", ErrorCategory.ConnectionError);
}
