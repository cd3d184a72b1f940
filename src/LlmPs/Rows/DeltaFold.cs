using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using LlmPs.Text;

namespace LlmPs.Rows;

/// <summary>Joins the deltas of several requests, which arrive interleaved, into completions.</summary>
internal sealed class DeltaFold
{
    // In the order in which they began.
    private readonly LinkedList<(object Key, ChatCompletionBuilder Answer)> _begun = new();
    private readonly Dictionary<object, LinkedListNode<(object Key, ChatCompletionBuilder Answer)>> _open = [];

    /// <summary>The requests whose last delta has not come, the oldest first.</summary>
    internal IEnumerable<object> Open => _begun.Select(request => request.Key);

    internal static object KeyOf(ChatCompletionDelta delta) =>
        delta.Context ?? (object)(delta.Id + "\n" + delta.InputIndex.ToString(CultureInfo.InvariantCulture));

    internal bool IsOpen(object key) => _open.ContainsKey(key);

    internal ChatCompletion SoFar(object key) => _open[key].Value.Answer.ToCompletion();

    /// <summary>Adds a delta. Returns the completion with the last delta of a request, else null.</summary>
    internal ChatCompletion? Add(ChatCompletionDelta delta)
    {
        var key = KeyOf(delta);
        if (!_open.TryGetValue(key, out var request)) _open.Add(key, request = _begun.AddLast((key, new ChatCompletionBuilder())));
        request.Value.Answer.Append(delta);
        return delta.IsLast ? Drop(key) : null;
    }

    /// <summary>Forgets a request and returns what has come of it.</summary>
    internal ChatCompletion Drop(object key)
    {
        var request = _open[key];
        _open.Remove(key);
        _begun.Remove(request);
        return request.Value.Answer.ToCompletion();
    }

    internal static LlmApiException Interrupted(ChatCompletion partial)
    {
        var message = $"The deltas of answer '{PrintableText.Line(partial.Id)}' end before the answer does. The part that arrived is in "
            + "the exception's PartialCompletion.";
        return new LlmApiException(LlmErrorKind.StreamInterrupted, message) { PartialCompletion = partial };
    }
}
