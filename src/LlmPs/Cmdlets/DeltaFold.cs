using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace LlmPs.Cmdlets;

/// <summary>Folds deltas of several requests, which arrive interleaved, into completions.</summary>
internal sealed class DeltaFold
{
    private readonly Dictionary<object, ChatCompletionBuilder> _open = [];

    /// <summary>The answers that have not come to their end.</summary>
    internal IEnumerable<ChatCompletion> Partial => _open.Values.Select(builder => builder.ToCompletion());

    /// <summary>What tells the delta's request from others.</summary>
    internal static object KeyOf(ChatCompletionDelta delta) => delta.Context ?? (object)(delta.Id + "\n" + delta.InputIndex.ToString(CultureInfo.InvariantCulture));

    /// <summary>The completion, when the delta is the last of its request.</summary>
    internal ChatCompletion? Add(ChatCompletionDelta delta)
    {
        var key = KeyOf(delta);
        if (!_open.TryGetValue(key, out var builder)) _open.Add(key, builder = new ChatCompletionBuilder());
        builder.Append(delta);
        if (!delta.IsLast) return null;
        _open.Remove(key);
        return builder.ToCompletion();
    }

    /// <summary>The error of an answer that has not come to its end.</summary>
    internal static LlmApiException Interrupted(ChatCompletion partial) =>
        new(LlmErrorKind.StreamInterrupted, $"The deltas of answer '{partial.Id}' end before the answer does; what came is in the exception's PartialCompletion.") { PartialCompletion = partial };
}
