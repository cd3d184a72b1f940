using System;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Simulator.Dialects;

/// <summary>
/// What DeepSeek models refuse, whichever provider serves them (providers.md, "DeepSeek-family rules"). Enforced in strict mode.
/// </summary>
internal static class DeepSeekRules
{
    internal static bool Apply(string model) => model.Contains("deepseek", StringComparison.OrdinalIgnoreCase);

    internal static void Check(ChatCall call, bool thinks, BodyCheck check)
    {
        if (!Apply(call.Model) || !call.Root.TryGetProperty("messages", out var messages)) return;
        if (thinks && call.Root.TryGetProperty("tool_choice", out var choice)
            && (choice.ValueKind == JsonValueKind.Object || (choice.ValueKind == JsonValueKind.String && choice.GetString() == "required")))
            check.Fail("tool_choice", "deepseek models do not support this tool_choice in thinking mode");

        if (messages.ValueKind != JsonValueKind.Array) return;
        // The rule is about turns, which run from one user message to the next.
        JsonElement[] all = [.. messages.EnumerateArray()];
        for (var start = 0; start < all.Length;)
        {
            var end = Array.FindIndex(all, start + 1, message => ChatCall.Text(message, "role") == "user");
            if (end < 0) end = all.Length;
            CheckTurn(all.AsSpan(start, end - start), thinks, check);
            start = end;
        }
    }

    private static void CheckTurn(ReadOnlySpan<JsonElement> turn, bool thinks, BodyCheck check)
    {
        var calledInTurn = false;
        foreach (var message in turn) calledInTurn |= Calls(message);
        foreach (var message in turn)
        {
            if (ChatCall.Text(message, "role") != "assistant") continue;
            var reasoned = message.TryGetProperty("reasoning_content", out var reasoning) && reasoning.ValueKind == JsonValueKind.String;
            if (reasoned && !calledInTurn)
                check.Fail("messages", "reasoning_content must be left out of earlier turns without tool calls");
            if (!reasoned && thinks && Calls(message))
                check.Fail("messages", "Missing reasoning_content field in the assistant message with tool_calls");
        }
    }

    private static bool Calls(JsonElement message) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty("tool_calls", out var calls)
            && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0;
}
