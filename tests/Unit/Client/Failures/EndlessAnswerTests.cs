using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Issue 22, 3 and 4: no answer is without end, and the work is linear in its bytes.</summary>
public class EndlessAnswerTests
{
    private const int Many = 100_000;

    [Theory]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n")]
    [InlineData("data: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\n\n")]
    [InlineData(": keep-alive\n\n")]
    [InlineData("x: 1\n")]
    public async Task The_whole_limit_ends_a_stream_that_arrives_faster_than_it_is_read(string repeated)
    {
        var body = new ScriptedStream(Endless(repeated));
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Body(body)), options => options.Timeout = TimeSpan.FromSeconds(0.3));
        var error = await TestSession.ErrorAsync(session).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal((LlmErrorKind.Timeout, "No complete answer within 0.3 s (-TimeoutSec)."), (error.Kind, error.Message));
        Assert.True(body.IsDisposed);
    }

    [Fact]
    public async Task The_whole_limit_ends_a_plain_answer_that_arrives_faster_than_it_is_read()
    {
        var body = new ScriptedStream(Endless("\n"));
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Body(body)), options => options.Timeout = TimeSpan.FromSeconds(0.3));
        Assert.Equal(LlmErrorKind.Timeout, (await TestSession.ErrorAsync(session).WaitAsync(TimeSpan.FromSeconds(60))).Kind);
    }

    [Theory]
    [InlineData("content", "content", "content")]
    [InlineData("content", "reasoning_content", "arguments")]
    [InlineData("arguments", "arguments", "arguments")]
    public async Task Content_reasoning_and_arguments_together_have_a_limit(params string[] fields)
    {
        var text = new string('x', 1024 * 1024);
        var events = fields.SelectMany(field => Enumerable.Repeat(Sse.Bytes(Sse.Delta(field == "arguments"
            ? "\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"" + text + "\"}}]"
            : $"\"{field}\":\"{text}\"")), 11));
        var handler = new ScriptedHandler(_ => Reply.Pieces(events));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 3);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal(
            (LlmErrorKind.InvalidResponse,
                "The answer is over the limit of 32 Mi characters of content, reasoning and tool arguments together."),
                    (error.Kind, error.Message));
        Assert.Single(handler.Sent);
    }

    [Fact]
    public async Task The_events_of_a_stream_have_a_limit()
    {
        var events =
            Enumerable.Repeat(
                Sse.Bytes(Sse.Event("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"note\":\""
                    + new string('n', 8 * 1024 * 1024) + "\"}]}")), 40);
        var error = (await StreamOutcome.OfAsync(Reply.Pieces(events))).Error!;
        Assert.Equal((LlmErrorKind.InvalidResponse, "The answer is over the limit of 256 MiB for the events of a stream."),
            (error.Kind, error.Message));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Choices_over_the_limit_are_refused(bool isPlain)
    {
        var choices = Enumerable.Range(0, 4097)
            .Select(n => $$"""{"index":{{n}},"{{(isPlain ? "message" : "delta")}}":{"content":"x"},"finish_reason":"stop"}""").ToList();
        var handler = new ScriptedHandler(n => isPlain
            ? Reply.Json($$"""{"choices":[{{string.Join(",", choices)}}]}""")
            : Reply.Events(string.Concat(choices.Select(choice => Sse.Event($$"""{"choices":[{{choice}}]}"""))) + Sse.Done));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 3);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.InvalidResponse, "The answer is over the limit of 4096 choices."), (error.Kind, error.Message));
        Assert.Single(handler.Sent);
        choices.RemoveAt(choices.Count - 1);
        var whole = await TestSession.AnswerOfAsync("OpenAICompatible", $$"""{"choices":[{{string.Join(",", choices)}}]}""");
        Assert.Equal(4096, whole.Choices.Count);
    }

    [Fact]
    public async Task Tool_calls_over_the_limit_are_refused()
    {
        var error = await TestSession.ErrorOfAsync("OpenAICompatible", Reply.Json(Calls(4097)));
        Assert.Equal((LlmErrorKind.InvalidResponse, "The answer is over the limit of 4096 tool calls."), (error.Kind, error.Message));
        Assert.Equal(4096, (await TestSession.AnswerOfAsync("OpenAICompatible", Calls(4096))).ToolCalls!.Count);
    }

    [Fact]
    public async Task Tool_calls_that_come_one_an_event_find_together()
    {
        var stream =
            string.Concat(Enumerable.Range(0, Many)
                .Select(n =>
                    Sse.Delta($"\"tool_calls\":[{{\"index\":{Many - n},\"id\":\"c{n}\",\"function\":{{\"name\":\"f\",\"arguments\":\"{{}}\"}}}}]")));
        var calls = (await StreamOutcome.OfEventsAsync(stream + Sse.Finish("tool_calls") + Sse.Done)).Completion!.ToolCalls!;
        Assert.Equal((Many, $"c{Many - 1}", "c0"), (calls.Count, calls[0].Id, calls[^1].Id));
    }

    [Fact]
    public async Task Parts_and_log_probabilities_are_read_in_any_number()
    {
        var parts = string.Join(",", Enumerable.Repeat("""{"type":"text","text":"x"},{"type":"thinking","thinking":"t"}""", Many));
        var tokens = string.Join(",", Enumerable.Repeat("""{"token":"x","logprob":-1}""", Many));
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                $$"""{"choices":[{"message":{"content":[{{parts}}]},"logprobs":{"content":[{{tokens}}]},"finish_reason":"stop"}]}""");
        Assert.Equal((Many, Many, Many), (completion.Content!.Length, completion.ReasoningContent!.Length, completion.LogProbs!.Count));
    }

    [Fact]
    public async Task Log_probabilities_over_the_limit_are_refused()
    {
        var error = await TestSession.ErrorOfAsync("OpenAICompatible",
            Reply.Json("{\"choices\":[{\"logprobs\":{\"content\":[" + string.Join(",", Enumerable.Repeat("{}", 4_000_001)) + "]}}]}"));
        Assert.Equal((LlmErrorKind.InvalidResponse, "The answer is over the limit of 4000000 log probabilities."),
            (error.Kind, error.Message));
    }

    private static string Calls(int count)
    {
        var calls = Enumerable.Range(0, count).Select(n => "{\"id\":\"c" + n + "\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}");
        return "{\"choices\":[{\"message\":{\"tool_calls\":[" + string.Join(",", calls) + "]},\"finish_reason\":\"tool_calls\"}]}";
    }

    private static IEnumerable<byte[]?> Endless(string repeated)
    {
        var piece = Sse.Bytes(string.Concat(Enumerable.Repeat(repeated, 64 * 1024 / repeated.Length)));
        while (true) yield return piece;
    }
}
