using System;
using System.Linq;
using System.Threading.Tasks;
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
        Assert.Equal(["/maas/m/amd/chat/completions", "/maas/m/nvidia/chat/completions"], handler.Sent.Select(sent => sent.Uri.AbsolutePath));
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
        Assert.Equal(["/maas/m/amd/chat/completions", "/maas/m/chip3/chat/completions"], handler.Sent.Select(sent => sent.Uri.AbsolutePath));
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
