using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21, K: calls of tools, as far as the wire has them.</summary>
public class KindK_calls_of_tools
{
    [Theory]
    [InlineData("SiliconFlow", "moonshotai/Kimi-K2-Thinking")]
    [InlineData("GenStudio", "kimi-k2-thinking")]
    [InlineData("OpenAICompatible", "any")]
    [InlineData("Cloudsway", "MaaS-Kimi")]
    public void Reasoning_goes_back_with_a_tool_turn_for_every_model(string provider, string model)
    {
        var request = new ChatRequest
        {
            Model = model,
            Messages = [new("user", "q"), new("assistant", null) { ReasoningContent = "r1", ToolCalls = [new ToolCall("c1", "f", "{}")] },
                new("tool", "42") { ToolCallId = "c1" }],
        };
        Assert.Contains("\"reasoning_content\":\"r1\"", Written.Body(provider, request));
    }

    [Theory]
    [InlineData("get_|weather", "get_weather")]
    [InlineData("get|_wea|ther", "get_weather")]
    [InlineData("get_weather|get_weather|get_weather", "get_weather")]
    [InlineData("get|get_weather", "get_weather")]
    [InlineData("get_|weather|get_weather", "get_weather")]
    public async Task A_name_in_pieces_is_joined_and_a_whole_one_is_not_doubled(string pieces, string expected)
    {
        foreach (var tools in new[] { false, true })
        {
            foreach (var id in new[] { "\"id\":\"c1\",", "\"id\":\"\",", string.Empty })
            {
                var calls = pieces.Split('|')
                    .Select((piece, n) => (n == 0 ? "\"id\":\"c1\"," : id) + $"\"function\":{{\"name\":\"{piece}\",\"arguments\":\"\"}}");
                Assert.Equal([$"{expected}({{}})"], await CallsAsync(tools, [.. calls, "\"function\":{\"arguments\":\"{}\"}"]));
            }
        }
    }

    [Fact]
    public async Task The_names_of_the_tools_tell_a_piece_of_a_name_from_another_call()
    {
        Assert.Equal(["get_weather({\"a\":1})"],
            await CallsAsync(true, "\"function\":{\"name\":\"get_\"}",
                "\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"a\\\":1}\"}"));
        Assert.Equal(["get_weather()", "get_time({})"],
            await CallsAsync(true, "\"function\":{\"name\":\"get_weather\"}", "\"function\":{\"name\":\"get_time\",\"arguments\":\"{}\"}"));
        Assert.Equal(["get_weather()", "get_time({})"],
            await CallsAsync(true, "\"id\":\"c1\",\"function\":{\"name\":\"get_weather\"}",
                "\"function\":{\"name\":\"get_time\",\"arguments\":\"{}\"}"));
    }

    [Theory]
    [InlineData("{\"a\":1}")]
    [InlineData("{\"text\":\"say \\\"x\\\"\"}")]
    public async Task Arguments_encoded_twice_are_decoded_once_more(string arguments)
    {
        var twice = JsonSerializer.Serialize(arguments);
        var completion = await PlainAsync(twice);
        Assert.Equal(arguments, completion.ToolCalls![0].Arguments);
        for (var at = 1; at < twice.Length; at++)
        {
            var pieces =
                new[] { twice[..at], twice[at..] }.Select((piece, n) =>
                    (n == 0 ? "\"id\":\"c1\"," : string.Empty)
                        + $"\"function\":{{{(n == 0 ? "\"name\":\"f\"," : string.Empty)}\"arguments\":{JsonSerializer.Serialize(piece)}}}");
            Assert.Equal([$"f({arguments})"], await CallsAsync(false, [.. pieces]));
        }
    }

    [Theory]
    [InlineData("\"just text\"")]
    [InlineData("\"{not json\"")]
    [InlineData("\"{}\" and more")]
    [InlineData("\"[1]\"")]
    public async Task Other_text_stays_as_the_model_wrote_it(string arguments)
    {
        var completion = await PlainAsync(arguments);
        Assert.Equal(arguments, completion.ToolCalls![0].Arguments);
    }

    [Theory]
    [InlineData("\"function_call\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}")]
    [InlineData("\"tool_calls\":[{\"id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}]")]
    public async Task A_call_of_another_shape_is_not_lost(string field)
    {
        var plain = await TestSession.AnswerOfAsync("OpenAICompatible",
            $$"""{"choices":[{"message":{"content":null,{{field}}},"finish_reason":"function_call"}]}""");
        var streamed = (await StreamOutcome.OfEventsAsync(Delta(field) + Finish("function_call") + Done)).Completion!;
        foreach (var completion in new[] { plain, streamed }) Assert.Equal("f({\"a\":1})", Assert.Single(completion.ToolCalls!).ToString());
    }

    [Fact]
    public async Task A_call_of_the_old_shape_comes_in_pieces()
    {
        var stream = Delta("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
            + Delta("\"function_call\":{\"arguments\":\"{\\\"a\\\":\"}") + Delta("\"function_call\":{\"arguments\":\"1}\"}")
                + Finish("function_call") + Done;
        Assert.Equal("f({\"a\":1})", Assert.Single((await StreamOutcome.OfEventsAsync(stream)).Completion!.ToolCalls!).ToString());
    }

    private static Task<ChatCompletion> PlainAsync(string arguments) => TestSession.AnswerOfAsync(
        "OpenAICompatible",
        "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":"
            + JsonSerializer.Serialize(arguments) + "}}]},\"finish_reason\":\"tool_calls\"}]}");

    /// <summary>The calls that pieces give, one an event, with the index 0.</summary>
    private static async Task<string[]> CallsAsync(bool withTools, params string[] pieces)
    {
        var request = TestSession.Ask();
        if (withTools) request.Tools = [new ChatTool("get_weather", null, "{}"), new ChatTool("get_time", null, "{}")];
        var stream = string.Concat(pieces.Select(piece => Delta($"\"tool_calls\":[{{\"index\":0,{piece}}}]"))) + Finish("tool_calls")
            + Done;
        using var session = TestSession.Open("OpenAICompatible", new ScriptedHandler(_ => Reply.Events(stream)));
        return [.. (await StreamOutcome.OfAsync(session, request)).Completion!.ToolCalls!.Select(call => call.ToString())];
    }
}
