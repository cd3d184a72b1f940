using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Audit;

public sealed class AuditLineTests : IDisposable
{
    private const string Answer =
        """{"id":"a1","model":"m-2026","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}""";

    private readonly LogFile _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task An_answered_request_is_one_line_with_all_fields()
    {
        using (var session = Open(_ => Reply.Status(200, Answer, ("x-siliconcloud-trace-id", "trace-1")))) await session.CompleteAsync(
            TestSession.Ask());

        var line = _log.Line();
        Assert.Equal(
            [
                "v", "time", "user", "host", "pid", "session", "provider", "server", "operation", "model", "chip", "row", "attempt",
                    "status", "kind",
                "errorCode", "finishReason", "promptTokens", "completionTokens", "totalTokens", "cost", "durationMs", "requestId",
                    "responseModel", "promptSha256",
            ],
            line.Fields);
        Assert.Equal(("SiliconFlow", "SiliconFlow", "simulator", "chat", "m"),
            (line.Text("session"), line.Text("provider"), line.Text("server"), line.Text("operation"), line.Text("model")));
        Assert.Equal((1L, 0L, 1L, 200L), (line.Number("v"), line.Number("row"), line.Number("attempt"), line.Number("status")));
        Assert.Equal((3L, 4L, 7L), (line.Number("promptTokens"), line.Number("completionTokens"), line.Number("totalTokens")));
        Assert.Equal(("stop", "m-2026", "trace-1"), (line.Text("finishReason"), line.Text("responseModel"), line.Text("requestId")));
        Assert.Equal(("null", "null", "null"), (line.Raw("kind"), line.Raw("chip"), line.Raw("cost")));
        Assert.Equal(Environment.MachineName, line.Text("host"));
        Assert.InRange(DateTimeOffset.Parse(line.Text("time")!, System.Globalization.CultureInfo.InvariantCulture),
            DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.EndsWith("Z", line.Text("time"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_hash_is_of_the_messages_alone_and_the_same_for_a_stream()
    {
        using (var session = Open(n => n == 1 ? Reply.Json(Answer) : Reply.Events(Sse.Content("Hi") + Sse.Finish() + Sse.Done)))
        {
            await session.CompleteAsync(TestSession.Ask("Hi"));
            await StreamOutcome.OfAsync(session,
                new ChatRequest { Model = "other", Temperature = 0.5, Messages = [new ChatMessage("user", "Hi")] });
        }

        // printf '%s' '[{"role":"user","content":"Hi"}]' | sha256sum
        const string expected = "c78dd08d6154e3bc473d869f254473bc646e3707a2a3f04160ba5bfc2ec5ec47";
        Assert.All(_log.Lines(), line => Assert.Equal(expected, line.Text("promptSha256")));
    }

    [Fact]
    public async Task Each_attempt_is_a_line_with_its_own_status_and_id()
    {
        using (var session = Open(
            n => n switch
            {
                1 => Reply.Status(429, """{"code":50603,"message":"Slow down"}""", ("Retry-After", "0"),
                    ("x-siliconcloud-trace-id", "trace-1")),
                2 => throw new HttpRequestException("No route to host"),
                _ => Reply.Json(Answer),
            },
            options => options.MaxRetryCount = 3))
            await session.CompleteAsync(TestSession.Ask());

        var lines = _log.Lines();
        Assert.Equal([1L, 2L, 3L], lines.Select(line => line.Number("attempt")!.Value));
        Assert.Equal([429L, null, 200L], lines.Select(line => line.Number("status")));
        Assert.Equal(["RateLimited", "ConnectionFailed", null], lines.Select(line => line.Text("kind")));
        Assert.Equal(["trace-1", null, null], lines.Select(line => line.Text("requestId")));
        Assert.Equal("50603", lines[0].Text("errorCode"));
        Assert.Single(lines.Select(line => line.Text("promptSha256")).Distinct());
    }

    [Fact]
    public async Task A_stream_is_logged_before_its_last_delta_is_handed_over()
    {
        var events = Sse.Content("Hel") + Sse.Content("lo") + Sse.Finish()
            + Sse.Event("""{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}""") + Sse.Done;
        using var session = Open(_ => Reply.Events(events), options => options.LogContent = true);
        await foreach (var delta in session.StreamAsync(TestSession.Ask()))
            if (delta.IsLast) Assert.Single(_log.Lines());

        var line = _log.Line();
        Assert.Equal(("stop", 7L, "m1"), (line.Text("finishReason"), line.Number("totalTokens"), line.Text("responseModel")));
        Assert.Equal("null", line.Raw("kind"));
        Assert.True(line.Json.GetProperty("request").GetProperty("stream").GetBoolean());
        Assert.Equal("Hello", Content(line));
    }

    [Fact]
    public async Task A_stream_that_breaks_is_logged_with_what_had_come()
    {
        using (var session =
            Open(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Break), options =>
                options.LogContent = true)) await StreamOutcome.OfAsync(session);

        var line = _log.Line();
        Assert.Equal(("StreamInterrupted", 200L), (line.Text("kind"), line.Number("status")));
        Assert.Equal("Hel", Content(line));
        Assert.Contains("broke in mid-answer", line.Text("error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_canceled_stream_is_logged_as_canceled()
    {
        using var stop = new CancellationTokenSource();
        using (var session = Open(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Stall)))
        {
            var read = StreamOutcome.OfAsync(session, cancellationToken: stop.Token);
            await Task.Delay(50);
            stop.Cancel();
            await read;
        }

        Assert.Equal("Canceled", _log.Line().Text("kind"));
    }

    [Fact]
    public async Task A_stream_that_nobody_reads_any_more_is_logged_as_canceled_once()
    {
        using (var session = Open(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hel")), null, Sse.Bytes(Sse.Content("lo"))], BodyEnd.Stall)))
        {
            await foreach (var delta in session.StreamAsync(TestSession.Ask()))
                if (delta.Content is not null) break;
        }

        Assert.Equal("Canceled", _log.Line().Text("kind"));
    }

    [Fact]
    public async Task A_session_that_is_closed_meanwhile_still_names_itself_and_the_model()
    {
        var session = Open((_, token) => Task.Delay(Timeout.Infinite, token).ContinueWith(_ => Reply.Plain(), TaskScheduler.Default));
        var asked = TestSession.ErrorAsync(session);
        session.Dispose();
        await asked;

        var line = _log.Line();
        Assert.Equal(("Canceled", "SiliconFlow", "m"), (line.Text("kind"), line.Text("session"), line.Text("model")));
    }

    [Fact]
    public async Task A_request_that_is_refused_before_it_is_sent_is_no_line()
    {
        using (var session = Open(_ => Reply.Plain()))
            Assert.Throws<LlmApiException>(() =>
                { _ = session.CompleteAsync(new ChatRequest { Model = "m", TopP = 7, Messages = [new ChatMessage("user", "Hi")] }); });
        Assert.Empty(await Task.FromResult(_log.Text));
    }

    [Fact]
    public async Task A_list_of_models_is_logged_without_row_and_prompt()
    {
        using (var session = Open(_ => Reply.Json("""{"data":[{"id":"m"}]}"""))) await session.GetModelsAsync();

        var line = _log.Line();
        Assert.Equal(("models", 200L), (line.Text("operation"), line.Number("status")));
        Assert.Equal(("null", "null", "null"), (line.Raw("row"), line.Raw("model"), line.Raw("promptSha256")));
    }

    [Fact]
    public async Task The_cost_is_what_the_session_says_of_the_answer()
    {
        var prices = new PriceTable();
        prices.Add(null, "m", null, new TokenPrice(1000, 1000, 1000, 1000));
        using (var session = Open(_ => Reply.Json(Answer), options => options.Prices = prices)) await session.CompleteAsync(
            TestSession.Ask());

        Assert.Equal("0.007", _log.Line().Raw("cost"));
    }

    [Fact]
    public async Task Without_LogContent_neither_prompt_nor_answer_nor_message_is_in_the_file()
    {
        using (var session = Open(n => n == 1 ? Reply.Json(Answer) : Reply.Status(400, """{"message":"PROMPT is bad"}""")))
        {
            await session.CompleteAsync(TestSession.Ask("PROMPT"));
            await TestSession.ErrorAsync(session, TestSession.Ask("PROMPT"));
        }

        Assert.DoesNotContain("PROMPT", _log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Hello", _log.Text, StringComparison.Ordinal);
        Assert.Equal(2, _log.Lines().Count);
    }

    [Fact]
    public async Task With_LogContent_the_line_has_the_body_and_the_answer_in_ASCII()
    {
        var text = "Gr\u00fc\u00dfe \u4f60\u597d \u001b[31m \u202e \u009b\r\n\u2028x";
        using (var session =
            Open(_ => Reply.Json(Answer.Replace("Hello", JsonEncodedText.Encode(text).ToString())), options => options.LogContent = true))
            await session.CompleteAsync(TestSession.Ask(text));

        Assert.All(File.ReadAllBytes(_log.Path), b => Assert.InRange(b, (byte)'\n', (byte)'~'));
        var line = _log.Line();
        Assert.Equal(text, line.Json.GetProperty("request").GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal(text, Content(line));
    }

    [Fact]
    public async Task The_bytes_of_an_image_are_left_out()
    {
        var image = "data:image/png;base64," + new string('A', 5000);
        using (var session = Open(_ => Reply.Json(Answer), options => options.LogContent = true))
            await session.CompleteAsync(
                new ChatRequest { Model = "m", Messages = [new ChatMessage("user", "See " + image), new ChatMessage("user", image)] });

        var messages = _log.Line().Json.GetProperty("request").GetProperty("messages");
        Assert.Equal("See " + image, messages[0].GetProperty("content").GetString());
        Assert.Equal("data:image/png;base64,... (5022 characters)", messages[1].GetProperty("content").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_that_comes_back_is_in_no_line(bool stream)
    {
        var key = TestSession.Key;
        var inJson = JsonSerializer.Serialize(key).Trim('"');
        HttpResponseMessage Echo(int n) => n switch
        {
            1 => Reply.Status(400, $$"""{"code":"{{inJson}}","message":"Bad key {{inJson}}"}""", ("x-siliconcloud-trace-id", key)),
            2 when stream =>
                Reply.Events(Sse.Content("a " + inJson[..9]) + Sse.Content(inJson[9..] + " b") + Sse.Finish(inJson) + Sse.Done),
            _ => Reply.Json(Answer.Replace("Hello", inJson).Replace("m-2026", inJson)),
        };
        using (var session = Open(Echo, options => options.LogContent = true))
        {
            await TestSession.ErrorAsync(session, TestSession.Ask("My key is " + key));
            if (stream) await StreamOutcome.OfAsync(session, TestSession.Ask("Bearer abcdefgh\" and sk-0123456789abcdef"));
            else await session.CompleteAsync(TestSession.Ask("Bearer abcdefgh\" and sk-0123456789abcdef"));
        }

        var lines = _log.Lines();
        Assert.Equal(2, lines.Count);
        Assert.DoesNotContain("0123+abc", _log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("0123\\u002Babc", _log.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("xyz", _log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-0123456789", _log.Text, StringComparison.Ordinal);
        Assert.All(lines, line => Assert.Contains("***", line.Raw("request"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_header_value_that_is_a_word_of_JSON_leaves_the_line_sound()
    {
        using (var session = TestSession.Open("OpenAICompatible", new ScriptedHandler(_ => Reply.Json(Answer)), options =>
        {
            options.LogPath = _log.Path;
            options.LogContent = true;
            foreach (var (name, value) in new[] { ("X-Api-Key", "\"messages\""), ("X-Secret", "null"), ("X-Token", "12345678") })
                options.Headers[name] = TestSession.Secret(value);
        }))
            await session.CompleteAsync(new ChatRequest { Model = "m", Seed = 12345678, Messages = [new ChatMessage("user", "12345678")] });

        var request = _log.Line().Json.GetProperty("request");
        Assert.Equal("***", request.GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal(12345678, request.GetProperty("seed").GetInt32());
    }

    private static string? Content(LogLine line) =>
        line.Json.GetProperty("response").GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();

    private LlmSession Open(Func<int, HttpResponseMessage> reply, Action<LlmSessionOptions>? configure = null) =>
        Open((n, _) => Task.FromResult(reply(n)), configure);

    private LlmSession Open(Func<int, CancellationToken, Task<HttpResponseMessage>> reply, Action<LlmSessionOptions>? configure = null) =>
        TestSession.Open(new ScriptedHandler(reply), options =>
    {
        options.LogPath = _log.Path;
        configure?.Invoke(options);
    });
}
