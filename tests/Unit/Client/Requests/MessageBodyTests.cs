using System.Collections.Generic;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>How conversations are written.</summary>
public class MessageBodyTests
{
    private static readonly ToolCall s_call = new("c1", "f", "{\"a\":1}");

    [Fact]
    public void Chinese_and_emoji_go_as_they_are() =>
        Assert.Equal("""[{"role":"user","content":"你好，\"世界\" 🌍👍🏽 <b> & 'x'"}]""",
            Messages("GenStudio", new ChatMessage("user", "你好，\"世界\" 🌍👍🏽 <b> & 'x'")));

    [Fact]
    public void Text_that_looks_like_an_escape_stays_text() =>
        Assert.Equal("""[{"role":"user","content":"\\uD83D\\uDC69 \\\\uD83D𠮷\\"}]""",
            Messages("GenStudio", new ChatMessage("user", "\\uD83D\\uDC69 \\\\uD83D𠮷\\")));

    [Fact]
    public void Half_an_emoji_does_not_break_the_body() =>
        Assert.Equal("[{\"role\":\"user\",\"content\":\"a\uFFFD\"}]", Messages("GenStudio", new ChatMessage("user", "a\uD83D"))
            .Replace("\\uFFFD", "\uFFFD"));

    [Fact]
    public void Images_are_parts_after_the_text() => Assert.Equal(
        """[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]""",
        Messages("SiliconFlow",
            new ChatMessage("user", "What is it?") { Parts = [ChatContentPart.FromImage("data:image/png;base64,AA==")] }));

    [Fact]
    public void Files_are_parts_with_a_file_id() => Assert.Equal(
        """[{"role":"user","content":[{"type":"file","file":{"file_id":"f-1"}},{"type":"text","text":"Sum it up"}]}]""",
        Messages("Cloudsway", new ChatMessage { Parts = [ChatContentPart.FromFile("f-1"), ChatContentPart.FromText("Sum it up")] }));

    [Fact]
    public void A_tool_turn_is_written_whole() => Assert.Equal(
        """[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","content":"42","name":"f","tool_call_id":"c1"}]""",
        Messages("SiliconFlow", new ChatMessage("user", "q"), new ChatMessage("assistant", null) { ToolCalls = [s_call] },
            new ChatMessage("tool", "42") { ToolCallId = "c1", Name = "f" }));

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public void Blank_arguments_of_a_call_go_back_as_an_empty_object(string arguments) => Assert.Equal(
        """[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}]""",
        Messages("SiliconFlow", new ChatMessage("assistant", null) { ToolCalls = [new ToolCall("c1", "f", arguments)] }));

    [Fact]
    public void A_message_without_content_is_empty_text() =>
        Assert.Equal("""[{"role":"assistant","content":""}]""", Messages("SiliconFlow", new ChatMessage("assistant", null)));

    [Fact]
    public void Reasoning_of_a_turn_without_tools_is_left_out() => Assert.DoesNotContain(
        "reasoning_content",
        Messages("Cloudsway", new ChatMessage("user", "q"), new ChatMessage("assistant", "a") { ReasoningContent = "hm" },
            new ChatMessage("user", "q2")));

    [Fact]
    public void Reasoning_of_a_turn_with_tools_goes_back_on_every_later_turn() => Assert.Equal(
        """[{"role":"user","content":"q"},{"role":"assistant","content":null,"reasoning_content":"r1","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","content":"42","tool_call_id":"c1"},{"role":"assistant","content":"a","reasoning_content":"r2"},{"role":"user","content":"q2"},{"role":"assistant","content":"a2"},{"role":"user","content":"q3"}]""",
        Messages("Cloudsway",
            [.. ToolTurn("r1", "r2"), new ChatMessage("user", "q2"), new ChatMessage("assistant", "a2") { ReasoningContent = "r3" },
                new ChatMessage("user", "q3")]));

    [Fact]
    public void Empty_reasoning_goes_back_as_empty_and_absent_reasoning_not_at_all()
    {
        Assert.Equal(2, Messages("Cloudsway", [.. ToolTurn("", "")]).Split("\"reasoning_content\":\"\"").Length - 1);
        Assert.DoesNotContain("reasoning_content", Messages("Cloudsway", [.. ToolTurn(null, null)]));
    }

    [Fact]
    public void The_answer_of_a_completion_can_be_sent_back_word_for_word()
    {
        var builder = new ChatCompletionBuilder();
        builder.Append(new ChatCompletionDelta { ReasoningContent = "", ToolCalls = [new ToolCallFragment(0, "c1", "f", "{}")] });
        Assert.Equal(
            """[{"role":"assistant","content":null,"reasoning_content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}]""",
            Messages("Cloudsway", builder.ToCompletion().Message!));
    }

    private static IEnumerable<ChatMessage> ToolTurn(string? first, string? second) =>
    [
        new("user", "q"),
        new("assistant", null) { ReasoningContent = first, ToolCalls = [s_call] },
        new("tool", "42") { ToolCallId = "c1" },
        new("assistant", "a") { ReasoningContent = second },
    ];

    private static string Messages(string provider, params ChatMessage[] messages) =>
        Written.Field(provider, new ChatRequest { Model = "m", Messages = messages }, "messages")!;
}
