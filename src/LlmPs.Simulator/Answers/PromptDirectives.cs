using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Answers;

/// <summary>
/// Directives in a prompt for the simulator: <c>[[call:name {"a":1}]]</c> (several allowed), <c>[[json: literal answer]]</c>,
/// <c>[[blocked]]</c>.
/// </summary>
internal static class PromptDirectives
{
    private const string Call = "[[call:";
    private const string Json = "[[json:";
    private const string End = "]]";

    internal static bool Blocked(string prompt) => prompt.Contains("[[blocked]]", StringComparison.Ordinal);

    /// <summary>Returns the literal up to the last "]]", since JSON may contain others.</summary>
    internal static string? Literal(string prompt)
    {
        var start = prompt.IndexOf(Json, StringComparison.Ordinal);
        if (start < 0) return null;
        start += Json.Length;
        var end = prompt.LastIndexOf(End, StringComparison.Ordinal);
        return end < start ? null : prompt.Substring(start, end - start).Trim();
    }

    /// <summary>Adds the requested calls of tools that the request offers.</summary>
    internal static void Calls(string text, JsonElement tools, List<SimulatedToolCall> calls, ulong hash)
    {
        var at = 0;
        while ((at = text.IndexOf(Call, at, StringComparison.Ordinal)) >= 0)
        {
            at += Call.Length;
            var nameEnd = at;
            while (nameEnd < text.Length && text[nameEnd] is not (' ' or ']' or '{')) nameEnd++;
            var name = text.Substring(at, nameEnd - at);
            var arguments = Arguments(text, nameEnd, out at);
            if (Offers(tools, name)) calls.Add(new SimulatedToolCall(CallId(hash, calls.Count), name, arguments));
        }
    }

    internal static string CallId(ulong hash, int index) =>
        "call_" + Fnv.Hex(Fnv.Mix(hash + (ulong)index + 1));

    private static bool Offers(JsonElement tools, string name) =>
        tools.EnumerateArray().Any(tool => ChatCall.Text(tool.GetProperty("function"), "name") == name);

    /// <summary>Returns the JSON object that follows; without one, everything up to "]]", so that bad JSON can be rehearsed.</summary>
    private static string Arguments(string text, int from, out int end)
    {
        while (from < text.Length && text[from] == ' ') from++;
        if (from < text.Length && text[from] == '{')
        {
            var rest = Encoding.UTF8.GetBytes(text.Substring(from));
            var reader = new Utf8JsonReader(rest, isFinalBlock: false, default);
            try
            {
                if (reader.Read() && reader.TrySkip())
                {
                    var found = Encoding.UTF8.GetString(rest, 0, (int)reader.BytesConsumed);
                    end = from + found.Length;
                    return found;
                }
            }
            catch (JsonException)
            {
                // Not JSON: returned as it is, below.
            }
        }

        var close = text.IndexOf(End, from, StringComparison.Ordinal);
        end = close < 0 ? text.Length : close;
        var raw = text.Substring(from, end - from);
        return raw.Length == 0 ? "{}" : raw;
    }
}
