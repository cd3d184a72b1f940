using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Unit.Client;

/// <summary>How a streamed request went: the deltas, and the completion or the error that they ended in.</summary>
internal sealed class StreamOutcome
{
    private StreamOutcome(IReadOnlyList<ChatCompletionDelta> deltas, ChatCompletion? completion, LlmApiException? error)
    {
        Deltas = deltas;
        Completion = completion;
        Error = error;
    }

    internal IReadOnlyList<ChatCompletionDelta> Deltas { get; }

    /// <summary>Null where the stream did not come to its end.</summary>
    internal ChatCompletion? Completion { get; }

    internal LlmApiException? Error { get; }

    internal string Content => string.Concat(Deltas.Select(delta => delta.Content));

    internal string Reasoning => string.Concat(Deltas.Select(delta => delta.ReasoningContent));

    /// <summary>Everything that a user sees, as text to compare.</summary>
    internal string Text
    {
        get
        {
            var text = new StringBuilder();
            foreach (var d in Deltas)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"{d.Index} {d.Id} {d.Role} c={Shown(d.Content)} r={Shown(d.ReasoningContent)} f={d.FinishReason}/{d.NativeFinishReason} ");
                text.Append(CultureInfo.InvariantCulture, $"u={d.Usage} {d.IsLast}");
                foreach (var call in d.ToolCalls ?? [])
                    text.Append(CultureInfo.InvariantCulture, $" [{call.Index} {call.Id} {call.Name} {call.Arguments}]");
                text.Append('\n');
            }

            text.Append(CultureInfo.InvariantCulture, $"{Error?.Kind} {Error?.Message} {Completion?.RawJson}");
            return text.ToString();
        }
    }

    internal static async Task<StreamOutcome> OfAsync(LlmSession session, ChatRequest? request = null,
        CancellationToken cancellationToken = default)
    {
        var deltas = new List<ChatCompletionDelta>();
        var builder = new ChatCompletionBuilder();
        try
        {
            await foreach (var delta in session.StreamAsync(request ?? TestSession.Ask(), cancellationToken))
            {
                deltas.Add(delta);
                builder.Append(delta);
            }
        }
        catch (LlmApiException e)
        {
            return new StreamOutcome(deltas, null, e);
        }

        return new StreamOutcome(deltas, builder.IsComplete ? builder.ToCompletion() : null, null);
    }

    internal static async Task<StreamOutcome> OfAsync(HttpResponseMessage response, string provider = "SiliconFlow")
    {
        using var session = TestSession.Open(provider, new ScriptedHandler(_ => response));
        return await OfAsync(session);
    }

    internal static Task<StreamOutcome> OfEventsAsync(string text, string provider = "SiliconFlow") =>
        OfAsync(Reply.Events(text), provider);

    private static string Shown(string? text) => text is null ? "-" : $"'{text}'";
}
