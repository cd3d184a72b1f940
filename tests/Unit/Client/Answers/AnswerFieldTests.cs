using System;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Fields of answers in the forms that were seen.</summary>
public class AnswerFieldTests
{
    [Fact]
    public async Task Figures_that_were_left_out_are_null()
    {
        var none = await AnswerAsync("");
        Assert.Null(none.Usage);
        var some = await AnswerAsync(""","usage":{"total_tokens":7,"prompt_tokens_details":null,"completion_tokens":null}""");
        Assert.Equal((null, null, 7L), (some.Usage!.PromptTokens, some.Usage.CompletionTokens, some.Usage.TotalTokens));
        Assert.Null(some.Usage.PromptTokensDetails);
        Assert.Null(some.Usage.ReasoningTokens);
        Assert.Null(some.Usage.CachedTokens);
        Assert.Equal("? + ? = 7", some.Usage.ToString());
    }

    [Theory]
    [InlineData("1780299859")]
    [InlineData("\"1780299859\"")]
    public async Task Created_is_a_number_or_a_string(string created) =>
        Assert.Equal(1780299859, (await AnswerAsync($",\"created\":{created}")).Created!.Value.ToUnixTimeSeconds());

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("\"soon\"")]
    [InlineData("1e300")]
    [InlineData("99999999999999")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task A_time_that_is_none_is_null(string created) => Assert.Null((await AnswerAsync($",\"created\":{created}")).Created);

    [Fact]
    public async Task Counts_may_be_written_with_a_point() =>
        Assert.Equal(10, (await AnswerAsync(""","usage":{"total_tokens":10.0}""")).Usage!.TotalTokens);

    [Fact]
    public async Task Counts_may_be_written_as_strings_of_digits()
    {
        var usage = (
            await AnswerAsync(
                ""","usage":{"prompt_tokens":"3","completion_tokens":"","total_tokens":"7 tokens","prompt_tokens_details":{"cached_tokens":"2"}}""")).Usage!;
        Assert.Equal((3L, null, null, 2L), (usage.PromptTokens, usage.CompletionTokens, usage.TotalTokens, usage.CachedTokens));
    }

    [Fact]
    public async Task Numbers_beyond_all_measure_are_no_figures()
    {
        var usage = (
            await AnswerAsync(
                ""","usage":{"total_tokens":1e400,"prompt_tokens":99999999999999999999,"completion_tokens":"99999999999999999999"}"""))
                    .Usage!;
        Assert.Equal((null, null, null), (usage.TotalTokens, usage.PromptTokens, usage.CompletionTokens));
    }

    [Fact]
    public async Task A_figure_below_zero_is_no_figure()
    {
        var usage = (
            await AnswerAsync(
                ""","usage":{"prompt_tokens":-3,"completion_tokens":"-1","total_tokens":-4.0,"prompt_cache_hit_tokens":-1,"completion_tokens_details":{"reasoning_tokens":-2,"x":1}}""")).Usage!;
        Assert.Equal((null, null, null, null), (usage.PromptTokens, usage.CompletionTokens, usage.TotalTokens, usage.PromptCacheHitTokens));
        Assert.Null(usage.ReasoningTokens);
        Assert.Equal([1], usage.CompletionTokensDetails!.Values);
        // One on an event takes nothing from what an earlier one said.
        var streamed =
            await StreamOutcome.OfEventsAsync(
                Sse.Event("""{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"total_tokens":7}}""")
                    + Sse.Event("""{"choices":[],"usage":{"total_tokens":-1}}""") + Sse.Done);
        Assert.Equal(7, streamed.Completion!.Usage!.TotalTokens);
    }

    [Fact]
    public async Task What_is_not_known_is_in_RawJson()
    {
        var completion = await AnswerAsync(""","x_new":{"a":[1,null]},"service_tier":"default" """);
        Assert.Contains("\"x_new\":{\"a\":[1,null]}", completion.RawJson);
        Assert.Equal("Hello", completion.Content);
    }

    [Fact]
    public async Task Empty_content_differs_from_none()
    {
        Assert.Equal(string.Empty,
            (await TestSession.AnswerOfAsync("Cloudsway", """{"choices":[{"message":{"content":""},"finish_reason":"length"}]}"""))
                .Content);
        Assert.Null((
            await TestSession.AnswerOfAsync("Cloudsway",
                """{"choices":[{"message":{"content":null,"reasoning_content":""},"finish_reason":"length"}]}""")).Content);
        Assert.Equal(string.Empty,
            (await TestSession.AnswerOfAsync("Cloudsway",
                """{"choices":[{"message":{"content":null,"reasoning_content":""},"finish_reason":"length"}]}""")).ReasoningContent);
    }

    [Fact]
    public async Task Content_in_parts_is_their_texts() =>
        Assert.Equal("Hello",
            (await TestSession.AnswerOfAsync("SiliconFlow",
                """{"choices":[{"message":{"content":[{"type":"text","text":"Hel"},{"type":"x"},{"type":"text","text":"lo"}]},"finish_reason":"stop"}]}""")).Content);

    [Fact]
    public async Task A_refusal_is_content_where_there_is_no_other()
    {
        Assert.Equal("I can't.",
            (await TestSession.AnswerOfAsync("OpenAICompatible",
                """{"choices":[{"message":{"content":null,"refusal":"I can't."},"finish_reason":"stop"}]}""")).Content);
        Assert.Equal("Hello",
            (await TestSession.AnswerOfAsync("OpenAICompatible",
                """{"choices":[{"message":{"refusal":"I can't.","content":"Hello"},"finish_reason":"stop"}]}""")).Content);
        Assert.Null((
            await TestSession.AnswerOfAsync("OpenAICompatible",
                """{"choices":[{"message":{"content":null,"refusal":""},"finish_reason":"stop"}]}""")).Content);
        var streamed =
            await StreamOutcome.OfEventsAsync(Sse.Delta("\"role\":\"assistant\",\"content\":null,\"refusal\":\"\"")
                + Sse.Delta("\"refusal\":\"I \"") + Sse.Delta("\"refusal\":\"can't.\"") + Sse.Finish() + Sse.Done);
        Assert.Equal(("I can't.", "I can't."), (streamed.Content, streamed.Completion!.Content));
    }

    [Fact]
    public async Task Tool_calls_of_a_plain_answer_stand_in_order_with_arguments_as_text_or_object()
    {
        var completion = await TestSession.AnswerOfAsync("SiliconFlow", """
            {"choices":[{"message":{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","function":{"name":"g","arguments":{"b":[2]}}}]},"finish_reason":"tool_calls"}]}
            """);
        Assert.Equal([("c1", "f", "{\"a\":1}"), ("c2", "g", "{\"b\":[2]}")],
            completion.ToolCalls!.Select(call => (call.Id, call.Name, call.Arguments)));
        Assert.Equal("tool_calls", completion.FinishReason);
    }

    [Fact]
    public async Task Log_probabilities_are_read_with_the_likeliest_tokens()
    {
        var completion = await TestSession.AnswerOfAsync("Cloudsway", """
            {"choices":[{"message":{"content":"Hi"},"logprobs":{"content":[{"token":"Hi","logprob":-0.5,"bytes":[72],"top_logprobs":[{"token":"Hi","logprob":-0.5},{"token":"Ho","logprob":-2}]}],"reasoning_content":[{"token":"hm","logprob":-1,"top_logprobs":[]}]},"finish_reason":"stop"}]}
            """);
        Assert.Equal([("Hi", -0.5, false), ("hm", -1.0, true)],
            completion.LogProbs!.Select(token => (token.Token, token.LogProb, token.IsReasoning)));
        Assert.Equal(["Hi", "Ho"], completion.LogProbs![0].TopLogProbs.Select(token => token.Token));
    }

    [Fact]
    public async Task Choices_stand_in_the_order_of_their_index()
    {
        var completion = await TestSession.AnswerOfAsync("SiliconFlow", """
            {"choices":[{"index":1,"message":{"content":"B"},"finish_reason":"length"},{"index":0,"message":{"content":"A"},"finish_reason":"stop"}]}
            """);
        Assert.Equal(["A", "B"], completion.Choices.Select(choice => choice.Message.Content));
        Assert.Equal("A", completion.Content);
        Assert.Equal("stop", completion.FinishReason);
    }

    [Fact]
    public async Task A_plain_answer_has_no_first_token_and_a_stream_has_one()
    {
        Assert.Null((await AnswerAsync("")).TimeToFirstToken);
        Assert.NotNull((await StreamOutcome.OfEventsAsync(StreamCases.NullRole)).Completion!.TimeToFirstToken);
    }

    [Fact]
    public async Task The_request_id_is_read_from_the_providers_header()
    {
        using var session =
            TestSession.Open(new ScriptedHandler(_ => Reply.Status(200, Reply.PlainAnswer, ("x-siliconcloud-trace-id", "ti_1"))));
        Assert.Equal("ti_1", (await session.CompleteAsync(TestSession.Ask())).RequestId);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("\"hello\"")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":null,"id":"x"}""")]
    [InlineData("""{"choices":[{"index":0}]}""")]
    public async Task A_body_without_a_choice_is_no_answer(string body)
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Json(body));
        Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
        Assert.Contains(body, error.Message);
    }

    [Fact]
    public async Task What_follows_the_answer_makes_it_invalid()
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow", Reply.Json(Reply.PlainAnswer + "{}"));
        Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
    }

    private static Task<ChatCompletion> AnswerAsync(string fields) =>
        TestSession.AnswerOfAsync("SiliconFlow",
            $$"""{"choices":[{"index":0,"message":{"content":"Hello"},"finish_reason":"stop"}]{{fields}}}""");
}
