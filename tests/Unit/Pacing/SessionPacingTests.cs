using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Pacing;

/// <summary>That attempts pass the gate of their model.</summary>
public class SessionPacingTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_refusal_holds_back_the_requests_for_its_model_and_no_others()
    {
        var handler = new ScriptedHandler(n => n == 1 ? Reply.Status(429, "", ("retry-after-ms", "400")) : Reply.Plain());
        using var session = TestSession.Open(handler, options => (options.MaxRetryCount, options.MaxRetryDelay) = (4, s_long));
        var clock = Stopwatch.StartNew();
        var refused = session.CompleteAsync(TestSession.Ask("first"));
        var later = session.CompleteAsync(TestSession.Ask("later"));
        Assert.Equal(2, session.Pacing().Waiting);
        Assert.NotNull(session.Pacing().PausedFor);
        await session.CompleteAsync(new ChatRequest { Model = "other", Messages = TestSession.Ask().Messages }).WaitAsync(s_long);
        var completions = await Task.WhenAll(refused, later).WaitAsync(s_long);
        Assert.True(clock.ElapsedMilliseconds >= 395, $"{clock.ElapsedMilliseconds} ms");
        Assert.Equal([2, 1], completions.Select(completion => completion.Attempts));
        Assert.Equal(4, handler.Sent.Count);
        Assert.Equal(0, session.Pacing().Waiting);
    }

    [Fact]
    public async Task A_refusal_here_and_there_below_the_rate_given_holds_back_its_own_request_alone()
    {
        var handler = new ScriptedHandler(n => n % 10 == 5 ? Reply.Status(429, "") : Reply.Plain());
        using var session = TestSession.Open(handler, options => (options.MaxRetryCount, options.RequestsPerMinute) = (4, 600_000));
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask($"row {i}")).WaitAsync(s_long)).Content);
            Assert.Null(session.Pacing().PausedFor);
        }

        Assert.Equal(33, handler.Sent.Count);
        Assert.Equal(600_000, session.Pacing().RatePerMinute);
    }

    [Fact]
    public async Task Refusals_in_a_row_are_a_limit_whatever_rate_was_given()
    {
        var handler = new ScriptedHandler(n => n <= 40 ? Reply.Status(429, "") : Reply.Plain());
        using var session = TestSession.Open(handler, options => (options.MaxRetryCount, options.RequestsPerMinute) = (40, 600_000));
        await session.CompleteAsync(TestSession.Ask()).WaitAsync(s_long);
        Assert.True(session.Pacing().RatePerMinute < 600_000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task Refusals_without_end_fail_after_the_retries(int retries)
    {
        var handler = new ScriptedHandler(_ => Reply.Status(429, ""));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = retries);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.RateLimited, retries + 1), (error.Kind, error.Attempts));
        Assert.Equal(retries + 1, handler.Sent.Count);
    }

    [Fact]
    public async Task The_wait_at_the_gate_is_no_part_of_the_time_limit()
    {
        var handler = new ScriptedHandler(n => n == 1 ? Reply.Status(429, "", ("retry-after-ms", "2500")) : Reply.Plain());
        using var session = TestSession.Open(handler, options =>
            (options.MaxRetryCount, options.MaxRetryDelay, options.Timeout) = (0, s_long, TimeSpan.FromSeconds(2)));
        await TestSession.ErrorAsync(session);
        Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask()).WaitAsync(s_long)).Content);
    }

    [Fact]
    public async Task A_request_canceled_in_the_line_is_never_sent()
    {
        var handler = new ScriptedHandler(_ => Reply.Status(429, "", ("Retry-After", "30")));
        using var session = TestSession.Open(handler, options => options.MaxRetryDelay = s_long);
        await TestSession.ErrorAsync(session);
        using var cancel = new CancellationTokenSource();
        var waiting = session.CompleteAsync(TestSession.Ask(), cancel.Token);
        await cancel.CancelAsync();
        var error = await Assert.ThrowsAsync<LlmApiException>(() => waiting.WaitAsync(s_long));
        Assert.Equal((LlmErrorKind.Canceled, 0), (error.Kind, error.Attempts));
        Assert.Single(handler.Sent);
        Assert.Equal(0, session.Pacing().Waiting);
    }

    [Fact]
    public async Task A_stream_given_up_in_the_middle_holds_nobody_back()
    {
        var handler = new ScriptedHandler(n => n switch
        {
            1 => Reply.Status(429, ""),
            2 => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Stall),
            _ => Reply.Plain(),
        });
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 4);
        await foreach (var delta in session.StreamAsync(TestSession.Ask()))
        {
            Assert.Equal("Hel", delta.Content);
            break;
        }

        Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask()).WaitAsync(s_long)).Content);
    }

    [Fact]
    public async Task Tokens_are_settled_with_the_usage_that_comes_back_plain_or_streamed()
    {
        var usage = ",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":5,\"total_tokens\":10}}";
        var handler =
            new ScriptedHandler(n =>
                n % 2 == 0 ? Reply.Json(Reply.PlainAnswer[..^1] + usage) : Reply.Events(StreamCases.UsageOnEveryChunk));
        using var session = TestSession.Open(handler, options => options.TokensPerMinute = 1_000);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 4; i++)
        {
            // Each would hold the next back for a quarter of an hour.
            var request = TestSession.Ask();
            request.MaxTokens = 16_000;
            if (i % 2 == 1) await session.CompleteAsync(request).WaitAsync(s_long);
            else await foreach (var delta in session.StreamAsync(request)) Assert.Null(delta.Head.Blocked);
        }

        Assert.Equal(4, handler.Sent.Count);
        Assert.True(clock.Elapsed < s_long);
    }
}
