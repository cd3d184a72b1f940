using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>How the pieces of tool calls find together.</summary>
public class ToolCallFragmentTests
{
    [Fact]
    public void By_index_interleaved() => Assert.Equal(
        ["c1 f {\"a\":1}", "c2 g {}"],
        Fold((0, "c1", "f", "{\"a\""), (1, "c2", "g", "{"), (0, null, null, ":1}"), (1, null, null, "}")));

    [Fact]
    public void By_id_where_there_is_no_index() => Assert.Equal(
        ["c1 f 12", "c2 g 34"],
        Fold((null, "c1", "f", "1"), (null, "c2", "g", "3"), (null, "c1", null, "2"), (null, "c2", null, "4")));

    [Fact]
    public void A_piece_with_neither_goes_on_where_the_last_one_stopped() => Assert.Equal(
        ["c1 f 123", "c2 g 9"],
        Fold((null, "c1", "f", "1"), (null, "c2", "g", "9"), (null, "c1", null, "2"), (null, null, null, "3")));

    [Fact]
    public void An_index_is_not_needed_after_the_first_piece() =>
        Assert.Equal(["c1 f 12", "c2 g 34"],
            Fold((0, "c1", "f", "1"), (null, null, null, "2"), (1, "c2", "g", "3"), (null, null, null, "4")));

    [Fact]
    public void A_repeated_index_with_another_id_and_name_is_another_call() => Assert.Equal(
        ["c1 f {}", "c2 g {1}"],
        Fold((0, "c1", "f", "{}"), (0, "c2", "g", "{"), (0, null, null, "1}")));

    [Fact]
    public void An_id_and_a_name_on_every_piece_are_taken_once() =>
        Assert.Equal(["c1 f 12"], Fold((0, "c1", "f", "1"), (0, "c1", "f", "2")));

    [Fact]
    public void Another_id_without_a_name_is_the_same_call() => Assert.Equal(["c1 f 12"], Fold((0, "c1", "f", "1"), (0, "c9", null, "2")));

    [Fact]
    public void Calls_stand_in_the_order_of_their_index() =>
        Assert.Equal(["c1 f 1", "c2 g 2"], Fold((1, "c2", "g", "2"), (0, "c1", "f", "1")));

    [Fact]
    public void A_call_without_an_id_gets_one() => Assert.Equal(["call_0 f {}"], Fold((0, null, "f", "{}")));

    [Fact]
    public async Task Two_calls_in_one_event_are_two()
    {
        var text = Sse.Delta("""
            "tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"c2","function":{"name":"g","arguments":"{}"}}]
            """.Trim()) + Sse.Finish("tool_calls") + Sse.Done;
        Assert.Equal(["c1", "c2"], (await StreamOutcome.OfEventsAsync(text)).Completion!.ToolCalls!.Select(call => call.Id));
    }

    [Fact]
    public void A_name_after_whole_arguments_is_another_call_though_index_and_id_say_nothing()
    {
        Assert.Equal(["call_0 f {\"x\":1}", "call_1 f {\"y\":2}"], Fold((0, null, "f", "{\"x\":1}"), (0, null, "f", "{\"y\":2}")));
        Assert.Equal(["call_0 f {\"x\":1}", "call_1 f {\"y\":2}"],
            Fold((null, null, "f", "{\"x\":1}"), (null, null, "f", "{\"y\""), (null, null, null, ":2}")));
        Assert.Equal(["call_0 f {}", "c2 f {}"], Fold((0, null, "f", "{}"), (0, "c2", "f", "{}")));
    }

    [Fact]
    public void Another_name_is_another_call_though_index_and_id_say_nothing()
    {
        Assert.Equal(["call_0 f ", "call_1 g {}"], Fold((0, null, "f", null), (0, null, "g", "{"), (0, null, null, "}")));
        Assert.Equal(["call_0 f {", "call_1 g {}"], Fold((null, null, "f", "{"), (null, null, "g", "{}")));
    }

    [Theory]
    [InlineData("{\"a\":{}", "}")]
    [InlineData("{\"a\":\"}", "\"}")]
    [InlineData("{\"a\":1}", "")]
    [InlineData("{\"a\":1}", null)]
    [InlineData("1", "2")]
    [InlineData("x}", "y")]
    public void A_name_on_every_piece_is_taken_once_while_the_arguments_go_on(string first, string? second)
    {
        Assert.Equal(["call_0 f " + first + second], Fold((0, null, "f", first), (0, null, "f", second)));
        Assert.Equal(["c1 f " + first + second], Fold((0, "c1", "f", first), (0, null, "f", second)));
        Assert.Equal(["call_0 f " + first + second], Fold((null, null, "f", first), (null, null, "f", second)));
    }

    [Fact]
    public async Task Two_calls_in_one_event_without_index_and_id_are_two()
    {
        var text = Sse.Delta("""
            "tool_calls":[{"function":{"name":"f","arguments":""}},{"function":{"name":"f","arguments":"{\"y\""}}]
            """.Trim())
            + Sse.Delta("""
            "tool_calls":[{"function":{"arguments":":2}"}}]
            """.Trim()) + Sse.Finish("tool_calls") + Sse.Done;
        Assert.Equal(["f()", "f({\"y\":2})"], (await StreamOutcome.OfEventsAsync(text))
            .Completion!.ToolCalls!.Select(call => call.ToString()));
    }

    [Fact]
    public async Task An_index_may_be_written_as_a_string()
    {
        var text = Sse.Delta("""
            "tool_calls":[{"index":"0","id":"c1","function":{"name":"f","arguments":""}},{"index":"1","id":"c2","function":{"name":"g","arguments":""}}]
            """.Trim())
            + Sse.Delta("""
            "tool_calls":[{"index":"0","function":{"arguments":"{\"x\":1}"}},{"index":"1","function":{"arguments":"{\"y\":2}"}}]
            """.Trim()) + Sse.Finish("tool_calls") + Sse.Done;
        Assert.Equal(["f({\"x\":1})", "g({\"y\":2})"], (await StreamOutcome.OfEventsAsync(text))
            .Completion!.ToolCalls!.Select(call => call.ToString()));
    }

    private static string[] Fold(params (int? Index, string? Id, string? Name, string? Arguments)[] pieces)
    {
        var builder = new ChatCompletionBuilder();
        foreach (var (index, id, name, arguments) in pieces)
            builder.Append(new ChatCompletionDelta { ToolCalls = [new ToolCallFragment(index, id, name, arguments)] });
        return [.. builder.ToCompletion().ToolCalls!.Select(call => $"{call.Id} {call.Name} {call.Arguments}")];
    }
}
