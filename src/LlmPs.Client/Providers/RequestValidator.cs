using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Text;

namespace LlmPs.Providers;

/// <summary>Holds a request against what its provider documents, before anything is sent.</summary>
internal static class RequestValidator
{
    private static readonly Dictionary<string, string> s_noFields = [];

    /// <summary>Returns warnings for what is accepted without effect.</summary>
    /// <exception cref="LlmApiException">InvalidRequest; the message names each parameter, its value and what the provider allows.</exception>
    internal static IReadOnlyList<string> Validate(ChatProvider provider, ChatRequest request)
    {
        var problems = new List<string>();
        List<string>? warnings = null;
        var given = GivenOptions(request);
        RefuseUnsendable(request, given, problems);
        if (!request.SkipValidation)
        {
            var bySkip = new List<string>();
            foreach (var (option, value, number) in given) Check(provider, option, value, number, bySkip, ref warnings);
            CheckLogProbs(provider, request, bySkip);
            CheckRoles(provider, request, bySkip);
            if (request.Chip is not null) CheckChip(provider, request.Chip, bySkip);
            provider.Validate(request, bySkip);
            if (bySkip.Count > 0)
            {
                bySkip[bySkip.Count - 1] += " (-SkipValidation sends it all the same.)";
                problems.AddRange(bySkip);
            }
        }

        if (problems.Count > 0) throw new LlmApiException(LlmErrorKind.InvalidRequest, string.Join(" ", problems));
        return warnings ?? (IReadOnlyList<string>)[];
    }

    /// <exception cref="LlmApiException">InvalidRequest; the message lists the provider's chips.</exception>
    internal static void CheckChip(ChatProvider provider, string chip)
    {
        var problems = new List<string>();
        CheckChip(provider, chip, problems);
        if (problems.Count > 0) throw new LlmApiException(LlmErrorKind.InvalidRequest, problems[0]);
    }

    private static void CheckChip(ChatProvider provider, string chip, List<string> problems)
    {
        if (provider.Chips.Count == 0) problems.Add($"Chip '{chip}': {provider.Name} has no choice of chips.");
        else if (!provider.Chips.Contains(chip, StringComparer.OrdinalIgnoreCase)) problems.Add($"Chip '{chip}' is not known to {provider.Name}. Known chips: {string.Join(", ", provider.Chips)}.");
    }

    /// <summary>What would make no request at all, whatever the provider.</summary>
    private static void RefuseUnsendable(ChatRequest request, List<(ChatOption Option, string Value, double? Number)> given, List<string> problems)
    {
        if (string.IsNullOrWhiteSpace(request.Model)) problems.Add("Model is not set: give -Model, or connect with a default -Model. Get-LlmModel lists models.");
        if (request.Messages.Count == 0) problems.Add("Message is empty: give a prompt or at least one message.");
        foreach (var (option, _, number) in given)
            if (number is { } value && (double.IsNaN(value) || double.IsInfinity(value))) problems.Add($"{option} {Text(value)} is not a finite number.");
        foreach (var message in request.Messages)
            if (message.Role == ChatRole.Tool && string.IsNullOrEmpty(message.ToolCallId)) problems.Add("A message of role tool needs the ToolCallId of the call that it answers.");
        CheckJson("JsonSchema", request.JsonSchema, problems);
        foreach (var tool in request.Tools ?? []) CheckJson($"Tool '{tool.Name}': its schema of parameters", tool.Parameters, problems);
        foreach (var field in request.ExtraBody ?? s_noFields) CheckJson($"ExtraBody '{field.Key}'", field.Value, problems);
        if (request.ExtraBody?.ContainsKey("stream") == true) problems.Add("ExtraBody may not set 'stream': use -Stream.");
    }

    private static void CheckJson(string what, string? json, List<string> problems)
    {
        if (json is null) return;
        try
        {
            using var document = JsonDocument.Parse(json);
        }
        // Half of a surrogate pair is an argument that cannot be transcoded.
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            problems.Add($"{what} is not valid JSON: {PrintableText.Line(e.Message, 200)} It is: {PrintableText.Line(json, 80)}");
        }
    }

    private static void Check(ChatProvider provider, ChatOption option, string value, double? number, List<string> problems, ref List<string>? warnings)
    {
        if (provider.Rule(option) is not { } rule)
        {
            var known = string.Join(", ", provider.Rules.Select(documented => documented.Option));
            problems.Add($"{option} {value}: {provider.Name} documents no field for it. It documents {known}; -ExtraBody sends other fields as they are.");
            return;
        }

        if (rule.Warning is not null) (warnings ??= []).Add($"{option} {value}: {rule.Warning}");
        if (number is { } figure && !rule.Takes(figure)) problems.Add($"{option} {value} is out of range: {provider.Name} takes {rule.Allowed}.");
        if (rule.MaxCount is { } most && number > most) problems.Add($"{option} has {value}: {provider.Name} takes {rule.Allowed}.");
        if (rule.Pattern is not null && (!rule.Pattern.IsMatch(value) || value.Length > rule.MaxLength)) problems.Add($"{option} '{value}' is refused: {provider.Name} takes {rule.Allowed}.");
    }

    private static void CheckLogProbs(ChatProvider provider, ChatRequest request, List<string> problems)
    {
        if (request.TopLogProbs is { } top && request.LogProbs != true && provider.Rule(ChatOption.LogProbs) is not null)
            problems.Add($"TopLogProbs {top.ToString(CultureInfo.InvariantCulture)} needs -LogProbs as well.");
    }

    private static void CheckRoles(ChatProvider provider, ChatRequest request, List<string> problems)
    {
        if (provider.Roles.Count == 0) return;
        foreach (var message in request.Messages)
            if (!provider.Roles.Contains(message.Role)) problems.Add($"Role '{message.Role}' is not known to {provider.Name}. Known roles: {string.Join(", ", provider.Roles)}.");
    }

    private static List<(ChatOption Option, string Value, double? Number)> GivenOptions(ChatRequest r)
    {
        var given = new List<(ChatOption Option, string Value, double? Number)>();
        if (r.Temperature is { } temperature) given.Add(Figure(ChatOption.Temperature, temperature));
        if (r.TopP is { } topP) given.Add(Figure(ChatOption.TopP, topP));
        if (r.TopK is { } topK) given.Add(Figure(ChatOption.TopK, topK));
        if (r.MinP is { } minP) given.Add(Figure(ChatOption.MinP, minP));
        if (r.MaxTokens is { } maxTokens) given.Add(Figure(ChatOption.MaxTokens, maxTokens));
        if (r.Stop is { Count: > 0 } stop) given.Add(Count(ChatOption.Stop, stop.Count, "stop texts"));
        if (r.PresencePenalty is { } presence) given.Add(Figure(ChatOption.PresencePenalty, presence));
        if (r.FrequencyPenalty is { } frequency) given.Add(Figure(ChatOption.FrequencyPenalty, frequency));
        if (r.N is { } n) given.Add(Figure(ChatOption.N, n));
        if (r.Seed is { } seed) given.Add((ChatOption.Seed, seed.ToString(CultureInfo.InvariantCulture), null));
        if (r.LogProbs is { } logProbs) given.Add((ChatOption.LogProbs, logProbs.ToString(), null));
        if (r.TopLogProbs is { } top) given.Add(Figure(ChatOption.TopLogProbs, top));
        if (r.User is { } user) given.Add((ChatOption.User, user, null));
        if (r.Thinking is { } thinking) given.Add((ChatOption.Thinking, thinking.ToString(), null));
        if (r.ThinkingBudget is { } budget) given.Add(Figure(ChatOption.ThinkingBudget, budget));
        // Its values differ with the age of the documents, so an unknown one is left to the provider.
        if (r.ReasoningEffort is { } effort) given.Add((ChatOption.ReasoningEffort, effort, null));
        if (r.ResponseFormat is { } format) given.Add((ChatOption.ResponseFormat, format.ToString(), null));
        if (r.JsonSchema is not null) given.Add((ChatOption.JsonSchema, "schema", null));
        if (r.Tools is { Count: > 0 } tools) given.Add(Count(ChatOption.Tool, tools.Count, "tools"));
        if (r.ToolChoice is { } choice) given.Add((ChatOption.ToolChoice, choice, null));
        foreach (var message in r.Messages)
            foreach (var part in message.Parts ?? [])
            {
                if (part.ImageUri is not null) given.Add((ChatOption.Image, "in a message", null));
                if (part.FileId is { } file) given.Add((ChatOption.FileId, file, null));
            }

        return given;
    }

    private static (ChatOption Option, string Value, double? Number) Figure(ChatOption option, double value) => (option, Text(value), value);

    private static (ChatOption Option, string Value, double? Number) Count(ChatOption option, int count, string of) => (option, $"{count.ToString(CultureInfo.InvariantCulture)} {of}", count);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
