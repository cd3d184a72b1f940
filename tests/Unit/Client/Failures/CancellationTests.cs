using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.SimulatorHost;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Requests that are given up end at once, and so do their connections.</summary>
public class CancellationTests
{
    // The best of a few tries must be within it: a busy machine may hold up one, not all.
    private static readonly TimeSpan s_atOnce = TimeSpan.FromMilliseconds(200);

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 64)]
    [InlineData(true, 1)]
    [InlineData(true, 64)]
    public async Task A_cancellation_ends_requests_at_once(bool midStream, int count) =>
        await EndsAtOnceAsync(midStream, count, (_, source) => source.Cancel());

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 64)]
    [InlineData(true, 1)]
    [InlineData(true, 64)]
    public async Task Closing_the_session_ends_requests_at_once(bool midStream, int count) =>
        await EndsAtOnceAsync(midStream, count, (session, _) => session.Dispose());

    [Fact]
    public async Task Leaving_a_stream_early_closes_its_connection()
    {
        using var server = new RawServer(Silent(midStream: true));
        using var session = TestSession.Connect(server.BaseUri);
        await foreach (var delta in session.StreamAsync(TestSession.Ask()))
        {
            Assert.Equal("Hello", delta.Content);
            break;
        }

        await ClosedAsync(server);
    }

    [Fact]
    public async Task A_token_that_is_canceled_already_sends_nothing()
    {
        var handler = new ScriptedHandler((_, token) => Task.FromCanceled<System.Net.Http.HttpResponseMessage>(token));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 3);
        var error = await Assert.ThrowsAsync<LlmApiException>(() =>
            session.CompleteAsync(TestSession.Ask(), new CancellationToken(canceled: true)));
        Assert.Equal((LlmErrorKind.Canceled, "The request was canceled."), (error.Kind, error.Message));
        Assert.True(handler.Sent.Count <= 1);
    }

    [Fact]
    public async Task A_canceled_stream_keeps_what_had_come()
    {
        using var source = new CancellationTokenSource();
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Stall)));
        var deltas = new List<string?>();
        var error = await Assert.ThrowsAsync<LlmApiException>(async () =>
        {
            await foreach (var delta in session.StreamAsync(TestSession.Ask(), source.Token))
            {
                deltas.Add(delta.Content);
                source.Cancel();
            }
        });
        Assert.Equal(LlmErrorKind.Canceled, error.Kind);
        Assert.Equal("Hel", error.PartialCompletion!.Content);
        Assert.Equal(["Hel"], deltas);
    }

    [Fact]
    public async Task A_canceled_answer_is_canceled_even_after_its_finish_reason()
    {
        using var source = new CancellationTokenSource();
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hello") + Sse.Finish())], BodyEnd.Stall)));
        var request = session.CompleteAsync(TestSession.Ask(), source.Token);
        source.Cancel();
        Assert.Equal(LlmErrorKind.Canceled, (await Assert.ThrowsAsync<LlmApiException>(() => request)).Kind);
    }

    [Fact]
    public async Task A_closed_session_takes_no_requests()
    {
        var session = TestSession.Open(new ScriptedHandler(_ => Reply.Plain()));
        session.Dispose();
        session.Dispose();
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal(LlmErrorKind.Canceled, error.Kind);
        Assert.Contains("Connect-LlmProvider", error.Message);
        await Assert.ThrowsAsync<LlmApiException>(() => session.GetModelsAsync());
    }

    private static async Task EndsAtOnceAsync(bool midStream, int count, Action<LlmSession, CancellationTokenSource> end)
    {
        var best = TimeSpan.MaxValue;
        for (var attempt = 0; attempt < 5 && best > s_atOnce; attempt++)
        {
            using var source = new CancellationTokenSource();
            using var server = new RawServer(Silent(midStream));
            using var session = TestSession.Connect(server.BaseUri, options => options.MaxRetryCount = 4);
            var begun = 0;
            var requests = Enumerable.Range(0, count)
                .Select(i => AskAsync(session, i % 2 == 1, () => Interlocked.Increment(ref begun), source.Token)).ToArray();
            await UntilAsync(() => server.Requests == count && (!midStream || begun >= count / 2));

            var watch = Stopwatch.StartNew();
            end(session, source);
            var errors = await Task.WhenAll(requests).WaitAsync(TimeSpan.FromSeconds(20));
            best = TimeSpan.FromTicks(Math.Min(best.Ticks, watch.Elapsed.Ticks));
            Assert.All(errors, error => Assert.Equal(LlmErrorKind.Canceled, error.Kind));
            await ClosedAsync(server);
            Assert.Equal(count, server.Requests);
        }

        Assert.True(best <= s_atOnce, $"It took {best.TotalMilliseconds} ms.");
    }

    private static RawReply Silent(bool midStream) =>
        midStream ? RawReply.EventStream(RawEnd.Hold, 0, Sse.Bytes(Sse.Content("Hello"))) : new RawReply([], RawEnd.Hold);

    private static async Task<LlmApiException> AskAsync(LlmSession session, bool streamed, Action begun,
        CancellationToken cancellationToken)
    {
        try
        {
            if (streamed)
            {
                await foreach (var delta in session.StreamAsync(TestSession.Ask(), cancellationToken)) begun();
            }
            else
            {
                await session.CompleteAsync(TestSession.Ask(), cancellationToken);
            }
        }
        catch (LlmApiException e)
        {
            return e;
        }

        throw new InvalidOperationException("The request was answered.");
    }

    private static Task ClosedAsync(RawServer server) => UntilAsync(() => server.OpenConnections == 0);

    private static async Task UntilAsync(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), "It did not come about.");
            await Task.Delay(5);
        }
    }

    [Fact]
    public async Task A_session_may_be_closed_by_two_at_once()
    {
        for (var i = 0; i < 5000; i++)
        {
            var session = TestSession.Open(new ScriptedHandler(_ => Reply.Plain()));
            var ready = 0;
            void Close()
            {
                Interlocked.Increment(ref ready);
                SpinWait.SpinUntil(() => Volatile.Read(ref ready) == 2);
                session.Dispose();
            }

            var other = Task.Run(Close);
            Close();
            await other;
        }
    }
}
