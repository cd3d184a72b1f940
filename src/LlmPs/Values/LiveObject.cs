using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text;
using LlmPs.Schema;

namespace LlmPs.Values;

/// <summary>
/// Reads a completion, a message or a usage from a copy of Import-Clixml, Receive-Job or remoting. The session and the options of the
/// request are not serialized.
/// </summary>
internal static class LiveObject
{
    private const string Prefix = "Deserialized.LlmPs.";

    private static readonly Dictionary<string, (Type Type, Func<PSObject, object?> Read)> s_types = new(StringComparer.Ordinal)
    {
        [nameof(ChatCompletion)] = (typeof(ChatCompletion), Completion),
        [nameof(ChatMessage)] = (typeof(ChatMessage), Message),
        [nameof(TokenUsage)] = (typeof(TokenUsage), Usage),
    };

    /// <summary>Returns the module's type that a value is a copy of, without the namespace; null where it is not a copy.</summary>
    internal static string? NameOf(object? value) =>
        value is PSObject { BaseObject: PSCustomObject } copy
            && copy.TypeNames.FirstOrDefault(name => name.StartsWith(Prefix, StringComparison.Ordinal)) is { } type
            ? type.Substring(Prefix.Length)
            : null;

    /// <summary>Returns the type that can be read from a copy; null where none can.</summary>
    internal static Type? TypeOf(object? value) =>
        NameOf(value) is { } name && s_types.TryGetValue(name, out var known) ? known.Type : null;

    /// <summary>Returns the object that a value is a copy of; null where it is not a copy, or the copy is incomplete.</summary>
    internal static object? Of(object? value) =>
        NameOf(value) is { } name && s_types.TryGetValue(name, out var known) ? known.Read((PSObject)value!) : null;

    private static ChatCompletion? Completion(PSObject copy)
    {
        var choices = Items(copy, nameof(ChatCompletion.Choices)).Select(Choice).ToList();
        var messages = Items(copy, nameof(ChatCompletion.Messages)).Select(AsMessage).ToList();
        if (choices.Contains(null) || messages.Contains(null)) return null;
        // The last message is the answer, which the completion adds itself.
        if (choices.Count > 0 && messages.Count > 0) messages.RemoveAt(messages.Count - 1);
        var request = new ChatRequest
        {
            Model = Text(copy, "RequestedModel") ?? Text(copy, nameof(ChatCompletion.Model)),
            Chip = Text(copy, nameof(ChatCompletion.Chip)),
            Messages = messages!,
        };
        var context = new AnswerContext(Text(copy, nameof(ChatCompletion.Provider)) ?? string.Empty, request)
        {
            InputObject = copy.Properties[nameof(ChatCompletion.InputObject)]?.Value,
            InputIndex = Number(copy, nameof(ChatCompletion.InputIndex)) ?? 0,
        };
        context.Recall((int)(Number(copy, nameof(ChatCompletion.Attempts)) ?? 0), Text(copy, nameof(ChatCompletion.RequestId)),
            Value(copy, nameof(ChatCompletion.TimeToFirstToken)) as TimeSpan?);
        var completion = new ChatCompletion(choices!, context)
        {
            Head = new AnswerHead
            {
                Id = Text(copy, nameof(ChatCompletion.Id)),
                Model = Text(copy, nameof(ChatCompletion.Model)),
                Created = Time(copy.Properties[nameof(ChatCompletion.Created)]?.Value),
                Usage = AsUsage(copy.Properties[nameof(ChatCompletion.Usage)]?.Value),
                SystemFingerprint = Text(copy, nameof(ChatCompletion.SystemFingerprint)),
                Blocked = Value(copy, nameof(ChatCompletion.Blocked)) as bool?,
            },
            Duration = Value(copy, nameof(ChatCompletion.Duration)) as TimeSpan?,
            RawPieces = Text(copy, nameof(ChatCompletion.RawJson)) is { } raw ? [Encoding.UTF8.GetBytes(raw)] : [],
        };
        // Parsed again, because a copy is cut at the depth of serialization.
        var data = copy.Properties[nameof(ChatCompletion.Data)]?.Value;
        if (data is not null && StructuredAnswer.Parse(completion, _ => false).Problem is not null) completion.Data = data;
        return completion;
    }

    private static ChatChoice? Choice(object? item)
    {
        if (item is not PSObject copy || AsMessage(copy.Properties[nameof(ChatChoice.Message)]?.Value) is not { } message) return null;
        return new ChatChoice((int)(Number(copy, nameof(ChatChoice.Index)) ?? 0), message)
        {
            FinishReason = Text(copy, nameof(ChatChoice.FinishReason)),
            NativeFinishReason = Text(copy, nameof(ChatChoice.NativeFinishReason)),
            LogProbs = List(copy, nameof(ChatChoice.LogProbs), LogProb),
        };
    }

    private static ChatMessage? Message(PSObject copy)
    {
        if (Text(copy, nameof(ChatMessage.Role)) is not { } role) return null;
        return new ChatMessage(role, Text(copy, nameof(ChatMessage.Content)))
        {
            Parts = List(copy, nameof(ChatMessage.Parts), Part),
            ReasoningContent = Text(copy, nameof(ChatMessage.ReasoningContent)),
            ToolCalls = List(copy, nameof(ChatMessage.ToolCalls), Call),
            ToolCallId = Text(copy, nameof(ChatMessage.ToolCallId)),
            Name = Text(copy, nameof(ChatMessage.Name)),
        };
    }

    private static TokenUsage Usage(PSObject copy) => new()
    {
        PromptTokens = Number(copy, nameof(TokenUsage.PromptTokens)),
        CompletionTokens = Number(copy, nameof(TokenUsage.CompletionTokens)),
        TotalTokens = Number(copy, nameof(TokenUsage.TotalTokens)),
        ReasoningTokens = Number(copy, nameof(TokenUsage.ReasoningTokens)),
        CachedTokens = Number(copy, nameof(TokenUsage.CachedTokens)),
        PromptCacheHitTokens = Number(copy, nameof(TokenUsage.PromptCacheHitTokens)),
        PromptCacheMissTokens = Number(copy, nameof(TokenUsage.PromptCacheMissTokens)),
        PromptTokensDetails = Details(copy, nameof(TokenUsage.PromptTokensDetails)),
        CompletionTokensDetails = Details(copy, nameof(TokenUsage.CompletionTokensDetails)),
    };

    // A value inside a copy is a live object already if the module was loaded when PowerShell read it.
    private static ChatMessage? AsMessage(object? value) => PlainValue.Unwrap(value) as ChatMessage ?? Of(value) as ChatMessage;

    private static TokenUsage? AsUsage(object? value) => PlainValue.Unwrap(value) as TokenUsage ?? Of(value) as TokenUsage;

    private static ChatContentPart? Part(PSObject copy)
    {
        if (Text(copy, nameof(ChatContentPart.Text)) is { } text) return ChatContentPart.FromText(text);
        if (Text(copy, nameof(ChatContentPart.ImageUri)) is { } image) return ChatContentPart.FromImage(image);
        return Text(copy, nameof(ChatContentPart.FileId)) is { } file ? ChatContentPart.FromFile(file) : null;
    }

    private static ToolCall Call(PSObject copy) => new(
        Text(copy, nameof(ToolCall.Id)) ?? string.Empty,
        Text(copy, nameof(ToolCall.Name)) ?? string.Empty,
        Text(copy, nameof(ToolCall.Arguments)) ?? string.Empty);

    private static TokenLogProb LogProb(PSObject copy) => new(
        Text(copy, nameof(TokenLogProb.Token)) ?? string.Empty,
        Value(copy, nameof(TokenLogProb.LogProb)) is double logProb ? logProb : 0,
        List(copy, nameof(TokenLogProb.TopLogProbs), LogProb),
        Value(copy, nameof(TokenLogProb.IsReasoning)) is true);

    private static List<T>? List<T>(PSObject copy, string name, Func<PSObject, T?> read)
        where T : class =>
        Value(copy, name) is null ? null : [.. Items(copy, name).OfType<PSObject>().Select(read).OfType<T>()];

    private static IEnumerable<object?> Items(PSObject copy, string name) =>
        Value(copy, name) is IEnumerable list and not string ? list.Cast<object?>() : [];

    private static Dictionary<string, long>? Details(PSObject copy, string name)
    {
        if (Value(copy, name) is not IDictionary table) return null;
        var details = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in table)
            if (Number(entry.Value) is { } number) details[entry.Key.ToString()!] = number;
        return details;
    }

    // PowerShell serializes this type by its properties.
    private static DateTimeOffset? Time(object? value)
    {
        if (PlainValue.Unwrap(value) is DateTimeOffset time) return time;
        if (value is not PSObject copy || Number(copy, nameof(DateTimeOffset.UtcTicks)) is not { } ticks || ticks < 0
            || ticks > DateTimeOffset.MaxValue.Ticks) return null;
        return new DateTimeOffset(ticks, TimeSpan.Zero)
            .ToOffset(Value(copy, nameof(DateTimeOffset.Offset)) is TimeSpan offset ? offset : TimeSpan.Zero);
    }

    private static object? Value(PSObject copy, string name) => PlainValue.Unwrap(copy.Properties[name]?.Value);

    private static string? Text(PSObject copy, string name) => Value(copy, name) as string;

    private static long? Number(PSObject copy, string name) => Number(Value(copy, name));

    private static long? Number(object? value) =>
        PlainValue.Unwrap(value) is long or int ? Convert.ToInt64(PlainValue.Unwrap(value), CultureInfo.InvariantCulture) : null;
}
