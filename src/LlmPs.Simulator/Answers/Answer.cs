using System;
using System.Linq;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Answers;

/// <summary>An answer before a dialect writes it, plain or in pieces.</summary>
// A stream is written after the call was disposed of, so the values are copied.
internal sealed class Answer(ChatCall call, Choice[] choices, bool isBlocked, SimulatorOptions options, string id)
{
    internal string Id { get; } = id;

    internal long Created { get; } = options.Now();

    internal string Model { get; } = call.Model;

    internal string? Chip { get; } = call.Route.Chip;

    internal Choice[] Choices { get; } = choices;

    internal int PromptTokens { get; } = call.Conversation.PromptTokens;

    internal int CompletionTokens { get; } = choices.Sum(static choice => choice.CompletionTokens);

    internal int ReasoningTokens { get; } = choices.Sum(static choice => choice.ReasoningTokens);

    internal bool IncludeUsage { get; } = call.IncludeUsage;

    internal bool LogProbs { get; } = call.LogProbs;

    internal int TopLogProbs { get; } = call.TopLogProbs;

    /// <summary>Whether moderation blocked the answer.</summary>
    internal bool IsBlocked { get; } = isBlocked;

    /// <summary>Returns how many text elements of this text are in one chunk.</summary>
    internal int PieceSize(string text) => options.ChunkCount is int count
        ? Math.Max(1, (TextPieces.CountElements(text) + count - 1) / count)
        : Math.Max(1, options.ChunkSize);

    /// <summary>Returns the arguments of a call as they are sent.</summary>
    internal string Arguments(SimulatedToolCall call) =>
        Has(StreamQuirks.TwiceEncodedArguments) ? System.Text.Json.JsonSerializer.Serialize(call.Arguments) : call.Arguments;

    internal bool Has(StreamQuirks quirk) => options.Has(quirk);
}

/// <summary>One of an answer's choices.</summary>
internal sealed class Choice
{
    internal Choice(int index, string content, string? reasoning, SimulatedToolCall[] toolCalls, string finishReason)
    {
        Index = index;
        Content = content;
        Reasoning = reasoning;
        ToolCalls = toolCalls;
        FinishReason = finishReason;
        ReasoningTokens = reasoning is null ? 0 : TextPieces.Tokens(reasoning);
        CompletionTokens = ReasoningTokens + TextPieces.Tokens(content) + toolCalls.Sum(static call => call.Tokens);
    }

    internal int Index { get; }

    internal string Content { get; }

    /// <summary>The reasoning; null if thinking is off or the reasoning is inside the content.</summary>
    internal string? Reasoning { get; }

    internal SimulatedToolCall[] ToolCalls { get; }

    internal string FinishReason { get; }

    internal int ReasoningTokens { get; }

    internal int CompletionTokens { get; }
}

internal sealed class SimulatedToolCall(string id, string name, string arguments)
{
    internal string Id { get; } = id;

    internal string Name { get; } = name;

    internal string Arguments { get; } = arguments;

    internal int Tokens { get; } = TextPieces.Tokens(TextPieces.Utf8Length(name) + TextPieces.Utf8Length(arguments));
}
