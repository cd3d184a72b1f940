using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>What stands in an answer.</summary>
public class AnswerContentTests
{
    private static readonly JsonNode s_tools = JsonNode.Parse(
        """[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]""")!;

    [Theory]
    [InlineData(Asking.GenStudio, "enable_thinking", "true", true)]
    [InlineData(Asking.GenStudio, "enable_thinking", "false", false)]
    [InlineData(Asking.Cloudsway, "thinking", """{"type":"enabled"}""", true)]
    [InlineData(Asking.Cloudsway, "thinking", """{"type":"disabled"}""", false)]
    [InlineData(Asking.Cloudsway, "thinking", "null", true)]
    [InlineData(Asking.SiliconFlow, "enable_thinking", "true", true)]
    [InlineData(Asking.SiliconFlow, "enable_thinking", "false", false)]
    [InlineData(Asking.OpenAI, "temperature", "1", false)]
    public async Task Reasoning_comes_with_thinking(string address, string field, string value, bool thinks)
    {
        using var asking = new Asking();
        var answer = await asking.AnswerAsync(address, "你好 👩‍👩‍👧", (field, JsonNode.Parse(value)));
        var message = answer["choices"]![0]!["message"]!;
        Assert.Equal("Echo: 你好 👩‍👩‍👧", (string)message["content"]!);
        Assert.Equal(thinks ? "Thinking about: 你好 👩‍👩‍👧" : null, (string?)message["reasoning_content"]);
    }

    [Fact]
    public async Task Max_tokens_counts_reasoning_and_cuts_between_text_elements()
    {
        using var asking = new Asking();
        var all = (await asking.AnswerAsync(Asking.Cloudsway, "hi", ("max_tokens", 3)))["choices"]![0]!;
        Assert.Equal("length", (string)all["finish_reason"]!);
        Assert.Equal("", (string)all["message"]!["content"]!);
        Assert.Equal("Thinking abo", (string)all["message"]!["reasoning_content"]!);

        var family = (await asking.AnswerAsync(Asking.OpenAI, "👩‍👩‍👧", ("max_tokens", 4)))["choices"]![0]!;
        Assert.Equal("Echo: ", (string)family["message"]!["content"]!);
    }

    [Fact]
    public async Task A_stop_sequence_cuts_the_answer()
    {
        using var asking = new Asking();
        var choice = (await asking.AnswerAsync(Asking.GenStudio, "one two three", ("stop", new JsonArray("three", "two"))))["choices"]![0]!;
        Assert.Equal("Echo: one ", (string)choice["message"]!["content"]!);
        Assert.Equal("stop", (string)choice["finish_reason"]!);
    }

    [Fact]
    public async Task N_gives_so_many_choices()
    {
        using var asking = new Asking();
        var choices = (await asking.AnswerAsync(Asking.SiliconFlow, "hi", ("n", 3)))["choices"]!.AsArray();
        Assert.Equal(["Echo: hi", "Echo: hi #2", "Echo: hi #3"], choices.Select(choice => (string)choice!["message"]!["content"]!));
        var chunks = await asking.ChunksAsync(Asking.SiliconFlow, "hi", ("n", 3));
        Assert.Equal("Echo: hi #3", Asking.Joined(chunks, "content", 2));
    }

    [Fact]
    public async Task A_call_directive_calls_the_tool_and_its_result_is_quoted()
    {
        using var asking = new Asking();
        var answer =
            await asking.AnswerAsync(Asking.OpenAI, """[[call:weather {"city":"Zürich]]"}]] [[call:weather {}]] [[call:other {}]]""",
                ("tools", s_tools.DeepClone()));
        var choice = answer["choices"]![0]!;
        Assert.Equal("tool_calls", (string)choice["finish_reason"]!);
        var calls = choice["message"]!["tool_calls"]!.AsArray();
        Assert.Equal(2, calls.Count);
        Assert.Equal("""{"city":"Zürich]]"}""", (string)calls[0]!["function"]!["arguments"]!);
        Assert.NotEqual((string)calls[0]!["id"]!, (string)calls[1]!["id"]!);

        var second = Asking.Body(Asking.OpenAI, "weather?", false, ("tools", s_tools.DeepClone()));
        second["messages"]!.AsArray()
            .Add(new JsonObject { ["role"] = "assistant", ["content"] = null, ["tool_calls"] = calls.DeepClone() });
        second["messages"]!.AsArray().Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = "1", ["content"] = "12 °C" });
        var final = (await asking.AskAsync(Asking.OpenAI, second)).Json!;
        Assert.Equal("Tool results: 12 °C", (string)final["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task A_required_tool_choice_makes_the_model_call()
    {
        using var asking = new Asking();
        var answer = await asking.AnswerAsync(Asking.OpenAI, "hi", ("tools", s_tools.DeepClone()), ("tool_choice", "required"));
        Assert.Equal("""{"city":"text"}""", (string)answer["choices"]![0]!["message"]!["tool_calls"]![0]!["function"]!["arguments"]!);
    }

    [Fact]
    public async Task A_schema_gets_its_smallest_instance()
    {
        using var asking = new Asking();
        var format = JsonNode.Parse("""
            {"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{
              "kind":{"enum":["bug","wish"]},"count":{"type":"integer"},"ok":{"type":["null","boolean"]},
              "tags":{"type":"array","items":{"type":"string"}},"inner":{"$ref":"#/$defs/inner"}},
              "$defs":{"inner":{"type":"object","properties":{"share":{"type":"number"}}}}}}}
            """)!;
        var answer = await asking.AnswerAsync(Asking.OpenAI, "hi", ("response_format", format));
        Assert.Equal("""{"kind":"bug","count":1,"ok":true,"tags":["text"],"inner":{"share":1.5}}""",
            (string)answer["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task A_literal_is_answered_as_it_stands()
    {
        using var asking = new Asking();
        var answer =
            await asking.AnswerAsync(Asking.OpenAI, "say [[json: {\"a\":[[1]]]]",
                ("response_format", new JsonObject { ["type"] = "json_object" }));
        Assert.Equal("{\"a\":[[1]]", (string)answer["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task Scripted_answers_go_in_order_and_the_last_repeats()
    {
        using var asking = new Asking(("Answer", new object[] { "first", "second" }), ("FinishReason", "eos"));
        var seen = new List<string>();
        for (var i = 0; i < 3; i++)
            seen.Add((string)(await asking.AnswerAsync(Asking.SiliconFlow, "hi"))["choices"]![0]!["message"]!["content"]!);
        Assert.Equal(["first", "second", "second"], seen);
        Assert.Equal("eos", (string)(await asking.AnswerAsync(Asking.SiliconFlow, "hi"))["choices"]![0]!["finish_reason"]!);
    }

    [Fact]
    public async Task Reasoning_can_stand_inline()
    {
        using var asking = new Asking(("InlineThink", true));
        var message = (await asking.AnswerAsync(Asking.Cloudsway, "hi"))["choices"]![0]!["message"]!;
        Assert.Equal("<think>\nThinking about: hi\n</think>\n\nEcho: hi", (string)message["content"]!);
        Assert.Null(message["reasoning_content"]);
    }

    [Fact]
    public async Task Log_probabilities_come_when_asked_for()
    {
        using var asking = new Asking();
        var answer = await asking.AnswerAsync(Asking.Cloudsway, "hi", ("logprobs", true), ("top_logprobs", 2));
        var tokens = answer["choices"]![0]!["logprobs"]!["content"]!.AsArray();
        Assert.Equal("Echo: hi", string.Concat(tokens.Select(token => (string)token!["token"]!)));
        Assert.All(tokens, token => Assert.Equal(2, token!["top_logprobs"]!.AsArray().Count));
    }
}
