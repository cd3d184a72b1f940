using System;
using System.Collections.Generic;

namespace LlmPs.Options;

/// <summary>
/// The table of options: one line for each option of a request, by the name of its parameter. Validator, writer and row columns use it. Its
/// order is the order of the body's fields. Checkpoint keys are hashes of the body, so a new line must not change the order of the others.
/// </summary>
internal sealed class ChatOption
{
    private static readonly List<ChatOption> s_all = [];

    private readonly Func<ChatRequest, object?> _get;
    private readonly Action<ChatRequest, object?> _set;

    internal static readonly ChatOption Model = Target(nameof(Model), r => r.Model, (r, v) => r.Model = v);
    internal static readonly ChatOption Chip = Target(nameof(Chip), r => r.Chip, (r, v) => r.Chip = v);
    internal static readonly ChatOption Temperature =
        Number(nameof(Temperature), "temperature", r => r.Temperature, (r, v) => r.Temperature = v);
    internal static readonly ChatOption TopP = Number(nameof(TopP), "top_p", r => r.TopP, (r, v) => r.TopP = v);
    internal static readonly ChatOption TopK = Integer(nameof(TopK), "top_k", r => r.TopK, (r, v) => r.TopK = v);
    internal static readonly ChatOption MinP = Number(nameof(MinP), "min_p", r => r.MinP, (r, v) => r.MinP = v);
    internal static readonly ChatOption MaxTokens = Integer(nameof(MaxTokens), "max_tokens", r => r.MaxTokens, (r, v) => r.MaxTokens = v);
    internal static readonly ChatOption Stop = Texts(nameof(Stop), "stop", r => r.Stop, (r, v) => r.Stop = v);
    internal static readonly ChatOption PresencePenalty =
        Number(nameof(PresencePenalty), "presence_penalty", r => r.PresencePenalty, (r, v) => r.PresencePenalty = v);
    internal static readonly ChatOption FrequencyPenalty =
        Number(nameof(FrequencyPenalty), "frequency_penalty", r => r.FrequencyPenalty, (r, v) => r.FrequencyPenalty = v);
    internal static readonly ChatOption N = Integer(nameof(N), "n", r => r.N, (r, v) => r.N = v);
    internal static readonly ChatOption Seed = Long(nameof(Seed), "seed", r => r.Seed, (r, v) => r.Seed = v);
    internal static readonly ChatOption LogProbs = Flag(nameof(LogProbs), "logprobs", r => r.LogProbs, (r, v) => r.LogProbs = v);
    internal static readonly ChatOption TopLogProbs =
        Integer(nameof(TopLogProbs), "top_logprobs", r => r.TopLogProbs, (r, v) => r.TopLogProbs = v);
    internal static readonly ChatOption User = Text(nameof(User), "user", r => r.User, (r, v) => r.User = v);
    internal static readonly ChatOption Thinking =
        Of(nameof(Thinking), "enable_thinking", OptionKind.Thinking, typeof(ThinkingMode), r => r.Thinking, (r, v) => r.Thinking = v);
    internal static readonly ChatOption ThinkingBudget =
        Integer(nameof(ThinkingBudget), "thinking_budget", r => r.ThinkingBudget, (r, v) => r.ThinkingBudget = v);
    internal static readonly ChatOption ReasoningEffort =
        Text(nameof(ReasoningEffort), "reasoning_effort", r => r.ReasoningEffort, (r, v) => r.ReasoningEffort = v);
    internal static readonly ChatOption ResponseFormat =
        Of(nameof(ResponseFormat), "response_format", OptionKind.Format, typeof(ChatResponseFormat),
            r => r.ResponseFormat, (r, v) => r.ResponseFormat = v);
    internal static readonly ChatOption JsonSchema =
        Of(nameof(JsonSchema), "response_format", OptionKind.Schema, null, r => r.JsonSchema, (r, v) => r.JsonSchema = v);
    internal static readonly ChatOption Tool =
        Of(nameof(Tool), "tools", OptionKind.Tools, null, r => r.Tools is { Count: > 0 } tools ? tools : null, (r, v) => r.Tools = v);
    internal static readonly ChatOption ToolChoice =
        Of(nameof(ToolChoice), "tool_choice", OptionKind.ToolChoice, null, r => r.ToolChoice, (r, v) => r.ToolChoice = v);
    internal static readonly ChatOption Image = Part(nameof(Image), "messages[].content[].image_url");
    internal static readonly ChatOption FileId = Part(nameof(FileId), "messages[].content[].file.file_id");

    private ChatOption(
        string name, string field, OptionKind kind, Type? cell, Func<ChatRequest, object?> get, Action<ChatRequest, object?> set)
    {
        Name = name;
        Field = field;
        Kind = kind;
        Cell = cell;
        _get = get;
        _set = set;
        Index = s_all.Count;
        s_all.Add(this);
    }

    /// <summary>All options, in the order of the table.</summary>
    internal static IReadOnlyList<ChatOption> All => s_all;

    /// <summary>The parameter's name.</summary>
    internal string Name { get; }

    /// <summary>The field of most servers, which -SkipValidation sends if the provider documents none.</summary>
    internal string Field { get; }

    internal OptionKind Kind { get; }

    /// <summary>The type of the value in a cell of a table; null if a cell cannot have one.</summary>
    internal Type? Cell { get; }

    /// <summary>The place in the table, from 0.</summary>
    internal int Index { get; }

    /// <summary>Returns the value; null if it is unset. An empty list counts as unset.</summary>
    internal object? Get(ChatRequest request) => _get(request);

    /// <param name="request">The request to change.</param>
    /// <param name="value">A value of the option's type; null to unset it.</param>
    internal void Set(ChatRequest request, object? value) => _set(request, value);

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static ChatOption Target(string name, Func<ChatRequest, string?> get, Action<ChatRequest, string?> set) =>
        Of(name, string.Empty, OptionKind.Target, typeof(string), get, set);

    private static ChatOption Number(string name, string field, Func<ChatRequest, double?> get, Action<ChatRequest, double?> set) =>
        Of(name, field, OptionKind.Number, typeof(double), get, set);

    private static ChatOption Integer(string name, string field, Func<ChatRequest, int?> get, Action<ChatRequest, int?> set) =>
        Of(name, field, OptionKind.Integer, typeof(int), get, set);

    private static ChatOption Long(string name, string field, Func<ChatRequest, long?> get, Action<ChatRequest, long?> set) =>
        Of(name, field, OptionKind.Integer, typeof(long), get, set);

    private static ChatOption Flag(string name, string field, Func<ChatRequest, bool?> get, Action<ChatRequest, bool?> set) =>
        Of(name, field, OptionKind.Flag, typeof(bool), get, set);

    private static ChatOption Text(string name, string field, Func<ChatRequest, string?> get, Action<ChatRequest, string?> set) =>
        Of(name, field, OptionKind.Text, typeof(string), get, set);

    private static ChatOption Texts(
        string name, string field, Func<ChatRequest, IReadOnlyList<string>?> get, Action<ChatRequest, IReadOnlyList<string>?> set) =>
        Of(name, field, OptionKind.Texts, typeof(string[]), r => get(r) is { Count: > 0 } texts ? texts : null, set);

    private static ChatOption Part(string name, string field) =>
        new(name, field, OptionKind.Part, null, static _ => null, static (_, _) => { });

    private static ChatOption Of<T>(
        string name, string field, OptionKind kind, Type? cell, Func<ChatRequest, T> get, Action<ChatRequest, T> set) =>
        new(name, field, kind, cell, r => get(r), (r, v) => set(r, (T)v!));
}
