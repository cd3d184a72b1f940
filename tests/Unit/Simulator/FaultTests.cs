using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Simulator.Streams;
using Xunit;

namespace LlmPs.Unit.Simulator;

public class FaultTests
{
    [Theory]
    [InlineData("RateLimit", 429)]
    [InlineData("ServerError", 500)]
    [InlineData("BadGateway", 502)]
    [InlineData("Unavailable", 503)]
    [InlineData("Overloaded", 503)]
    [InlineData("BadToken503", 503)]
    [InlineData("Timeout504", 504)]
    [InlineData("RequestTimeout408", 408)]
    [InlineData("Unauthorized", 401)]
    [InlineData("InsufficientBalance", 402)]
    [InlineData("Forbidden", 403)]
    [InlineData("NotFound", 404)]
    [InlineData("TooLarge", 413)]
    [InlineData("Redirect", 302)]
    [InlineData("EchoKey", 401)]
    [InlineData("HtmlPage", 200)]
    [InlineData("EmptyBody", 200)]
    public async Task A_status_fault_gives_its_status(string fault, int status)
    {
        using var asking = new Asking(("Faults", fault));
        using var response = await asking.SendAsync(Asking.GenStudio, Asking.Body(Asking.GenStudio, "hi").ToJsonString());
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(0, asking.Handler.Counters.InFlight);
    }

    [Fact]
    public async Task Every_fault_has_an_effect()
    {
        foreach (var fault in SimulatorOptions.FaultNames)
        {
            foreach (var stream in new[] { false, true })
            {
                using var plain = new Asking();
                using var asking = new Asking(("Faults", Asking.Fault(fault, ("Bytes", 1000))));
                var body = Asking.Body(Asking.OpenAI, "hi", stream);
                var usual = await plain.TextAsync(Asking.OpenAI, body);
                var faulty = await Outcome(asking, body);
                // The first two change answers of the other kind only, the others streams only; the requests here have no stream_options.
                var none = fault == (stream ? "StreamInsteadOfPlain" : "PlainInsteadOfStream")
                    || fault == "RefuseStreamOptions" || (fault is "NoDone" or "GluedEvents" or "StaysOpen" && !stream);
                Assert.True(none == (faulty == usual), $"{fault}, stream {stream}: {faulty}");
            }
        }
    }

    [Fact]
    public async Task KindE_stream_options_can_be_refused_and_nothing_else()
    {
        using var asking = new Asking(("Faults", "RefuseStreamOptions"));
        var body = Asking.Body(Asking.OpenAI, "hi", stream: true);
        Assert.Contains("[DONE]", await asking.TextAsync(Asking.OpenAI, body));
        body["stream_options"] = new JsonObject { ["include_usage"] = true };
        using var response = await asking.SendAsync(Asking.OpenAI, body.ToJsonString());
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains("stream_options", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("Overloaded", 50505)]
    [InlineData("Unavailable", 50508)]
    public async Task SiliconFlow_has_its_own_codes_for_overload(string fault, int code)
    {
        using var asking = new Asking(("Faults", fault));
        (_, var json) = await asking.AskAsync(Asking.SiliconFlow, Asking.Body(Asking.SiliconFlow, "hi"));
        Assert.Equal(code, (int)json!["code"]!);
    }

    [Fact]
    public async Task SiliconFlows_rate_limit_has_no_code()
    {
        using var asking = new Asking(("Faults", "RateLimit"));
        (_, var json) = await asking.AskAsync(Asking.SiliconFlow, Asking.Body(Asking.SiliconFlow, "hi"));
        Assert.Equal(["data", "message"], Asking.Fields(json).Order());
    }

    [Fact]
    public async Task Headers_that_tell_when_to_retry()
    {
        async Task<HttpResponseMessage> Ask(Hashtable fault)
        {
            using var asking = new Asking(("Faults", fault));
            return await asking.SendAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, "hi").ToJsonString());
        }

        Assert.Equal(TimeSpan.FromSeconds(7), (await Ask(Asking.Fault("RateLimit", ("RetryAfterSec", 7)))).Headers.RetryAfter!.Delta);
        Assert.Null((await Ask(Asking.Fault("RateLimit"))).Headers.RetryAfter);
        Assert.InRange((await Ask(Asking.Fault("RetryAfterDate", ("RetryAfterSec", 60))))
            .Headers.RetryAfter!.Date!.Value - DateTimeOffset.UtcNow,
            TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(61));
        Assert.Equal("25",
            Assert.Single((await Ask(Asking.Fault("RetryAfterMs", ("RetryAfterMs", 25)))).Headers.GetValues("retry-after-ms")));
        Assert.Equal("false", Assert.Single((await Ask(Asking.Fault("ShouldRetryFalse"))).Headers.GetValues("x-should-retry")));
    }

    [Fact]
    public async Task Faults_strike_where_their_conditions_say()
    {
        using var on = new Asking(("Faults", Asking.Fault("ServerError", ("On", new[] { 2, 4 }))));
        Assert.Equal(new[] { 200, 500, 200, 500, 200 }, await Statuses(on, "a", "b", "c", "d", "e"));

        using var every = new Asking(("Faults", Asking.Fault("ServerError", ("Every", 3))));
        Assert.Equal(new[] { 200, 200, 500, 200 }, await Statuses(every, "a", "b", "c", "d"));

        using var times = new Asking(("Faults", Asking.Fault("ServerError", ("Times", 2))));
        Assert.Equal(new[] { 500, 500, 500, 500, 200, 200 }, await Statuses(times, "a", "b", "a", "b", "a", "b"));

        using var match = new Asking(("Faults", Asking.Fault("ServerError", ("Match", "bad"), ("Times", 1))));
        Assert.Equal(new[] { 200, 500, 200 }, await Statuses(match, "good", "bad", "bad"));
    }

    [Fact]
    public async Task Rates_repeat_with_the_seed_and_come_near_their_share()
    {
        async Task<int[]> Run(int seed)
        {
            using var asking =
                new Asking(("Seed", seed),
                    ("Faults", new object[] { Asking.Fault("RateLimit", ("Rate", 0.1)), Asking.Fault("ServerError", ("Rate", 0.05)) }));
            return await Statuses(asking, [.. Enumerable.Range(0, 2000).Select(i => "row " + i)]);
        }

        var first = await Run(1);
        Assert.Equal(first, await Run(1));
        Assert.NotEqual(first, await Run(2));
        Assert.InRange(first.Count(status => status == 429), 150, 250);
        Assert.InRange(first.Count(status => status == 500), 60, 130);
    }

    [Fact]
    public async Task Connections_that_fail_are_HttpRequestExceptions()
    {
        foreach (var fault in new[] { "ConnectionFailed", "Reset" })
        {
            using var asking = new Asking(("Faults", fault));
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => asking.AnswerAsync(Asking.OpenAI, "hi"));
            Assert.Equal(0, asking.Handler.Counters.InFlight);
        }
    }

    [Fact]
    public async Task A_cut_stream_breaks_after_so_many_chunks_or_bytes()
    {
        using var chunks = new Asking(("Faults", Asking.Fault("CutStream", ("After", 2))));
        (var text, var error) = await ReadAsync(chunks, stream: true);
        Assert.IsAssignableFrom<IOException>(error);
        Assert.Equal(2, Asking.Events(text).Count);

        using var bytes = new Asking(("Faults", Asking.Fault("CutStream", ("AfterBytes", 137))));
        (text, error) = await ReadAsync(bytes, stream: true);
        Assert.IsAssignableFrom<IOException>(error);
        Assert.Equal(137, text.Length);
        Assert.Equal(0, bytes.Handler.Counters.InFlight);

        using var plain = new Asking(("Faults", Asking.Fault("CutStream", ("AfterBytes", 50))));
        (text, error) = await ReadAsync(plain, stream: false);
        Assert.IsAssignableFrom<IOException>(error);
        Assert.Equal(50, text.Length);
    }

    [Fact]
    public async Task A_clean_cut_ends_without_finish_reason_or_done()
    {
        using var asking = new Asking(("Faults", "CutClean"));
        (var text, var error) = await ReadAsync(asking, stream: true);
        Assert.Null(error);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.All(Asking.Events(text), data => Assert.Null(JsonNode.Parse(data)!["choices"]![0]!["finish_reason"]));
        Assert.Equal(0, asking.Handler.Counters.InFlight);
    }

    [Fact]
    public async Task NoDone_ends_after_the_finish_chunk()
    {
        using var asking = new Asking(("Faults", "NoDone"));
        (var text, _) = await ReadAsync(asking, stream: true);
        Assert.Equal("stop", (string)JsonNode.Parse(Asking.Events(text)[^1])!["choices"]![0]!["finish_reason"]!);
    }

    [Theory]
    [InlineData(Asking.GenStudio, null, "error")]
    [InlineData(Asking.SiliconFlow, null, "message")]
    [InlineData(Asking.OpenAI, null, "error")]
    [InlineData(Asking.GenStudio, "msg", "msg")]
    [InlineData(Asking.OpenAI, "message", "message")]
    public async Task A_stream_error_has_the_providers_form_or_the_one_asked_for(string address, string? form, string field)
    {
        using var asking = new Asking(("Faults", Asking.Fault("StreamError", ("Form", form), ("Message", "out of GPUs"))));
        var text = await asking.TextAsync(address, Asking.Body(address, "hi", true));
        var last = JsonNode.Parse(Asking.Events(text)[^1])!;
        Assert.NotNull(last[field]);
        Assert.Contains("out of GPUs", last.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Stall", true)]
    [InlineData("Stall", false)]
    [InlineData("StallBeforeHeaders", true)]
    [InlineData("KeepAliveOnly", true)]
    [InlineData("KeepAliveOnly", false)]
    public async Task What_never_ends_ends_when_cancelled(string fault, bool stream)
    {
        using var asking = new Asking(("Faults", fault));
        var watch = Stopwatch.StartNew();
        (var text, var error) = await ReadAsync(asking, stream, cancelAfterMs: 100);
        Assert.IsAssignableFrom<OperationCanceledException>(error);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.True(watch.ElapsedMilliseconds < 3000);
        Assert.Equal(0, asking.Handler.Counters.InFlight);
    }

    [Fact]
    public async Task The_key_is_echoed_only_when_asked_for()
    {
        using var asking = new Asking(("Faults", Asking.Fault("EchoKey", ("Status", 400)))) { Key = "sk-secret" };
        (var status, var json) = await asking.AskAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, "hi"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("Bearer sk-secret", json!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Content_filter_is_told_as_each_provider_tells_it()
    {
        using var asking = new Asking(("Faults", "ContentFilter"));
        Assert.True((bool)(await asking.AnswerAsync(Asking.GenStudio, "hi"))["blocked"]!);
        Assert.Equal("content_filter", (string)(await asking.AnswerAsync(Asking.Cloudsway, "hi"))["choices"]![0]!["finish_reason"]!);
        using var refused = new Asking(("Faults", Asking.Fault("ContentFilter", ("Status", 400))));
        (var status, var json) = await refused.AskAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, "hi"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("content_filter", (string)json!["error"]!["code"]!);
    }

    [Fact]
    public async Task An_account_limit_refuses_what_goes_beyond()
    {
        using var asking = new Asking(("RequestsPerMinute", 600), ("RetryAfterSec", 2));
        var statuses = await Statuses(asking, [.. Enumerable.Range(0, 30).Select(i => "row " + i)]);
        Assert.All(statuses.Take(10), status => Assert.Equal(200, status));
        Assert.Contains(429, statuses);
        Assert.Equal(statuses.Count(status => status == 429), asking.Handler.Counters.Refused);
        await Task.Delay(250);
        Assert.Equal(new[] { 200 }, await Statuses(asking, "later"));
    }

    [Fact]
    public async Task A_token_limit_counts_prompt_and_completion()
    {
        using var asking = new Asking(("TokensPerMinute", 20));
        Assert.Equal(new[] { 200, 429 }, await Statuses(asking, new string('x', 200), "next"));
    }

    private static async Task<int[]> Statuses(Asking asking, params string[] prompts)
    {
        var statuses = new List<int>();
        foreach (var prompt in prompts)
        {
            using var response = await asking.SendAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, prompt).ToJsonString());
            statuses.Add((int)response.StatusCode);
        }

        return [.. statuses];
    }

    private static async Task<string> Outcome(Asking asking, JsonObject body)
    {
        (var text, var error) = await ReadAsync(asking, body, 150);
        return error?.GetType().Name + text;
    }

    private static Task<(string Text, Exception? Error)> ReadAsync(Asking asking, bool stream, int cancelAfterMs = 10_000) =>
        ReadAsync(asking, Asking.Body(Asking.OpenAI, "hi there", stream), cancelAfterMs);

    private static async Task<(string Text, Exception? Error)> ReadAsync(Asking asking, JsonObject body, int cancelAfterMs)
    {
        using var cancel = new CancellationTokenSource(cancelAfterMs);
        var text = new MemoryStream();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Asking.OpenAI) { Content = new StringContent(body.ToJsonString()) };
            using var invoker = new HttpMessageInvoker(asking.Handler, disposeHandler: false);
            using var response = await invoker.SendAsync(request, cancel.Token);
            var stream = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[777];
            for (int read; (read = await stream.ReadAsync(buffer, cancel.Token)) > 0;) text.Write(buffer, 0, read);
            var status = response.StatusCode == HttpStatusCode.OK ? string.Empty : response.StatusCode + ": ";
            return (status + System.Text.Encoding.UTF8.GetString(text.ToArray()), null);
        }
        catch (Exception error) when (error is IOException or HttpRequestException or OperationCanceledException)
        {
            return (System.Text.Encoding.UTF8.GetString(text.ToArray()), error);
        }
    }
}
