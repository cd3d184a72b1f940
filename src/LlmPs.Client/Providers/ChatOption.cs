namespace LlmPs.Providers;

/// <summary>What a request can ask for beyond its messages. The names are the parameters' names, so that errors can say them.</summary>
internal enum ChatOption
{
    Temperature,
    TopP,
    TopK,
    MinP,
    MaxTokens,
    Stop,
    PresencePenalty,
    FrequencyPenalty,
    N,
    Seed,
    LogProbs,
    TopLogProbs,
    User,
    Thinking,
    ThinkingBudget,
    ReasoningEffort,
    ResponseFormat,
    JsonSchema,
    Tool,
    ToolChoice,
    Image,
    FileId,
}
