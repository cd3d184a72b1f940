using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Simulator.Dialects;

/// <summary>Checks the fields of a request and keeps the first error. A null field counts as unset.</summary>
internal sealed class BodyCheck(JsonElement root)
{
    private static readonly string[] s_usualParts = ["text", "image_url"];

    /// <summary>The field that is wrong.</summary>
    internal string? Parameter { get; private set; }

    /// <summary>The error; null if none was found.</summary>
    internal string? Message { get; private set; }

    internal void Fail(string parameter, string message)
    {
        if (Message is not null) return;
        Parameter = parameter;
        Message = message;
    }

    internal void Number(string name, double least, double most, bool aboveLeast = false)
    {
        if (!Given(name, out var value)) return;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number))
            Fail(name, $"{name} must be a number");
        else if (number < least || number > most || (aboveLeast && number <= least))
            Fail(name, Out(name, aboveLeast ? '(' : '[', least, most, number));
    }

    internal void Whole(string name, long least, long most = long.MaxValue)
    {
        if (!Given(name, out var value)) return;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number))
            Fail(name, $"{name} must be an integer");
        else if (number < least || number > most)
            Fail(name, Out(name, '[', least, most, number));
    }

    private static string Out(string name, char open, object least, object most, object number) =>
        string.Format(CultureInfo.InvariantCulture, "{0} must be in {1}{2}, {3}], got {4}", name, open, least, most, number);

    internal void Flag(string name)
    {
        if (Given(name, out var value) && value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Fail(name, $"{name} must be a boolean");
    }

    internal void Kind(string name, JsonValueKind kind, string word)
    {
        if (Given(name, out var value) && value.ValueKind != kind) Fail(name, $"{name} must be {word}");
    }

    internal void OneOf(JsonElement parent, string name, string shown, params string[] allowed)
    {
        if (!ChatCall.Given(parent, name, out var value)) return;
        if (value.ValueKind != JsonValueKind.String || Array.IndexOf(allowed, value.GetString()) < 0)
            Fail(shown, $"{shown} must be one of {string.Join(", ", allowed)}");
    }

    internal void Model(bool mayBeNull)
    {
        if (!root.TryGetProperty("model", out var model)) Fail("model", "model is required");
        else if (model.ValueKind == JsonValueKind.Null && mayBeNull) return;
        else if (model.ValueKind != JsonValueKind.String || model.GetString()!.Trim().Length == 0)
            Fail("model", "model must be a non-empty string");
    }

    internal void Stops(int most, bool arrayOnly)
    {
        if (!Given("stop", out var stop)) return;
        if (stop.ValueKind == JsonValueKind.String && !arrayOnly) return;
        if (stop.ValueKind != JsonValueKind.Array)
            Fail("stop", arrayOnly ? "stop must be an array of strings" : "stop must be a string or an array of strings");
        else if (stop.GetArrayLength() > most) Fail("stop", $"stop takes up to {most} sequences");
        else if (stop.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String)) Fail("stop", "stop must hold strings only");
    }

    internal void Messages(string[] roles, string[]? partTypes = null)
    {
        if (ChatCall.Array(root, "messages") is not { } messages || messages.GetArrayLength() == 0)
        {
            Fail("messages", "messages must be a non-empty array");
            return;
        }

        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var name = $"messages[{index.ToString(CultureInfo.InvariantCulture)}]";
            index++;
            if (message.ValueKind != JsonValueKind.Object) Fail(name, $"{name} must be an object");
            else if (Array.IndexOf(roles, ChatCall.Text(message, "role")) < 0)
                Fail(name + ".role", $"{name}.role must be one of {string.Join(", ", roles)}");
            else Content(message, name, partTypes);
            if (Message is not null) return;
        }
    }

    internal void Tools(int most = int.MaxValue)
    {
        if (!Given("tools", out var tools)) return;
        if (tools.ValueKind != JsonValueKind.Array)
        {
            Fail("tools", "tools must be an array");
            return;
        }

        if (tools.GetArrayLength() > most) Fail("tools", $"tools takes up to {most} functions");
        foreach (var tool in tools.EnumerateArray())
        {
            var named = tool.ValueKind == JsonValueKind.Object && ChatCall.Text(tool, "type") == "function"
                && tool.TryGetProperty("function", out var function) && ChatCall.Text(function, "name") is { Length: > 0 };
            if (!named) Fail("tools", "each of tools must be of type function, with a name");
        }
    }

    /// <summary>Checks both fields: top_logprobs needs logprobs (providers.md).</summary>
    internal void LogProbs()
    {
        Flag("logprobs");
        Whole("top_logprobs", 0, 20);
        if (Given("top_logprobs", out _) && ChatCall.Flag(root, "logprobs") != true)
            Fail("top_logprobs", "top_logprobs needs logprobs to be true");
    }

    /// <summary>Refuses fields that the provider does not document.</summary>
    internal void OnlyKnown(HashSet<string> known)
    {
        foreach (var property in root.EnumerateObject())
            if (!known.Contains(property.Name)) Fail(property.Name, $"unknown field {property.Name}");
    }

    internal bool Given(string name, out JsonElement value) => ChatCall.Given(root, name, out value);

    private void Content(JsonElement message, string name, string[]? partTypes)
    {
        if (!ChatCall.Given(message, "content", out var content))
        {
            if (!ChatCall.HasToolCalls(message)) Fail(name + ".content", $"{name}.content is required");
            return;
        }

        if (content.ValueKind == JsonValueKind.String) return;
        if (content.ValueKind != JsonValueKind.Array)
        {
            Fail(name + ".content", $"{name}.content must be a string or an array");
            return;
        }

        foreach (var part in content.EnumerateArray())
        {
            var type = ChatCall.Text(part, "type");
            if (type is null || (partTypes is not null && Array.IndexOf(partTypes, type) < 0))
                Fail(name + ".content", $"{name}.content parts must be of type {string.Join(", ", partTypes ?? s_usualParts)}");
        }
    }
}
