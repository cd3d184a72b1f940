using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;

namespace LlmPs.Unit.Client;

/// <summary>The warnings of a run.</summary>
internal static class Warnings
{
    /// <summary>Streams one request after another, each answered by the next body, with one log as a run has it.</summary>
    internal static async Task<IReadOnlyList<string>> OfAsync(params string[] bodies)
    {
        using var session = TestSession.Open("OpenAICompatible", new ScriptedHandler(n => Reply.Events(bodies[n - 1])));
        var warnings = new List<string>();
        var log = new RequestLog(false, (level, text) =>
        {
            if (level == RequestLogLevel.Warning) warnings.Add(text);
        });
        for (var n = 0; n < bodies.Length; n++)
        {
            var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask(), out _));
            await foreach (var _ in session.StreamAsync(context, null, new ChatCompletionBuilder(), log, CancellationToken.None))
            {
            }
        }

        return warnings;
    }
}
