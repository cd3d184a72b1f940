using System.Linq;
using System.Threading.Tasks;
using LlmPs.Wire;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>The streams that have broken other clients, one test each.</summary>
public class StreamQuirkTests
{
    [Fact]
    public async Task Usage_on_every_chunk_drops_no_text_and_the_last_one_counts()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.UsageOnEveryChunk);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal(5, outcome.Completion.Usage!.TotalTokens);
        Assert.Equal(5, outcome.Deltas[^1].Usage!.TotalTokens);
    }

    [Fact]
    public async Task Empty_choices_are_no_answer_and_no_error()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.EmptyChoices);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal(5, outcome.Completion.Usage!.TotalTokens);
        Assert.All(outcome.Deltas.SkipLast(1), delta => Assert.False(string.IsNullOrEmpty(delta.Content)));
    }

    [Fact]
    public async Task A_finish_chunk_may_have_no_delta()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.FinishWithoutDelta);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal("stop", outcome.Completion.FinishReason);
    }

    [Fact]
    public async Task A_null_role_is_no_role()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.NullRole);
        Assert.Null(outcome.Deltas[0].Role);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal("assistant", outcome.Completion.Message!.Role);
    }

    [Fact]
    public async Task An_empty_finish_reason_is_none()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.EmptyFinishReason);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal("stop", outcome.Completion.FinishReason);
        Assert.All(outcome.Deltas.SkipLast(1), delta => Assert.Null(delta.FinishReason));
    }

    [Theory]
    [InlineData(nameof(StreamCases.ToolFragmentsWithEmptyNames))]
    [InlineData(nameof(StreamCases.ToolFragmentsWithoutIndex))]
    public async Task Later_tool_fragments_need_no_id_no_name_and_no_index(string name)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Whole[name]);
        var call = Assert.Single(outcome.Completion!.ToolCalls!);
        Assert.Equal(("c1", "get_weather", """{"city":"Paris"}"""), (call.Id, call.Name, call.Arguments));
        Assert.Equal("tool_calls", outcome.Completion.FinishReason);
    }

    [Fact]
    public async Task Empty_tool_calls_are_none()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.EmptyToolCallsOnReasoning);
        Assert.Equal("Hm", outcome.Completion!.ReasoningContent);
        Assert.Equal("Hello", outcome.Completion.Content);
        Assert.Null(outcome.Completion.ToolCalls);
        Assert.All(outcome.Deltas, delta => Assert.Null(delta.ToolCalls));
    }

    [Fact]
    public async Task Usage_stays_when_a_later_chunk_omits_it()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.UsageOmittedLater);
        Assert.Equal(5, outcome.Completion!.Usage!.TotalTokens);
        Assert.Equal(5, outcome.Deltas[^1].Usage!.TotalTokens);
    }

    [Fact]
    public async Task A_figure_that_a_later_usage_leaves_out_stays_and_one_that_it_says_counts()
    {
        var text = Sse.Event(
            """{"choices":[{"index":0,"delta":{"content":"Hello"}}],"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":2,"x":1}}}""")
            + Sse.Event("""{"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}],"usage":{"completion_tokens":4,"prompt_tokens_details":{"x":9}}}""")
            + Sse.Event("""{"choices":[],"usage":{}}""") + Sse.Done;
        var outcome = await StreamOutcome.OfEventsAsync(text);
        var usage = outcome.Completion!.Usage!;
        Assert.Equal((3L, 4L, null, 2L), (usage.PromptTokens, usage.CompletionTokens, usage.TotalTokens, usage.CachedTokens));
        Assert.Equal([2, 9], usage.PromptTokensDetails!.Values);
        Assert.Equal("3 + 4 = ?", outcome.Deltas[^1].Usage!.ToString());
    }

    [Theory]
    [InlineData(nameof(StreamCases.KeepAliveComments))]
    [InlineData(nameof(StreamCases.KeepAliveInData))]
    [InlineData(nameof(StreamCases.EmptyEventAfterComment))]
    public async Task Keep_alives_are_not_parsed(string name)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Whole[name]);
        Assert.Null(outcome.Error);
        Assert.Equal("Hello", outcome.Completion!.Content);
    }

    [Fact]
    public async Task Chinese_and_emoji_arrive_whole_when_every_byte_comes_alone()
    {
        var outcome = await StreamOutcome.OfAsync(Reply.Pieces(Sse.ByteByByte(Sse.Bytes(StreamCases.NotAscii))));
        Assert.Equal("你好，世界 👩‍🚀🌍", outcome.Completion!.Content);
        Assert.Equal("想一想", outcome.Completion.ReasoningContent);
    }

    [Theory]
    [InlineData(nameof(StreamCases.Crlf))]
    [InlineData(nameof(StreamCases.Cr))]
    [InlineData(nameof(StreamCases.NoSpaceAfterData))]
    [InlineData(nameof(StreamCases.ByteOrderMark))]
    [InlineData(nameof(StreamCases.LastBlankLineMissing))]
    [InlineData(nameof(StreamCases.DataOverSeveralLines))]
    public async Task Every_way_to_write_lines_is_read(string name)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Whole[name]);
        Assert.Null(outcome.Error);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal("stop", outcome.Completion.FinishReason);
    }

    [Theory]
    [InlineData(nameof(StreamCases.FieldNamedReasoning))]
    [InlineData(nameof(StreamCases.InlineThinking))]
    [InlineData(nameof(StreamCases.ChoiceLevelReasoning))]
    public async Task Reasoning_is_set_apart_wherever_it_stands(string name)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Whole[name]);
        Assert.Equal("Hm", outcome.Reasoning);
        Assert.Equal("Hello", outcome.Content);
    }

    [Fact]
    public async Task A_finish_reason_ends_an_answer_without_done()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.WithoutDone);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal("stop", outcome.Completion.FinishReason);
    }

    [Fact]
    public async Task Done_ends_an_answer_without_a_finish_reason()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.WithoutFinishReason);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Null(outcome.Completion.FinishReason);
    }

    [Fact]
    public async Task A_clean_end_without_done_and_finish_reason_is_an_interruption_with_the_partial_answer()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Others["NoFinishAndNoDone"]);
        Assert.Equal(LlmErrorKind.StreamInterrupted, outcome.Error!.Kind);
        Assert.Contains("without a finish reason", outcome.Error.Message);
        Assert.Equal("Hello", outcome.Error.PartialCompletion!.Content);
        Assert.Equal("Hello", outcome.Content);
    }

    [Theory]
    [InlineData("OnlyDone")]
    [InlineData("OnlyComments")]
    public async Task A_stream_without_an_answer_is_an_interruption(string name)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Others[name]);
        Assert.Equal(LlmErrorKind.StreamInterrupted, outcome.Error!.Kind);
        Assert.Null(outcome.Error.PartialCompletion);
    }

    [Theory]
    [InlineData("ErrorObject", "500", "engine failed")]
    [InlineData("ErrorCodeAndMessage", "50505", "overloaded")]
    [InlineData("ErrorCodeAndMsg", "70001", "boom")]
    [InlineData("ErrorInChoice", "502", "upstream died")]
    [InlineData("ErrorDetail", null, "worker died")]
    [InlineData("ErrorEvent", null, "out of memory")]
    public async Task An_error_in_mid_stream_is_told_with_the_providers_words_and_the_partial_answer(string name, string? code,
        string words)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Others[name]);
        Assert.Equal(LlmErrorKind.StreamError, outcome.Error!.Kind);
        Assert.Equal(code, outcome.Error.ProviderCode);
        Assert.Contains(words, outcome.Error.Message);
        Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
    }

    [Fact]
    public async Task A_bad_key_told_in_mid_stream_is_still_a_bad_key()
    {
        var outcome =
            await StreamOutcome.OfEventsAsync(Sse.Content("Hel") + Sse.Event("""{"code":60000,"msg":"token invalid"}"""), "GenStudio");
        Assert.Equal(LlmErrorKind.Unauthorized, outcome.Error!.Kind);
    }

    [Fact]
    public async Task Data_that_is_not_json_is_an_invalid_response()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Others["NotJson"]);
        Assert.Equal(LlmErrorKind.InvalidResponse, outcome.Error!.Kind);
        Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
    }

    [Theory]
    [InlineData("Plain")]
    [InlineData("PlainAfterBlankLines")]
    [InlineData("PlainWithByteOrderMark")]
    public async Task A_plain_answer_to_a_stream_request_is_read_as_such(string name)
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.Others[name]);
        Assert.Null(outcome.Error);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal("stop", outcome.Completion.FinishReason);
        Assert.True(outcome.Deltas[^1].IsLast);
    }

    [Fact]
    public async Task A_stream_in_answer_to_a_plain_request_is_read_as_such()
    {
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Events(StreamCases.UsageOnEveryChunk)));
        var completion = await session.CompleteAsync(TestSession.Ask());
        Assert.Equal("Hello", completion.Content);
        Assert.Equal("stop", completion.FinishReason);
        Assert.Equal(5, completion.Usage!.TotalTokens);
    }

    [Theory]
    [InlineData("")]
    [InlineData(": queued\n\n")]
    [InlineData("event: message\n")]
    [InlineData("id\n")]
    [InlineData("retry:5\n\n")]
    public async Task A_stream_under_another_content_type_is_read_as_such(string beginning)
    {
        var bytes = Sse.Bytes(beginning + StreamCases.UsageOnEveryChunk);
        foreach (var piece in new[] { 1, 3, bytes.Length })
        {
            var reply = Reply.Pieces(bytes.Chunk(piece));
            reply.Content.Headers.ContentType = new("text/plain");
            using var session = TestSession.Open(new ScriptedHandler(_ => reply));
            Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask())).Content);
        }
    }

    [Fact]
    public async Task Choices_are_told_apart_and_only_the_last_delta_of_all_is_the_last()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.TwoChoices);
        Assert.Equal(["Hello", "Bye"], outcome.Completion!.Choices.Select(choice => choice.Message.Content));
        Assert.Equal(["length", "stop"], outcome.Completion.Choices.Select(choice => choice.FinishReason));
        Assert.True(outcome.Deltas[^1].IsLast);
        Assert.Single(outcome.Deltas, delta => delta.IsLast);
    }

    [Fact]
    public async Task SiliconFlows_eos_is_a_stop_and_keeps_its_own_word()
    {
        var outcome = await StreamOutcome.OfEventsAsync(Sse.Content("Hello") + Sse.Finish("eos") + Sse.Done);
        Assert.Equal("stop", outcome.Completion!.FinishReason);
        Assert.Equal("eos", outcome.Completion.NativeFinishReason);
    }

    [Theory]
    [InlineData("insufficient_system_resource")]
    [InlineData("aborted")]
    public async Task An_answer_that_the_provider_gave_up_is_not_whole(string reason)
    {
        var outcome = await StreamOutcome.OfEventsAsync(Sse.Content("Hel") + Sse.Finish(reason) + Sse.Done);
        Assert.Equal(LlmErrorKind.ServiceUnavailable, outcome.Error!.Kind);
        Assert.Contains(reason, outcome.Error.Message);
        Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
    }

    [Fact]
    public async Task The_chips_that_say_created_only_at_the_end_have_it_in_the_completion()
    {
        var text = Sse.Content("Hello")
            + Sse.Event("""{"id":"s1","object":"chat.completion.chunk","created":1757680008,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""") + Sse.Done;
        var outcome = await StreamOutcome.OfEventsAsync(text, "GenStudio");
        Assert.Equal(1757680008, outcome.Completion!.Created!.Value.ToUnixTimeSeconds());
    }

    [Fact]
    public async Task A_time_that_only_an_event_without_a_choice_says_is_kept()
    {
        var text = Sse.Event("""{"created":1757680008,"choices":[]}""") + Sse.Content("Hello") + Sse.Finish() + Sse.Done;
        Assert.Equal(1757680008, (await StreamOutcome.OfEventsAsync(text)).Completion!.Created!.Value.ToUnixTimeSeconds());
    }

    [Fact]
    public async Task A_choice_that_was_asked_for_and_never_began_is_an_interruption()
    {
        var request = TestSession.Ask();
        request.N = 2;
        foreach (var (tail, isWhole) in new[] { (string.Empty, false), (Sse.Done, true) })
        {
            using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Events(Sse.Content("Hello") + Sse.Finish() + tail)));
            var outcome = await StreamOutcome.OfAsync(session, request);
            Assert.Equal(isWhole, outcome.Completion is not null);
            if (!isWhole) Assert.Equal(LlmErrorKind.StreamInterrupted, outcome.Error!.Kind);
        }
    }

    [Theory]
    [InlineData("data: {\"choices\":[],\"blocked\":true}\n\ndata: [DONE]\n\n")]
    [InlineData("{\"choices\":[],\"blocked\":true}")]
    public async Task An_answer_of_which_moderation_left_nothing_is_filtered_and_not_sent_again(string body)
    {
        var handler = new ScriptedHandler(_ => Reply.Events(body));
        using var session = TestSession.Open("GenStudio", handler, options => options.MaxRetryCount = 3);
        Assert.Equal(LlmErrorKind.ContentFiltered, (await StreamOutcome.OfAsync(session)).Error!.Kind);
        Assert.Single(handler.Sent);
    }

    [Fact]
    public async Task RawJson_holds_every_event_of_the_stream_in_order()
    {
        var events = new[]
        {
            """{"choices":[],"prompt_filter_results":[1]}""",
            """{"choices":[{"index":0,"delta":{"content":"Hello"}}],"a":1}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"b":2}""",
            """{"choices":[],"usage":{"total_tokens":5,"new_field":{"x":1}}}""",
        };
        var outcome = await StreamOutcome.OfEventsAsync(string.Concat(events.Select(Sse.Event)) + Sse.Done);
        Assert.Equal($"[{string.Join(",", events)}]", outcome.Completion!.RawJson);
    }

    [Fact]
    public async Task An_event_with_several_choices_stands_once_in_RawJson()
    {
        var outcome = await StreamOutcome.OfEventsAsync(StreamCases.TwoChoices);
        Assert.Equal(3, outcome.Completion!.RawJson!.Split("\"choices\"").Length - 1);
    }

    [Fact]
    public async Task A_hit_of_moderation_counts_wherever_it_is_said()
    {
        var text = Sse.Event("""{"blocked":false,"choices":[{"index":0,"delta":{"content":"Hello"}}]}""")
            + Sse.Event("""{"blocked":true,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""") + Sse.Done;
        Assert.True((await StreamOutcome.OfEventsAsync(text, "GenStudio")).Completion!.Blocked);
    }
}
