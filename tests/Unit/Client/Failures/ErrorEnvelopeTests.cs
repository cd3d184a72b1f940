using System;
using System.IO;
using System.IO.Compression;
using System.Net.Http;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.SimulatorHost;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>What providers say in place of an answer.</summary>
public class ErrorEnvelopeTests
{
    [Theory]
    [InlineData("GenStudio", 401, """{"code":10009,"msg":"token expired"}""", LlmErrorKind.Unauthorized, "10009", "token expired")]
    [InlineData("GenStudio", 503, """{"code":60000,"msg":"invalid token"}""", LlmErrorKind.Unauthorized, "60000", "invalid token")]
    [InlineData("GenStudio", 400, """{"error":{"code":"400","message":"Bad request","param":"max_tokens is too large for this model"}}""",
        LlmErrorKind.InvalidRequest, "400", "Bad request: max_tokens is too large for this model")]
    [InlineData("GenStudio", 404, """{"code":40400,"msg":"no such pair"}""", LlmErrorKind.NotFound, "40400", "no such pair")]
    [InlineData("GenStudio", 402, """{"code":40200,"msg":"余额不足"}""", LlmErrorKind.InsufficientBalance, "40200", "余额不足")]
    [InlineData("Cloudsway", 402,
        """{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}""",
            LlmErrorKind.InsufficientBalance, "invalid_request_error", "Insufficient Balance")]
    [InlineData("Cloudsway", 401,
        """{"error":{"message":"Authentication Fails","type":"authentication_error","code":"invalid_request_error"}}""",
            LlmErrorKind.Unauthorized, "invalid_request_error", "Authentication Fails")]
    [InlineData("Cloudsway", 403, """{"code":403,"message":"IP not in the list"}""", LlmErrorKind.Forbidden, "403", "IP not in the list")]
    [InlineData("Cloudsway", 409, """{"code":"conflict","message":"try later"}""", LlmErrorKind.InvalidRequest, "conflict", "try later")]
    [InlineData("SiliconFlow", 400, """{"code":20012,"message":"Model does not exist.","data":null}""", LlmErrorKind.InvalidRequest,
        "20012", "Model does not exist.")]
    [InlineData("SiliconFlow", 401, "\"Api key is invalid\"", LlmErrorKind.Unauthorized, null, "Api key is invalid")]
    [InlineData("SiliconFlow", 403, "\"Forbidden by policy\"", LlmErrorKind.Forbidden, null, "Forbidden by policy")]
    [InlineData("SiliconFlow", 403, """{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}""",
        LlmErrorKind.InsufficientBalance, "30001", "balance is insufficient")]
    [InlineData("SiliconFlow", 403, """{"code":30003,"message":"Model disabled.","data":null}""", LlmErrorKind.Forbidden, "30003",
        "Model disabled.")]
    [InlineData("SiliconFlow", 404, "404 page not found", LlmErrorKind.NotFound, null, "404 page not found")]
    [InlineData("SiliconFlow", 429, """{"message":"Request was rejected due to rate limiting. TPM limit reached.","data":null}""",
        LlmErrorKind.RateLimited, null, "TPM limit reached.")]
    [InlineData("SiliconFlow", 503, """{"code":50505,"message":"Model service overloaded.","data":null}""",
        LlmErrorKind.ServiceUnavailable, "50505", "overloaded")]
    [InlineData("SiliconFlow", 503, """{"code":50508,"message":"System is too busy.","data":null}""", LlmErrorKind.ServiceUnavailable,
        "50508", "too busy")]
    [InlineData("SiliconFlow", 504, "\"Gateway timeout\"", LlmErrorKind.Timeout, null, "Gateway timeout")]
    [InlineData("OpenAICompatible", 429,
        """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}""",
            LlmErrorKind.InsufficientBalance, "insufficient_quota", "exceeded")]
    [InlineData("OpenAICompatible", 400, """{"error":{"message":"filtered","code":"content_filter"}}""", LlmErrorKind.ContentFiltered,
        "content_filter", "filtered")]
    [InlineData("OpenAICompatible", 422, """{"detail":[{"loc":["body","n"],"msg":"not an integer"}]}""", LlmErrorKind.InvalidRequest, null,
        "not an integer")]
    [InlineData("OpenAICompatible", 400,
        """{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"message\":\"context too long\"}","provider_name":"X"}}}""", LlmErrorKind.InvalidRequest, "400", "Provider returned error: {\"message\":\"context too long\"}")]
    [InlineData("OpenAICompatible", 400, """{"error":{"message":"Provider returned error","metadata":[]}}""", LlmErrorKind.InvalidRequest,
        null, "Provider returned error")]
    [InlineData("OpenAICompatible", 500, """{"error":"out of memory","code":17}""", LlmErrorKind.ServerError, "17", "out of memory")]
    // llama.cpp refuses some requests with 500.
    [InlineData("OpenAICompatible", 500,
        """{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}""", LlmErrorKind.InvalidRequest, "500", "image input is not supported")]
    [InlineData("OpenAICompatible", 500, """{"error":{"message":"This model does not support tools"}}""", LlmErrorKind.InvalidRequest,
        null, "does not support tools")]
    [InlineData("OpenAICompatible", 501, """{"error":{"code":501,"message":"Unsupported response_format: json_schema"}}""",
        LlmErrorKind.InvalidRequest, "501", "Unsupported")]
    [InlineData("OpenAICompatible", 500,
        """{"error":{"code":500,"message":"The model produced output that does not match the expected peg-native format","type":"server_error"}}""", LlmErrorKind.ServerError, "500", "peg-native")]
    [InlineData("OpenAICompatible", 500, "<html><title>Unsupported</title></html>", LlmErrorKind.ServerError, null, "Unsupported")]
    [InlineData("OpenAICompatible", 413, """{"something":"else"}""", LlmErrorKind.RequestTooLarge, null, """{"something":"else"}""")]
    [InlineData("OpenAICompatible", 502, "", LlmErrorKind.ServerError, null, "no message")]
    [InlineData("OpenAICompatible", 408, "[1,2]", LlmErrorKind.Timeout, null, "[1,2]")]
    [InlineData("OpenAICompatible", 501, "\uFEFF {\"error\":{\"message\":\"not here\"}}", LlmErrorKind.ServerError, null, "not here")]
    [InlineData("OpenAICompatible", 418, "{\"error\":{\"message\":\"\\ud800 half\"}}", LlmErrorKind.InvalidRequest, null, "half")]
    public async Task Every_envelope_is_read(string provider, int status, string body, LlmErrorKind kind, string? code, string words)
    {
        var error = await TestSession.ErrorOfAsync(provider, Reply.Status(status, body, ("x-request-id", "req-7")));
        Assert.Equal(kind, error.Kind);
        Assert.Equal(status, error.StatusCode);
        Assert.Equal(code, error.ProviderCode);
        Assert.Contains(words, error.Message);
        Assert.Contains($"{provider}: HTTP {status}", error.Message);
        Assert.Equal("req-7", error.RequestId);
        Assert.Contains("req-7", error.Message);
        Assert.Equal(1, error.Attempts);
        Assert.Null(error.PartialCompletion);
    }

    [Fact]
    public async Task A_request_that_the_server_does_not_support_is_sent_once_whatever_its_status()
    {
        var handler =
            new ScriptedHandler(_ =>
                Reply.Status(500, """{"error":{"code":500,"message":"audio input is not supported","type":"server_error"}}"""));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Equal(1, (await TestSession.ErrorAsync(session)).Attempts);
        Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData(502, "<html><head><title>502 Bad Gateway</title></head></html>", true)]
    [InlineData(504, "<html><head><title>504 Gateway Time-out</title></head></html>", true)]
    [InlineData(504, "", true)]
    [InlineData(500, "<html><title>500</title></html>", false)]
    [InlineData(502, """{"error":{"message":"upstream said no"}}""", false)]
    public async Task A_gateway_that_answers_for_its_server_leads_to_advice_on_that_server(int status, string body, bool advises)
    {
        var error = await TestSession.ErrorOfAsync("OpenAICompatible", Reply.Status(status, body));
        Assert.Equal(advises, error.RecommendedAction?.Contains("server behind it") == true);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(402)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(413)]
    [InlineData(429)]
    [InlineData(503)]
    public async Task What_to_do_is_told_where_there_is_something_to_do(int status) =>
        Assert.NotEmpty((await TestSession.ErrorOfAsync("OpenAICompatible", Reply.Status(status, "{}"))).RecommendedAction!);

    [Fact]
    public async Task GenStudios_404_speaks_of_chips() =>
        Assert.Contains("-Chip", (await TestSession.ErrorOfAsync("GenStudio", Reply.Status(404, "{}"))).RecommendedAction);

    [Theory]
    [InlineData("Value error, current model does not support parameter `enable_thinking`.", true)]
    [InlineData("max_tokens (20000) must not be above 16384.", false)]
    public async Task SiliconFlows_20015_has_advice_on_thinking_where_it_speaks_of_it(string message, bool speaks)
    {
        var advice = (await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(400, $$"""{"code":20015,"message":"{{message}}"}""")))
            .RecommendedAction;
        Assert.Equal(speaks, advice?.Contains("-Thinking") == true);
    }

    [Fact]
    public async Task A_proxys_page_is_named_and_shortened()
    {
        var page = "<!DOCTYPE html><html><head><TITLE lang='en'>\n 502 &amp; broken \n</TITLE></head><body>" + new string('x', 100_000)
            + "</body></html>";
        var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(502, page));
        Assert.Equal(LlmErrorKind.ServerError, error.Kind);
        Assert.Contains("an HTML page instead of an answer, titled '502 & broken'", error.Message);
        Assert.True(error.Message.Length < 300);
    }

    [Fact]
    public async Task A_page_under_a_status_of_success_is_no_answer()
    {
        foreach (var streamed in new[] { false, true })
        {
            using var session =
                TestSession.Open(new ScriptedHandler(_ => Reply.Status(200, "\r\n<html><head><title>Log in</title></head></html>")));
            var error = streamed ? (await StreamOutcome.OfAsync(session)).Error! : await TestSession.ErrorAsync(session);
            Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
            Assert.Contains("an HTML page instead of an answer, titled 'Log in'", error.Message);
        }
    }

    [Theory]
    [InlineData("Ollama is running")]
    [InlineData("datacenter closed")]
    [InlineData("null")]
    public async Task Text_under_a_status_of_success_is_no_answer(string text)
    {
        foreach (var streamed in new[] { false, true })
        {
            var handler = new ScriptedHandler(_ => Reply.Status(200, "\r\n" + text));
            using var session = TestSession.Open(handler);
            var error = streamed ? (await StreamOutcome.OfAsync(session)).Error! : await TestSession.ErrorAsync(session);
            Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
            Assert.EndsWith("answered with text that is not an answer: " + text, error.Message);
            Assert.Single(handler.Sent);
        }
    }

    [Fact]
    public async Task A_page_without_a_title_is_shortened_to_its_beginning()
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(500, "<html><title>" + new string('y', 5000)));
        Assert.Contains("It begins: <html>", error.Message);
        Assert.True(error.Message.Length < 400);
    }

    [Fact]
    public async Task Long_and_coloured_words_become_one_short_line()
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow",
            Reply.Status(500, "{\"message\":\"a\\u001b[31m\\r\\n\\r\\n\\u202e b" + new string('字', 5000) + "\"}"));
        Assert.Contains("a\u241B[31m \u2421 b字", error.Message);
        Assert.DoesNotContain('\u001b', error.Message);
        Assert.DoesNotContain('\u202e', error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(error.Message.Length < 800);
    }

    [Fact]
    public async Task Long_words_of_an_upstream_are_shortened()
    {
        var error = await TestSession.ErrorOfAsync("OpenAICompatible",
            Reply.Status(500, "{\"error\":{\"message\":\"Provider returned error\",\"metadata\":{\"raw\":\"a\\n" + new string('b', 5000)
                + "\"}}}"));
        Assert.Contains("Provider returned error: a bbb", error.Message);
        Assert.True(error.Message.Length < 800);
    }

    [Fact]
    public async Task A_code_and_a_request_id_are_short_and_plain_too()
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow",
            Reply.Status(500, "{\"code\":\"a\\u001b[31m\\n" + new string('b', 5000)
                + "\",\"message\":\"x\"}", ("x-request-id", new string('c', 5000))));
        Assert.StartsWith("a\u241B[31m b", error.ProviderCode);
        Assert.True(error.ProviderCode!.Length <= 101);
        Assert.True(error.RequestId!.Length <= 201);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_says_where_to()
    {
        var handler = new ScriptedHandler(_ => Reply.Status(307, "", ("Location", "https://elsewhere.example/v1")));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 3);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.InvalidResponse, 307), (error.Kind, error.StatusCode));
        Assert.Contains("https://elsewhere.example/v1", error.Message);
        Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData("SiliconFlow", """{"code":30001,"message":"balance","data":null}""", LlmErrorKind.InsufficientBalance)]
    [InlineData("SiliconFlow", """{"code":50505,"message":"busy","data":null}""", LlmErrorKind.ServiceUnavailable)]
    [InlineData("GenStudio", """{"code":60000,"msg":"token"}""", LlmErrorKind.Unauthorized)]
    [InlineData("OpenAICompatible", """{"error":{"message":"x","code":429}}""", LlmErrorKind.RateLimited)]
    [InlineData("OpenAICompatible", """{"error":{"message":"x","code":"404"}}""", LlmErrorKind.NotFound)]
    [InlineData("OpenAICompatible", """{"error":{"message":"x"}}""", LlmErrorKind.InvalidResponse)]
    [InlineData("OpenAICompatible", """{"error":"x"}""", LlmErrorKind.InvalidResponse)]
    [InlineData("OpenAICompatible", """{"detail":[{"msg":"x"}]}""", LlmErrorKind.InvalidResponse)]
    [InlineData("OpenAICompatible",
        """{"choices":[{"index":0,"message":{"content":"par"},"finish_reason":"error","error":{"code":502,"message":"upstream died"}}]}""",
            LlmErrorKind.ServerError)]
    [InlineData("OpenAICompatible",
        """{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"},{"error":"upstream died"}],"error":null}""",
            LlmErrorKind.InvalidResponse)]
    public async Task An_error_under_a_status_of_success_is_an_error(string provider, string body, LlmErrorKind kind)
    {
        var error = await TestSession.ErrorOfAsync(provider, Reply.Json(body));
        Assert.Equal(kind, error.Kind);
        Assert.Null(error.StatusCode);
        Assert.Contains("an error instead of an answer", error.Message);
    }

    [Fact]
    public async Task An_empty_answer_is_none() =>
        Assert.Equal(LlmErrorKind.InvalidResponse, (await TestSession.ErrorOfAsync("SiliconFlow", Reply.Json(" \n"))).Kind);

    [Fact]
    public async Task The_status_stands_where_the_errors_body_breaks_off_or_never_comes()
    {
        foreach (var end in new[] { BodyEnd.Break, BodyEnd.Stall })
        {
            var response =
                new HttpResponseMessage(System.Net.HttpStatusCode.Unauthorized) { Content =
                    new StreamContent(new ScriptedStream([], end)) };
            using var session =
                TestSession.Open(new ScriptedHandler(_ => response), options => options.IdleTimeout = TimeSpan.FromMilliseconds(60));
            var error = await TestSession.ErrorAsync(session);
            Assert.Equal((LlmErrorKind.Unauthorized, 401), (error.Kind, error.StatusCode));
        }
    }

    [Fact]
    public async Task The_status_stands_where_the_errors_body_never_comes_over_a_socket()
    {
        using var server =
            new RawServer(new RawReply(["HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{"u8.ToArray()], RawEnd.Hold));
        using var session =
            TestSession.Connect(server.BaseUri, options => (options.IdleTimeout, options.MaxRetryCount) = (TimeSpan.FromSeconds(1), 2));
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.Unauthorized, 401, 1), (error.Kind, error.StatusCode, error.Attempts));
    }

    [Theory]
    [InlineData(401, LlmErrorKind.Unauthorized, "HTTP 401")]
    [InlineData(503, LlmErrorKind.ServiceUnavailable, "HTTP 503")]
#if NET
    // Mono has another exception for it than .NET Framework.
    [InlineData(200, LlmErrorKind.InvalidResponse, "not compressed as its Content-Encoding says")]
#endif
    public async Task A_body_that_is_not_compressed_as_it_says_hides_no_status(int status, LlmErrorKind kind, string words)
    {
        var response = new HttpResponseMessage((System.Net.HttpStatusCode)status)
        {
            Content = new StreamContent(new GZipStream(new MemoryStream(Sse.Bytes("no gzip at all")), CompressionMode.Decompress)),
        };
        var error = await TestSession.ErrorOfAsync("SiliconFlow", response);
        Assert.Equal(kind, error.Kind);
        Assert.Contains(words, error.Message);
    }

    [Theory]
    [InlineData("http://proxy.test:3128")]
    [InlineData("http://127.0.0.1:1")]
    public async Task A_proxy_in_the_way_is_named(string proxy)
    {
        using var session = TestSession.Open("SiliconFlow", null, options => options.Proxy = new Uri(proxy));
        var error = await TestSession.ErrorAsync(session);
        Assert.StartsWith($"The connection to api.siliconflow.cn through the proxy {new Uri(proxy).Authority} failed: ", error.Message);
    }

    [Fact]
    public async Task A_connection_that_fails_is_told_with_the_systems_words()
    {
        using var session =
            TestSession.Open(
                new ScriptedHandler(HttpResponseMessage (int _) =>
                    throw new HttpRequestException("outer", new IOException("No route to host"))));
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal(LlmErrorKind.ConnectionFailed, error.Kind);
        Assert.Equal("The connection to api.siliconflow.cn failed: No route to host", error.Message);
    }
}
