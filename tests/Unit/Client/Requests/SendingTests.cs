using System;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Where requests go, and what goes with them.</summary>
public class SendingTests
{
    [Theory]
    [InlineData("GenStudio", "DeepSeek-V3", "https://cloud.infini-ai.com/maas/deepseek-v3/nvidia/chat/completions")]
    [InlineData("Cloudsway", "M1", "https://genaiapi.cloudsway.net/v1/ai/my-endpoint/chat/completions")]
    [InlineData("SiliconFlow", "Qwen/QwQ-32B", "https://api.siliconflow.cn/v1/chat/completions")]
    [InlineData("OpenAICompatible", "M1", "http://localhost:8080/v1/chat/completions")]
    public async Task A_request_goes_to_the_providers_path(string provider, string model, string uri)
    {
        var sent = await SendAsync(provider, model);
        Assert.Equal("POST", sent.Method);
        Assert.Equal(uri, sent.Uri.AbsoluteUri);
        Assert.StartsWith($$"""{"model":"{{(provider == "GenStudio" ? "deepseek-v3" : model)}}",""", sent.Body);
    }

    [Fact]
    public async Task A_chip_is_sent_as_its_provider_spells_it()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open("GenStudio", handler, options => options.Chip = "AMD");
        Assert.Equal("amd", session.Chip);
        var request = TestSession.Ask();
        Assert.Equal("amd", (await session.CompleteAsync(request)).Chip);
        request.Chip = "Nvidia";
        Assert.Equal("nvidia", (await session.CompleteAsync(request)).Chip);
        Assert.Equal("Nvidia", request.Chip);
        Assert.Equal(["/maas/m/amd/chat/completions", "/maas/m/nvidia/chat/completions"],
            handler.Sent.Select(sent => sent.Uri.AbsolutePath));
    }

    [Fact]
    public async Task GenStudios_chip_stands_in_the_path()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open("GenStudio", handler, options => options.Chip = "amd");
        var request = TestSession.Ask();
        await session.CompleteAsync(request);
        request.Chip = "chip3";
        await session.CompleteAsync(request);
        Assert.Equal(["/maas/m/amd/chat/completions", "/maas/m/chip3/chat/completions"],
            handler.Sent.Select(sent => sent.Uri.AbsolutePath));
    }

    [Fact]
    public async Task The_base_address_may_end_in_a_slash_or_not()
    {
        foreach (var uri in new[] { "https://api.siliconflow.com/v1", "https://api.siliconflow.com/v1/" })
        {
            var handler = new ScriptedHandler(_ => Reply.Plain());
            using var session = TestSession.Open("SiliconFlow", handler, options => options.BaseUri = new Uri(uri));
            await session.CompleteAsync(TestSession.Ask());
            Assert.Equal("https://api.siliconflow.com/v1/chat/completions", handler.Sent[0].Uri.AbsoluteUri);
        }
    }

    [Fact]
    public async Task The_key_and_further_headers_go_with_every_request()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(handler, options => options.Headers["X-Team"] = TestSession.Secret("ops"));
        await session.CompleteAsync(TestSession.Ask());
        var headers = handler.Sent[0].Headers;
        Assert.Equal("Bearer " + TestSession.Key, headers["Authorization"]);
        Assert.Equal("ops", headers["X-Team"]);
        Assert.Equal("application/json", headers["Content-Type"]);
    }

    [Fact]
    public async Task A_header_of_ones_own_replaces_the_keys()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(handler, options => options.Headers["authorization"] = TestSession.Secret("Token abc"));
        await session.CompleteAsync(TestSession.Ask());
        Assert.Equal("Token abc", handler.Sent[0].Headers["Authorization"]);
    }

    [Fact]
    public async Task KindM_every_request_names_the_module_unless_a_header_does()
    {
        var handler = new ScriptedHandler(n => n == 2 ? Reply.Json("""{"data":[]}""") : Reply.Plain());
        using (var session = TestSession.Open(handler))
        {
            await session.CompleteAsync(TestSession.Ask());
            await session.GetModelsAsync();
        }

        using (var session = TestSession.Open(handler, options => options.Headers["user-agent"] = TestSession.Secret("Tickets/2")))
            await session.CompleteAsync(TestSession.Ask());
        var agents = handler.Sent.Select(sent => sent.Headers["User-Agent"]).ToList();
        Assert.Matches(@"^LlmPs/\d+\.\d+\.\d+$", agents[0]);
        Assert.Equal([agents[0], agents[0], "Tickets/2"], agents);
    }

    [Theory]
    [InlineData("OpenAICompatible", "https://x.example.com/v1?api-version=2024-10-21",
        "https://x.example.com/v1/chat/completions?api-version=2024-10-21", "https://x.example.com/v1/models?api-version=2024-10-21")]
    [InlineData("OpenAICompatible", "https://x.example.com/v1/?a=b%20c&d", "https://x.example.com/v1/chat/completions?a=b%20c&d",
        "https://x.example.com/v1/models?a=b%20c&d")]
    [InlineData("SiliconFlow", "https://x.example.com/v1?api-version=1", "https://x.example.com/v1/chat/completions?api-version=1",
        "https://x.example.com/v1/models?type=text&sub_type=chat&api-version=1")]
    [InlineData("GenStudio", "https://x.example.com?api-version=1", "https://x.example.com/maas/m/nvidia/chat/completions?api-version=1",
        "https://x.example.com/maas/v1/models?api-version=1")]
    public async Task KindM_every_request_carries_the_query_of_the_base_address(string provider, string baseUri, string completions,
        string models)
    {
        var handler = new ScriptedHandler(n => n == 2 ? Reply.Json("""{"data":[]}""") : Reply.Plain());
        using var session = TestSession.Open(provider, handler, options => options.BaseUri = new Uri(baseUri));
        await session.CompleteAsync(TestSession.Ask());
        await session.GetModelsAsync();
        Assert.Equal([completions, models], handler.Sent.Select(sent => sent.Uri.AbsoluteUri));
        Assert.Equal(baseUri, session.BaseUri.AbsoluteUri.Replace(".com/?", ".com?"));
    }

    [Theory]
    [InlineData("code=ab12")]
    [InlineData("subscription-key=team.7")]
    [InlineData("x=0123456789abcdef0123456789abcdef")]
    [InlineData("sig=a%2Fb%3D7Z")]
    public async Task KindM_a_secret_in_the_query_is_sent_and_never_shown(string secret)
    {
        var value = secret.Substring(secret.IndexOf('=') + 1);
        var handler = new ScriptedHandler(_ => Reply.Status(404, $"nothing at {value} or {Uri.UnescapeDataString(value)}"));
        var lines = new System.Collections.Generic.List<string>();
        using var session =
            TestSession.Open("OpenAICompatible", handler, options =>
                options.BaseUri = new Uri("https://x.example.com/v1?api-version=1&" + secret));
        var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask(), out _));
        var log = new LlmPs.Transport.RequestLog(true, (_, text) => lines.Add(text));
        var error = await Assert.ThrowsAsync<LlmApiException>(() => session.CompleteAsync(context, null, log, default));
        Assert.EndsWith(secret, handler.Sent[0].Uri.AbsoluteUri);
        Assert.Contains(
            $"The address was https://x.example.com/v1/chat/completions?api-version=1&{secret.Substring(0, secret.IndexOf('='))}=***.",
                error.Message);
        Assert.NotEmpty(lines);
        foreach (var shown in lines.Append(error.Message).Append(session.BaseUri.AbsoluteUri))
        {
            Assert.DoesNotContain(value, shown);
            Assert.DoesNotContain(Uri.UnescapeDataString(value), shown);
        }
    }

    [Theory]
    [InlineData("GenStudio", true)]
    [InlineData("Cloudsway", true)]
    [InlineData("SiliconFlow", false)]
    public async Task A_stream_is_asked_for_its_usage_where_it_does_not_come_unasked(string provider, bool asks)
    {
        var handler = new ScriptedHandler(_ => Reply.Events(StreamCases.UsageOnEveryChunk));
        using var session = TestSession.Open(provider, handler);
        await StreamOutcome.OfAsync(session);
        var tail = asks ? ""","stream":true,"stream_options":{"include_usage":true}}""" : ""","stream":true}""";
        Assert.EndsWith(tail, handler.Sent[0].Body);
    }

    [Fact]
    public async Task The_sessions_model_stands_in_for_one_that_is_not_given()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(handler, options => options.Model = "Qwen/QwQ-32B");
        var request = TestSession.Ask();
        request.Model = null;
        await session.CompleteAsync(request);
        Assert.StartsWith("""{"model":"Qwen/QwQ-32B",""", handler.Sent[0].Body);
        Assert.Null(request.Model);
    }

    private static async Task<SentRequest> SendAsync(string provider, string model)
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(provider, handler);
        var request = TestSession.Ask();
        request.Model = model;
        await session.CompleteAsync(request);
        return Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData("m")]
    [InlineData(null)]
    public async Task A_request_that_is_changed_later_does_not_change_the_answer(string? model)
    {
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Plain()), options => options.Model = "m");
        var request = new ChatRequest { Model = model, Messages = [new ChatMessage("user", "first")] };
        var answer = await session.CompleteAsync(request);
        request.Messages = [new ChatMessage("user", "second")];
        Assert.Equal("first", answer.Messages[0].Content);
    }

    [Fact]
    public async Task Options_that_are_changed_later_do_not_change_the_session()
    {
        LlmSessionOptions? given = null;
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(handler, options => (given = options).Model = "m");
        given!.Model = "other";
        given.Timeout = TimeSpan.FromSeconds(-5);
        given.Headers["X-Team"] = TestSession.Secret("platform");
        await session.CompleteAsync(new ChatRequest { Messages = [new ChatMessage("user", "Hi")] });
        Assert.Contains("\"model\":\"m\"", handler.Sent[0].Body);
        Assert.DoesNotContain("X-Team", handler.Sent[0].Headers.Keys);
        Assert.Empty(session.HeaderNames);
        Assert.NotEqual(given.Timeout, session.Timeout);
    }

    [Fact]
    public async Task A_stream_that_is_read_twice_is_asked_for_twice()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(handler);
        var stream = session.StreamAsync(TestSession.Ask());
        Assert.Empty(handler.Sent);
        for (var n = 1; n <= 2; n++)
        {
            var builder = new ChatCompletionBuilder();
            await foreach (var delta in stream) builder.Append(delta);
            Assert.Equal(1, builder.ToCompletion().Attempts);
            Assert.Equal(n, handler.Sent.Count);
        }
    }
}
