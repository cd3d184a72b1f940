using System;
using System.Diagnostics;
using System.Threading.Tasks;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21, M: a stream that stays open after its answer, and events on one line.</summary>
public class KindM_ends_of_streams
{
    private static readonly string s_usage = Event("""{"choices":[],"usage":{"total_tokens":5}}""");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_that_stays_open_after_the_answer_ends_two_seconds_later(bool keepsAlive)
    {
        var watch = Stopwatch.StartNew();
        var reply = keepsAlive
            ? Reply.Body(new ScriptedStream(Endless(), pauseMs: 50))
            : Reply.Pieces([Bytes(Content("Hello") + Finish())], BodyEnd.Stall);
        var outcome = await StreamOutcome.OfAsync(reply);
        Assert.Null(outcome.Error);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.InRange(watch.Elapsed.TotalSeconds, 1.5, 15);

        static System.Collections.Generic.IEnumerable<byte[]?> Endless()
        {
            yield return Bytes(Content("Hello") + Finish());
            while (true)
            {
                yield return null;
                yield return Bytes(": keep-alive\n\n");
            }
        }
    }

    [Fact]
    public async Task Usage_that_comes_within_the_two_seconds_is_taken()
    {
        var outcome =
            await StreamOutcome.OfAsync(
                Reply.Body(new ScriptedStream([Bytes(Content("Hello") + Finish()), null, Bytes(s_usage)], BodyEnd.Stall, pauseMs: 300)));
        Assert.Equal((5, "Hello"), (outcome.Completion!.Usage!.TotalTokens, outcome.Completion.Content));
    }

    [Fact]
    public async Task A_choice_that_has_yet_to_finish_is_waited_for()
    {
        var stream = new ScriptedStream(
            [
                Bytes(Event("""{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"},{"index":1,"delta":{"content":"b"}}]}""")),
                null,
                Bytes(Event("""{"choices":[{"index":1,"delta":{"content":"c"},"finish_reason":"stop"}]}""")),
            ],
            pauseMs: 2500);
        var outcome = await StreamOutcome.OfAsync(Reply.Body(stream));
        Assert.Equal("bc", outcome.Completion!.Choices[1].Message.Content);
    }

    [Fact]
    public async Task A_reason_with_every_event_does_not_cut_an_answer_that_goes_on()
    {
        var outcome = await StreamOutcome.OfAsync(Reply.Body(new ScriptedStream(
            [Bytes(Delta("\"content\":\"Hel\"", "\"stop\"")), null, Bytes(Delta("\"content\":\"lo\"", "\"stop\"")), null,
                Bytes(Delta("\"content\":\"!\"", "\"stop\"") + Done)], pauseMs: 1300)));
        Assert.Equal("Hello!", outcome.Completion!.Content);
    }

    [Fact]
    public async Task A_reason_with_every_event_does_not_make_a_broken_answer_whole()
    {
        var events = Bytes(Delta("\"content\":\"Hel\"", "\"stop\"") + Delta("\"content\":\"lo\"", "\"stop\""));
        var broken = await StreamOutcome.OfAsync(Reply.Pieces([events], BodyEnd.Break));
        Assert.Equal((LlmErrorKind.StreamInterrupted, "Hello"), (broken.Error!.Kind, broken.Error.PartialCompletion!.Content));
        Assert.Equal("Hello", (await StreamOutcome.OfAsync(Reply.Pieces([events], BodyEnd.Stall))).Completion!.Content);

        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Body(new ScriptedStream(Endless(events), pauseMs: 50))), options =>
                options.Timeout = TimeSpan.FromSeconds(1));
        Assert.Equal(LlmErrorKind.Timeout, (await TestSession.ErrorAsync(session)).Kind);

        static System.Collections.Generic.IEnumerable<byte[]?> Endless(byte[] events)
        {
            while (true)
            {
                yield return events;
                yield return null;
            }
        }
    }

    [Theory]
    [InlineData("{0}{1}")]
    [InlineData("{0} {1}")]
    [InlineData("{0}data: {1}")]
    [InlineData("{0}data:{1}")]
    [InlineData("{0}\ndata: {1}")]
    [InlineData("{0}[DONE]")]
    [InlineData("{0}data: [DONE]")]
    public async Task Two_events_on_one_line_are_transient(string form)
    {
        const string one = """{"choices":[{"index":0,"delta":{"content":"Hel"}}]}""";
        const string two = """{"choices":[{"index":0,"delta":{"content":"lo"}}]}""";
        var glued = Event(form.Replace("{0}", one, StringComparison.Ordinal).Replace("{1}", two, StringComparison.Ordinal));
        foreach (var tail in new[] { string.Empty, Content("!") + Finish() + Done })
        {
            var handler = new ScriptedHandler(n => Reply.Events(n == 1 ? glued + tail : StreamCases.UsageOnEveryChunk));
            using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 1);
            Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask())).Content);
            Assert.Equal(2, handler.Sent.Count);
            var outcome = await StreamOutcome.OfEventsAsync(Content("x") + glued + tail);
            Assert.Equal((LlmErrorKind.StreamInterrupted, "x"), (outcome.Error!.Kind, outcome.Error.PartialCompletion!.Content));
        }
    }

    [Fact]
    public async Task One_event_that_is_no_json_is_final()
    {
        var handler = new ScriptedHandler(_ => Reply.Events(Event("{\"choices\":[{]") + Content("Hello") + Finish() + Done));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 1);
        Assert.Equal(LlmErrorKind.InvalidResponse, (await TestSession.ErrorAsync(session)).Kind);
        Assert.Single(handler.Sent);
    }
}
