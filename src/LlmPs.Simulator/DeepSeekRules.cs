using System;
using System.Text.Json;

namespace LlmPs.Simulator;

/// <summary>What DeepSeek models refuse, whichever provider serves them (providers.md, "DeepSeek-family rules"). Enforced in strict mode.</summary>
internal static class DeepSeekRules
{
    internal static bool Apply(string model) => model.Contains("deepseek", StringComparison.OrdinalIgnoreCase);

    internal static void Check(ChatCall call, bool thinks, BodyCheck check)
    {
        if (!Apply(call.Model) || !call.Root.TryGetProperty("messages", out JsonElement messages)) return;
        if (thinks && call.Root.TryGetProperty("tool_choice", out JsonElement choice)
            && (choice.ValueKind == JsonValueKind.Object || (choice.ValueKind == JsonValueKind.String && choice.GetString() == "required")))
            check.Fail("tool_choice", "deepseek models do not support this tool_choice in thinking mode");

        if (messages.ValueKind != JsonValueKind.Array) return;
        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (ChatCall.Text(message, "role") != "assistant") continue;
            bool called = message.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0;
            bool reasoned = message.TryGetProperty("reasoning_content", out JsonElement reasoning) && reasoning.ValueKind == JsonValueKind.String;
            if (reasoned && !called)
                check.Fail("messages", "reasoning_content must be left out of earlier turns without tool calls");
            if (!reasoned && called && thinks)
                check.Fail("messages", "Missing reasoning_content field in the assistant message with tool_calls");
        }
    }
}
