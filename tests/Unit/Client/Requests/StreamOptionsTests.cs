using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>A server that refuses a field that nobody asked for.</summary>
public class StreamOptionsTests
{
    [Theory]
    [InlineData(400, """{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error"}}""")]
    [InlineData(422,
        """{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]}""")]
    [InlineData(400, """{"error":{"message":"Invalid request","param":"streamOptions"}}""")]
    [InlineData(400, "unknown field: include_usage")]
    [InlineData(422, """{"message":"Stream options are not supported by this model"}""")]
    public async Task KindE_refused_stream_options_are_left_out_and_the_session_remembers_it(int status, string body)
    {
        var handler = new ScriptedHandler(n => n == 1 ? Reply.Status(status, body) : Reply.Events(StreamCases.UsageOnEveryChunk));
        using var session = TestSession.Open("OpenAICompatible", handler);
        for (var row = 0; row < 3; row++) Assert.Equal("Hello", (await StreamOutcome.OfAsync(session)).Content);
        Assert.Equal([true, false, false, false], handler.Sent.Select(sent => sent.Body.Contains("stream_options")));
        Assert.All(handler.Sent, sent => Assert.Contains("\"stream\":true", sent.Body));
    }

    [Fact]
    public async Task KindE_one_request_a_session_finds_out_though_many_rows_begin_at_once()
    {
        var handler = new ScriptedHandler(Answer);
        using var session = TestSession.Open("OpenAICompatible", handler);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => StreamOutcome.OfAsync(session))));
        Assert.All(outcomes, outcome => Assert.Equal("Hello", outcome.Content));
        Assert.Equal(17, handler.Sent.Count);

        async Task<HttpResponseMessage> Answer(int n, CancellationToken cancellationToken)
        {
            await Task.Delay(50, cancellationToken);
            return n == 1 ? Reply.Status(400, "stream_options is not supported") : Reply.Events(StreamCases.UsageOnEveryChunk);
        }
    }

    [Fact]
    public async Task KindE_rows_do_not_wait_for_an_answer_once_the_field_is_accepted()
    {
        var handler = new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Stall));
        using var session = TestSession.Open("OpenAICompatible", handler);
        using var cancel = new CancellationTokenSource();
        var streams = Enumerable.Range(0, 4).Select(_ => Task.Run(() => FirstAsync(session, cancel.Token))).ToList();
        await Task.WhenAll(streams).WaitAsync(TimeSpan.FromSeconds(1.5));
        Assert.Equal(4, handler.Sent.Count);
    }

    [Theory]
    [InlineData(400, """{"error":{"message":"temperature is out of range"}}""")]
    [InlineData(400, """{"detail":[{"loc":["body","n"],"msg":"wrong","input":{"stream_options":{"include_usage":true}}}]}""")]
    [InlineData(401, "stream_options")]
    [InlineData(404, "stream_options")]
    public async Task KindE_another_error_is_final_after_one_request(int status, string body)
    {
        var handler = new ScriptedHandler(_ => Reply.Status(status, body));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Equal(status, (await StreamOutcome.OfAsync(session)).Error!.StatusCode);
        Assert.Single(handler.Sent);
    }

    [Fact]
    public async Task KindE_a_field_that_the_user_gave_is_not_left_out()
    {
        var handler = new ScriptedHandler(_ => Reply.Status(400, "stream_options is not supported"));
        using var session = TestSession.Open("OpenAICompatible", handler);
        var request = TestSession.Ask();
        request.ExtraBody = new Dictionary<string, string> { ["stream_options"] = "{\"x\":1}" };
        var error = await Assert.ThrowsAsync<LlmApiException>(async () =>
        {
            await foreach (var _ in session.StreamAsync(request)) { }
        });
        Assert.Equal(LlmErrorKind.InvalidRequest, error.Kind);
        Assert.Single(handler.Sent);
    }

    [Fact]
    public async Task KindE_a_second_refusal_is_final()
    {
        var handler = new ScriptedHandler(_ => Reply.Status(400, "stream_options is not supported"));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Equal(LlmErrorKind.InvalidRequest, (await StreamOutcome.OfAsync(session)).Error!.Kind);
        Assert.Equal(2, handler.Sent.Count);
    }

    [Fact]
    public async Task KindE_the_second_request_is_a_verbose_line_and_costs_no_retry()
    {
        var lines = new List<string>();
        var handler =
            new ScriptedHandler(n =>
                n switch { 1 =>
                    Reply.Status(400, "stream_options?"), 2 => Reply.Status(503, ""), _ => Reply.Events(StreamCases.UsageOnEveryChunk) });
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 1);
        var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask(), out _));
        var log = new RequestLog(false, (_, text) => lines.Add(text));
        await foreach (var _ in session.StreamAsync(context, null, new ChatCompletionBuilder(), log, CancellationToken.None)) { }
        Assert.Contains("refuses stream_options", lines[0]);
        Assert.Equal(3, handler.Sent.Count);
    }

    private static async Task FirstAsync(LlmSession session, CancellationToken cancellationToken)
    {
        await foreach (var _ in session.StreamAsync(TestSession.Ask(), cancellationToken)) return;
    }
}
