using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Binding;
using LlmPs.Loading;

namespace LlmPs.Cmdlets;

/// <summary>The options that a request for a completion can carry. A blank text is unset.</summary>
public abstract class ChatOptionsCommand : PSCmdlet
{
    private LlmSession? _default;

    /// <summary>The system prompt.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual string? System { get; set; }

    /// <summary>The model; the session's default where not given.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [BlankIsUnset]
    public virtual string? Model { get; set; }

    /// <summary>GenStudio: the chip.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    [BlankIsUnset]
    public virtual string? Chip { get; set; }

    /// <summary>The session, by name or object; the newest default session where not given.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession? Session { get; set; }

    /// <summary>Randomness.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual double? Temperature { get; set; }

    /// <summary>Nucleus sampling.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual double? TopP { get; set; }

    /// <summary>Sample from the k likeliest tokens.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual int? TopK { get; set; }

    /// <summary>Leave out tokens less likely than this share of the likeliest.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual double? MinP { get; set; }

    /// <summary>The most tokens to generate, reasoning included.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual int? MaxTokens { get; set; }

    /// <summary>Texts that end the answer.</summary>
    [Parameter]
    [BlankIsUnset(KeepsWhiteSpace = true)]
    public virtual string[]? Stop { get; set; }

    /// <summary>Less of what was said at all.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual double? PresencePenalty { get; set; }

    /// <summary>Less of what was said often.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual double? FrequencyPenalty { get; set; }

    /// <summary>How many choices to generate.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual int? N { get; set; }

    /// <summary>For answers that repeat.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual long? Seed { get; set; }

    /// <summary>Return the tokens' log probabilities.</summary>
    [Parameter]
    public virtual SwitchParameter LogProbs { get; set; }

    /// <summary>How many likely tokens to return at each place.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual int? TopLogProbs { get; set; }

    /// <summary>Your own id of the end user.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual string? User { get; set; }

    /// <summary>Whether the model should think before it answers.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual ThinkingMode? Thinking { get; set; }

    /// <summary>The most tokens to think with.</summary>
    [Parameter]
    [BlankIsUnset]
    public virtual int? ThinkingBudget { get; set; }

    /// <summary>How hard to think, in the provider's words.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ReasoningEffortCompleter))]
    [BlankIsUnset]
    public virtual string? ReasoningEffort { get; set; }

    /// <summary>Fields of the body that are sent as they are.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? ExtraBody { get; set; }

    /// <summary>Send options and values that the provider does not document.</summary>
    [Parameter]
    public SwitchParameter SkipValidation { get; set; }

    /// <summary>Takes the default session: one that is opened or closed meanwhile, such as by a command downstream, is none of this run's.</summary>
    protected override void BeginProcessing() => _default = SessionTable.Current.Default;

    private protected ChatRequest NewRequest(IReadOnlyList<ChatMessage> messages) => new()
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
    private protected LlmSession SessionFor(ChatCompletion? history)
    {
        var earlier = history?.Context?.Session;
        // What was said to one provider does not go to another that happens to be the default.
        var other = earlier is null ? _default ??= SessionTable.Current.Default : earlier.IsClosed ? SessionTable.Current.Find(earlier.Name) : earlier;
        if ((Session ?? other) is { } session) return session;
        var message = earlier is null
            ? "No session is open. Open one with Connect-LlmProvider, such as: Connect-LlmProvider SiliconFlow"
            : $"The session '{earlier.Name}' of this conversation is closed. Open it again with Connect-LlmProvider, or name the one to go on in with -Session.";
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
