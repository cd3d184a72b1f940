using LlmPs.Pacing;
using Xunit;

namespace LlmPs.Unit.Pacing;

/// <summary>The guess at a prompt's tokens.</summary>
public class TokenEstimateTests
{
    [Theory]
    [InlineData("", 4)]
    [InlineData("Hi", 5)]
    [InlineData("Hello, world", 7)]
    [InlineData("你好世界", 8)]
    [InlineData("abcd你好", 7)]
    public void A_message_costs_a_few_and_its_text(string text, int tokens) => Assert.Equal(tokens, Of(new ChatMessage("user", text)));

    [Fact]
    public void Images_and_files_cost_the_same_whatever_their_size()
    {
        var small = Of(Parts(ChatContentPart.FromImage("data:image/png;base64,AAAA")));
        Assert.True(small > 100);
        Assert.Equal(small, Of(Parts(ChatContentPart.FromImage("data:image/png;base64," + new string('A', 100_000)))));
        Assert.Equal(small, Of(Parts(ChatContentPart.FromFile("f1"))));
        Assert.Equal(small + 1, Of(Parts(ChatContentPart.FromFile("f1"), ChatContentPart.FromText("Hi"))));
    }

    [Fact]
    public void Tools_calls_and_schemas_count()
    {
        var plain = new ChatRequest { Messages = [new ChatMessage("user", "Hi")] };
        var tools = new ChatRequest { Messages = plain.Messages,
            Tools = [new ChatTool("get_time", "Tells the time.", """{"type":"object"}""")] };
        var schema = new ChatRequest { Messages = plain.Messages, JsonSchema = """{"type":"object"}""" };
        var calls = new ChatRequest { Messages =
            [.. plain.Messages, new ChatMessage("assistant", null) { ToolCalls = [new ToolCall("1", "get_time", "{}")] }] };
        Assert.All(new[] { tools, schema, calls }, request => Assert.True(TokenEstimate.Of(request) > TokenEstimate.Of(plain) + 3));
    }

    private static ChatMessage Parts(params ChatContentPart[] parts) => new() { Parts = parts };

    private static long Of(ChatMessage message) => TokenEstimate.Of(new ChatRequest { Messages = [message] });
}
