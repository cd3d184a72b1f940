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
/// The options that a request for a completion can carry. A blank text is unset. Each row may have them for itself, in a column of that name or by a
/// script block over the row. PowerShell's binder would look for each of them up to four times a row, and make an object each time it looks, which
/// takes longer than all the rest of a row. So <see cref="RowOptions"/> reads the columns, once a row, and has the script blocks run; the binder takes
/// the options for plain ones.
/// </summary>
public abstract class ChatOptionsCommand : PSCmdlet
{
    private LlmSession? _default;
    private bool _isBegun;

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
    public string? Model { get; set => field = Bound(value); }

    /// <summary>GenStudio: the chip.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    [RowOption]
    public string? Chip { get; set => field = Bound(value); }

    /// <summary>The session, by name or object; the newest default session where not given.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession? Session { get; set; }

    /// <summary>Randomness.</summary>
    [Parameter]
    [RowOption]
    public double? Temperature { get; set => field = Bound(value); }

    /// <summary>Nucleus sampling.</summary>
    [Parameter]
    [RowOption]
    public double? TopP { get; set => field = Bound(value); }

    /// <summary>Sample from the k likeliest tokens.</summary>
    [Parameter]
    [RowOption]
    public int? TopK { get; set => field = Bound(value); }

    /// <summary>Leave out tokens less likely than this share of the likeliest.</summary>
    [Parameter]
    [RowOption]
    public double? MinP { get; set => field = Bound(value); }

    /// <summary>The most tokens to generate, reasoning included.</summary>
    [Parameter]
    [RowOption]
    public int? MaxTokens { get; set => field = Bound(value); }

    /// <summary>Texts that end the answer.</summary>
    [Parameter]
    [RowOption(KeepsWhiteSpace = true)]
    public string[]? Stop { get; set => field = Bound(value); }

    /// <summary>Less of what was said at all.</summary>
    [Parameter]
    [RowOption]
    public double? PresencePenalty { get; set => field = Bound(value); }

    /// <summary>Less of what was said often.</summary>
    [Parameter]
    [RowOption]
    public double? FrequencyPenalty { get; set => field = Bound(value); }

    /// <summary>How many choices to generate.</summary>
    [Parameter]
    [RowOption]
    public int? N { get; set => field = Bound(value); }

    /// <summary>For answers that repeat.</summary>
    [Parameter]
    [RowOption]
    public long? Seed { get; set => field = Bound(value); }

    /// <summary>Return the tokens' log probabilities.</summary>
    [Parameter]
    [RowOption]
    public SwitchParameter LogProbs { get; set => field = Bound(value); }

    /// <summary>How many likely tokens to return at each place.</summary>
    [Parameter]
    [RowOption]
    public int? TopLogProbs { get; set => field = Bound(value); }

    /// <summary>Your own id of the end user.</summary>
    [Parameter]
    [RowOption]
    public string? User { get; set => field = Bound(value); }

    /// <summary>Whether the model should think before it answers.</summary>
    [Parameter]
    [RowOption]
    public ThinkingMode? Thinking { get; set => field = Bound(value); }

    /// <summary>The most tokens to think with.</summary>
    [Parameter]
    [RowOption]
    public int? ThinkingBudget { get; set => field = Bound(value); }

    /// <summary>How hard to think, in the provider's words.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ReasoningEffortCompleter))]
    [RowOption]
    public string? ReasoningEffort { get; set => field = Bound(value); }

    /// <summary>Fields of the body that are sent as they are.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? ExtraBody { get; set; }

    /// <summary>Send options and values that the provider does not document.</summary>
    [Parameter]
    public SwitchParameter SkipValidation { get; set; }

    /// <summary>Takes the default session: one that is opened or closed meanwhile, such as by a command downstream, is none of this run's.</summary>
    protected override void BeginProcessing()
    {
        _default = SessionTable.Current.Default;
        _isBegun = true;
    }

    /// <summary>
    /// What the setter of a row's option keeps. A script block comes by another way, and null in its place: one of the command line, that is.
    /// One out of the pipeline is a row, and what it says may be anyone's.
    /// </summary>
    private protected T Bound<T>(T value, [CallerMemberName] string option = "")
    {
        if (RowOptionAttribute.TakeBlock() is { } block && !_isBegun) (RowBlocks ??= [])[option] = new RowBlock(option, block);
        return value;
    }

    /// <summary>Refuses script blocks where there are no rows.</summary>
    private protected void RefuseBlocks(string wayOut)
    {
        if (RowBlocks?.Keys.FirstOrDefault() is { } option) Refuse($"{option} is a script block, and there is no row to run it over: {wayOut}.", option);
    }

    /// <summary>Ends the command for the sake of a parameter.</summary>
    private protected void Refuse(string message, string parameter) =>
        ThrowTerminatingError(new ErrorRecord(new PSArgumentException(message, parameter), "InvalidParameter", ErrorCategory.InvalidArgument, null));

    internal ChatRequest NewRequest(IReadOnlyList<ChatMessage> messages) => new()
    {
        Model = Model,
        Chip = Chip,
        Messages = messages,
        Temperature = Temperature,
        TopP = TopP,
        TopK = TopK,
        MinP = MinP,
        MaxTokens = MaxTokens,
        Stop = Stop?.Where(text => !string.IsNullOrEmpty(text)).ToList(),
        PresencePenalty = PresencePenalty,
        FrequencyPenalty = FrequencyPenalty,
        N = N,
        Seed = Seed,
        LogProbs = LogProbs.IsPresent ? LogProbs.ToBool() : null,
        TopLogProbs = TopLogProbs,
        User = User,
        Thinking = Thinking,
        ThinkingBudget = ThinkingBudget,
        ReasoningEffort = ReasoningEffort,
        ExtraBody = ExtraFields(),
        SkipValidation = SkipValidation,
    };

    /// <summary>The session to use, which is that of the conversation where one goes on; ends the command where there is none.</summary>
    internal LlmSession SessionFor(ChatCompletion? history)
    {
        var identity = history?.Context?.Session;
        var earlier = identity is null ? null : LlmSession.Of(identity) is { IsClosed: false } open ? open : SessionTable.Current.Find(identity.Name);
        // What was said to one provider does not go to another that happens to be the default.
        var other = identity is null ? _default ??= SessionTable.Current.Default : earlier;
        if ((Session ?? other) is { } session) return session;
        var message = identity is null
            ? "No session is open. Open one with Connect-LlmProvider, such as: Connect-LlmProvider SiliconFlow"
            : $"The session '{identity.Name}' of this conversation is closed. Open it again with Connect-LlmProvider, or name the one to go on in with -Session.";
        ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(message), "NoSession", ErrorCategory.ConnectionError, null));
        throw new PipelineStoppedException();
    }

    private Dictionary<string, string>? ExtraFields()
    {
        if (ExtraBody is null) return null;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry field in ExtraBody) fields[Convert.ToString(field.Key, CultureInfo.InvariantCulture)!] = JsonText.From(field.Value);
        return fields;
    }
}
