using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>A key that a server echoes in pieces reaches neither deltas nor completions.</summary>
public class SplitEchoTests
{
    private const string Key = TestSession.Key;

    // Enough of the key to be a leak.
    private const string Beginning = "sk-test";

    /// <summary>The fields that text comes in.</summary>
    public static TheoryData<string> Fields() => new("content", "reasoning_content", "arguments");

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task Point10_a_key_over_two_deltas_is_taken_out(string field)
    {
        for (var at = 1; at < Key.Length; at++) await NoKeyAsync(field, ["a " + Key[..at], Key[at..] + " b"]);
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task Point10_a_key_over_many_deltas_is_taken_out(string field)
    {
        await NoKeyAsync(field, ["a ", .. Key.Select(letter => letter.ToString()), " b"]);
        await NoKeyAsync(field, ["a " + Key[..5], Key[5..6], Key[6..15], Key[15..] + " b"]);
    }

    [Fact]
    public async Task Point10_a_key_that_arguments_escape_is_taken_out_too()
    {
        var escaped = JavaScriptEncoder.Default.Encode(Key);
        for (var at = 4; at < escaped.Length; at += 3) await NoKeyAsync("arguments", ["a " + escaped[..at], escaped[at..] + " b"]);
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task Point10_what_only_begins_like_a_key_is_not_lost(string field)
    {
        foreach (var text in new[] { "sk-te", "sk-test/0123+abc=DEF&xy", "sk-test/0123x", "sk-sk-test", "sssk-tes", "sk-test/sk-test/" })
            foreach (var pieces in new[] { new[] { text }, [text, "!"], [text, "", " and more"],
                [.. text.Select(letter => letter.ToString())] })
            {
                var outcome = await ReadAsync(field, pieces);
                Assert.Equal(string.Concat(pieces), Text(outcome.Completion!, field));
                Assert.Equal(string.Concat(pieces), string.Concat(outcome.Deltas.Select(delta => Text(delta, field))));
            }
    }

    [Fact]
    public async Task Point10_no_event_is_lost_for_what_only_begins_like_a_key()
    {
        var outcome = await ReadAsync("content", ["a ", "sk-tes", "ting"]);
        using var raw = JsonDocument.Parse(outcome.Completion!.RawJson!);
        Assert.Equal(["a ", "sk-tes", "ting"], raw.RootElement.EnumerateArray().Take(3)
            .Select(e => e.GetProperty("choices")[0].GetProperty("delta").GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Point10_two_keys_and_a_beginning_are_kept_apart_from_the_text()
    {
        var outcome = await ReadAsync("content", ["a " + Key[..9], Key[9..] + " b " + Key[..12], Key[12..] + Key[..6], "x"]);
        Assert.Equal("a *** b ***sk-tesx", outcome.Completion!.Content);
    }

    [Fact]
    public async Task Point10_the_choices_of_an_answer_are_kept_apart()
    {
        var pieces = new[] { (0, Key[..10]), (1, Key[..10]), (1, "x"), (0, Key[10..]) };
        var text = string.Concat(
            pieces.Select(piece =>
                Sse.Event($$$"""{"choices":[{"index":{{{piece.Item1}}},"delta":{"content":{{{JsonSerializer.Serialize(piece.Item2)}}}}}]}""")))
            + Sse.Event("""{"choices":[{"index":0,"delta":{},"finish_reason":"stop"},{"index":1,"delta":{},"finish_reason":"stop"}]}""")
                + Sse.Done;
        var outcome = await StreamOutcome.OfEventsAsync(text);
        Assert.Equal(["***", Key[..10] + "x"], outcome.Completion!.Choices.Select(choice => choice.Message.Content));
    }

    [Fact]
    public async Task Point10_a_key_in_the_parts_of_a_plain_answer_is_taken_out()
    {
        var body = $$"""{"choices":[{"message":{"content":[{"type":"text","text":"a {{Key[..8]}}"},{"type":"text","text":"{{Key[8..]}} b"}]},"finish_reason":"stop"}]}""";
        var answer = await TestSession.AnswerOfAsync("SiliconFlow", body);
        Assert.Equal("a *** b", answer.Content);
    }

    [Fact]
    public async Task Point10_the_beginning_of_a_key_is_in_the_partial_answer()
    {
        var outcome = await StreamOutcome.OfEventsAsync(Sse.Content("a sk-tes"));
        Assert.Equal("a sk-tes", outcome.Error!.PartialCompletion!.Content);
    }

    [Fact]
    public async Task Point10_a_key_in_a_stream_that_repeats_all_text_is_taken_out()
    {
        var text = "a " + Key + " b c d e f";
        var ends = new[] { 1, 2, 8, 12, 20, text.Length - 6, text.Length - 4, text.Length - 2, text.Length };
        var outcome = await ReadAsync("content", ends.Select(end => text[..end]));
        Assert.DoesNotContain(Key, outcome.Completion!.Content);
        Assert.DoesNotContain(Key, outcome.Completion.RawJson);
    }

    [Theory]
    [InlineData("x sk-tes", "</think>y", "x sk-tes", "y")]
    [InlineData("x sk-tes", "t/0123+abc</think>y", "x sk-test/0123+abc", "y")]
    public async Task Point10_what_is_held_back_before_a_closing_tag_becomes_reasoning(string first, string second, string reasoning,
        string content)
    {
        var outcome = await ReadAsync("content", [first, second]);
        Assert.Equal((reasoning, content), (outcome.Completion!.ReasoningContent, outcome.Completion.Content));
    }

    private static async Task NoKeyAsync(string field, string[] pieces)
    {
        var outcome = await ReadAsync(field, pieces);
        var text = Text(outcome.Completion!, field)!;
        Assert.Matches(@"^a (s(k-?)?)?\*\*\* b$", text);
        Assert.Equal(text, string.Concat(outcome.Deltas.Select(delta => Text(delta, field))));
        Assert.DoesNotContain(Beginning, outcome.Completion!.RawJson);
        foreach (var delta in outcome.Deltas)
            Assert.DoesNotContain(Beginning, delta.RawJson + delta.Content + delta.ReasoningContent + string.Concat(delta.ToolCalls ?? []));
        // The end of the key is in no event either.
        Assert.DoesNotContain("DEF", outcome.Completion.RawJson);
        Assert.Equal("stop", outcome.Completion.FinishReason);
    }

    private static Task<StreamOutcome> ReadAsync(string field, IEnumerable<string> pieces)
    {
        var text = new StringBuilder();
        foreach (var piece in pieces)
        {
            var json = $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(piece)}\"";
            text.Append(Sse.Delta(field == "arguments" ? $$$"""
                "tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":{{{json}}}}}]
                """ : $"\"{field}\":{json}"));
        }

        return StreamOutcome.OfEventsAsync(text.Append(Sse.Finish()).Append(Sse.Done).ToString());
    }

    private static string? Text(ChatCompletion completion, string field) => field switch
    {
        "content" => completion.Content,
        "reasoning_content" => completion.ReasoningContent,
        _ => completion.ToolCalls![0].Arguments,
    };

    private static string? Text(ChatCompletionDelta delta, string field) => field switch
    {
        "content" => delta.Content,
        "reasoning_content" => delta.ReasoningContent,
        _ => string.Concat((delta.ToolCalls ?? []).Select(call => call.Arguments)),
    };
}
