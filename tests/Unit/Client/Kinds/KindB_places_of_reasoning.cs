using System.Linq;
using System.Threading.Tasks;
using LlmPs.Bulk;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21, B: reasoning is read wherever a server puts it.</summary>
public class KindB_places_of_reasoning
{
    [Theory]
    [InlineData("""[{"type":"thinking","thinking":[{"type":"text","text":"Distance over speed."}]},{"type":"text","text":"Two hours."}]""")]
    [InlineData("""[{"thinking":[{"text":"Distance "},{"type":"text","text":"over speed."}],"type":"thinking"},{"type":"text","text":"Two "},{"type":"text","text":"hours."}]""")]
    [InlineData("""[{"type":"thinking","thinking":"Distance over speed."},{"type":"text","text":"Two hours."}]""")]
    [InlineData("""[{"text":"Distance over speed.","type":"reasoning"},{"type":"text","text":"Two hours."}]""")]
    [InlineData("""[{"type":"reasoning","summary":[{"type":"summary_text","text":"Distance over speed."}]},"Two hours."]""")]
    public async Task Parts_of_the_content(string content)
    {
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                $$"""{"choices":[{"message":{"content":{{content}}},"finish_reason":"stop"}]}""");
        Assert.Equal(("Distance over speed.", "Two hours."), (completion.ReasoningContent, completion.Content));
        var outcome = await StreamOutcome.OfEventsAsync(Delta("\"content\":" + content) + Finish() + Done);
        Assert.Equal(("Distance over speed.", "Two hours."), (outcome.Reasoning, outcome.Content));
    }

    [Fact]
    public async Task Parts_as_deltas()
    {
        var outcome = await StreamOutcome.OfEventsAsync(
            Delta("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Distance \"}]}]")
            + Delta("\"content\":[{\"type\":\"thinking\",\"thinking\":\"over speed.\"}]")
            + Delta("\"content\":\"Two \"") + Delta("\"content\":[{\"type\":\"text\",\"text\":\"hours.\"}]") + Finish() + Done);
        Assert.Equal(("Distance over speed.", "Two hours."), (outcome.Completion!.ReasoningContent, outcome.Completion.Content));
    }

    [Theory]
    [InlineData("\"thinking\":\"Hm\"")]
    [InlineData("\"reasoning\":{\"content\":\"Hm\"}")]
    [InlineData("\"reasoning_content\":[{\"type\":\"text\",\"text\":\"Hm\"}]")]
    [InlineData("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"Hm\"}]")]
    [InlineData("\"reasoning\":\"Hm\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"Hm\"}]")]
    [InlineData("\"reasoning_content\":\"\",\"reasoning\":\"Hm\"")]
    public async Task Fields_beside_the_content(string field)
    {
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                $$"""{"choices":[{"message":{{{field}},"content":"Hello"},"finish_reason":"stop"}]}""");
        Assert.Equal(("Hm", "Hello"), (completion.ReasoningContent, completion.Content));
        var outcome = await StreamOutcome.OfEventsAsync(Delta(field) + Content("Hello") + Finish() + Done);
        Assert.Equal(("Hm", "Hello"), (outcome.Reasoning, outcome.Content));
    }

    [Theory]
    [InlineData("Distance over speed.</think>Two hours.", "Distance over speed.", "Two hours.")]
    [InlineData("\nDistance over speed.\n</think>\n\nTwo hours.", "\nDistance over speed.\n", "Two hours.")]
    [InlineData("</think>Two hours.", "", "Two hours.")]
    [InlineData("a < b, </thin, \"</think>\" is the tag\n</think>\nTwo </think> hours.", "a < b, </thin, \"</think>\" is the tag\n",
        "Two </think> hours.")]
    [InlineData("He said \"yes\"</think>Two hours.", "He said \"yes\"", "Two hours.")]
    [InlineData("Nothing but thought</think>", "Nothing but thought", null)]
    [InlineData("The end is \"</think>", "The end is \"", null)]
    [InlineData("Write `</think>` to end it.", null, "Write `</think>` to end it.")]
    [InlineData("Write <think> and </think>.", null, "Write <think> and </think>.")]
    public async Task A_closing_tag_that_no_tag_opened(string text, string? reasoning, string? content)
    {
        var json = System.Text.Json.JsonSerializer.Serialize(text);
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                $$"""{"choices":[{"message":{"content":{{json}}},"finish_reason":"stop"}]}""");
        Assert.Equal((reasoning, content), (completion.ReasoningContent, completion.Content));
        for (var i = 0; i <= text.Length; i++)
        {
            var pieces =
                new[] { text[..i], text[i..] }.Select(piece => Delta("\"content\":" + System.Text.Json.JsonSerializer.Serialize(piece)));
            await StreamedAsync(string.Concat(pieces));
        }

        await StreamedAsync(
            string.Concat(text.Select(letter => Delta("\"content\":" + System.Text.Json.JsonSerializer.Serialize(letter.ToString())))));

        async Task StreamedAsync(string deltas)
        {
            var streamed = (await StreamOutcome.OfEventsAsync(deltas + Finish() + Done)).Completion!;
            Assert.Equal((reasoning ?? string.Empty, content ?? string.Empty),
                (streamed.ReasoningContent ?? string.Empty, streamed.Content ?? string.Empty));
        }
    }

    [Fact]
    public async Task A_plain_request_that_is_answered_by_a_stream_sets_the_reasoning_apart()
    {
        using var session =
            TestSession.Open(
                new ScriptedHandler(_ =>
                    Reply.Events(Content("Distance over ") + Content("speed.</thi") + Content("nk>\\n\\nTwo ") + Content("hours.")
                        + Finish() + Done)));
        var completion = await session.CompleteAsync(TestSession.Ask());
        Assert.Equal(("Distance over speed.", "Two hours."), (completion.ReasoningContent, completion.Content));
    }

    [Fact]
    public async Task Every_choice_closes_its_own()
    {
        var outcome = await StreamOutcome.OfEventsAsync(
            Event("""{"choices":[{"index":0,"delta":{"content":"a</think>A"}},{"index":1,"delta":{"content":"B"}}]}""")
            + Event("""{"choices":[{"index":1,"delta":{"content":"!"},"finish_reason":"stop"},{"index":0,"delta":{},"finish_reason":"stop"}]}""") + Done);
        Assert.Equal([("a", "A"), (null, "B!")],
            outcome.Completion!.Choices.Select(choice => (choice.Message.ReasoningContent, choice.Message.Content)));
    }

    [Fact]
    public async Task A_stream_whose_deltas_held_reasoning_as_content_warns_once_a_run()
    {
        var stream = Content("Distance over speed.") + Content("</think>Two hours.") + Finish() + Done;
        var warnings = await Warnings.OfAsync(stream, stream);
        Assert.Contains("</think>", Assert.Single(warnings));
        Assert.Empty(await Warnings.OfAsync(Content("Distance over speed.</think>Two hours.") + Finish() + Done));
    }

    [Theory]
    [InlineData("null", "stop", true)]
    [InlineData("\"\"", "stop", true)]
    [InlineData("\" \\n\"", "eos", true)]
    [InlineData("null", "length", false)]
    [InlineData("\"Hello\"", "stop", false)]
    public async Task An_answer_in_the_reasoning_only_is_warned_of(string content, string reason, bool isWarned)
    {
        var plain = $$"""{"choices":[{"message":{"content":{{content}},"reasoning_content":"Two hours."},"finish_reason":"{{reason}}"}]}""";
        var stream = Delta("\"content\":" + content + ",\"reasoning_content\":\"Two hours.\"") + Finish(reason) + Done;
        foreach (var body in new[] { plain, stream })
        {
            var warnings = await Warnings.OfAsync(body);
            if (isWarned)
                Assert.Equal("Row 0: the model answered in its reasoning only. The text is in ReasoningContent, and Content is empty.",
                    Assert.Single(warnings));
            else Assert.Empty(warnings);
        }
    }

    [Fact]
    public async Task Text_of_a_part_that_stands_in_an_object_is_not_lost()
    {
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                """{"choices":[{"message":{"content":[{"type":"text","text":{"value":"Hello","annotations":[]}}]},"reasoning":"Hm","finish_reason":"stop"}]}""");
        Assert.Equal(("Hm", "Hello"), (completion.ReasoningContent, completion.Content));
    }

    [Fact]
    public async Task A_call_of_a_tool_after_reasoning_is_no_answer_in_the_reasoning()
    {
        Assert.Empty(
            await Warnings.OfAsync(
                """{"choices":[{"message":{"content":null,"reasoning_content":"r","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}"""));
    }
}
