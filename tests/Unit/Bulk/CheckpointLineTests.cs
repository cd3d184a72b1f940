using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointLineTests
{
    private const string Plain = """
        {"id":"a-1","object":"chat.completion","created":1733300000,"model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},
        "finish_reason":"eos"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":2,"x":9},
        "prompt_tokens_details":{"cached_tokens":1}},"system_fingerprint":"fp","blocked":false,"service_tier":"best","cost":{"cents":12}}
        """;

    [Theory]
    [InlineData(Plain)]
    [InlineData("""{"choices":[{"message":{"content":""}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":null,"reasoning_content":""},"finish_reason":"stop"}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"<think>a</think>\n\nb"}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"<think></think><think>c</think>"}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"二"},"index":1},{"message":{"content":"一 😀\r\n\"\\\u0000"},"index":0}],"usage":{}}""")]
    [InlineData("""{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"g","arguments":{"b":[1]}}}]},"finish_reason":"tool_calls"}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.1234567890123,"top_logprobs":[{"token":"b","logprob":-1}]}],"reasoning_content":[{"token":"r","logprob":0}]}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"cut \ud83d","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"\ud83d"}}]},"logprobs":{"content":[{"token":"\ud83d","logprob":-1}]}}]}""")]
    public async Task Plain_answer_comes_back_with_all_its_fields(string json)
    {
        var original = await Rows.AnsweredAsync(json);
        original.Context!.InputIndex = 41;
        original.Context.InputObject = "row";

        var restored = Rows.Restored(original);

        Rows.AssertSame(original, restored);
        Assert.Equal(json.ReplaceLineEndings(" "), restored!.RawJson);
        Assert.Equal("req-7", restored.RequestId);
        Assert.Equal(1, restored.Attempts);
        Assert.Equal(41, restored.InputIndex);
    }

    public static TheoryData<string[]> Streams => new(
        [
            """{"id":"a","created":1733300000,"model":"m-1","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"想"}}],"blocked":true}""",
            """{"choices":[{"index":0,"delta":{"content":"Hé"}}]}""",
                """{"choices":[{"index":0,"delta":{"content":"llo 😀"},"finish_reason":"eos"}]}""",
            """{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"prompt_cache_hit_tokens":1,"prompt_cache_miss_tokens":2,"completion_tokens_details":{"reasoning_tokens":2,"x":9}}}""",
        ],
        // One event, which alone is not the answer.
        ["""{"choices":[{"delta":{"content":"one"}}]}""", """{"choices":[{"delta":{},"finish_reason":"length"}]}"""],
        ["""{"choices":[{"delta":{"content":"one"},"finish_reason":"stop"}]}"""],
        ["""{"choices":[{"delta":{"content":"<think>\ud83d"}}]}""", """{"choices":[{"delta":{"content":"\ude00</think>\ud83d"}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"\ud83d"}}]},"finish_reason":"stop"}]}"""],
        ["""{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}""", """{"choices":[],"usage":{"total_tokens":3}}"""],
        ["""{"choices":[{"delta":{"content":"","reasoning_content":""},"finish_reason":"stop"}]}"""],
        ["""{"choices":[{"delta":{"reasoning_content":""}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"stop","native_finish_reason":"eos"}]}"""],
        ["""{"choices":[{"delta":{"content":"<think></think><think>kept</think> text"},"finish_reason":"stop"}]}"""],
        ["""{"choices":[{"delta":{"content":"  <think>a"}}]}""",
            """{"choices":[{"delta":{"content":"b</think>c"},"finish_reason":"stop"}]}"""],
        [
            """{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a\""}}]}},{"index":0,"delta":{"content":"z"}}]}""",
            """{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":\"\\n\"}"}},{"index":1,"function":{"name":"g"}}]},"finish_reason":"tool_calls"},{"index":0,"delta":{},"finish_reason":"stop"}]}""",
        ],
        [
            """{"choices":[{"delta":{"reasoning_content":"r"},"logprobs":{"reasoning_content":[{"token":"r","logprob":-1e300}]}}]}""",
            """{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.5,"top_logprobs":[{"token":"b","logprob":-1}]}]},"finish_reason":"stop"}]}""",
        ]);

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task Streamed_answer_comes_back(string[] events)
    {
        var original = await Rows.StreamedAsync(events);

        var restored = Rows.Restored(original);

        Rows.AssertSame(original, restored);
    }

    [Fact]
    public async Task Plain_and_streamed_read_alike_in_the_file()
    {
        var plain = await Rows.AnsweredAsync(Plain);
        var streamed =
            await Rows.StreamedAsync("""{"choices":[{"delta":{"content":"H"}}]}""",
                """{"choices":[{"delta":{"content":"i"},"finish_reason":"stop"}]}""");

        foreach (var completion in new[] { plain, streamed })
        {
            var line = Encoding.UTF8.GetString(CheckpointLine.Write(Rows.Key(0), 2, completion));
            Assert.Single(line, character => character is '\n' or '\r');
            using var row = JsonDocument.Parse(line);
            Assert.Equal(["key", "n", "index", "finished", "provider"], row.RootElement.EnumerateObject().Take(5)
                .Select(field => field.Name));
            Assert.Equal(Rows.Key(0).ToString(), row.RootElement.GetProperty("key").GetString());
            Assert.Equal(2, row.RootElement.GetProperty("n").GetInt32());
            Assert.True(row.RootElement.GetProperty("finished").GetDateTime() > DateTime.UtcNow.AddMinutes(-5));
            Assert.Equal("Hi", row.RootElement.GetProperty("completion").GetProperty("choices")[0].GetProperty("message")
                .GetProperty("content").GetString());
        }
    }

    [Fact]
    public void Chinese_stands_as_it_is_and_emoji_come_back()
    {
        var line = Encoding.UTF8.GetString(CheckpointLine.Write(Rows.Key(0), 1, Rows.Completion("打印机 😀 <b>&'+\u2028")));

        Assert.Contains("打印机", line, StringComparison.Ordinal);
        Assert.Contains("<b>&'+", line, StringComparison.Ordinal);
        Assert.Equal("打印机 😀 <b>&'+\u2028", CheckpointLine.Restore(Encoding.UTF8.GetBytes(line), Rows.Context())!.Content);
    }

    [Fact]
    public async Task Number_beyond_all_bounds_is_written()
    {
        var original =
            await Rows.StreamedAsync(
                """{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1e400}]},"finish_reason":"stop"}]}""");

        Assert.Equal(double.MinValue, Rows.Restored(original)!.LogProbs![0].LogProb);
    }

    [Fact]
    public async Task Deep_answer_comes_back()
    {
        var deep = new string('[', 60) + new string(']', 60);
        var original = await Rows.AnsweredAsync("{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"deep\":" + deep + "}");

        var line = CheckpointLine.Write(Rows.Key(0), 1, original);

        Assert.True(CheckpointLine.TryReadRow(line.AsSpan(0, line.Length - 1), mayLackChecksum: false, out _, out _));
        Rows.AssertSame(original, Rows.Restored(original));
    }

    [Theory]
    [InlineData("""{"n":3,"completion":{},"more":[{}],"key":"00112233445566778899aabbccddeeff"}""", true)]
    [InlineData(""" {"key":"00112233445566778899AABBCCDDEEFF","n":3,"completion":{}} """ + "\r", true)]
    [InlineData("""{"llmps":"checkpoint","version":1}""", false)]
    [InlineData(" \t\r", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","n":0,"completion":{}}""", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","n":1e99,"completion":{}}""", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","completion":{}}""", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","n":3,"completion":[]}""", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddee","n":3,"completion":{}}""", false)]
    [InlineData("""{"key":"0011223344556677-899aabbccddeeff","n":3,"completion":{}}""", false)]
    [InlineData("""{"key":{},"n":3,"completion":{}}""", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","n":3,"completion":{},"check":"0011223344556677"}""",
        false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","n":3,"completion":{}}{}""", false)]
    [InlineData("""{"key":"00112233445566778899aabbccddeeff","n":3,"completion":{}""", false)]
    [InlineData("[]", false)]
    [InlineData("\0\0\0", false)]
    public void A_line_without_a_checksum_is_a_row_where_it_is_a_complete_object(string line, bool isRow)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        Assert.Equal(isRow, CheckpointLine.TryReadUnchecked(bytes, out var key, out var n));
        Assert.Equal(isRow, CheckpointLine.TryReadRow(bytes, mayLackChecksum: true, out _, out _));
        Assert.False(CheckpointLine.TryReadRow(bytes, mayLackChecksum: false, out _, out _));
        if (!isRow) return;
        Assert.Equal("00112233445566778899aabbccddeeff", key.ToString());
        Assert.Equal(3, n);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2147483647)]
    public async Task Row_is_told_from_the_beginning_and_the_end_of_its_line(int n)
    {
        var line = CheckpointLine.Write(Rows.Key(7), n, await Rows.AnsweredAsync("""{"choices":[{"message":{"content":"a"}}]}"""));
        var whole = line.AsSpan(0, line.Length - 1);

        Assert.True(CheckpointLine.TryReadRow(whole, mayLackChecksum: false, out var key, out var told));

        Assert.Equal((Rows.Key(7), n), (key, told));
        for (var length = 0; length < whole.Length; length++)
            Assert.False(CheckpointLine.TryReadRow(whole[..length], mayLackChecksum: false, out _, out _));
    }

    [Theory]
    [InlineData("""{"completion":{}}""")]
    [InlineData("""{"completion":{"choices":"none"}}""")]
    [InlineData("""{"completion":{"error":{"message":"x"}}}""")]
    [InlineData("""{"key":1}""")]
    [InlineData("")]
    [InlineData("\0\0")]
    public void Line_without_an_answer_is_no_row(string line) =>
        Assert.Null(CheckpointLine.Restore(Encoding.UTF8.GetBytes(line), Rows.Context()));

    [Theory]
    [InlineData("""{"durationMs":-1,"attempts":1.5,"requestId":{},"timeToFirstTokenMs":"x","completion":{"choices":[{"message":{"content":"a"}}]}}""")]
    [InlineData("""{"durationMs":1e300,"attempts":[1],"requestId":7,"completion":{"choices":[{"message":{"content":"a"}}]}}""")]
    public void Odd_figures_are_left_out(string line)
    {
        var restored = CheckpointLine.Restore(Encoding.UTF8.GetBytes(line), Rows.Context());

        Assert.Equal("a", restored!.Content);
        Assert.Null(restored.Duration);
        Assert.Null(restored.RequestId);
        Assert.Equal(0, restored.Attempts);
    }

    [Fact]
    public async Task Rounds_of_a_row_come_back_with_what_they_cost()
    {
        using var session = Rows.NewSession(answer: Plain);
        var row = new AnswerContext(session.Identity, session.Resolve(Rows.Request(), out _)) { InputIndex = 5, InputObject = "row" };
        var call = new ToolCall("c1", "f", "{}");
        ChatMessage[] turns =
        [
            new(ChatRole.Assistant, null) { ReasoningContent = "", ToolCalls = [call] },
            new(ChatRole.Tool, "42 ✓") { ToolCallId = "c1" },
            new() { Parts = [ChatContentPart.FromText("and"), ChatContentPart.FromImage("https://example.com/a.png")] },
        ];
        var completion =
            await session.CompleteAsync(row.For(row.Request.WithMessages([.. row.Request.Messages, .. turns])), null, RequestLog.None,
                default);
        completion.Usage = TokenUsage.Sum(completion.Usage, new TokenUsage { PromptTokens = 100, TotalTokens = 100 });

        var restored = CheckpointLine.Restore(CheckpointLine.Write(Rows.Key(0), 1, completion), row);

        Rows.AssertSame(completion, restored);
        Assert.Equal(107, restored!.Usage!.TotalTokens);
        Assert.Equal(row.Request.Messages.Count + turns.Length + 1, restored.Messages.Count);
    }

    [Theory]
    [InlineData("error", false)]
    [InlineData("network_error", false)]
    [InlineData("stop", true)]
    [InlineData("length", true)]
    public void KindI_half_an_answer_that_an_earlier_version_kept_is_asked_again(string reason, bool isKept)
    {
        var line = CheckpointLine.Write(Rows.Key(0), 1, Rows.Completion("half"));
        var text = Encoding.UTF8.GetString(line).Replace("\"finish_reason\":\"stop\"", $"\"finish_reason\":\"{reason}\"");
        Assert.Equal(isKept, CheckpointLine.Restore(Encoding.UTF8.GetBytes(text), Rows.Context(0)) is not null);
    }

    [Fact]
    public async Task What_a_tool_echoes_of_a_secret_is_not_kept()
    {
        const string key = "key-of-this-test-0001";
        using var session =
            Rows.NewSession(answer: Plain, with: options => options.ApiKey = new NetworkCredential(string.Empty, key).SecurePassword);
        var row = new AnswerContext(session.Identity, session.Resolve(Rows.Request(), out _));
        var completion = await session.CompleteAsync(
            row.For(row.Request.WithMessages(
                [.. row.Request.Messages, new ChatMessage(ChatRole.Tool, $"token {key}") { ToolCallId = "c1" }])), null, RequestLog.None,
                    default);
        Assert.DoesNotContain(key,
            Encoding.UTF8.GetString(CheckpointLine.Write(Rows.Key(0), 1, completion, session.Connection.Redactor.ForAnswer().Clean)));
    }
}
