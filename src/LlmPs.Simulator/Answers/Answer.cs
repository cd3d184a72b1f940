using System;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Answers;

/// <summary>An answer before any dialect writes it, plain or in pieces.</summary>
internal sealed class Answer
{
    internal Answer(ChatCall call, Choice[] choices, long created, string id)
    {
        Choices = choices;
        Created = created;
        Id = id;
        Model = call.Model;
        Chip = call.Route.Chip;
        PromptTokens = call.Conversation.PromptTokens;
        IncludeUsage = call.IncludeUsage;
        LogProbs = call.LogProbs;
        TopLogProbs = call.TopLogProbs;
        foreach (var choice in choices)
        {
            CompletionTokens += choice.CompletionTokens;
            ReasoningTokens += choice.ReasoningTokens;
        }
    }

    internal string Id { get; }

    internal long Created { get; }

    internal string Model { get; }

    internal string? Chip { get; }

    internal Choice[] Choices { get; }

    internal int PromptTokens { get; }

    internal int CompletionTokens { get; }

    internal int ReasoningTokens { get; }

    internal bool IncludeUsage { get; }

    internal bool LogProbs { get; }

    internal int TopLogProbs { get; }

    /// <summary>Moderation hit.</summary>
    internal bool Blocked { get; set; }

    internal StreamQuirks Quirks { get; set; }

    internal int ChunkSize { get; set; }

    internal int? ChunkCount { get; set; }

    /// <summary>Text elements a piece of this text.</summary>
    internal int PieceSize(string text) =>
        ChunkCount is int count ? Math.Max(1, (TextPieces.CountElements(text) + count - 1) / count) : ChunkSize;

    /// <summary>A call's arguments as they are sent.</summary>
    internal string Arguments(SimulatedToolCall call) =>
        Has(StreamQuirks.TwiceEncodedArguments) ? System.Text.Json.JsonSerializer.Serialize(call.Arguments) : call.Arguments;

    internal bool Has(StreamQuirks quirk) => (Quirks & quirk) != 0;
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
        ReasoningTokens = reasoning is null ? 0 : TextPieces.Tokens(TextPieces.Utf8Length(reasoning));
        CompletionTokens = ReasoningTokens + TextPieces.Tokens(TextPieces.Utf8Length(content));
        foreach (var call in toolCalls) CompletionTokens += call.Tokens;
    }

    internal int Index { get; }

    internal string Content { get; }

    /// <summary>Null: thinking is off (or stands inline).</summary>
    internal string? Reasoning { get; }

    internal SimulatedToolCall[] ToolCalls { get; }

    internal string FinishReason { get; }

    internal int ReasoningTokens { get; }

    internal int CompletionTokens { get; }
}

internal sealed class SimulatedToolCall
{
    internal SimulatedToolCall(string id, string name, string arguments)
    {
        Id = id;
        Name = name;
        Arguments = arguments;
        Tokens = TextPieces.Tokens(TextPieces.Utf8Length(name) + TextPieces.Utf8Length(arguments));
    }

    internal string Id { get; }

    internal string Name { get; }

    internal string Arguments { get; }

    internal int Tokens { get; }
}
