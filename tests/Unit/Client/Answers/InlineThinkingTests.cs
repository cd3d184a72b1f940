using System.Linq;
using System.Threading.Tasks;
using LlmPs.Wire;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Reasoning that stands inline at the head of the text.</summary>
public class InlineThinkingTests
{
    [Theory]
    [InlineData("<think>Hm, </b> <3 ok</think>\n\nHello", "Hm, </b> <3 ok", "Hello")]
    [InlineData(" \n<think>\nHm\n</think>Hello", "\nHm\n", "Hello")]
    [InlineData("<think></think>Hello", "", "Hello")]
    [InlineData("<think>Hm</thi</think>Hello</think>", "Hm</thi", "Hello</think>")]
    [InlineData("<think>never closed</thin", "never closed</thin", null)]
    [InlineData("Hello <think>this is text</think>", null, "Hello <think>this is text</think>")]
    [InlineData(" <thinking>is another tag", null, " <thinking>is another tag")]
    [InlineData("<", null, "<")]
    [InlineData("\n\n  Hello", null, "\n\n  Hello")]
    [InlineData("   ", null, "   ")]
    [InlineData("<think>想👩‍🚀</think>\r\n你好", "想👩‍🚀", "你好")]
    public void A_split_anywhere_gives_the_same(string text, string? reasoning, string? content)
    {
        Assert.Equal((reasoning, content), Fold([text]));
        for (var i = 0; i <= text.Length; i++)
            for (var j = i; j <= text.Length; j++)
                Assert.Equal((reasoning ?? string.Empty, content ?? string.Empty), OrEmpty(Fold([text[..i], text[i..j], text[j..]])));
        Assert.Equal((reasoning ?? string.Empty, content ?? string.Empty), OrEmpty(Fold([.. text.Select(c => c.ToString())])));
    }

    [Fact]
    public void The_closing_tag_is_never_in_what_is_handed_over()
    {
        var thinking = new InlineThinking();
        foreach (var c in "<think>Hm</think>Hello")
        {
            var (reasoning, content) = thinking.Next(c.ToString(), hasReasoningField: false);
            Assert.DoesNotContain("<", reasoning + content);
        }
    }

    [Fact]
    public void Text_that_is_no_tag_is_handed_over_as_soon_as_that_is_known()
    {
        var thinking = new InlineThinking();
        Assert.Equal((null, null), thinking.Next("<th", false));
        Assert.Equal((null, "<they"), thinking.Next("ey", false));
        Assert.Equal((null, " say"), thinking.Next(" say", false));
    }

    [Fact]
    public void White_space_without_end_is_not_held_back_for_ever()
    {
        var thinking = new InlineThinking();
        var given = Enumerable.Range(0, 1000).Sum(_ => thinking.Next(" ", false).Content?.Length ?? 0);
        Assert.Equal(1000, given);
    }

    [Fact]
    public void Empty_text_stays_empty_text() => Assert.Equal((null, string.Empty), new InlineThinking().Next(string.Empty, false));

    [Fact]
    public async Task A_provider_with_a_field_for_reasoning_has_none_inline()
    {
        var outcome =
            await StreamOutcome.OfEventsAsync(Sse.Reasoning("Hm") + Sse.Content("<think>is a tag</think>") + Sse.Finish() + Sse.Done);
        Assert.Equal("Hm", outcome.Completion!.ReasoningContent);
        Assert.Equal("<think>is a tag</think>", outcome.Completion.Content);
    }

    [Fact]
    public async Task A_plain_answer_is_split_too()
    {
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                """{"choices":[{"message":{"content":"<think>Hm</think>\n\nHello"},"finish_reason":"stop"}]}""");
        Assert.Equal(("Hm", "Hello"), (completion.ReasoningContent, completion.Content));
    }

    [Fact]
    public async Task Every_choice_has_its_own()
    {
        var text = Sse.Event("""{"choices":[{"index":0,"delta":{"content":"<think>a"}},{"index":1,"delta":{"content":"B"}}]}""")
            + Sse.Event("""{"choices":[{"index":1,"delta":{"content":"<think>"},"finish_reason":"stop"},{"index":0,"delta":{"content":"</think>A"},"finish_reason":"stop"}]}""");
        var choices = (await StreamOutcome.OfEventsAsync(text)).Completion!.Choices;
        Assert.Equal([("a", "A"), (null, "B<think>")], choices.Select(choice => (choice.Message.ReasoningContent, choice.Message.Content)));
    }

    private static (string? Reasoning, string? Content) Fold(string[] pieces)
    {
        var thinking = new InlineThinking();
        string? reasoning = null, content = null;
        foreach (var (r, c) in pieces.Select(piece => thinking.Next(piece, false)).ToList().Append(thinking.Rest()))
        {
            if (r is not null) reasoning += r;
            if (c is not null) content += c;
        }

        return (reasoning, content);
    }

    private static (string Reasoning, string Content) OrEmpty((string? Reasoning, string? Content) split) =>
        (split.Reasoning ?? string.Empty, split.Content ?? string.Empty);
}
