using System;
using System.Text.Json;

namespace LlmPs.Simulator.Dialects;

/// <summary>The rules of DeepSeek models at any provider (providers.md, "DeepSeek-family rules"). Enforced in strict mode.</summary>
internal static class DeepSeekRules
{
    internal static void Check(ChatCall call, bool thinks, BodyCheck check)
    {
        if (!call.Model.Contains("deepseek", StringComparison.OrdinalIgnoreCase)) return;
        if (thinks && call.Root.TryGetProperty("tool_choice", out var choice)
            && (choice.ValueKind == JsonValueKind.Object || ChatCall.Text(call.Root, "tool_choice") == "required"))
            check.Fail("tool_choice", "deepseek models do not support this tool_choice in thinking mode");

        if (ChatCall.Array(call.Root, "messages") is not { } messages) return;
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
        foreach (var message in turn) calledInTurn |= ChatCall.HasToolCalls(message);
        foreach (var message in turn)
        {
            if (ChatCall.Text(message, "role") != "assistant") continue;
            var reasoned = ChatCall.Text(message, "reasoning_content") is not null;
            if (reasoned && !calledInTurn)
                check.Fail("messages", "reasoning_content must be left out of earlier turns without tool calls");
            if (!reasoned && thinks && ChatCall.HasToolCalls(message))
                check.Fail("messages", "Missing reasoning_content field in the assistant message with tool_calls");
        }
    }
}
