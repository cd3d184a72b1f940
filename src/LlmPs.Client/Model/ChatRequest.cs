using System.Collections.Generic;

namespace LlmPs;

/// <summary>Whether the model thinks before it answers.</summary>
public enum ThinkingMode
{
    /// <summary>The model thinks first.</summary>
    Enabled,

    /// <summary>The model answers at once.</summary>
    Disabled,
}

/// <summary>The form of the answer.</summary>
public enum ChatResponseFormat
{
    /// <summary>Plain text.</summary>
    Text,

    /// <summary>A JSON object. The prompt must contain the word JSON at some providers.</summary>
    JsonObject,
}

/// <summary>One request for a chat completion. A property that is null is not sent; the provider uses its own default.</summary>
public sealed class ChatRequest
{
    /// <summary>The id of the model. Default: null, the session's model.</summary>
    public string? Model { get; set; }

    /// <summary>The chip that serves the model (GenStudio only). Default: null, the session's chip.</summary>
    public string? Chip { get; set; }

    /// <summary>The messages of the conversation, oldest first. At least one is required.</summary>
    public IReadOnlyList<ChatMessage> Messages { get; set; } = [];

    /// <summary>The sampling temperature, 0 to 2. Higher values give more varied answers.</summary>
    public double? Temperature { get; set; }

    /// <summary>
    /// The limit of nucleus sampling, 0 to 1: the model chooses from the most likely tokens whose probabilities add up to this value.
    /// </summary>
    public double? TopP { get; set; }

    /// <summary>
    /// The number of most likely tokens from which the model chooses. GenStudio: default -1, no limit. SiliconFlow: default 50.
    /// </summary>
    public int? TopK { get; set; }

    /// <summary>The lowest probability of a token, as a share of the most likely token's, 0 to 1.</summary>
    public double? MinP { get; set; }

    /// <summary>The most tokens to generate, including reasoning, from 1. SiliconFlow: at most 16384.</summary>
    public int? MaxTokens { get; set; }

    /// <summary>Texts before which the answer ends. SiliconFlow: at most 4.</summary>
    public IReadOnlyList<string>? Stop { get; set; }

    /// <summary>The penalty for tokens that occur in the text already, -2 to 2. Positive values favour new topics.</summary>
    public double? PresencePenalty { get; set; }

    /// <summary>The penalty for each occurrence of a token in the text, -2 to 2. Positive values reduce repetition.</summary>
    public double? FrequencyPenalty { get; set; }

    /// <summary>The number of choices to generate, from 1. GenStudio: only 1.</summary>
    public int? N { get; set; }

    /// <summary>The seed of sampling. Equal requests with the same seed have similar answers.</summary>
    public long? Seed { get; set; }

    /// <summary>Whether the answer has the log probabilities of its tokens.</summary>
    public bool? LogProbs { get; set; }

    /// <summary>The number of most likely tokens at each place of the answer, 0 to 20. Requires <see cref="LogProbs"/>.</summary>
    public int? TopLogProbs { get; set; }

    /// <summary>The id of the end user in your system. Cloudsway: letters, digits, - and _, at most 512 characters.</summary>
    public string? User { get; set; }

    /// <summary>Whether the model thinks before it answers.</summary>
    public ThinkingMode? Thinking { get; set; }

    /// <summary>The most tokens of the reasoning, 128 to 32768 (SiliconFlow).</summary>
    public int? ThinkingBudget { get; set; }

    /// <summary>The effort of the reasoning in the provider's words, for example low, medium, high or max.</summary>
    public string? ReasoningEffort { get; set; }

    /// <summary>The form of the answer.</summary>
    public ChatResponseFormat? ResponseFormat { get; set; }

    /// <summary>The JSON schema that the answer must match, as JSON text.</summary>
    public string? JsonSchema { get; set; }

    /// <summary>The tools that the model may call. OpenAI and SiliconFlow: at most 128.</summary>
    public IReadOnlyList<ChatTool>? Tools { get; set; }

    /// <summary>How the model chooses a tool: auto, none, required, or the name of the tool that it must call.</summary>
    public string? ToolChoice { get; set; }

    /// <summary>
    /// Further fields of the body, each a name and its JSON text, which are sent as they are. A field replaces the field of the same name
    /// that the module writes; the text null removes it. The field stream is not accepted.
    /// </summary>
    public IReadOnlyDictionary<string, string>? ExtraBody { get; set; }

    /// <summary>Whether options and values are sent that the provider does not document. Default: false.</summary>
    public bool SkipValidation { get; set; }

    internal ChatRequest Copy() => (ChatRequest)MemberwiseClone();

    internal ChatRequest WithMessages(IReadOnlyList<ChatMessage> messages)
    {
        var copy = Copy();
        copy.Messages = messages;
        return copy;
    }

    internal ChatRequest WithMaxTokens(int maxTokens)
    {
        var copy = Copy();
        copy.MaxTokens = maxTokens;
        return copy;
    }

    /// <summary>Returns a copy with this chip, and with this model if the request names none.</summary>
    internal ChatRequest Resolve(string? model, string? chip)
    {
        var copy = Copy();
        copy.Model ??= model;
        copy.Chip = chip;
        return copy;
    }
}
