using System;
using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Answers;

/// <summary>
/// Makes the answer from the request alone: directives in the prompt, then scripted texts, then the format asked for, else an echo.
/// </summary>
internal sealed class AnswerComposer
{
    private static readonly SimulatedToolCall[] s_noCalls = [];
    private readonly SimulatorOptions _options;

    internal AnswerComposer(SimulatorOptions options) => _options = options;

    /// <param name="call">The request.</param>
    /// <param name="dialect">Says whether the model thinks, and how ids look.</param>
    /// <param name="ordinal">Which answer this is, from 1: scripted answers go in order.</param>
    /// <param name="filtered">Moderation hits this answer.</param>
    internal Answer Compose(ChatCall call, Dialect dialect, long ordinal, bool filtered)
    {
        var thinks = dialect.Thinks(call, scripted: _options.Reasoning is not null);
        var prompt = call.Conversation.Prompt;
        var calls = ToolCalls(call);
        var content = calls.Length > 0 ? string.Empty : Content(call, prompt, ordinal);
        var reasoning = thinks ? Scripted(_options.Reasoning, ordinal) ?? "Thinking about: " + prompt : null;
        var blocked = filtered || _options.Blocked || PromptDirectives.Blocked(prompt);

        var choices = new Choice[Math.Max(1, call.N)];
        for (var i = 0; i < choices.Length; i++) choices[i] = Choose(call, dialect, i, content, reasoning, calls, blocked);

        var created = _options.Clock == 0 ? DateTimeOffset.UtcNow.ToUnixTimeSeconds() : _options.Clock;
        return new Answer(call, choices, created, dialect.Id(call.BodyHash))
        {
            Blocked = blocked,
            Quirks = _options.Quirks,
            ChunkSize = Math.Max(1, _options.ChunkSize),
            ChunkCount = _options.ChunkCount,
        };
    }

    private Choice Choose(ChatCall call, Dialect dialect, int index, string content, string? reasoning, SimulatedToolCall[] calls,
        bool blocked)
    {
        // The choices of one answer differ, so that a client that mixes them up is found out.
        if (index > 0 && calls.Length == 0) content += " #" + (index + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (_options.InlineThink && reasoning is not null)
        {
            content = "<think>\n" + reasoning + "\n</think>\n\n" + content;
            reasoning = null;
        }

        if (reasoning is not null && (_options.Quirks & StreamQuirks.UnopenedThink) != 0)
        {
            content = reasoning + "\n</think>\n\n" + content;
            reasoning = null;
        }

        if ((_options.Quirks & StreamQuirks.ReasoningOnly) != 0 && calls.Length == 0)
        {
            reasoning = content;
            content = string.Empty;
        }

        var finish = blocked ? dialect.BlockedFinishReason : calls.Length > 0 ? "tool_calls" : _options.FinishReason ?? "stop";
        foreach (var stop in call.Stops())
        {
            var at = stop.Length == 0 ? -1 : content.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0) content = content.Substring(0, at);
        }

        // max_tokens includes the reasoning: an answer may be all reasoning and stop for length (providers.md).
        if ((call.MaxTokens ?? _options.DefaultMaxTokens) is long most && most < int.MaxValue / TextPieces.BytesPerToken)
        {
            var room = (int)most;
            if (reasoning is not null) reasoning = Cut(reasoning, ref room, ref finish);
            content = Cut(content, ref room, ref finish);
        }

        return new Choice(index, content, reasoning, calls, finish);
    }

    private static string Cut(string text, ref int tokens, ref string finish)
    {
        var used = TextPieces.Tokens(TextPieces.Utf8Length(text));
        if (used <= tokens)
        {
            tokens -= used;
            return text;
        }

        finish = "length";
        var head = text.Substring(0, TextPieces.EndWithinBytes(text, tokens * TextPieces.BytesPerToken));
        tokens = 0;
        return head;
    }

    private string Content(ChatCall call, string prompt, long ordinal)
    {
        if (call.Conversation.ToolResults is { } results)
            return Scripted(_options.Answer, ordinal) ?? "Tool results: " + string.Join("; ", results);
        return PromptDirectives.Literal(prompt) ?? Scripted(_options.Answer, ordinal) ?? Formatted(call, prompt) ?? "Echo: " + prompt;
    }

    private static string? Scripted(IReadOnlyList<string>? texts, long ordinal) =>
        texts is null || texts.Count == 0 ? null : texts[(int)Math.Min(ordinal, texts.Count) - 1];

    private static string? Formatted(ChatCall call, string prompt)
    {
        if (!call.Root.TryGetProperty("response_format", out var format)) return null;
        switch (ChatCall.Text(format, "type"))
        {
            case "json_schema":
                return format.TryGetProperty("json_schema", out var named) && named.TryGetProperty("schema", out var schema)
                    ? SchemaInstance.Text(schema)
                    : null;
            case "json_object":
                var buffer = new ByteBuffer(64 + prompt.Length);
                using (var writer = Wire.Writer(buffer))
                {
                    writer.WriteStartObject();
                    Wire.Text(writer, "echo", prompt);
                    writer.WriteEndObject();
                }

                return Wire.Text(buffer);
            default:
                return null;
        }
    }

    private static SimulatedToolCall[] ToolCalls(ChatCall call)
    {
        if (!call.Root.TryGetProperty("tools", out var tools) || tools.ValueKind != JsonValueKind.Array || tools.GetArrayLength() == 0)
            return s_noCalls;
        call.Root.TryGetProperty("tool_choice", out var choice);
        if (choice.ValueKind == JsonValueKind.String && choice.GetString() == "none") return s_noCalls;

        var calls = new List<SimulatedToolCall>();
        if (call.Conversation.ToolResults is { } results)
        {
            // A result may ask for the next call: that is how a chain, or an endless one, is rehearsed.
            foreach (var result in results) PromptDirectives.Calls(result, tools, calls, call.BodyHash);
            return [.. calls];
        }

        PromptDirectives.Calls(call.Conversation.Prompt, tools, calls, call.BodyHash);
        if (calls.Count == 0 && Demanded(tools, choice) is { } function)
        {
            var arguments = function.TryGetProperty("parameters", out var schema) ? SchemaInstance.Text(schema) : "{}";
            calls.Add(new SimulatedToolCall(PromptDirectives.CallId(call.BodyHash, 0), ChatCall.Text(function, "name")!, arguments));
        }

        return [.. calls];
    }

    /// <summary>The function that a tool_choice of "required", or of one by name, makes the model call.</summary>
    private static JsonElement? Demanded(JsonElement tools, JsonElement choice)
    {
        var wanted = choice.ValueKind == JsonValueKind.Object && choice.TryGetProperty("function", out var named)
            ? ChatCall.Text(named, "name") : null;
        if (wanted is null && (choice.ValueKind != JsonValueKind.String || choice.GetString() != "required")) return null;
        foreach (var tool in tools.EnumerateArray())
        {
            var function = tool.GetProperty("function");
            if (wanted is null || ChatCall.Text(function, "name") == wanted) return function;
        }

        return null;
    }
}
