using System.Collections.Generic;

namespace LlmPs;

/// <summary>Whether the model should think before it answers.</summary>
public enum ThinkingMode
{
    /// <summary>Think.</summary>
    Enabled,

    /// <summary>Answer at once.</summary>
    Disabled,
}

/// <summary>The form of the answer.</summary>
public enum ChatResponseFormat
{
    /// <summary>Plain text.</summary>
    Text,

    /// <summary>A JSON object. The prompt should hold the word JSON.</summary>
    JsonObject,
}

/// <summary>One request for a chat completion. What is null is not sent, so that the provider's own default holds.</summary>
public sealed class ChatRequest
{
    /// <summary>The model; null means the session's.</summary>
    public string? Model { get; set; }

    /// <summary>GenStudio: the chip that serves the model; null means the session's.</summary>
    public string? Chip { get; set; }

    /// <summary>The conversation, oldest first.</summary>
    public IReadOnlyList<ChatMessage> Messages { get; set; } = [];

    /// <summary>Randomness; 0 to 2.</summary>
    public double? Temperature { get; set; }

    /// <summary>Nucleus sampling; 0 to 1.</summary>
    public double? TopP { get; set; }

    /// <summary>Sample from the k likeliest tokens.</summary>
    public int? TopK { get; set; }

    /// <summary>Leave out tokens less likely than this share of the likeliest; 0 to 1.</summary>
    public double? MinP { get; set; }

    /// <summary>The most tokens to generate, reasoning included.</summary>
    public int? MaxTokens { get; set; }

    /// <summary>Texts that end the answer.</summary>
    public IReadOnlyList<string>? Stop { get; set; }

    /// <summary>-2 to 2.</summary>
    public double? PresencePenalty { get; set; }

    /// <summary>-2 to 2.</summary>
    public double? FrequencyPenalty { get; set; }

    /// <summary>How many choices to generate.</summary>
    public int? N { get; set; }

    /// <summary>For answers that repeat.</summary>
    public long? Seed { get; set; }

    /// <summary>Whether to return the tokens' log probabilities.</summary>
    public bool? LogProbs { get; set; }

    /// <summary>How many likely tokens to return at each place; 0 to 20.</summary>
    public int? TopLogProbs { get; set; }

    /// <summary>Your own id of the end user.</summary>
    public string? User { get; set; }

    /// <summary>Whether to think.</summary>
    public ThinkingMode? Thinking { get; set; }

    /// <summary>The most tokens to think with.</summary>
    public int? ThinkingBudget { get; set; }

    /// <summary>How hard to think, in the provider's words (high, max …).</summary>
    public string? ReasoningEffort { get; set; }

    /// <summary>The form of the answer.</summary>
    public ChatResponseFormat? ResponseFormat { get; set; }

    /// <summary>A JSON schema that the answer must meet, as JSON text.</summary>
    public string? JsonSchema { get; set; }

    /// <summary>What the model may call.</summary>
    public IReadOnlyList<ChatTool>? Tools { get; set; }

    /// <summary>auto, none, required, or the name of a tool.</summary>
    public string? ToolChoice { get; set; }

    /// <summary>
    /// Further fields of the body, each a name and its JSON text, sent as they are. A field with the text null is left out, also one that
    /// is written otherwise.
    /// </summary>
    public IReadOnlyDictionary<string, string>? ExtraBody { get; set; }

    /// <summary>Send options and values that the provider does not document.</summary>
    public bool SkipValidation { get; set; }

    /// <summary>A request of its own with the same values.</summary>
    internal ChatRequest Copy() => (ChatRequest)MemberwiseClone();

    /// <summary>The same request with another conversation.</summary>
    internal ChatRequest WithMessages(IReadOnlyList<ChatMessage> messages)
    {
        var copy = Copy();
        copy.Messages = messages;
        return copy;
    }

    /// <summary>The same request with room for another number of tokens.</summary>
    internal ChatRequest WithMaxTokens(int maxTokens)
    {
        var copy = Copy();
        copy.MaxTokens = maxTokens;
        return copy;
    }

    /// <summary>
    /// A copy on this chip, and with this model where it names none: the answer tells what was asked, whatever becomes of this request.
    /// </summary>
    internal ChatRequest Resolve(string? model, string? chip)
    {
        var copy = Copy();
        copy.Model ??= model;
        copy.Chip = chip;
        return copy;
    }
}
