using System;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Answers;

/// <summary>Writes the parts of answers that all dialects share.</summary>
internal static class AnswerJson
{
    internal static void ToolCalls(Utf8JsonWriter writer, Answer answer, Choice choice)
    {
        writer.WriteStartArray("tool_calls");
        foreach (var call in choice.ToolCalls)
        {
            writer.WriteStartObject();
            writer.WriteString("id", call.Id);
            writer.WriteString("type", "function");
            writer.WriteStartObject("function");
            writer.WriteString("name", call.Name);
            Wire.Text(writer, "arguments", answer.Arguments(call));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes content as a list of parts, one of them for the reasoning.</summary>
    internal static void Parts(Utf8JsonWriter writer, string? reasoning, string content)
    {
        writer.WriteStartArray("content");
        if (reasoning is not null) Part(writer, "thinking", reasoning.AsSpan());
        if (content.Length > 0) Part(writer, "text", content.AsSpan());
        writer.WriteEndArray();
    }

    /// <summary>Writes the message so far, which repeats all deltas.</summary>
    internal static void MessageSoFar(Utf8JsonWriter writer, in Delta delta)
    {
        var content = delta.Kind switch
        {
            DeltaKind.Role or DeltaKind.Reasoning => string.Empty,
            DeltaKind.Content => delta.Text.Substring(0, delta.Start + delta.Length),
            _ => delta.Choice.Content,
        };
        var reasoning = delta.Kind switch
        {
            DeltaKind.Role => null,
            DeltaKind.Reasoning => delta.Text.Substring(0, delta.Start + delta.Length),
            _ => delta.Choice.Reasoning,
        };
        writer.WriteStartObject("message");
        writer.WriteString("role", "assistant");
        Wire.Text(writer, "content", content);
        if (reasoning is not null) Wire.Text(writer, "reasoning_content", reasoning);
        writer.WriteEndObject();
    }

    /// <summary>Writes a delta as OpenAI and most others do: only what is new.</summary>
    internal static void Delta(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        if (delta.Kind == DeltaKind.Role)
        {
            writer.WriteString("role", "assistant");
            writer.WriteString("content", string.Empty);
        }
        else if (answer.Has(StreamQuirks.NullRole))
        {
            writer.WriteNull("role");
        }

        switch (delta.Kind)
        {
            case DeltaKind.Content:
                Content(writer, answer, delta);
                break;
            case DeltaKind.Reasoning:
                Reasoning(writer, answer, delta);
                break;
            case DeltaKind.ToolCall:
                ToolFragment(writer, answer, delta);
                break;
        }
    }

    internal static void Piece(Utf8JsonWriter writer, string name, Answer answer, in Delta delta)
    {
        var isCumulative = answer.Has(StreamQuirks.CumulativeText) && delta.Kind is DeltaKind.Content or DeltaKind.Reasoning;
        var start = isCumulative ? 0 : delta.Start;
        Wire.Text(writer, name, delta.Text.AsSpan(start, delta.Start + delta.Length - start));
    }

    internal static void Content(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        if (answer.Has(StreamQuirks.ContentParts)) Parts(writer, null, delta.Text.Substring(delta.Start, delta.Length));
        else Piece(writer, "content", answer, delta);
    }

    internal static void Reasoning(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        // With this quirk it is beside the delta, where Dialect.WriteChoice writes it.
        if (answer.Has(StreamQuirks.ChoiceReasoning)) return;
        if (answer.Has(StreamQuirks.ContentParts)) Parts(writer, delta.Text.Substring(delta.Start, delta.Length), string.Empty);
        else Piece(writer, answer.Has(StreamQuirks.ReasoningField) ? "reasoning" : "reasoning_content", answer, delta);
    }

    internal static void ToolFragment(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        var call = delta.Choice.ToolCalls[delta.ToolIndex];
        writer.WriteStartArray("tool_calls");
        writer.WriteStartObject();
        if (!answer.Has(StreamQuirks.NoToolIndex)) writer.WriteNumber("index", delta.ToolIndex);
        var opens = delta.OpensToolCall;
        var emptyIds = answer.Has(StreamQuirks.EmptyToolIds);
        if (opens || emptyIds) writer.WriteString("id", opens ? call.Id : string.Empty);
        if (opens) writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        if (answer.Has(StreamQuirks.NameInPieces)) NamePiece(writer, delta, call.Name);
        else if (opens || emptyIds) writer.WriteString("name", opens ? call.Name : string.Empty);
        Piece(writer, "arguments", answer, delta);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    /// <summary>Writes half of the name: the first half before any argument, the second half with the first argument.</summary>
    private static void NamePiece(Utf8JsonWriter writer, in Delta delta, string name)
    {
        var half = name.Length / 2;
        if (delta.OpensName) writer.WriteString("name", name.Substring(0, half));
        else if (delta.OpensToolCall) writer.WriteString("name", name.Substring(half));
    }

    private static void Part(Utf8JsonWriter writer, string type, ReadOnlySpan<char> text)
    {
        writer.WriteStartObject();
        writer.WriteString("type", type);
        if (type == "thinking")
        {
            writer.WriteStartArray("thinking");
            Part(writer, "text", text);
            writer.WriteEndArray();
        }
        else
        {
            Wire.Text(writer, "text", text);
        }

        writer.WriteEndObject();
    }

    /// <summary>Writes log probabilities of a text, one token per piece: the same in a plain answer and in a stream.</summary>
    internal static void LogProbs(Utf8JsonWriter writer, Answer answer, string text, int start, int length)
    {
        writer.WriteStartObject("logprobs");
        writer.WriteStartArray("content");
        var size = answer.PieceSize(text);
        for (var at = start; at < start + length;)
        {
            var end = TextPieces.End(text, at, size);
            var token = text.Substring(at, end - at);
            writer.WriteStartObject();
            LogProb(writer, token, 0);
            writer.WriteStartArray("top_logprobs");
            for (var i = 0; i < answer.TopLogProbs; i++)
            {
                writer.WriteStartObject();
                LogProb(writer, i == 0 ? token : token + i.ToString(CultureInfo.InvariantCulture), i);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            at = end;
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void LogProb(Utf8JsonWriter writer, string token, int rank)
    {
        Wire.Text(writer, "token", token);
        writer.WriteNumber("logprob", -0.125 * (rank + 1));
        writer.WriteStartArray("bytes");
        foreach (var b in Encoding.UTF8.GetBytes(token)) writer.WriteNumberValue(b);
        writer.WriteEndArray();
    }
}
