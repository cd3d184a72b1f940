using System.Collections.Generic;
using System.Linq;

namespace LlmPs.Wire;

/// <summary>Removes secrets that are split over the deltas of one answer, and the events that they came in.</summary>
internal sealed class EchoGuard(IReadOnlyList<string> secrets)
{
    private readonly Dictionary<int, Choice> _choices = [];
    private byte[]? _hidden;

    /// <summary>Cleans the next delta of a choice. Adds events to the list that were held back and have no secret.</summary>
    internal void Clean(ChatCompletionDelta delta, ref List<byte[]>? withheld)
    {
        // Several choices may share one event.
        if (ReferenceEquals(delta.Raw, _hidden)) delta.Raw = null;
        if (!_choices.TryGetValue(delta.Index, out var choice)) _choices.Add(delta.Index, choice = new Choice(secrets));
        var (hasCut, isHolding) = choice.Clean(delta);
        if (!hasCut && !isHolding && choice.Events.Count > 0) (withheld ??= []).AddRange(choice.Events);
        if (hasCut || !isHolding) choice.Events.Clear();
        if ((!hasCut && !isHolding) || delta.Raw is not { } raw) return;
        if (!hasCut) choice.Events.Add(raw);
        _hidden = raw;
        delta.Raw = null;
    }

    /// <summary>Adds what was held back of a choice to its last delta.</summary>
    internal void Close(ChatCompletionDelta delta)
    {
        if (!_choices.TryGetValue(delta.Index, out var choice)) return;
        choice.Close(delta);
        if (choice.Events.Count > 0) delta.Withheld = [.. choice.Events, .. delta.Withheld ?? []];
    }

    private sealed class Choice(IReadOnlyList<string> secrets)
    {
        // Pieces of calls without an index belong to the call before them.
        private const int NoIndex = -1;

        private readonly EchoFilter _content = new(secrets);
        private readonly EchoFilter _reasoning = new(secrets);
        private readonly Dictionary<int, EchoFilter> _arguments = [];
        private readonly HashSet<int> _heldCalls = [];

        /// <summary>The events whose text is held back.</summary>
        internal List<byte[]> Events { get; } = [];

        internal (bool HasCut, bool IsHolding) Clean(ChatCompletionDelta delta)
        {
            if (delta.ContentBefore is { } content) delta.ContentBefore = new EchoFilter(secrets).Rest(content);
            if (delta.ReasoningBefore is { } reasoning) delta.ReasoningBefore = new EchoFilter(secrets).Rest(reasoning);
            // If the content becomes reasoning, the part that was held back does, too.
            if (delta.MovesContent && _content.IsHolding) delta.ReasoningContent = _content.Rest() + delta.ReasoningContent;
            delta.Content = _content.Next(delta.Content);
            delta.ReasoningContent = _reasoning.Next(delta.ReasoningContent);
            var hasCut = _content.HasCut || _reasoning.HasCut;
            if (delta.ToolCalls is { } fragments) delta.ToolCalls = Clean(fragments, ref hasCut);
            return (hasCut, _content.IsHolding || _reasoning.IsHolding || _heldCalls.Count > 0);
        }

        internal void Close(ChatCompletionDelta delta)
        {
            if (delta.MovesContent && _content.IsHolding) delta.ReasoningContent = _content.Rest() + delta.ReasoningContent;
            delta.Content = _content.Rest(delta.Content);
            delta.ReasoningContent = _reasoning.Rest(delta.ReasoningContent);
            if (_heldCalls.Count == 0) return;
            var held = _heldCalls.OrderBy(static index => index).Select(index => RestOf(index, _arguments[index]));
            delta.ToolCalls = [.. delta.ToolCalls ?? [], .. held];
        }

        private List<ToolCallFragment>? Clean(IReadOnlyList<ToolCallFragment> fragments, ref bool hasCut)
        {
            List<ToolCallFragment>? clean = null;
            foreach (var fragment in fragments)
            {
                var index = fragment.Index ?? NoIndex;
                if (!_arguments.TryGetValue(index, out var call)) _arguments.Add(index, call = new EchoFilter(secrets));
                if (index == NoIndex && fragment.Id is not null && call.IsHolding) (clean ??= []).Add(RestOf(index, call));
                var arguments = call.Next(fragment.Arguments);
                hasCut |= call.HasCut;
                if (call.IsHolding) _heldCalls.Add(index);
                else _heldCalls.Remove(index);
                if (arguments == fragment.Arguments) (clean ??= []).Add(fragment);
                else if (arguments is not null || fragment.Id is not null || fragment.Name is not null)
                    (clean ??= []).Add(new ToolCallFragment(fragment.Index, fragment.Id, fragment.Name, arguments));
            }

            return clean;
        }

        private static ToolCallFragment RestOf(int index, EchoFilter call) => new(index == NoIndex ? null : index, null, null, call.Rest());
    }
}
