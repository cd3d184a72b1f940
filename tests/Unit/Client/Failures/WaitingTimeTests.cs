using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>How long a provider asks to wait, wherever it says so.</summary>
public class WaitingTimeTests
{
    [Theory]
    [InlineData("6m0s", 360.0)]
    [InlineData("120ms", 0.12)]
    [InlineData("1.5s", 1.5)]
    [InlineData("12", 12.0)]
    [InlineData("0.25", 0.25)]
    [InlineData("1h2m3.5s", 3723.5)]
    [InlineData("1d", 86400.0)]
    [InlineData("500µs", 0.0005)]
    [InlineData(" 7s ", 7.0)]
    public async Task KindJ_a_reset_header_is_a_wait(string value, double seconds)
    {
        foreach (var header in new[] { "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "X-RateLimit-Reset", "RateLimit-Reset" })
            Assert.Equal(seconds, (await WaitAsync(429, "", (header, value)))!.Value, 4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task KindJ_a_reset_header_may_be_a_moment(bool inMilliseconds)
    {
        var at = DateTimeOffset.UtcNow.AddSeconds(90);
        var value = (inMilliseconds ? at.ToUnixTimeMilliseconds() : at.ToUnixTimeSeconds()).ToString(CultureInfo.InvariantCulture);
        Assert.InRange((await WaitAsync(429, "", ("X-RateLimit-Reset", value)))!.Value, 80, 90.5);
        Assert.InRange(
            (await WaitAsync(429, "",
                ("x-ratelimit-reset-requests", at.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture))))!.Value, 80, 90.5);
        Assert.Equal(0, await WaitAsync(429, "", ("X-RateLimit-Reset", "1600000000")));
    }

    [Theory]
    [InlineData("Rate limit reached. Please try again in 11 s.", 11.0)]
    [InlineData("Please try again in 1m30s. Visit https://x", 90.0)]
    [InlineData("try again in 350ms", 0.35)]
    [InlineData("Please try again in 7m12.48s", 432.48)]
    [InlineData("Please retry after 20 seconds.", 20.0)]
    [InlineData("Please retry in 34.074824224s.", 34.074824224)]
    [InlineData("please try again after 1 seconds", 1.0)]
    [InlineData("Wait for 2 minutes and 5 seconds before the next request", 125.0)]
    [InlineData("The limit resets in 1 hour", 3600.0)]
    [InlineData("Retry after 20", 20.0)]
    [InlineData("retry-after: 3", 3.0)]
    [InlineData("请在11秒后重试", 11.0)]
    [InlineData("请求过于频繁，请 2 分钟后再试", 120.0)]
    [InlineData("Try again later", null)]
    [InlineData("Limit 60 requests per 1 minute", null)]
    [InlineData("try again in 2 regions", null)]
    [InlineData("Available in 5 tiers: 1, 2", null)]
    public async Task KindJ_the_words_of_an_error_may_name_the_wait(string words, double? seconds)
    {
        var body = System.Text.Json.JsonSerializer.Serialize(new { error = new { message = words } });
        foreach (var status in new[] { 429, 503 })
        {
            var wait = await WaitAsync(status, body);
            if (seconds is null) Assert.Null(wait);
            else Assert.Equal(seconds.Value, wait!.Value, 4);
        }

        Assert.Null(await WaitAsync(400, body));
    }

    [Fact]
    public async Task KindJ_a_header_that_is_made_for_it_may_have_a_unit()
    {
        Assert.Equal(2, await WaitAsync(429, "", ("Retry-After", "2s")));
        Assert.Equal(0.5, await WaitAsync(503, "", ("Retry-After", "500ms")));
        Assert.Null(await WaitAsync(429, "", ("Retry-After", "-1")));
        Assert.Null(await WaitAsync(429, "", ("Retry-After", "soon")));
    }

    [Fact]
    public async Task KindJ_the_header_that_is_made_for_it_comes_first_and_then_the_words()
    {
        const string Words = """{"error":{"message":"try again in 11s"}}""";
        Assert.Equal(3, await WaitAsync(429, Words, ("Retry-After", "3"), ("x-ratelimit-reset-requests", "6m0s")));
        Assert.Equal(11, await WaitAsync(429, Words, ("x-ratelimit-reset-tokens", "6m0s")));
    }

    [Fact]
    public async Task KindJ_of_two_limits_the_one_that_is_used_up_counts()
    {
        Assert.Equal(4, await WaitAsync(429, "", Limits("0", "4s", "9000", "6m0s")));
        Assert.Equal(9, await WaitAsync(429, "", Limits("0", "4s", "0", "9s")));
        Assert.Equal(2, await WaitAsync(429, "", Limits("50", "6m0s", "10", "2s")));
        Assert.Null(await WaitAsync(429, "", ("x-ratelimit-remaining-requests", "50"), ("x-ratelimit-reset-requests", "6m0s")));
        Assert.Null(await WaitAsync(500, "", ("x-ratelimit-reset-requests", "6m0s")));
        Assert.Null(await WaitAsync(429, "", ("x-ratelimit-reset-requests", "soon"), ("x-ratelimit-reset-tokens", "-5s"),
            ("X-RateLimit-Reset", "")));
    }

    [Fact]
    public async Task KindJ_a_limit_that_is_used_up_slows_before_the_first_refusal()
    {
        // 5 requests in a window of 400 ms: without looking ahead the sixth is refused.
        var (window, left, refused) = (Stopwatch.StartNew(), 5, 0);
        var handler = new ScriptedHandler(_ =>
        {
            lock (window)
            {
                if (window.ElapsedMilliseconds >= 400)
                {
                    window.Restart();
                    left = 5;
                }

                if (left == 0) refused++;
                var response = left == 0 ? Reply.Status(429, "") : Reply.Plain();
                if (left > 0) left--;
                response.Headers.TryAddWithoutValidation("x-ratelimit-remaining-requests", left.ToString(CultureInfo.InvariantCulture));
                response.Headers.TryAddWithoutValidation("x-ratelimit-reset-requests",
                    $"{Math.Max(1, 430 - window.ElapsedMilliseconds)}ms");
                return response;
            }
        });
        using var session =
            TestSession.Open(handler, options => (options.MaxRetryCount, options.MaxRetryDelay) = (0, TimeSpan.FromSeconds(5)));
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 12; i++) await session.CompleteAsync(TestSession.Ask());
        Assert.Equal(0, refused);
        Assert.InRange(clock.ElapsedMilliseconds, 700, 10_000);
    }

    [Theory]
    [InlineData("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "1", true)]
    [InlineData("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "100000", false)]
    [InlineData("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "0", true)]
    [InlineData("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "3", false)]
    [InlineData("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "-1", true)]
    public async Task KindJ_only_what_is_near_zero_slows(string remaining, string reset, string left, bool slows)
    {
        using var session = TestSession.Open(
            new ScriptedHandler(n => n == 1 ? Reply.Status(200, Reply.PlainAnswer, (remaining, left), (reset, "300ms")) : Reply.Plain()),
            options => options.MaxRetryDelay = TimeSpan.FromSeconds(5));
        await session.CompleteAsync(TestSession.Ask());
        var clock = Stopwatch.StartNew();
        await session.CompleteAsync(TestSession.Ask());
        if (slows) Assert.InRange(clock.ElapsedMilliseconds, 250, 10_000);
        else Assert.InRange(clock.ElapsedMilliseconds, 0, 249);
    }

    [Fact]
    public async Task KindJ_a_reset_that_is_further_away_than_the_longest_wait_holds_nothing_back()
    {
        using var session = TestSession.Open(
            new ScriptedHandler(_ =>
                Reply.Status(200, Reply.PlainAnswer, ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "24h"))),
            options => options.MaxRetryDelay = TimeSpan.FromSeconds(5));
        await session.CompleteAsync(TestSession.Ask());
        await session.CompleteAsync(TestSession.Ask()).WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task KindJ_requests_on_the_way_count_against_what_is_left()
    {
        // Ten at once: the first answer leaves 9, and all of those are on their way.
        var (sent, open) = (0, new TaskCompletionSource<bool>());
        var handler = new ScriptedHandler(async (n, _) =>
        {
            sent = n;
            if (n == 1)
                return Reply.Status(200, Reply.PlainAnswer, ("x-ratelimit-remaining-requests", "9"),
                    ("x-ratelimit-reset-requests", "400ms"));
            await open.Task;
            return Reply.Plain();
        });
        using var session = TestSession.Open(handler, options => options.MaxRetryDelay = TimeSpan.FromSeconds(5));
        var gate = session.Gate("m");
        var first = gate.NewPass(TestSession.Ask());
        await first.EnterAsync(default);
        var others = Enumerable.Range(0, 9).Select(_ => session.CompleteAsync(TestSession.Ask())).ToList();
        var limits =
            RateLimitHeaders.Read(Reply.Status(200, "", ("x-ratelimit-remaining-requests", "9"), ("x-ratelimit-reset-requests", "400ms"))
                .Headers);
        first.Report(limits);
        var clock = Stopwatch.StartNew();
        var last = gate.NewPass(TestSession.Ask());
        await last.EnterAsync(default);
        Assert.InRange(clock.ElapsedMilliseconds, 300, 10_000);
        open.SetResult(true);
        await Task.WhenAll(others);
    }

    private static (string Name, string Value)[] Limits(string requests, string requestsReset, string tokens, string tokensReset) =>
    [
        ("x-ratelimit-remaining-requests", requests), ("x-ratelimit-reset-requests", requestsReset),
        ("x-ratelimit-remaining-tokens", tokens), ("x-ratelimit-reset-tokens", tokensReset),
    ];

    private static async Task<double?> WaitAsync(int status, string body, params (string Name, string Value)[] headers) =>
        (await TestSession.ErrorOfAsync("OpenAICompatible", Reply.Status(status, body, headers))).RetryAfter?.TotalSeconds;
}
