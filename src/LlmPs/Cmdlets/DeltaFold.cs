using System.Collections.Generic;
using System.Globalization;

namespace LlmPs.Cmdlets;

/// <summary>Folds deltas of several requests, which arrive interleaved, into completions.</summary>
internal sealed class DeltaFold
{
    private readonly Dictionary<object, ChatCompletionBuilder> _open = [];
    private readonly Queue<object> _begun = new();

    /// <summary>The request that began first of those that have not come to their end; null for none.</summary>
    internal object? Oldest
    {
        get
        {
            while (_begun.Count > 0 && !_open.ContainsKey(_begun.Peek())) _begun.Dequeue();
            return _begun.Count > 0 ? _begun.Peek() : null;
        }
    }

    /// <summary>What tells the delta's request from others.</summary>
    internal static object KeyOf(ChatCompletionDelta delta) => delta.Context ?? (object)(delta.Id + "\n" + delta.InputIndex.ToString(CultureInfo.InvariantCulture));

    /// <summary>What has come of a request that has not come to its end.</summary>
    internal ChatCompletion SoFar(object key) => _open[key].ToCompletion();

    /// <summary>The completion, when the delta is the last of its request.</summary>
    internal ChatCompletion? Add(ChatCompletionDelta delta)
    {
        var key = KeyOf(delta);
        if (!_open.TryGetValue(key, out var builder))
        {
            _open.Add(key, builder = new ChatCompletionBuilder());
            _begun.Enqueue(key);
        }

        builder.Append(delta);
        if (!delta.IsLast) return null;
        _open.Remove(key);
        // Those that have ended leave the queue as well.
        _ = Oldest;
        return builder.ToCompletion();
    }

    /// <summary>Gives up a request that will not come to its end; what has come of it.</summary>
    internal ChatCompletion Drop(object key)
    {
        var partial = SoFar(key);
        _open.Remove(key);
        return partial;
    }

    /// <summary>The error of an answer that has not come to its end.</summary>
    internal static LlmApiException Interrupted(ChatCompletion partial) =>
        new(LlmErrorKind.StreamInterrupted, $"The deltas of answer '{partial.Id}' end before the answer does; what came is in the exception's PartialCompletion.") { PartialCompletion = partial };
}
