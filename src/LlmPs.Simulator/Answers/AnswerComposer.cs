using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Answers;

/// <summary>
/// Makes the answer from the request: directives in the prompt come first, then scripted texts, then the requested format, else an echo.
/// </summary>
internal sealed class AnswerComposer(SimulatorOptions options)
{
    /// <param name="call">The request.</param>
    /// <param name="dialect">Decides whether the model thinks, and how ids look.</param>
    /// <param name="ordinal">The number of this answer, from 1. Scripted answers are used in this order.</param>
    /// <param name="filtered">Whether moderation blocks this answer.</param>
    internal Answer Compose(ChatCall call, Dialect dialect, long ordinal, bool filtered)
    {
        var prompt = call.Conversation.Prompt;
        var calls = ToolCalls(call);
        var content = calls.Length > 0 ? string.Empty : Content(call, prompt, ordinal);
        var thinks = dialect.Thinks(call, scripted: options.Reasoning is not null);
        var reasoning = thinks ? Scripted(options.Reasoning, ordinal) ?? "Thinking about: " + prompt : null;
        var blocked = filtered || options.Blocked || PromptDirectives.Blocked(prompt);
        var finish = blocked ? dialect.BlockedFinishReason : calls.Length > 0 ? "tool_calls" : options.FinishReason ?? "stop";

        var choices = new Choice[Math.Max(1, call.N)];
        for (var i = 0; i < choices.Length; i++) choices[i] = Choose(call, i, content, reasoning, calls, finish);
        return new Answer(call, choices, blocked, options, dialect.Id(call.BodyHash));
    }

    private Choice Choose(ChatCall call, int index, string content, string? reasoning, SimulatedToolCall[] calls, string finish)
    {
        // The choices of one answer differ, so that a client that mixes them up is found.
        if (index > 0 && calls.Length == 0) content += " #" + (index + 1).ToString(CultureInfo.InvariantCulture);
        var isUnopened = options.Has(StreamQuirks.UnopenedThink);
        if (reasoning is not null && (options.InlineThink || isUnopened))
        {
            content = (options.InlineThink ? "<think>\n" : string.Empty) + reasoning + "\n</think>\n\n" + content;
            reasoning = null;
        }

        if (options.Has(StreamQuirks.ReasoningOnly) && calls.Length == 0)
        {
            reasoning = content;
            content = string.Empty;
        }

        foreach (var stop in call.Stops())
        {
            var at = stop.Length == 0 ? -1 : content.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0) content = content.Substring(0, at);
        }

        // max_tokens includes the reasoning: an answer may be all reasoning and stop for length (providers.md).
        if ((call.MaxTokens ?? options.DefaultMaxTokens) is long most && most < int.MaxValue / TextPieces.BytesPerToken)
        {
            var room = (int)most;
            if (reasoning is not null) reasoning = Cut(reasoning, ref room, ref finish);
            content = Cut(content, ref room, ref finish);
        }

        return new Choice(index, content, reasoning, calls, finish);
    }

    private static string Cut(string text, ref int tokens, ref string finish)
    {
        var used = TextPieces.Tokens(text);
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
            return Scripted(options.Answer, ordinal) ?? "Tool results: " + string.Join("; ", results);
        return PromptDirectives.Literal(prompt) ?? Scripted(options.Answer, ordinal) ?? Formatted(call, prompt) ?? "Echo: " + prompt;
    }

    private static string? Scripted(IReadOnlyList<string>? texts, long ordinal) =>
        texts is null || texts.Count == 0 ? null : texts[(int)Math.Min(ordinal, texts.Count) - 1];

    private static string? Formatted(ChatCall call, string prompt)
    {
        if (!call.Root.TryGetProperty("response_format", out var format)) return null;
        return ChatCall.Text(format, "type") switch
        {
            "json_schema" when format.TryGetProperty("json_schema", out var named) && named.TryGetProperty("schema", out var schema) =>
                SchemaInstance.Text(schema),
            "json_object" => Wire.Text(Wire.Json(writer =>
            {
                writer.WriteStartObject();
                Wire.Text(writer, "echo", prompt);
                writer.WriteEndObject();
            })),
            _ => null,
        };
    }

    private static SimulatedToolCall[] ToolCalls(ChatCall call)
    {
        if (!call.Root.TryGetProperty("tools", out var tools) || tools.ValueKind != JsonValueKind.Array) return [];
        call.Root.TryGetProperty("tool_choice", out var choice);
        if (choice.ValueKind == JsonValueKind.String && choice.GetString() == "none") return [];

        var calls = new List<SimulatedToolCall>();
        if (call.Conversation.ToolResults is { } results)
        {
            // A result may ask for the next call: this rehearses a chain of calls, or an endless one.
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

    /// <summary>Returns the function that the model must call, because tool_choice is "required" or names one.</summary>
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
