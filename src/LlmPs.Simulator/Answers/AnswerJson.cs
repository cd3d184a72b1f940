using System;
using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Answers;

/// <summary>Parts of answers that all dialects write alike.</summary>
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

    /// <summary>Content as a list of parts, one of them for the reasoning.</summary>
    internal static void Parts(Utf8JsonWriter writer, string? reasoning, string content)
    {
        writer.WriteStartArray("content");
        if (reasoning is not null) Part(writer, "thinking", reasoning.AsSpan());
        if (content.Length > 0) Part(writer, "text", content.AsSpan());
        writer.WriteEndArray();
    }

    /// <summary>The message so far, which repeats all deltas.</summary>
    internal static void MessageSoFar(Utf8JsonWriter writer, in Delta delta)
    {
        var content = delta.Kind switch
        {
            DeltaKind.Role or DeltaKind.Reasoning => string.Empty,
            DeltaKind.Content => delta.Text.Substring(0, delta.Start + delta.Length),
            _ => delta.Choice.Content,
        };
        var reasoning = delta.Kind == DeltaKind.Reasoning
            ? delta.Text.Substring(0, delta.Start + delta.Length) : delta.Kind == DeltaKind.Role ? null : delta.Choice.Reasoning;
        writer.WriteStartObject("message");
        writer.WriteString("role", "assistant");
        Wire.Text(writer, "content", content);
        if (reasoning is not null) Wire.Text(writer, "reasoning_content", reasoning);
        writer.WriteEndObject();
    }

    /// <summary>A delta as OpenAI and most others write it: only what is new.</summary>
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

        if (delta.Kind != DeltaKind.ToolCall && answer.Has(StreamQuirks.EmptyToolCalls))
        {
            writer.WriteStartArray("tool_calls");
            writer.WriteEndArray();
        }
    }

    internal static void Piece(Utf8JsonWriter writer, string name, Answer answer, in Delta delta)
    {
        var isCumulative = answer.Has(StreamQuirks.CumulativeText) && delta.Kind is DeltaKind.Content or DeltaKind.Reasoning;
        Wire.Text(writer, name, isCumulative ? delta.Text.AsSpan(0, delta.Start + delta.Length)
            : delta.Text.AsSpan(delta.Start, delta.Length));
    }

    internal static void Content(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        if (answer.Has(StreamQuirks.ContentParts)) Parts(writer, null, delta.Text.Substring(delta.Start, delta.Length));
        else Piece(writer, "content", answer, delta);
    }

    internal static void Reasoning(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        // With this quirk it stands beside the delta, where Dialect.WriteChunk puts it.
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

    /// <summary>The first half of the name comes before any argument, the second half with the first of them.</summary>
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

    /// <summary>Log probabilities of a text, a token a piece: the same in a plain answer and in a stream.</summary>
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
                LogProb(writer, i == 0 ? token : token + i.ToString(System.Globalization.CultureInfo.InvariantCulture), i);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            at = end;
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>An error as OpenAI writes it, the whole object.</summary>
    internal static ByteBuffer OpenAIError(string message, string type, string? parameter, string? code)
    {
        var buffer = new ByteBuffer(256);
        using var writer = Wire.Writer(buffer);
        writer.WriteStartObject();
        writer.WriteStartObject("error");
        Wire.Text(writer, "message", message);
        writer.WriteString("type", type);
        writer.WriteString("param", parameter);
        writer.WriteString("code", code);
        writer.WriteEndObject();
        writer.WriteEndObject();
        return buffer;
    }

    internal static ByteBuffer Coded(int code, string messageName, string message, bool withData = false)
    {
        var buffer = new ByteBuffer(256);
        using var writer = Wire.Writer(buffer);
        writer.WriteStartObject();
        if (code != 0) writer.WriteNumber("code", code);
        Wire.Text(writer, messageName, message);
        if (withData) writer.WriteNull("data");
        writer.WriteEndObject();
        return buffer;
    }

    private static void LogProb(Utf8JsonWriter writer, string token, int rank)
    {
        Wire.Text(writer, "token", token);
        writer.WriteNumber("logprob", -0.125 * (rank + 1));
        writer.WriteStartArray("bytes");
        foreach (var b in Encoding.UTF8.GetBytes(token)) writer.WriteNumberValue(b);
        writer.WriteEndArray();
    }

    /// <summary>The list of models, with what each provider says of a model beside its id.</summary>
    internal static void ModelList(Utf8JsonWriter writer, IEnumerable<string> ids, Action<Utf8JsonWriter> fields)
    {
        writer.WriteStartObject();
        writer.WriteString("object", "list");
        writer.WriteStartArray("data");
        foreach (var id in ids)
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("object", "model");
            fields(writer);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>The counts that every provider's usage begins with.</summary>
    internal static void TokenCounts(Utf8JsonWriter writer, Answer answer, int completionTokens)
    {
        writer.WriteNumber("prompt_tokens", answer.PromptTokens);
        writer.WriteNumber("completion_tokens", completionTokens);
        writer.WriteNumber("total_tokens", answer.PromptTokens + completionTokens);
    }
}
