using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Halves of a character, and bytes that are none.</summary>
public class SplitCharacterTests
{
    [Fact]
    public async Task Halves_in_two_events_are_one_character_and_no_delta_holds_a_half()
    {
        var outcome =
            await StreamOutcome.OfEventsAsync(Sse.Content("Hi ") + Sse.Content("\\ud83d") + Sse.Content("\\ude00!") + Sse.Finish()
                + Sse.Done);
        Assert.Equal("Hi 😀!", outcome.Completion!.Content);
        Assert.Equal(["Hi ", "😀!"], outcome.Deltas.Select(delta => delta.Content).OfType<string>());
        Assert.Equal(5, outcome.Completion.RawJson!.Split("\"id\":\"s1\"").Length);
    }

    [Fact]
    public async Task Halves_of_reasoning_are_one_character_whether_in_a_field_or_inline()
    {
        var field = await StreamOutcome.OfEventsAsync(Sse.Reasoning("Hm \\ud83d") + Sse.Reasoning("\\ude00") + Sse.Content("Hello")
            + Sse.Finish() + Sse.Done);
        Assert.Equal(("Hm 😀", "Hello"), (field.Completion!.ReasoningContent, field.Completion.Content));
        var inline =
            await StreamOutcome.OfEventsAsync(Sse.Content("<think>Hm \\ud83d") + Sse.Content("\\ude00</think>Hello") + Sse.Finish()
                + Sse.Done);
        Assert.Equal(("Hm 😀", "Hello"), (inline.Completion!.ReasoningContent, inline.Completion.Content));
    }

    [Theory]
    [InlineData("cut \\ud83d", "cut \uFFFD")]
    [InlineData("\\ude00 cut", "\uFFFD cut")]
    [InlineData("\\ud83d", "\uFFFD")]
    [InlineData("a\\ud83db \\ude00c\\ud83d\\ud83d\\ude00", "a\uFFFDb \uFFFDc\uFFFD😀")]
    [InlineData("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u4e0d你\\uD83D", "\"\\/\b\f\n\r\t不你\uFFFD")]
    public async Task A_half_that_stays_alone_costs_only_itself(string escaped, string content)
    {
        var body = $$"""{"choices":[{"message":{"content":"{{escaped}}"},"finish_reason":"length"}]}""";
        Assert.Equal(content, (await TestSession.AnswerOfAsync("SiliconFlow", body)).Content);
        Assert.Equal(content, (await StreamOutcome.OfEventsAsync(Sse.Content(escaped) + Sse.Finish() + Sse.Done)).Completion!.Content);
        Assert.Equal("<"
            + content, (await StreamOutcome.OfEventsAsync(Sse.Content("<") + Sse.Content(escaped) + Sse.Finish() + Sse.Done))
                .Completion!.Content);
    }

    [Theory]
    [InlineData("<think>Hm\\ud83d", "Hm\uFFFD", null)]
    [InlineData("<think>Hm</think>\\n\\ud83d", "Hm", "\uFFFD")]
    public async Task A_last_half_stands_where_the_text_ended(string escaped, string reasoning, string? content)
    {
        var outcome = await StreamOutcome.OfEventsAsync(Sse.Content(escaped) + Sse.Finish() + Sse.Done);
        Assert.Equal((reasoning, content), (outcome.Completion!.ReasoningContent, outcome.Completion.Content));
    }

    [Fact]
    public async Task Halves_of_choices_and_of_reasoning_and_text_are_not_mixed_up()
    {
        var outcome = await StreamOutcome.OfEventsAsync(
            Sse.Event("""{"choices":[{"index":0,"delta":{"content":"\ud83d"}},{"index":1,"delta":{"content":"\ud83c"}}]}""")
            + Sse.Event("""{"choices":[{"index":1,"delta":{"content":"\udf0d"},"finish_reason":"stop"},{"index":0,"delta":{"content":"\ude00"},"finish_reason":"stop"}]}""") + Sse.Done);
        Assert.Equal(["😀", "🌍"], outcome.Completion!.Choices.Select(choice => choice.Message.Content));
    }

    [Fact]
    public async Task Halves_in_the_arguments_of_a_tool_are_one_character()
    {
        var outcome = await StreamOutcome.OfEventsAsync(
            Sse.Delta("""
                "tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]
                """.Trim())
            + Sse.Delta("""
                "tool_calls":[{"index":0,"function":{"arguments":"\ude00\"}"}}]
                """.Trim())
            + Sse.Finish("tool_calls") + Sse.Done);
        Assert.Equal("{\"a\":\"😀\"}", Assert.Single(outcome.Completion!.ToolCalls!).Arguments);
        var cut = await TestSession.AnswerOfAsync("SiliconFlow",
            """{"choices":[{"message":{"tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]},"finish_reason":"length"}]}""");
        Assert.Equal("{\"a\":\"\uFFFD", Assert.Single(cut.ToolCalls!).Arguments);
    }

    [Fact]
    public async Task Halves_in_ids_and_words_and_names_of_figures_lose_no_answer()
    {
        var completion = await TestSession.AnswerOfAsync("SiliconFlow", """
            {"id":"\ud83d","model":"\ude00m","choices":[{"message":{"role":"\ud83d","content":"Hello"},"finish_reason":"\ud83d","logprobs":{"content":[{"token":"\ud83d","logprob":-1}]}}],"usage":{"prompt_tokens_details":{"\ud83d":1}}}
            """);
        Assert.Equal(("Hello", "\uFFFD", "\uFFFDm", "\uFFFD"),
            (completion.Content, completion.Id, completion.Model, completion.NativeFinishReason));
        Assert.Equal("\uFFFD", Assert.Single(completion.LogProbs!).Token);
        Assert.Equal("\uFFFD", Assert.Single(completion.Usage!.PromptTokensDetails!).Key);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_cost_only_themselves()
    {
        var bytes = Sse.Bytes(Sse.Content("caf#") + Sse.Finish() + Sse.Done);
        bytes[System.Array.IndexOf(bytes, (byte)'#')] = 0xE9;
        Assert.Equal("caf\uFFFD", (await StreamOutcome.OfAsync(Reply.Pieces([bytes]))).Completion!.Content);
    }

    [Fact]
    public async Task A_half_is_told_with_an_answer_that_breaks_off()
    {
        var outcome = await StreamOutcome.OfEventsAsync(Sse.Content("Hi ") + Sse.Content("\\ud83d"));
        Assert.Equal(LlmErrorKind.StreamInterrupted, outcome.Error!.Kind);
        Assert.Equal("Hi \uFFFD", outcome.Error.PartialCompletion!.Content);
    }
}
