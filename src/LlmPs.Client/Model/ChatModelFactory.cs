using System;
using System.Collections.Generic;

namespace LlmPs;

/// <summary>
/// Creates the objects that a provider's answer becomes, for tests of scripts and programs that use them. For example, in Pester:
/// <c>Mock Invoke-ChatCompletion { [LlmPs.ChatModelFactory]::Completion('ok') }</c>.
/// </summary>
public static class ChatModelFactory
{
    /// <summary>Creates a completion with one choice.</summary>
    /// <param name="content">The text of the answer.</param>
    /// <param name="reasoningContent">The reasoning; null for none.</param>
    /// <param name="finishReason">Why the answer ended, for example stop or length.</param>
    /// <param name="model">The model that answered.</param>
    /// <param name="provider">The provider's name.</param>
    /// <param name="chip">GenStudio: the chip; null for none.</param>
    /// <param name="usage">The tokens; null if the provider does not report them.</param>
    /// <param name="toolCalls">The tool calls; null for none.</param>
    /// <param name="messages">The conversation that was sent; null for none.</param>
    /// <param name="inputObject">The input row.</param>
    /// <param name="inputIndex">The row's place in the input, from 0.</param>
    /// <param name="data">The answer as an object, if a JSON schema was given.</param>
    public static ChatCompletion Completion(
        string? content,
        string? reasoningContent = null,
        string? finishReason = "stop",
        string? model = "model",
        string provider = "OpenAICompatible",
        string? chip = null,
        TokenUsage? usage = null,
        IReadOnlyList<ToolCall>? toolCalls = null,
        IReadOnlyList<ChatMessage>? messages = null,
        object? inputObject = null,
        long inputIndex = 0,
        object? data = null)
    {
        var message = new ChatMessage(ChatRole.Assistant, content) { ReasoningContent = reasoningContent, ToolCalls = toolCalls };
        var request = new ChatRequest { Model = model, Chip = chip, Messages = messages ?? [] };
        return new ChatCompletion(
            [new ChatChoice(0, message) { FinishReason = finishReason, NativeFinishReason = finishReason }],
            new AnswerContext(provider, request) { InputObject = inputObject, InputIndex = inputIndex })
        {
            Head = new AnswerHead { Model = model, Usage = usage },
            Data = data,
            Duration = TimeSpan.Zero,
        };
    }

    /// <summary>Creates a usage. The total is the sum of the two.</summary>
    /// <param name="promptTokens">Tokens of the conversation sent.</param>
    /// <param name="completionTokens">Tokens generated, reasoning included.</param>
    /// <param name="reasoningTokens">Tokens generated for reasoning; null if the provider does not report them.</param>
    /// <param name="cachedTokens">Prompt tokens read from a cache; null if the provider does not report them.</param>
    public static TokenUsage Usage(long promptTokens, long completionTokens, long? reasoningTokens = null, long? cachedTokens = null) =>
        new()
        {
            PromptTokens = promptTokens,
            CompletionTokens = completionTokens,
            TotalTokens = promptTokens + completionTokens,
            ReasoningTokens = reasoningTokens,
            CachedTokens = cachedTokens,
        };

    /// <summary>Creates a call of a tool.</summary>
    /// <param name="name">The tool's name.</param>
    /// <param name="arguments">The arguments as JSON.</param>
    /// <param name="id">The call's id.</param>
    public static ToolCall ToolCall(string name, string arguments = "{}", string id = "call_1") => new(id, name, arguments);
}
