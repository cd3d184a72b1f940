using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>The limits: none hangs, and each says which it was.</summary>
public class TimerTests
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(0.2);

    [Fact]
    public async Task An_answer_that_stalls_is_given_up_with_the_partial_answer()
    {
        var outcome = await OfAsync([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Stall);
        Assert.Equal(LlmErrorKind.Timeout, outcome.Error!.Kind);
        Assert.Equal("The answer stopped: nothing arrived for 0.2 s (-IdleTimeoutSec).", outcome.Error.Message);
        Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
        Assert.NotNull(outcome.Error.RecommendedAction);
    }

    [Theory]
    [InlineData(": keep-alive\n\n\n")]
    [InlineData("data: : keep-alive\n\n")]
    [InlineData("data:\n\n")]
    [InlineData("event: ping\ndata: {\"type\":\"ping\"}\n\n")]
    [InlineData("data:\r\n\r\n")]
    public async Task What_only_keeps_the_connection_open_does_not_keep_an_answer_alive(string keepAlive)
    {
        var outcome = await OfAsync(Endlessly(keepAlive).Prepend(Sse.Bytes(Sse.Content("Hel"))));
        Assert.Equal("The answer stopped: nothing arrived for 0.2 s (-IdleTimeoutSec).", outcome.Error!.Message);
        Assert.Equal("Hel", outcome.Content);
    }

    [Fact]
    public async Task Payload_keeps_an_answer_alive()
    {
        // Longer in all than the idle time, whose length leaves room for a machine that is busy.
        var pieces = Enumerable.Range(0, 20).SelectMany(_ => new[] { Sse.Bytes(Sse.Content("x")), null });
        var outcome = await OfAsync([.. pieces, Sse.Bytes(Sse.Finish())], pauseMs: 125, idle: 2);
        Assert.Null(outcome.Error);
        Assert.Equal(new string('x', 20), outcome.Content);
    }

    [Theory]
    [InlineData(": keep-alive\n\n")]
    [InlineData("\n\n")]
    public async Task Before_the_first_payload_five_times_as_long_is_given(string keepAlive)
    {
        var answered = await OfAsync([.. Times(24, keepAlive), Sse.Bytes(Sse.Content("Hello") + Sse.Finish())], idle: 0.8);
        Assert.Equal("Hello", answered.Completion!.Content);
        var never = await OfAsync(Endlessly(keepAlive));
        Assert.Equal(LlmErrorKind.Timeout, never.Error!.Kind);
        Assert.Equal("No answer began within 1 s (5 times -IdleTimeoutSec).", never.Error.Message);
        Assert.Null(never.Error.PartialCompletion);
    }

    [Fact]
    public async Task Blank_lines_before_a_plain_answer_are_a_providers_queue()
    {
        var outcome = await OfAsync([.. Times(24, "\n"), Sse.Bytes(Reply.PlainAnswer)], idle: 0.8);
        Assert.Equal("Hello", outcome.Completion!.Content);
    }

    [Fact]
    public async Task A_plain_answer_that_stalls_is_given_up()
    {
        var outcome = await OfAsync([Sse.Bytes(Reply.PlainAnswer[..30])], BodyEnd.Stall);
        Assert.Equal("The answer stopped: nothing arrived for 0.2 s (-IdleTimeoutSec).", outcome.Error!.Message);
    }

    [Fact]
    public async Task Headers_that_never_come_are_given_up()
    {
        using var session = TestSession.Open(new ScriptedHandler(NeverAsync), options => options.IdleTimeout = s_idle / 4);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.Timeout, "No answer began within 0.3 s (5 times -IdleTimeoutSec)."), (error.Kind, error.Message));
    }

    [Fact]
    public async Task The_whole_limit_ends_an_answer_that_goes_on_and_on()
    {
        using var session = TestSession.Open(
            new ScriptedHandler(_ => Reply.Body(new ScriptedStream(Endlessly(Sse.Content("x")), pauseMs: 20))),
            options => options.Timeout = TimeSpan.FromSeconds(0.3));
        var outcome = await StreamOutcome.OfAsync(session);
        Assert.Equal((LlmErrorKind.Timeout, "No complete answer within 0.3 s (-TimeoutSec)."), (outcome.Error!.Kind, outcome.Error.Message));
        Assert.StartsWith("x", outcome.Error.PartialCompletion!.Content);
    }

    [Fact]
    public async Task A_connection_that_does_not_come_about_names_its_limit()
    {
        using var session = TestSession.Open(
            new ScriptedHandler((_, _) => throw new TaskCanceledException("canceled", new TimeoutException())),
            options => options.ConnectTimeout = TimeSpan.FromSeconds(12));
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.Timeout, "No connection to api.siliconflow.cn within 12 s (-ConnectTimeoutSec)."),
            (error.Kind, error.Message));
    }

#if NET
    [Fact]
    public async Task A_server_that_takes_no_more_connections_is_given_up_within_the_limit()
    {
        // Elsewhere a full queue refuses the connection, or is not full.
        if (!OperatingSystem.IsLinux()) return;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(backlog: 0);
        var queued = new List<TcpClient>();
        try
        {
            Task connecting;
            do
            {
                queued.Add(new TcpClient());
                connecting = queued[^1].ConnectAsync(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndpoint).Port);
            }
            while (await Task.WhenAny(connecting, Task.Delay(200)) == connecting);
            using var session =
                TestSession.Connect(new Uri($"http://{listener.LocalEndpoint}/v1"), options =>
                    (options.ConnectTimeout, options.MaxRetryCount) = (TimeSpan.FromSeconds(0.3), 0));
            var error = await TestSession.ErrorAsync(session);
            Assert.Equal((LlmErrorKind.Timeout, $"No connection to {listener.LocalEndpoint} within 0.3 s (-ConnectTimeoutSec)."),
                (error.Kind, error.Message));
        }
        finally
        {
            foreach (var client in queued) client.Dispose();
        }
    }
#endif

    [Fact]
    public async Task A_slow_reader_of_the_answer_costs_nothing()
    {
        using var session = TestSession.Open(
            new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(Sse.Content("a")), Sse.Bytes(Sse.Content("b")), Sse.Bytes(Sse.Finish())])),
            options => (options.IdleTimeout, options.Timeout) = (s_idle * 2, s_idle * 2));
        var text = string.Empty;
        await foreach (var delta in session.StreamAsync(TestSession.Ask()))
        {
            text += delta.Content;
            await Task.Delay(s_idle * 2.5);
        }

        Assert.Equal("ab", text);
    }

    [Fact]
    public async Task An_event_that_takes_its_time_keeps_an_answer_alive()
    {
        var pieces = Sse.Bytes(Sse.Content(new string('x', 200)) + Sse.Finish()).Chunk(10).SelectMany(piece => new[] { null, piece });
        var outcome = await OfAsync(pieces, pauseMs: 125, idle: 2);
        Assert.Null(outcome.Error);
        Assert.Equal(new string('x', 200), outcome.Content);
    }

    [Fact]
    public async Task A_stall_after_the_finish_reason_takes_nothing_from_the_answer()
    {
        var outcome = await OfAsync([Sse.Bytes(Sse.Content("Hello") + Sse.Finish())], BodyEnd.Stall);
        Assert.Null(outcome.Error);
        Assert.Equal(("Hello", "stop"), (outcome.Completion!.Content, outcome.Completion.FinishReason));
    }

    [Fact]
    public async Task A_limit_that_ran_out_is_reason_to_send_again()
    {
        var handler = new ScriptedHandler((n, token) => n == 1 ? NeverAsync(n, token) : Task.FromResult(Reply.Plain()));
        using var session = TestSession.Open(handler, options => (options.IdleTimeout, options.MaxRetryCount) = (s_idle, 1));
        Assert.Equal(2, (await session.CompleteAsync(TestSession.Ask())).Attempts);
    }

    private static async Task<System.Net.Http.HttpResponseMessage> NeverAsync(int number, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new InvalidOperationException();
    }

    private static async Task<StreamOutcome> OfAsync(IEnumerable<byte[]?> pieces, BodyEnd end = BodyEnd.Eof, int pauseMs = 40,
        double idle = 0.2)
    {
        using var session = TestSession.Open(
            new ScriptedHandler(_ => Reply.Body(new ScriptedStream(pieces, end, pauseMs))),
            options => options.IdleTimeout = TimeSpan.FromSeconds(idle));
        return await StreamOutcome.OfAsync(session);
    }

    /// <summary>The same text again and again, with a pause before each.</summary>
    private static IEnumerable<byte[]?> Times(int count, string text) =>
        Enumerable.Range(0, count).SelectMany(_ => new[] { null, Sse.Bytes(text) });

    private static IEnumerable<byte[]?> Endlessly(string text) => Times(int.MaxValue, text);
}
