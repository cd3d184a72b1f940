using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>The key is in nothing that is shown, not even where the server echoes it.</summary>
public class SecretTests
{
    private const string Key = TestSession.Key;

    // Enough of the key to be a leak.
    private const string Beginning = "sk-test";

    /// <summary>The ways in which a server may write the key.</summary>
    public static TheoryData<string> Echoes() => new(
        Key,
        Key.Replace("/", "\\/"),
        JavaScriptEncoder.Default.Encode(Key),
        JavaScriptEncoder.Default.Encode(Key).Replace("002B", "002b"),
        Key.Replace("=", "\\u003d").Replace("&", "\\u0026"),
        Uri.EscapeDataString(Key),
        Uri.EscapeDataString(Key).Replace("%2F", "%2f").Replace("%2B", "%2b").Replace("%3D", "%3d"),
        "Bearer " + Key);

    [Theory]
    [MemberData(nameof(Echoes))]
    public async Task An_error_that_echoes_the_key_is_told_without_it(string echo)
    {
        foreach (var body in new[] { $$"""{"message":"bad key {{echo}} given","code":"{{echo}}"}""", $"\"bad key {echo} given\"",
            $"plain: {echo} given", $"<html><title>{echo} given</title>", $"[\"{echo} given\"]" })
        {
            var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(401, body, ("x-request-id", echo)));
            Assert.Contains("given", error.Message);
            NoKey(error);
        }
    }

    [Theory]
    [MemberData(nameof(Echoes))]
    public async Task A_redirect_that_echoes_the_key_is_told_without_it(string echo) =>
        NoKey(await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(302, "", ("Location", $"https://elsewhere.example/?key={echo}"))));

    [Theory]
    [MemberData(nameof(Echoes))]
    public async Task An_answer_that_echoes_the_key_is_handed_over_without_it(string echo)
    {
        var body = $$"""{"id":"{{echo}}","choices":[{"message":{"content":"your key is {{echo}}, {{echo}}!","reasoning_content":"{{echo}}"},"finish_reason":"stop"}],"x":"{{echo}}"}""";
        var plain = await TestSession.AnswerOfAsync("SiliconFlow", body);
        Assert.StartsWith("your key is ", plain.Content);
        Assert.EndsWith("!", plain.Content);
        NoKey(plain);

        var outcome = await StreamOutcome.OfEventsAsync(Sse.Content($"your key is {echo}!") + Sse.Finish() + Sse.Done);
        Assert.StartsWith("your key is ", outcome.Completion!.Content);
        NoKey(outcome.Completion);
        Assert.All(outcome.Deltas, delta => Assert.DoesNotContain(Beginning, delta.RawJson + delta.Content));
    }

    [Theory]
    [MemberData(nameof(Echoes))]
    public async Task An_error_in_mid_stream_that_echoes_the_key_is_told_without_it(string echo)
    {
        NoKey((await StreamOutcome.OfEventsAsync(Sse.Content("Hel") + Sse.Event("{\"error\":{\"message\":\"key " + echo + "\"}}"))).Error!);
        NoKey((await StreamOutcome.OfEventsAsync(Sse.Content("Hel") + $"event: error\ndata: {echo}\n\n")).Error!);
        NoKey((await StreamOutcome.OfEventsAsync(Sse.Content("Hel") + Sse.Event(echo))).Error!);
    }

    [Fact]
    public async Task A_key_at_the_place_where_the_words_are_cut_off_does_not_remain_in_part()
    {
        for (var before = 580; before <= 620; before++)
        {
            var words = new string('x', before) + Key;
            NoKey(await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(400, JsonSerializer.Serialize(new { message = words }))));
            NoKey(await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(400, words)));
        }
    }

    [Fact]
    public async Task Neither_debug_nor_verbose_lines_hold_the_key()
    {
        var lines = new List<string>();
        var handler = new ScriptedHandler(n => n == 1
            ? Reply.Status(503, $"busy {Key}", ("x-request-id", Key))
            : Reply.Json($$"""{"id":"{{Key}}","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"""));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 1);
        // The key lies across the place where the debug stream cuts bodies off.
        for (var before = 1900; before < 2000; before += 3)
        {
            var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask(new string('x', before) + Key), out _));
            await session.CompleteAsync(context, null, new RequestLog(true, (_, text) => lines.Add(text)), CancellationToken.None);
        }

        Assert.Contains(lines, line =>
            line.StartsWith("Row 0: POST https://api.siliconflow.cn/v1/chat/completions {", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("again in"));
        Assert.All(lines, line => Assert.DoesNotContain(Beginning, line));
    }

    [Fact]
    public async Task A_failure_below_that_echoes_the_key_is_told_without_it()
    {
        using var session =
            TestSession.Open(
                new ScriptedHandler(System.Net.Http.HttpResponseMessage (int _) =>
                    throw new System.Net.Http.HttpRequestException(new string('x', 290) + Key)));
        NoKey(await TestSession.ErrorAsync(session));
    }

    [Fact]
    public void A_session_shows_no_secret()
    {
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Plain()), options =>
        {
            options.Headers["X-Key"] = TestSession.Secret(Key);
            options.ProxyCredential = new NetworkCredential("me", Key);
        });
        Assert.True(session.HasKey);
        Assert.Equal(["X-Key"], session.HeaderNames);
        Assert.DoesNotContain(Beginning, JsonSerializer.Serialize(session) + session);
    }

    [Fact]
    public async Task Header_values_and_the_proxys_password_are_secrets_too()
    {
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Status(400, "team-secret-1 and pass-word-2 and proxy")), options =>
        {
            options.Headers["X-Key"] = TestSession.Secret("team-secret-1");
            options.ProxyCredential = new NetworkCredential("me", "pass-word-2");
        });
        Assert.Contains("*** and *** and proxy", (await TestSession.ErrorAsync(session)).Message);
    }

    [Fact]
    public void A_closed_session_forgets_the_proxys_password()
    {
        var given = new NetworkCredential("me", "pass-word-2");
        var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Plain()), options => (options.ApiKey, options.ProxyCredential) = (null, given));
        Assert.Equal("***", session.Connection.Redactor.Clean("pass-word-2"));
        session.Dispose();
#if NET
        // Nobody knows any more what to take out. Mono has another exception for it than .NET Framework.
        Assert.Equal("***", session.Connection.Redactor.Clean("anything"));
#endif
        Assert.Equal("pass-word-2", given.Password);
    }

    [Fact]
    public async Task A_header_given_as_text_stays_in_answers_and_out_of_errors()
    {
        const string Answer =
            """{"choices":[{"message":{"content":"Mail Helpdesk or see https://contoso.com/faq"},"finish_reason":"stop"}],"usage":{"completion_tokens":7}}""";
        using var session =
            TestSession.Open(
                new ScriptedHandler(n => n == 1 ? Reply.Json(Answer) : Reply.Status(400, "no Helpdesk at https://contoso.com")), options =>
        {
            foreach (var (name, value) in new[] { ("X-Title", "Helpdesk"), ("HTTP-Referer", "https://contoso.com"),
                ("X-Purpose", "completion") })
            {
                options.Headers[name] = TestSession.Secret(value);
                options.TextHeaders.Add(name);
            }
        });
        var answer = await session.CompleteAsync(TestSession.Ask());
        Assert.Equal("Mail Helpdesk or see https://contoso.com/faq", answer.Content);
        Assert.Equal(7, answer.Usage!.CompletionTokens);
        Assert.Contains("no *** at ***", (await TestSession.ErrorAsync(session)).Message);
    }

    [Theory]
    [InlineData("HTTP 200, an error object", """{"error":{"message":"no ordinary-value-1 here"}}""")]
    [InlineData("no choice", """{"note":"no ordinary-value-1 here"}""")]
    [InlineData("text", "no ordinary-value-1 here")]
    [InlineData("a page", "<html><title>no ordinary-value-1 here</title>")]
    public async Task An_error_under_a_status_of_success_is_told_without_any_header_value(string what, string body)
    {
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Json(body)), options =>
        {
            options.Headers["X-Title"] = TestSession.Secret("ordinary-value-1");
            options.TextHeaders.Add("X-Title");
        });
        var error = await TestSession.ErrorAsync(session);
        Assert.True(error.Message.Contains("no *** here") && !error.Message.Contains("ordinary"), $"{what}: {error.Message}");
    }

    [Theory]
    [InlineData("X-Api-Key")]
    [InlineData("cookie")]
    [InlineData("PRIVATE-TOKEN")]
    [InlineData("Proxy-Authorization")]
    [InlineData("X-Client-Secret")]
    [InlineData("X-Password")]
    public async Task A_header_whose_name_speaks_of_a_credential_is_taken_out_of_answers(string name)
    {
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Json(Reply.PlainAnswer.Replace("Hello", "It is team-7-value."))), options =>
        {
            options.Headers[name] = TestSession.Secret("Bearer team-7-value");
            options.TextHeaders.Add(name);
        });
        Assert.Equal("It is ***.", (await session.CompleteAsync(TestSession.Ask())).Content);
    }

    [Theory]
    [InlineData("lm-studio")]
    [InlineData("not-needed")]
    [InlineData("PowerShell")]
    [InlineData("no api key needed")]
    public void A_placeholder_in_place_of_a_key_stays_in_answers(string key)
    {
        var redactor = new Redactor([TestSession.Secret(key)]);
        Assert.Equal(Sse.Bytes($"a {key} b"), redactor.ForAnswer().Clean(Sse.Bytes($"a {key} b")));
        Assert.Equal("a *** b", redactor.Clean($"a {key} b"));
    }

    [Theory]
    [InlineData("sk-abcdefgh")]
    [InlineData("abcdefg1")]
    [InlineData("abcdefghijklmnopqrst")]
    [InlineData("aBcDeFgHiJ")]
    [InlineData("dXNlcjpwYXNz")]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("half/word")]
    public void What_may_be_a_key_does_not_stay_in_answers(string key) =>
        Assert.Equal("a *** b"u8.ToArray(), new Redactor([TestSession.Secret(key)]).ForAnswer()
            .Clean(Sse.Bytes($"a {key.Replace("Basic ", "")} b")));

    [Theory]
    [InlineData("Authorization: Bearer abcdef.ghi-jkl", "Authorization: Bearer ***")]
    [InlineData("authorization: basic dXNlcjpwYXNz", "authorization: basic ***")]
    [InlineData("\"Bearer abc12345\",", "\"Bearer ***\",")]
    [InlineData("key sk-abcdefgh12345678 was", "key *** was")]
    [InlineData("a risk-free task of sk-few", "a risk-free task of sk-few")]
    [InlineData("bearer of bad news", "bearer of bad news")]
    [InlineData("The tunnel to proxy 'http://ops:Hunter%402@10.0.0.1:8080/' failed",
        "The tunnel to proxy 'http://***@10.0.0.1:8080/' failed")]
    [InlineData("see https://example.com/a@b, or mail to a@b.c", "see https://example.com/a@b, or mail to a@b.c")]
    public void What_looks_like_a_key_is_taken_out(string text, string clean) => Assert.Equal(clean, new Redactor([]).Clean(text));

    [Fact]
    public void A_secret_of_a_few_characters_takes_no_words_out()
    {
        var redactor = new Redactor([TestSession.Secret("the"), TestSession.Secret("word")]);
        Assert.Equal("the ***", redactor.Clean("the word"));
        // In an answer a short one is more likely a word of the model's.
        Assert.Equal("the word"u8.ToArray(), redactor.ForAnswer().Clean("the word"u8).ToArray());
    }

    [Fact]
    public void A_body_full_of_echoes_is_cleaned_in_one_pass()
    {
        var redactor = new Redactor([TestSession.Secret("12345678")]).ForAnswer();
        var body = Sse.Bytes(string.Concat(Enumerable.Repeat("12345678", 200_000)) + "1234567");
        Assert.Equal(Sse.Bytes(string.Concat(Enumerable.Repeat("***", 200_000)) + "1234567"), redactor.Clean(body).ToArray());
    }

    [Fact]
    public void After_the_session_is_closed_nothing_is_shown_that_could_not_be_cleaned()
    {
        var secret = TestSession.Secret(Key);
        var redactor = new Redactor([secret]);
        secret.Dispose();
        Assert.DoesNotContain(Beginning, redactor.Clean("key " + Key));
    }

    private static void NoKey(LlmApiException error)
    {
        Assert.DoesNotContain(Beginning, error.ToString());
        Assert.DoesNotContain(Beginning, error.Message + error.ProviderCode + error.RequestId + error.RecommendedAction);
        for (var inner = error.InnerException; inner is not null; inner = inner.InnerException)
            Assert.DoesNotContain(Beginning, inner.ToString());
        if (error.PartialCompletion is { } partial) NoKey(partial);
    }

    private static void NoKey(ChatCompletion completion) =>
        Assert.DoesNotContain(Beginning, completion.Content + completion.ReasoningContent + completion.Id + completion.RawJson
            + completion.RequestId);
}
