using System.Collections;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Unit.Simulator;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21: the kinds that users can rehearse on the simulator.</summary>
public class Kinds_on_the_simulator
{
    [Theory]
    [InlineData("error")]
    [InlineData("object")]
    [InlineData("base_resp")]
    [InlineData("error_code")]
    [InlineData("list")]
    [InlineData("field")]
    [InlineData("text")]
    public async Task KindA_an_error_in_a_stream_is_quoted(string form)
    {
        using var session = Open(("Faults", Asking.Fault("StreamError", ("Form", form), ("Message", "the worker died"))));
        var outcome = await StreamOutcome.OfAsync(session, Ask());
        Assert.Null(outcome.Completion);
        Assert.Contains("the worker died", outcome.Error!.Message);
        Assert.StartsWith("Ec", outcome.Error.PartialCompletion!.Content);
    }

    [Theory]
    [InlineData("ContentParts")]
    [InlineData("UnopenedThink")]
    public async Task KindB_reasoning_is_set_apart(string quirk)
    {
        using var session = Open(("Quirks", quirk), ("Reasoning", "Hm"));
        var plain = await session.CompleteAsync(Ask());
        var streamed = (await StreamOutcome.OfAsync(session, Ask())).Completion!;
        foreach (var completion in new[] { plain, streamed })
            Assert.Equal(("Hm", "Echo: Hi"), (completion.ReasoningContent!.Trim(), completion.Content));
    }

    [Fact]
    public async Task KindB_an_answer_in_the_reasoning_only()
    {
        using var session = Open(("Quirks", "ReasoningOnly"));
        var completion = await session.CompleteAsync(Ask());
        Assert.Equal((string.Empty, "Echo: Hi", "Echo: Hi"), (completion.Content, completion.ReasoningContent, completion.AnswerText));
    }

    [Theory]
    [InlineData("CumulativeText")]
    [InlineData("MessageBesideDelta")]
    public async Task KindC_text_stands_once(string quirk)
    {
        using var session = Open(("Quirks", quirk), ("Reasoning", "Distance over speed."), ("ChunkSize", 1));
        var completion = (await StreamOutcome.OfAsync(session, Ask())).Completion!;
        Assert.Equal(("Distance over speed.", "Echo: Hi"), (completion.ReasoningContent, completion.Content));
    }

    [Theory]
    [InlineData("RepeatedArguments")]
    [InlineData("TwiceEncodedArguments")]
    [InlineData("NameInPieces")]
    [InlineData("RepeatedArguments", "TwiceEncodedArguments", "NameInPieces", "EmptyToolIds")]
    [InlineData("RepeatedArguments", "NoToolIndex")]
    public async Task KindC_and_KindK_a_call_of_a_tool_is_whole(params string[] quirks)
    {
        using var session = Open(("Quirks", quirks), ("ChunkSize", 1));
        var request = Ask();
        request.Tools =
            [new ChatTool("get_weather", "x",
                """{"type":"object","properties":{"city":{"type":"string","enum":["Paris"]}},"required":["city"]}""")];
        request.ToolChoice = "required";
        Assert.Equal(["get_weather({\"city\":\"Paris\"})"], (await StreamOutcome.OfAsync(session, request))
            .Completion!.ToolCalls!.Select(call => call.ToString()));
        Assert.Equal(["get_weather({\"city\":\"Paris\"})"], (await session.CompleteAsync(request))
            .ToolCalls!.Select(call => call.ToString()));
    }

    [Fact]
    public async Task KindI_a_finish_reason_of_failure()
    {
        using var session = Open(("FinishReason", "network_error"));
        var error = await TestSession.ErrorAsync(session, Ask());
        Assert.Equal((LlmErrorKind.ServiceUnavailable, "Echo: Hi"), (error.Kind, error.PartialCompletion!.Content));
    }

    [Fact]
    public async Task KindM_a_stream_that_stays_open()
    {
        using var session = Open(("Faults", Asking.Fault("StaysOpen")));
        Assert.Equal("Echo: Hi", (await StreamOutcome.OfAsync(session, Ask())).Completion!.Content);
    }

    [Fact]
    public async Task KindM_two_events_on_one_line()
    {
        using var session = Open(("Faults", Asking.Fault("GluedEvents")));
        Assert.Equal(LlmErrorKind.StreamInterrupted, (await StreamOutcome.OfAsync(session, Ask())).Error!.Kind);
    }

    private static ChatRequest Ask() => new() { Model = "gpt-4o-mini", Messages = [new ChatMessage("user", "Hi")] };

    private static LlmSession Open(params (string Key, object? Value)[] options)
    {
        var table = new Hashtable();
        foreach (var (key, value) in options) table[key] = value;
        return TestSession.Open("OpenAICompatible", new SimulatorHandler(SimulatorOptions.FromDictionary(table)));
    }
}
