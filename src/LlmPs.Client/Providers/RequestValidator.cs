using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Options;
using LlmPs.Text;

namespace LlmPs.Providers;

/// <summary>Validates a request against its provider's documents before anything is sent.</summary>
internal static class RequestValidator
{
    private const string InMessage = "in a message";

    private static readonly Dictionary<string, string> s_noFields = [];

    /// <summary>Validates a request and returns warnings for options without effect.</summary>
    /// <exception cref="LlmApiException">InvalidRequest; the message names each parameter, its value and the accepted values.</exception>
    internal static IReadOnlyList<string> Validate(ChatProvider provider, ChatRequest request)
    {
        var problems = new List<string>();
        List<string>? warnings = null;
        var given = GivenOptions(request);
        var refused = new List<string>();
        RefuseUnsendable(request, given, problems, refused);
        if (!request.SkipValidation)
        {
            var bySkip = new List<string>();
            foreach (var (option, value, number) in given)
            {
                var known = bySkip.Count;
                Check(provider, option, value, number, bySkip, ref warnings);
                if (bySkip.Count > known) refused.Add(option.Name);
            }

            CheckLogProbs(provider, request, bySkip, refused);
            CheckRoles(provider, request, bySkip);
            if (request.Chip is not null && ChipProblem(provider, request.Chip) is { } chip)
            {
                bySkip.Add(chip);
                refused.Add(ChatOption.Chip.Name);
            }

            provider.Validate(request, bySkip);
            if (bySkip.Count > 0)
            {
                bySkip[bySkip.Count - 1] += " (-SkipValidation sends it anyway.)";
                problems.AddRange(bySkip);
            }
        }

        if (problems.Count > 0)
            throw new LlmApiException(LlmErrorKind.InvalidRequest, string.Join(" ", problems)) { RefusedOptions = refused };
        return warnings ?? (IReadOnlyList<string>)[];
    }

    /// <exception cref="LlmApiException">InvalidRequest; the message lists the provider's chips.</exception>
    internal static void CheckChip(ChatProvider provider, string chip)
    {
        if (ChipProblem(provider, chip) is { } problem) throw new LlmApiException(LlmErrorKind.InvalidRequest, problem);
    }

    private static string? ChipProblem(ChatProvider provider, string chip)
    {
        if (provider.Chips.Count == 0) return $"Chip '{chip}': {provider.Name} has no choice of chips.";
        if (provider.Chips.Contains(chip, StringComparer.OrdinalIgnoreCase)) return null;
        return $"Chip '{chip}' is not known to {provider.Name}. Known chips: {string.Join(", ", provider.Chips)}.";
    }

    /// <summary>Adds what no provider accepts.</summary>
    private static void RefuseUnsendable(
        ChatRequest request, List<(ChatOption Option, string Value, double? Number)> given, List<string> problems, List<string> refused)
    {
        if (string.IsNullOrWhiteSpace(request.Model))
            problems.Add("Model is not set. Give -Model, or connect with a default -Model. Get-LlmModel lists models.");
        if (request.Messages.Count == 0) problems.Add("Message is empty. Give a prompt or at least one message.");
        foreach (var (option, _, number) in given)
            if (number is { } value && (double.IsNaN(value) || double.IsInfinity(value)))
            {
                problems.Add($"-{option} {Text(value)} is not a finite number.");
                refused.Add(option.Name);
            }

        foreach (var message in request.Messages)
            if (message.Role == ChatRole.Tool && string.IsNullOrEmpty(message.ToolCallId))
                problems.Add("A message of role tool needs the ToolCallId of the call that it answers.");
        CheckJson("-JsonSchema", request.JsonSchema, problems);
        foreach (var tool in request.Tools ?? []) CheckJson($"Tool '{tool.Name}': its schema of parameters", tool.Parameters, problems);
        foreach (var field in request.ExtraBody ?? s_noFields) CheckJson($"-ExtraBody '{field.Key}'", field.Value, problems);
        if (request.ExtraBody?.ContainsKey("stream") == true) problems.Add("-ExtraBody cannot set 'stream'. Use -Stream.");
    }

    private static void CheckJson(string what, string? json, List<string> problems)
    {
        if (json is null) return;
        try
        {
            using var document = JsonDocument.Parse(json);
        }
        // Half a surrogate pair gives an ArgumentException.
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            problems.Add($"{what} is not valid JSON: {JsonProblem.Of(e)}. It is: {PrintableText.Line(json, 80)}");
        }
    }

    /// <summary>Returns an option as it is typed. Images and files in a message are not given by a parameter of this name.</summary>
    private static string Named(ChatOption option, string value) => value == InMessage ? $"{option} {value}" : $"-{option} {value}";

    private static void Check(ChatProvider provider, ChatOption option, string value, double? number, List<string> problems,
        ref List<string>? warnings)
    {
        if (provider.Rule(option) is not { } rule)
        {
            var known = string.Join(", ", provider.Rules.Select(documented => documented.Option));
            problems.Add($"{Named(option, value)}: {provider.Name} documents no field for it. It documents {known}; "
                + "-ExtraBody sends other fields as they are.");
            return;
        }

        if (rule.Warning is not null) (warnings ??= []).Add($"{Named(option, value)}: {rule.Warning}");
        if (number is { } figure && !rule.Takes(figure))
            problems.Add($"-{option} {value} is out of range: {provider.Name} accepts {rule.Allowed}.");
        if (rule.MaxCount is { } most && number > most) problems.Add($"-{option} has {value}: {provider.Name} accepts {rule.Allowed}.");
        if (rule.Pattern is not null && (!rule.Pattern.IsMatch(value) || value.Length > rule.MaxLength))
            problems.Add($"-{option} '{value}' is not valid: {provider.Name} accepts {rule.Allowed}.");
    }

    private static void CheckLogProbs(ChatProvider provider, ChatRequest request, List<string> problems, List<string> refused)
    {
        if (request.TopLogProbs is not { } top || request.LogProbs == true || provider.Rule(ChatOption.LogProbs) is null) return;
        problems.Add($"-TopLogProbs {top.ToString(CultureInfo.InvariantCulture)} needs -LogProbs.");
        refused.Add(ChatOption.TopLogProbs.Name);
    }

    private static void CheckRoles(ChatProvider provider, ChatRequest request, List<string> problems)
    {
        if (provider.Roles.Count == 0) return;
        foreach (var message in request.Messages)
            if (!provider.Roles.Contains(message.Role))
                problems.Add($"Role '{message.Role}' is not known to {provider.Name}. Known roles: {string.Join(", ", provider.Roles)}.");
    }

    private static List<(ChatOption Option, string Value, double? Number)> GivenOptions(ChatRequest request)
    {
        var given = new List<(ChatOption Option, string Value, double? Number)>();
        foreach (var option in ChatOption.All)
            if (option.Kind != OptionKind.Target && option.Get(request) is { } value)
                given.Add((option, Text(option, value), Number(value)));
        foreach (var message in request.Messages)
            foreach (var part in message.Parts ?? [])
            {
                if (part.ImageUri is not null) given.Add((ChatOption.Image, InMessage, null));
                if (part.FileId is { } file) given.Add((ChatOption.FileId, file, null));
            }

        return given;
    }

    /// <summary>Returns the number that a range applies to: the value, or the length of a list.</summary>
    private static double? Number(object value) => value switch
    {
        double number => number,
        int number => number,
        long number => number,
        IReadOnlyCollection<object> list => list.Count,
        _ => null,
    };

    private static string Text(ChatOption option, object value) => option.Kind switch
    {
        OptionKind.Number => Text((double)value),
        OptionKind.Texts => $"{Number(value)} {option.Name.ToLowerInvariant()} texts",
        OptionKind.Tools => $"{Number(value)} tools",
        OptionKind.Schema => "schema",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
