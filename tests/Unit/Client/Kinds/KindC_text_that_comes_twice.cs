using System.Linq;
using System.Threading.Tasks;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21, C: text that a server sends twice stands once in the answer.</summary>
public class KindC_text_that_comes_twice
{
    [Theory]
    [InlineData("""{"index":0,"delta":{"content":" big"},"message":{"content":"Hello big"}}""")]
    [InlineData("""{"index":0,"message":{"role":"assistant","content":"Hello big"},"delta":{"content":" big"}}""")]
    public async Task A_delta_wins_over_the_message_beside_it(string choice)
    {
        var outcome = await StreamOutcome.OfEventsAsync(
            Event("""{"choices":[{"index":0,"delta":{"content":"Hello"},"message":{"content":"Hello"}}]}""")
                + Event($$"""{"choices":[{{choice}}]}""") + Finish() + Done);
        Assert.Equal(("Hello big", "Hello big"), (outcome.Content, outcome.Completion!.Content));
    }

    [Theory]
    [InlineData("""{"index":0,"message":{"role":"assistant","content":"Hello big"},"finish_reason":"stop"}""")]
    [InlineData("""{"index":0,"delta":{},"message":{"content":"Hello big"},"finish_reason":"stop"}""")]
    [InlineData("""{"index":0,"message":{"content":"Hello big"},"delta":{"content":""},"finish_reason":"stop"}""")]
    [InlineData("""{"index":0,"delta":null,"message":{"content":"Hello BIG"},"finish_reason":"stop"}""")]
    public async Task A_last_message_that_repeats_the_deltas_is_ignored(string last)
    {
        var outcome = await StreamOutcome.OfEventsAsync(Content("Hello") + Content(" big") + Event($$"""{"choices":[{{last}}]}""") + Done);
        Assert.Equal(("Hello big", "stop"), (outcome.Content, outcome.Completion!.FinishReason));
    }

    [Fact]
    public async Task A_last_message_repeats_reasoning_and_calls_as_well()
    {
        const string calls = "\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]";
        var outcome = await StreamOutcome.OfEventsAsync(
            Reasoning("Hm") + Content("Hello") + Delta(calls)
            + Event($$"""{"choices":[{"index":0,"message":{"content":"Hello","reasoning_content":"Hm",{{calls}}},"finish_reason":"tool_calls"}]}""") + Done);
        Assert.Equal(("Hm", "Hello"), (outcome.Reasoning, outcome.Content));
        Assert.Equal("f({})", Assert.Single(outcome.Completion!.ToolCalls!).ToString());
    }

    [Fact]
    public async Task A_last_message_repeats_reasoning_that_came_inline()
    {
        var outcome = await StreamOutcome.OfEventsAsync(
            Content("<think>Hm</think>") + Content("Hello")
            + Event("""{"choices":[{"index":0,"message":{"content":"Hello","reasoning_content":"Hm"},"finish_reason":"stop"}]}""") + Done);
        Assert.Equal(("Hm", "Hello"), (outcome.Completion!.ReasoningContent, outcome.Completion.Content));
    }

    [Fact]
    public async Task A_message_says_what_no_delta_said()
    {
        var outcome =
            await StreamOutcome.OfEventsAsync(Reasoning("Hm")
                + Event("""{"choices":[{"index":0,"message":{"content":"Hello","reasoning_content":"Hm"},"finish_reason":"stop"}]}""")
                    + Done);
        Assert.Equal(("Hm", "Hello"), (outcome.Reasoning, outcome.Content));
        var alone = await StreamOutcome.OfEventsAsync(
            Event("""{"choices":[{"index":0,"delta":{},"message":{"content":"Hello"},"finish_reason":"stop"}]}""") + Done);
        Assert.Equal("Hello", alone.Content);
    }

    [Theory]
    [InlineData("Hel|Hello|Hello big|Hello big", "Hello big")]
    [InlineData("Hel|lo| big", "Hello big")]
    [InlineData("Hello|Hello", "Hello")]
    public async Task Messages_without_a_delta_are_cumulative_or_pieces(string messages, string expected)
    {
        var events = messages.Split('|')
            .Select(text => Event($$"""{"choices":[{"index":0,"message":{"content":"{{text}}"},"finish_reason":null}]}"""));
        Assert.Equal(expected, (await StreamOutcome.OfEventsAsync(string.Concat(events) + Finish() + Done)).Content);
    }

    [Theory]
    [InlineData("He|Hel|Hell|Hello|Hello big", "Hello big")]
    [InlineData("He|Hel|Hel|Hell|Hello|Hello|Hello", "Hello")]
    [InlineData("<think>H|<think>Hm</think>|<think>Hm</think>\\n\\nHel|<think>Hm</think>\\n\\nHello|<think>Hm</think>\\n\\nHello big",
        "Hello big")]
    [InlineData("H|Hm|Hm</think>|Hm</think>Hel|Hm</think>Hello big", "Hello big")]
    public async Task Deltas_that_repeat_all_so_far_give_the_text_once(string deltas, string expected)
    {
        var stream = string.Concat(deltas.Split('|').Select(Content)) + Finish() + Done;
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Events(stream)));
        var completion = await session.CompleteAsync(TestSession.Ask());
        Assert.Equal(expected, completion.Content);
        if (deltas.Contains("think")) Assert.Equal("Hm", completion.ReasoningContent);
        Assert.Equal(expected, (await StreamOutcome.OfEventsAsync(stream)).Completion!.Content);
        var warnings = await Warnings.OfAsync(stream, stream);
        Assert.Single(warnings, warning => warning.Contains("repeats the answer so far"));
    }

    [Fact]
    public async Task Reasoning_that_repeats_all_so_far_is_taken_once()
    {
        var stream = string.Concat(new[] { "a", "ab", "abc", "abcd", "abcde" }.Select(Reasoning)) + Content("x") + Content("y") + Finish()
            + Done;
        var completion = (await StreamOutcome.OfEventsAsync(stream)).Completion!;
        Assert.Equal(("abcde", "xy"), (completion.ReasoningContent, completion.Content));
    }

    [Fact]
    public async Task Halves_of_an_emoji_in_text_that_repeats_find_together()
    {
        const string high = "\\ud83d", low = "\\ude00";
        var stream =
            string.Concat(
                new[] { "a", "ab" + high, "ab" + high + low, "ab" + high + low + "c", "ab" + high + low + "c" + high, "ab" + high + low
                    + "c" + high + low }.Select(Content)) + Finish() + Done;
        Assert.Equal("ab😀c😀", (await StreamOutcome.OfEventsAsync(stream)).Completion!.Content);
    }

    [Theory]
    [InlineData("Hello| big| world|Hello big world", "Hello big world")]
    [InlineData("Hello| big| world|Hello big World", "Hello big worldHello big World")]
    [InlineData("ha|ha|haha", "hahahaha")]
    [InlineData("Hello big world|Hello big world", "Hello big world|Hello big world")]
    public async Task A_last_delta_that_repeats_all_deltas_is_ignored(string deltas, string expected)
    {
        var texts = deltas.Split('|');
        var stream = string.Concat(texts.Take(texts.Length - 1).Select(Content)) + Delta($"\"content\":\"{texts[^1]}\"", "\"stop\"") + Done;
        Assert.Equal(expected.Replace("|", string.Empty), (await StreamOutcome.OfEventsAsync(stream)).Content);
    }

    [Theory]
    [InlineData("ha|haha")]
    [InlineData("ha|haha|hahaha")]
    [InlineData("ha|ha|ha|ha|ha")]
    [InlineData("1|12|123| and |1234|12345|123456|1234567")]
    [InlineData("a|b|ab|abab|abababab")]
    public async Task Repetition_that_the_model_wrote_stays(string deltas)
    {
        var outcome = await StreamOutcome.OfEventsAsync(string.Concat(deltas.Split('|').Select(Content)) + Finish() + Done);
        Assert.Equal(deltas.Replace("|", string.Empty), outcome.Completion!.Content);
        Assert.Equal(outcome.Completion.Content, outcome.Content);
    }

    [Theory]
    [InlineData("{\"a\":|1}|{\"a\":1}", "{\"a\":1}")]
    [InlineData("{|\"a\"|:{}}|{\"a\": {}}", "{\"a\": {}}")]
    [InlineData("{}|{\"a\":1}", "{\"a\":1}")]
    [InlineData("{}|{\"a\":|1}", "{\"a\":1}")]
    [InlineData("{\"a\"|{\"a\":|{\"a\":1}", "{\"a\":1}")]
    [InlineData("{\"a\":|{\"b\":2}|}", "{\"a\":{\"b\":2}}")]
    [InlineData("{\"a\":\"}{|\"}", "{\"a\":\"}{\"}")]
    [InlineData("{}||  ", "{}  ")]
    public async Task Tool_arguments_once_more_as_a_whole_replace_the_pieces(string pieces, string expected)
    {
        foreach (var isNamed in new[] { false, true })
        {
            var deltas = pieces.Split('|').Select((piece, n) =>
            {
                var name = n == 0 || isNamed ? "\"id\":\"c1\",\"function\":{\"name\":\"f\"," : "\"function\":{";
                return Delta("\"tool_calls\":[{\"index\":0," + name + "\"arguments\":" + System.Text.Json.JsonSerializer.Serialize(piece)
                    + "}}]");
            });
            var outcome = await StreamOutcome.OfEventsAsync(string.Concat(deltas) + Finish("tool_calls") + Done);
            Assert.Equal(expected, Assert.Single(outcome.Completion!.ToolCalls!).Arguments);
        }
    }
}
