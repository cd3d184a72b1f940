using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>No server can fill the memory.</summary>
public class LimitTests
{
    private const int Piece = 256 * 1024;

    [Theory]
    [InlineData("data: ", "x")]
    [InlineData("", "data: x\n")]
    [InlineData(": a comment without end ", "x")]
    [InlineData("id: ", "7")]
    public async Task An_event_over_the_limit_is_refused(string start, string repeated)
    {
        var body = new ScriptedStream(Endless(start, repeated));
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Body(body)));
        var error = (await StreamOutcome.OfAsync(session)).Error!;
        Assert.Equal((LlmErrorKind.InvalidResponse, "An event of the stream is over the limit of 16 MiB."), (error.Kind, error.Message));
        Assert.InRange(body.Given, AnswerStream.LongestEvent, AnswerStream.LongestEvent * 2L);
        Assert.True(body.IsDisposed);
    }

    [Fact]
    public async Task Events_and_comments_within_the_limit_may_go_on_beyond_it_together()
    {
        var piece = Sse.Bytes(": " + new string('c', 100_000) + "\n" + Sse.Content(new string('x', 100_000)));
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Pieces([.. Enumerable.Repeat(piece, 200), Sse.Bytes(Sse.Finish())])));
        var length = 0L;
        await foreach (var delta in session.StreamAsync(TestSession.Ask())) length += delta.Content?.Length ?? 0;
        Assert.Equal(20_000_000, length);
    }

    [Fact]
    public async Task A_long_event_of_many_lines_is_read()
    {
        // On .NET Framework the parser copies all lines so far for each line over 1 MiB (issue 22, 12): 4 MiB took 14 s of CPU.
        var lines = string.Concat(Enumerable.Repeat("data:\"n\":0,\n", 400_000));
        var stream = "data: {\n" + lines + "data:\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n" + Sse.Finish()
            + Sse.Done;
        Assert.Equal("Hello", (await StreamOutcome.OfAsync(Reply.Pieces(Sse.Bytes(stream).Chunk(1400)))).Completion!.Content);
    }

    [Fact]
    public async Task A_plain_body_over_the_limit_is_refused()
    {
        Assert.Equal(128 * 1024 * 1024, AnswerAttempt.LongestBody);
        using var clock = new AttemptClock(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1), CancellationToken.None);
        var inner = new ScriptedStream(Endless("{\"a\":\"", "x"));
        using var stream = new AnswerStream(inner, clock, length: null);
        await stream.PeekAsync();
        var error = await Assert.ThrowsAsync<LlmApiException>(() => stream.ReadToEndAsync(1024 * 1024));
        Assert.Equal((LlmErrorKind.InvalidResponse, "The answer is over the limit of 1 MiB."), (error.Kind, error.Message));
        Assert.InRange(inner.Given, 1024 * 1024, 1024 * 1024 + Piece);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(8192L)]
    // What a server says of the length is only believed when a good part of it has come.
    [InlineData(9000L)]
    [InlineData(long.MaxValue)]
    public async Task A_body_of_exactly_the_limit_is_read(long? length)
    {
        using var clock = new AttemptClock(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1), CancellationToken.None);
        using var stream = new AnswerStream(new ScriptedStream([new byte[5000], new byte[3192]]), clock, length);
        Assert.Equal(8192, (await stream.ReadToEndAsync(8192)).Length);
    }

    [Fact]
    public async Task An_errors_body_without_end_leaves_the_status()
    {
        var body = new ScriptedStream(Endless("", "y"));
        using var session =
            TestSession.Open(
                new ScriptedHandler(_ => new HttpResponseMessage(HttpStatusCode.PaymentRequired) { Content = new StreamContent(body) }));
        Assert.Equal(LlmErrorKind.InsufficientBalance, (await TestSession.ErrorAsync(session)).Kind);
        Assert.InRange(body.Given, 0, 2 * 1024 * 1024);
    }

    [Fact]
    public async Task A_list_of_models_without_end_is_refused()
    {
        var body = new ScriptedStream(Endless("[", "1,"));
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Body(body)));
        var error = await Assert.ThrowsAsync<LlmApiException>(() => session.GetModelsAsync());
        Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
        Assert.Contains("over the limit of 16 MiB", error.Message);
    }

    [Theory]
    [InlineData("<title>")]
    [InlineData("Bearer ")]
    [InlineData("   ")]
    [InlineData("{\"a\":")]
    public async Task An_errors_body_made_to_be_slow_is_not(string repeated)
    {
        var body = "<" + string.Concat(Enumerable.Repeat(repeated, 1_000_000 / repeated.Length));
        foreach (var text in new[] { body, body[1..] })
        {
            var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(429, text)).WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(LlmErrorKind.RateLimited, error.Kind);
        }
    }

    [Fact]
    public async Task Json_nested_without_end_is_refused()
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Json("{\"choices\":" + new string('[', 100_000)));
        Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
    }

    private static IEnumerable<byte[]?> Endless(string start, string repeated)
    {
        if (start.Length > 0) yield return Sse.Bytes(start);
        var piece = Sse.Bytes(string.Concat(Enumerable.Repeat(repeated, Piece / repeated.Length)));
        while (true) yield return piece;
    }
}
