using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>What -Debug shows of a stream.</summary>
public class StreamDebugTests
{
    [Fact]
    public async Task The_debug_stream_shows_a_streamed_answer_once_and_whole()
    {
        var lines = new List<string>();
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Events(Sse.Content("Hel") + Sse.Content("lo") + Sse.Finish() + Sse.Done)));
        var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask("hi"), out _));
        await foreach (
            var deltas in session.StreamAsync(context, null, new ChatCompletionBuilder(),
                new RequestLog(true, (_, text) => lines.Add(text)), CancellationToken.None)) Assert.NotEmpty(deltas);
        Assert.Single(lines, line => line.Contains("\"Hel\"") && line.Contains("\"lo\""));
    }
}
