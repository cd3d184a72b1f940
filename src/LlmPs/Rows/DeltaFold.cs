using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using LlmPs.Text;

namespace LlmPs.Rows;

/// <summary>Folds deltas of several requests, which arrive interleaved, into completions.</summary>
internal sealed class DeltaFold
{
    // In the order in which they began.
    private readonly LinkedList<(object Key, ChatCompletionBuilder Answer)> _begun = new();
    private readonly Dictionary<object, LinkedListNode<(object Key, ChatCompletionBuilder Answer)>> _open = [];

    /// <summary>The requests that have not come to their end, the one that began first in front.</summary>
    internal IEnumerable<object> Open => _begun.Select(request => request.Key);

    /// <summary>The request that began first of those; null for none.</summary>
    internal object? Oldest => _begun.First?.Value.Key;

    /// <summary>What tells the delta's request from others.</summary>
    internal static object KeyOf(ChatCompletionDelta delta) =>
        delta.Context ?? (object)(delta.Id + "\n" + delta.InputIndex.ToString(CultureInfo.InvariantCulture));

    /// <summary>Whether something has come of a request, and not its end.</summary>
    internal bool IsOpen(object key) => _open.ContainsKey(key);

    /// <summary>What has come of a request that has not come to its end.</summary>
    internal ChatCompletion SoFar(object key) => _open[key].Value.Answer.ToCompletion();

    /// <summary>The completion, when the delta is the last of its request.</summary>
    internal ChatCompletion? Add(ChatCompletionDelta delta)
    {
        var key = KeyOf(delta);
        if (!_open.TryGetValue(key, out var request)) _open.Add(key, request = _begun.AddLast((key, new ChatCompletionBuilder())));
        request.Value.Answer.Append(delta);
        return delta.IsLast ? Drop(key) : null;
    }

    /// <summary>Forgets a request; what has come of it.</summary>
    internal ChatCompletion Drop(object key)
    {
        var request = _open[key];
        _open.Remove(key);
        _begun.Remove(request);
        return request.Value.Answer.ToCompletion();
    }

    /// <summary>The error of an answer that has not come to its end.</summary>
    internal static LlmApiException Interrupted(ChatCompletion partial) =>
        new(LlmErrorKind.StreamInterrupted,
            $"The deltas of answer '{PrintableText.Line(partial.Id)}' end before the answer does. The part that arrived is in the "
                + "exception's PartialCompletion.") { PartialCompletion = partial };
}
