using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>Joins the pieces of a message's tool calls.</summary>
internal sealed class ToolCallBuilder
{
    private readonly List<Call> _calls = [];
    private readonly Dictionary<int, Call> _latestByIndex = [];
    private readonly Dictionary<string, Call> _byId = [];
    private Call? _latest;

    /// <summary>Adds the pieces of one event.</summary>
    /// <param name="fragments">The pieces.</param>
    /// <param name="tools">The tools of the request. By their names, a piece of a name is distinguished from another call.</param>
    internal void Append(IReadOnlyList<ToolCallFragment> fragments, IReadOnlyList<ChatTool>? tools)
    {
        Call? beside = null;
        foreach (var fragment in fragments)
        {
            beside = _latest = CallOf(fragment, beside, tools);
            _latest.Append(fragment, tools);
            if (fragment.Id is { } id && !_byId.ContainsKey(id)) _byId.Add(id, _latest);
        }
    }

    internal ToolCall[] Build() =>
        [.. _calls.OrderBy(static call => call.Place).Select(static (call, position) => call.Build(position))];

    private static bool Begins(IReadOnlyList<ChatTool>? tools, string text) =>
        (tools ?? []).Any(tool => tool.Name.StartsWith(text, StringComparison.OrdinalIgnoreCase));

    private static bool Names(IReadOnlyList<ChatTool>? tools, string text) =>
        (tools ?? []).Any(tool => tool.Name.Equals(text, StringComparison.OrdinalIgnoreCase));

    /// <param name="fragment">The piece.</param>
    /// <param name="beside">The call of the piece before it in the same event.</param>
    /// <param name="tools">The tools of the request.</param>
    private Call CallOf(ToolCallFragment fragment, Call? beside, IReadOnlyList<ChatTool>? tools)
    {
        if (fragment.Index is { } index)
        {
            if (_latestByIndex.TryGetValue(index, out var latest) && latest.Owns(fragment, latest == beside, tools)) return latest;
            if (fragment.Id is not null && _byId.TryGetValue(fragment.Id, out var earlier) && earlier.Index == index) return earlier;
        }
        else if (fragment.Id is not null)
        {
            if (_byId.TryGetValue(fragment.Id, out var earlier)) return earlier;
        }
        else if (_latest is not null && (fragment.Name is null || beside is null)
            && !_latest.IsFollowedBy(fragment, isBeside: false, tools))
        {
            // Without an index and without an id, a piece continues where the last one stopped, unless it names a call of its own.
            return _latest;
        }

        // Calls are sorted by index, in which order their first pieces came.
        var call = new Call(fragment.Index, fragment.Index ?? (_calls.Count > 0 ? _calls[_calls.Count - 1].Place : 0));
        _calls.Add(call);
        if (fragment.Index is { } own) _latestByIndex[own] = call;
        return call;
    }

    private sealed class Call(int? index, int place)
    {
        private readonly JoinedText _arguments = new();
        private JsonExtent _extent;
        private string? _id;
        private string? _name;
        private string? _lastWhole;
        private int _pieces;
        private bool _isEmptyObject;

        internal int? Index { get; } = index;

        internal int Place { get; } = place;

        private bool HasArguments => _extent.HasBegun;

        /// <summary>
        /// Returns whether a piece with the index of this call belongs to it. A new id with another name is another call.
        /// </summary>
        internal bool Owns(ToolCallFragment fragment, bool isBeside, IReadOnlyList<ChatTool>? tools) =>
            (fragment.Id is null || fragment.Name is null || _id is null || fragment.Id == _id
                || ContinuesName(fragment, tools)) && !IsFollowedBy(fragment, isBeside, tools);

        /// <summary>
        /// Returns whether a piece without a new id begins the next call: it names another tool, or the same tool with arguments when this
        /// call is complete. Gemini gives each of several calls the index 0 and the id "".
        /// </summary>
        internal bool IsFollowedBy(ToolCallFragment fragment, bool isBeside, IReadOnlyList<ChatTool>? tools)
        {
            if (fragment.Name is null || _name is null || (fragment.Id is not null && fragment.Id == _id)) return false;
            if (fragment.Name != _name) return !ContinuesName(fragment, tools);
            if (string.IsNullOrWhiteSpace(fragment.Arguments) || !_extent.IsWhole) return false;
            // The same arguments again as a whole, or arguments after a placeholder, belong to this call (issue 21, C).
            var isRepeated = fragment.Id is null && !isBeside && (_isEmptyObject
                || (_pieces > 1 && fragment.Arguments!.Trim() == _arguments.Value!.Trim()));
            return !isRepeated;
        }

        internal void Append(ToolCallFragment fragment, IReadOnlyList<ChatTool>? tools)
        {
            _id ??= fragment.Id;
            if (fragment.Name is { } name) AppendName(name, tools);
            if (fragment.Arguments is not { } arguments) return;

            // A whole value that begins again is repeated, or replaces the placeholder {} (issue 21, C).
            if (_extent.IsWhole && JsonExtent.FirstOf(arguments) == _extent.First)
            {
                _extent = default;
                _pieces = 0;
                _arguments.Restart(arguments);
            }
            else _arguments.Append(arguments);

            _extent.Add(arguments);
            if (JsonExtent.FirstOf(arguments) is not { } first) return;
            _isEmptyObject = _pieces == 0 && _extent.IsEmptyObject;
            if (_pieces++ > 0 && first == '{') _lastWhole = arguments;
        }

        internal ToolCall Build(int position)
        {
            var arguments = _arguments.Value ?? string.Empty;
            // If each piece repeats all before it, the joined pieces are not valid JSON, but the last piece is.
            if (_lastWhole is not null && !IsObject(arguments) && IsObject(_lastWhole)) arguments = _lastWhole;
            var id = _id ?? "call_" + position.ToString(CultureInfo.InvariantCulture);
            return new ToolCall(id, _name ?? string.Empty, Decoded(arguments));
        }

        /// <summary>Returns whether the name in a piece is the next part of this call's name.</summary>
        private bool ContinuesName(ToolCallFragment fragment, IReadOnlyList<ChatTool>? tools)
        {
            if (HasArguments || fragment.Name is not { } piece || _name is null) return false;
            if (Begins(tools, _name + piece) || (piece.StartsWith(_name, StringComparison.Ordinal) && Begins(tools, piece))) return true;
            if (fragment.Id is not null || Names(tools, piece) || Names(tools, _name)) return false;
            return _id is not null || string.IsNullOrWhiteSpace(fragment.Arguments);
        }

        private void AppendName(string piece, IReadOnlyList<ChatTool>? tools)
        {
            if (_name is null) _name = piece;
            // Some servers repeat the name in each event.
            else if (HasArguments || Names(tools, _name)) return;
            else if (Begins(tools, _name + piece)) _name += piece;
            else if (piece.StartsWith(_name, StringComparison.Ordinal)) _name = piece;
            else _name += piece;
        }

        /// <summary>Decodes arguments that were encoded twice: a JSON string with a JSON object in it (issue 21, K).</summary>
        private static string Decoded(string arguments)
        {
            if (JsonExtent.FirstOf(arguments) != '"') return arguments;
            try
            {
                using var text = JsonDocument.Parse(Encoding.UTF8.GetBytes(arguments));
                return text.RootElement.ValueKind == JsonValueKind.String && text.RootElement.GetString() is { } inner
                    && IsObject(inner) ? inner : arguments;
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                return arguments;
            }
        }

        private static bool IsObject(string text)
        {
            if (JsonExtent.FirstOf(text) != '{') return false;
            try
            {
                using var value = JsonDocument.Parse(Encoding.UTF8.GetBytes(text));
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }
    }
}
