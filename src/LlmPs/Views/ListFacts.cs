using System;
using System.Management.Automation;

namespace LlmPs.Views;

/// <summary>
/// Hidden properties for the default display sets in LlmPs.Types.ps1xml. PowerShell lists a display set as it is, so text from a server
/// needs a property that has passed the rule of <see cref="View"/>. Not for scripts: they change with the sets.
/// </summary>
public static class ListFacts
{
    /// <summary>Returns the text of an answer, a message or a part.</summary>
    public static string? Text(PSObject item) => Base(item) switch
    {
        ChatCompletion { Message: { } message } => View.Message(message),
        ChatChoice choice => View.Message(choice.Message),
        ChatMessage message => View.Message(message),
        ChatContentPart part => View.Part(part),
        TokenLogProb token => View.Line(token.Token),
        ToolCall call => View.Line(call.ToString()),
        ChatBatch batch => View.Line(batch.Status),
        _ => null,
    };

    /// <summary>Returns the model and its chip; of a batch its id.</summary>
    public static string? From(PSObject item) => Base(item) switch
    {
        ChatCompletion completion => View.Line(completion.Chip is null ? completion.Model : $"{completion.Model} on {completion.Chip}"),
        LlmModel model => View.Line(model.Id),
        ChatMessage message => View.Line(message.Role),
        ChatBatch batch => View.Line(batch.Id),
        _ => null,
    };

    /// <summary>Returns the tokens of the prompt and of the answer.</summary>
    public static string? Tokens(PSObject item) => Base(item) switch
    {
        ChatCompletion { Usage: { } usage } => usage.ToString(),
        ChatCompletionDelta { Usage: { } usage } => usage.ToString(),
        _ => null,
    };

    /// <summary>Returns why an answer ended.</summary>
    public static string? Finish(PSObject item) => Base(item) switch
    {
        ChatCompletion completion => View.Line(completion.FinishReason),
        ChatCompletionDelta delta => View.Line(delta.FinishReason),
        ChatChoice choice => View.Line(choice.FinishReason),
        _ => null,
    };

    /// <summary>Returns how long an answer took.</summary>
    public static string? Time(PSObject item) => Base(item) is ChatCompletion completion ? View.Duration(completion.Duration) : null;

    /// <summary>Returns the kind of a delta.</summary>
    public static string? Kind(PSObject item) => Base(item) is ChatCompletionDelta delta ? View.Kind(delta) : null;

    /// <summary>Returns the text of a delta or of a piece of a call.</summary>
    public static string? Piece(PSObject item) => Base(item) switch
    {
        ChatCompletionDelta delta => View.Piece(delta),
        ToolCallFragment fragment => View.Line(fragment.ToString()),
        _ => null,
    };

    /// <summary>Returns the chips of a model.</summary>
    public static string? OnChips(PSObject item) => Base(item) is LlmModel model ? View.Chips(model) : null;

    /// <summary>Returns the address of a session.</summary>
    public static string? Target(PSObject item) => Base(item) is LlmSession session ? View.Target(session) : null;

    /// <summary>Returns the group of a sum of usage.</summary>
    public static string? Group(PSObject item) => Base(item) is ChatUsageSummary summary ? View.Group(summary) : null;

    /// <summary>Returns the probability of a token.</summary>
    public static string? Share(PSObject item) => Base(item) is TokenLogProb token ? View.Percent(token.LogProb) : null;

    /// <summary>
    /// Returns the model that was asked for, which the provider may name otherwise in its answer. A copy of a completion keeps it.
    /// </summary>
    public static string? RequestedModel(PSObject item) =>
        Base(item) is ChatCompletion completion ? completion.Context?.Request.Model : null;

    private static object Base(PSObject item) => (item ?? throw new ArgumentNullException(nameof(item))).BaseObject;
}
