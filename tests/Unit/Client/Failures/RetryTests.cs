using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Pacing;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>What is sent again, how often, and when not.</summary>
public class RetryTests
{
    [Theory]
    [InlineData("SiliconFlow", 408, "")]
    [InlineData("SiliconFlow", 429, """{"message":"TPM limit reached.","data":null}""")]
    [InlineData("SiliconFlow", 500, "")]
    [InlineData("SiliconFlow", 502, "<html></html>")]
    [InlineData("SiliconFlow", 503, """{"code":50505,"message":"overloaded"}""")]
    [InlineData("SiliconFlow", 504, "\"timeout\"")]
    [InlineData("SiliconFlow", 200, """{"code":50508,"message":"too busy"}""")]
    [InlineData("OpenAICompatible", 200, """{"error":{"code":429,"message":"slow down"}}""")]
    [InlineData("Cloudsway", 200, """{"choices":[{"message":{"content":"half"},"finish_reason":"insufficient_system_resource"}]}""")]
    [InlineData("SiliconFlow", 200, "")]
    public async Task What_may_pass_is_sent_again(string provider, int status, string body)
    {
        var handler = new ScriptedHandler(n => n <= 2 ? Reply.Status(status, body) : Reply.Plain());
        using var session = TestSession.Open(provider, handler, options => options.MaxRetryCount = 4);
        var completion = await session.CompleteAsync(TestSession.Ask());
        Assert.Equal("Hello", completion.Content);
        Assert.Equal(3, completion.Attempts);
        Assert.Equal(3, handler.Sent.Count);
        Assert.Single(handler.Sent.Select(sent => sent.Body).Distinct());
    }

    [Theory]
    [InlineData("SiliconFlow", 400, "")]
    [InlineData("SiliconFlow", 401, "\"Api key is invalid\"")]
    [InlineData("SiliconFlow", 402, "")]
    [InlineData("SiliconFlow", 403, "")]
    [InlineData("SiliconFlow", 404, "")]
    [InlineData("SiliconFlow", 413, "")]
    [InlineData("SiliconFlow", 501, "")]
    [InlineData("SiliconFlow", 503, """{"code":30001,"message":"balance"}""")]
    [InlineData("GenStudio", 503, """{"code":60000,"msg":"bad token"}""")]
    [InlineData("GenStudio", 429, """{"code":10009,"msg":"bad token"}""")]
    [InlineData("OpenAICompatible", 429, """{"error":{"code":"insufficient_quota","message":"empty"}}""")]
    [InlineData("SiliconFlow", 200, "{}")]
    public async Task What_no_repetition_mends_is_sent_once(string provider, int status, string body)
    {
        var handler = new ScriptedHandler(_ => Reply.Status(status, body));
        using var session = TestSession.Open(provider, handler, options => options.MaxRetryCount = 4);
        Assert.Equal(1, (await TestSession.ErrorAsync(session)).Attempts);
        Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData(429, "false", 1)]
    [InlineData(503, "False", 1)]
    [InlineData(409, "true", 3)]
    [InlineData(501, "true", 3)]
    [InlineData(401, "true", 1)]
    [InlineData(400, "true", 1)]
    [InlineData(429, "perhaps", 3)]
    public async Task The_server_may_say_whether_to_send_again_but_never_for_what_is_final(int status, string should, int attempts)
    {
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Status(status, "", ("x-should-retry", should))), options =>
                options.MaxRetryCount = 2);
        Assert.Equal(attempts, (await TestSession.ErrorAsync(session)).Attempts);
    }

    [Fact]
    public async Task Connections_that_fail_or_break_are_tried_again()
    {
        var handler = new ScriptedHandler(n => n switch
        {
            1 => throw new HttpRequestException("refused"),
            2 => Reply.Pieces([Sse.Bytes(Reply.PlainAnswer[..20])], BodyEnd.Break),
            3 => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Break),
            4 => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))]),
            5 => Reply.Pieces([Sse.Bytes(Reply.PlainAnswer[..60])]),
            _ => Reply.Plain(),
        });
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 5);
        var completion = await session.CompleteAsync(TestSession.Ask());
        Assert.Equal("Hello", completion.Content);
        Assert.Equal(6, completion.Attempts);
    }

#if NET
    // On .NET Framework the length is not known to be that of the answer.
    [Fact]
    public async Task An_answer_that_is_as_long_as_it_says_and_no_json_is_not_sent_again()
    {
        var handler = new ScriptedHandler(_ => Reply.Json(Reply.PlainAnswer[..60]));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 4);
        Assert.Equal(LlmErrorKind.InvalidResponse, (await TestSession.ErrorAsync(session)).Kind);
        Assert.Single(handler.Sent);
    }
#endif

    [Fact]
    public async Task The_count_of_retries_is_a_limit()
    {
        var handler = new ScriptedHandler(_ => Reply.Status(503, "busy"));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 4);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.ServiceUnavailable, 503, 5), (error.Kind, error.StatusCode, error.Attempts));
        Assert.Equal(5, handler.Sent.Count);
    }

    [Fact]
    public async Task A_stream_is_sent_again_before_its_first_delta()
    {
        var handler = new ScriptedHandler(n => n switch
        {
            1 => Reply.Status(429, ""),
            2 => Reply.Pieces([Sse.Bytes(": keep-alive\n\n")], BodyEnd.Break),
            3 => Reply.Events(Sse.Event("""{"error":{"message":"engine failed"}}""")),
            _ => Reply.Events(StreamCases.UsageOnEveryChunk),
        });
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 4);
        var outcome = await StreamOutcome.OfAsync(session);
        Assert.Equal("Hello", outcome.Content);
        Assert.Equal(4, outcome.Completion!.Attempts);
    }

    [Theory]
    [InlineData(BodyEnd.Eof)]
    [InlineData(BodyEnd.Break)]
    public async Task A_stream_is_never_sent_again_after_its_first_delta(object end)
    {
        var handler = new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], (BodyEnd)end));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 4);
        var outcome = await StreamOutcome.OfAsync(session);
        Assert.Equal("Hel", outcome.Content);
        Assert.Equal((LlmErrorKind.StreamInterrupted, 1), (outcome.Error!.Kind, outcome.Error.Attempts));
        Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
        Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData("Retry-After", "120", 120)]
    [InlineData("Retry-After", "99999999999999999999", 1e9)]
    [InlineData("retry-after-ms", "1e30", 1e9)]
    [InlineData("Retry-After", "0", 0)]
    [InlineData("Retry-After", "1.5", 1.5)]
    [InlineData("retry-after-ms", "2500", 2.5)]
    [InlineData("retry-after-ms", "0.5", 0.0005)]
    public async Task The_wait_that_the_provider_asks_for_is_read(string header, string value, double seconds)
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(429, "", (header, value)));
        Assert.Equal(seconds, error.RetryAfter!.Value.TotalSeconds, 6);
    }

    [Theory]
    [InlineData("Retry-After", "-1")]
    [InlineData("Retry-After", "soon")]
    [InlineData("retry-after-ms", "NaN")]
    public async Task A_wait_that_is_none_is_not(string header, string value) =>
        Assert.Null((await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(429, "", (header, value)))).RetryAfter);

    [Fact]
    public async Task A_wait_may_be_a_date()
    {
        var date = DateTimeOffset.UtcNow.AddSeconds(500).ToString("r", CultureInfo.InvariantCulture);
        Assert.InRange((await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(429, "", ("Retry-After", date))))
            .RetryAfter!.Value.TotalSeconds, 300, 500);
        var past = DateTimeOffset.UtcNow.AddSeconds(-500).ToString("r", CultureInfo.InvariantCulture);
        Assert.Equal(TimeSpan.Zero, (await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(429, "", ("Retry-After", past))))
            .RetryAfter);
    }

    [Fact]
    public async Task A_wait_over_the_limit_fails_at_once_and_names_the_wait()
    {
        var handler = new ScriptedHandler(_ => Reply.Status(429, "slow", ("Retry-After", "3600"), ("x-request-id", "r1")));
        using var session =
            TestSession.Open(handler, options => (options.MaxRetryCount, options.MaxRetryDelay) = (4, TimeSpan.FromSeconds(60)));
        var error = await TestSession.ErrorAsync(session);
        Assert.Contains("The provider asks to wait 3600 s, which is over -MaxRetryDelaySec 60.", error.Message);
        Assert.Equal((LlmErrorKind.RateLimited, 429, "r1"), (error.Kind, error.StatusCode, error.RequestId));
        Assert.Equal(TimeSpan.FromHours(1), error.RetryAfter);
        Assert.Contains("3600", error.RecommendedAction);
        Assert.Single(handler.Sent);
        Assert.Equal(1, error.Attempts);
    }

    [Fact]
    public void Waits_grow_with_full_jitter_up_to_the_limit()
    {
        var policy = new RetryPolicy(100, TimeSpan.FromSeconds(10));
        var error = new LlmApiException(LlmErrorKind.ServerError, "x") { IsTransient = true };
        for (var attempt = 1; attempt <= 40; attempt++)
        {
            var waits = Enumerable.Range(0, 50).Select(_ => policy.Next(error, attempt, out var _)!.Value.TotalSeconds).ToArray();
            var ceiling = Math.Min(10, 0.5 * Math.Pow(2, attempt));
            Assert.All(waits, wait => Assert.InRange(wait, 0, ceiling));
            Assert.True(waits.Distinct().Count() > 1);
            Assert.True(waits.Max() > ceiling / 4);
        }
    }

    [Fact]
    public void A_wait_that_is_asked_for_is_never_cut_short()
    {
        var policy = new RetryPolicy(4, TimeSpan.FromSeconds(60));
        var error = new LlmApiException(LlmErrorKind.RateLimited, "x") { IsTransient = true, RetryAfter = TimeSpan.FromSeconds(7) };
        for (var i = 0; i < 100; i++) Assert.InRange(policy.Next(error, 1, out _)!.Value.TotalSeconds, 7, 7.5);
    }

    [Fact]
    public async Task Each_retry_is_a_verbose_line_with_the_reason_and_the_wait()
    {
        var lines = new List<(RequestLogLevel Level, string Text)>();
        var handler = new ScriptedHandler(n => n <= 2 ? Reply.Status(503, "the house is full") : Reply.Plain());
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 4);
        var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask(), out _)) { InputIndex = 17 };
        await session.CompleteAsync(context, null, new RequestLog(false, (level, text) => lines.Add((level, text))),
            CancellationToken.None);
        Assert.Equal(2, lines.Count);
        Assert.All(lines, line => Assert.Equal(RequestLogLevel.Verbose, line.Level));
        Assert.Matches(@"^Row 17, attempt 1 failed \(ServiceUnavailable\); again in 0\.\d\d s\. .*the house is full", lines[0].Text);
        Assert.Contains("attempt 2 failed", lines[1].Text);
    }

    [Fact]
    public async Task A_wait_ends_at_once_when_the_request_is_canceled_or_the_session_closed()
    {
        foreach (var close in new[] { false, true })
        {
            using var cancel = new CancellationTokenSource();
            var handler = new ScriptedHandler(_ => Reply.Status(429, "", ("Retry-After", "30")));
            var session =
                TestSession.Open(handler, options => (options.MaxRetryCount, options.MaxRetryDelay) = (4, TimeSpan.FromSeconds(60)));
            var request = session.CompleteAsync(TestSession.Ask(), cancel.Token);
            if (close) session.Dispose();
            else cancel.Cancel();
            var error = await Assert.ThrowsAsync<LlmApiException>(() => request.WaitAsync(TimeSpan.FromSeconds(10)));
            Assert.Equal((LlmErrorKind.Canceled, 1), (error.Kind, error.Attempts));
            Assert.Equal(close, error.Message.Contains("was closed"));
            session.Dispose();
        }
    }
}
