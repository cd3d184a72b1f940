using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>Streams, with each provider's ways.</summary>
public class StreamShapeTests
{
    public static TheoryData<string> Addresses => new(Asking.GenStudio, Asking.Cloudsway, Asking.SiliconFlow, Asking.OpenAI);

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task A_stream_adds_up_to_the_plain_answer(string address)
    {
        using var asking = new Asking(("ChunkSize", 3), ("Reasoning", "Ich überlege 🤔"), ("Answer", "答案：👍🏽 & \"so\"\n\\"));
        var plain = await asking.AnswerAsync(address, "hi");
        var chunks = await asking.ChunksAsync(address, "hi", ("stream_options", new JsonObject { ["include_usage"] = true }));
        var message = plain["choices"]![0]!["message"]!;
        Assert.Equal((string)message["content"]!, Asking.Joined(chunks, "content"));
        Assert.Equal((string?)message["reasoning_content"], Asking.Joined(chunks, "reasoning_content"));
        Assert.Equal(plain["usage"]!.ToJsonString(), chunks.Last()["usage"]!.ToJsonString());
    }

    [Theory]
    [InlineData("nvidia", true)]
    [InlineData("chip2", true)]
    [InlineData("chip3", false)]
    [InlineData("chip4", false)]
    [InlineData("chip5", false)]
    public async Task Chips_3_to_5_carry_object_and_created_in_the_last_chunk_only(string chip, bool everywhere)
    {
        using var asking = new Asking();
        var address = $"http://x.invalid/maas/kimi-k2-instruct/{chip}/chat/completions";
        var events = Asking.Events(await asking.TextAsync(address, Asking.Body(Asking.GenStudio, "hi", true)));
        List<JsonNode> chunks = [.. events.SkipLast(1).Select(text => JsonNode.Parse(text)!)];
        Assert.All(chunks.SkipLast(1), chunk => Assert.Equal(everywhere, chunk["object"] is not null && chunk["created"] is not null));
        Assert.NotNull(chunks[^1]["object"]);
        Assert.NotNull(chunks[^1]["created"]);
    }

    [Fact]
    public async Task Usage_comes_last_with_no_choices_and_only_when_asked_for()
    {
        using var asking = new Asking();
        foreach (var address in new[] { Asking.GenStudio, Asking.Cloudsway, Asking.OpenAI })
        {
            var without = await asking.ChunksAsync(address, "hi");
            Assert.All(without, chunk => Assert.Null(chunk["usage"]));
            var with = await asking.ChunksAsync(address, "hi", ("stream_options", new JsonObject { ["include_usage"] = true }));
            Assert.Empty(with[^1]["choices"]!.AsArray());
            Assert.NotNull(with[^1]["usage"]);
        }
    }

    [Fact]
    public async Task SiliconFlow_has_role_and_usage_everywhere_and_nulls_while_reasoning()
    {
        using var asking = new Asking();
        var chunks = await asking.ChunksAsync(Asking.SiliconFlow, "hi", ("enable_thinking", true));
        var last = 0;
        foreach (var chunk in chunks)
        {
            var delta = chunk["choices"]![0]!["delta"]!.AsObject();
            Assert.Equal("assistant", (string)delta["role"]!);
            Assert.True(delta.ContainsKey("content") && delta.ContainsKey("reasoning_content"));
            Assert.True(delta["content"] is null != delta["reasoning_content"] is null);
            var total = (int)chunk["usage"]!["total_tokens"]!;
            Assert.True(total >= last);
            last = total;
        }
    }

    [Fact]
    public async Task Tool_calls_come_in_fragments()
    {
        using var asking = new Asking();
        var tools = JsonNode.Parse("""[{"type":"function","function":{"name":"f"}}]""")!;
        var chunks =
            await asking.ChunksAsync(Asking.OpenAI, """[[call:f {"text":"a longer argument"}]][[call:f {"b":2}]]""", ("tools", tools));
        var arguments = new Dictionary<int, string>();
        foreach (var call in chunks.SelectMany(chunk => chunk["choices"]![0]!["delta"]!["tool_calls"]?.AsArray() ?? []))
        {
            var index = (int)call!["index"]!;
            Assert.Equal(!arguments.ContainsKey(index), call["id"] is not null);
            arguments[index] = arguments.GetValueOrDefault(index) + (string)call["function"]!["arguments"]!;
        }

        Assert.Equal(["""{"text":"a longer argument"}""", """{"b":2}"""], arguments.Values);
        Assert.Equal("tool_calls", (string)chunks[^1]["choices"]![0]!["finish_reason"]!);
    }

    [Fact]
    public async Task Chunks_can_be_counted()
    {
        using var asking = new Asking(("ChunkCount", 5), ("Answer", new string('x', 100)));
        var chunks = await asking.ChunksAsync(Asking.OpenAI, "hi");
        Assert.Equal(5, chunks.Count(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"] is { Length: > 0 }));
    }

    [Fact]
    public async Task A_piece_never_ends_inside_a_text_element()
    {
        using var asking = new Asking(("ChunkSize", 1), ("Answer", "a👩‍👩‍👧b👍🏽é"));
        var chunks = await asking.ChunksAsync(Asking.OpenAI, "hi");
        Assert.Equal(["a", "👩‍👩‍👧", "b", "👍🏽", "é"],
            chunks.Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"]).Where(text => text is { Length: > 0 }));
    }

    [Fact]
    public async Task Text_stands_as_itself_on_the_wire()
    {
        using var asking = new Asking();
        Assert.Contains("Echo: 你好 👍🏽", await asking.TextAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, "你好 👍🏽")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_arrive_as_time_passes_and_a_read_ends_when_cancelled_or_disposed()
    {
        using var asking = new Asking(("TokenDelayMs", 10_000));
        using var response = await asking.SendAsync(
            Asking.OpenAI, Asking.Body(Asking.OpenAI, "hi", true).ToJsonString(), HttpCompletionOption.ResponseHeadersRead);
        var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[4096];
        Assert.True(await body.ReadAsync(buffer) > 0);

        var watch = Stopwatch.StartNew();
        using var cancel = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => _ = await body.ReadAsync(buffer, cancel.Token));
        var pending = body.ReadAsync(buffer);
        Assert.Equal(1, asking.Handler.Counters.InFlight);
        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await pending);
        Assert.Equal(0, asking.Handler.Counters.InFlight);
        Assert.True(watch.ElapsedMilliseconds < 5_000);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(20)]
    public async Task Latency_is_never_cut_short(int milliseconds)
    {
        using var asking = new Asking(("LatencyMs", milliseconds));
        for (var i = 0; i < 10; i++)
        {
            var watch = Stopwatch.StartNew();
            await asking.AnswerAsync(Asking.OpenAI, "hi");
            Assert.True(watch.Elapsed.TotalMilliseconds > milliseconds - 0.6);
        }
    }

    [Theory]
    [InlineData("Crlf", "\r\n\r\n")]
    [InlineData("NoSpace", "data:{")]
    [InlineData("DataKeepAlive", "data: : keepalive")]
    [InlineData("Comments", ": keep-alive")]
    [InlineData("ReasoningField", "\"reasoning\":\"")]
    [InlineData("NullRole", "\"role\":null")]
    [InlineData("EmptyFinish", "\"finish_reason\":\"\"")]
    [InlineData("EmptyToolCalls", "\"tool_calls\":[]")]
    [InlineData("Bom", "\uFEFFdata: ")]
    [InlineData("ContentParts", "\"content\":[{\"type\":\"text\",\"text\":\"")]
    [InlineData("ContentParts", "\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"")]
    [InlineData("CumulativeText", "\"content\":\"Echo: hi\"")]
    [InlineData("MessageBesideDelta", "\"message\":{\"role\":\"assistant\",\"content\":\"Echo: hi\"")]
    [InlineData("ReasoningOnly", "\"reasoning_content\":\"Echo\"")]
    public async Task Quirks_show_on_the_wire(string quirk, string shown)
    {
        using var asking = new Asking(("Quirks", quirk));
        using var response = await asking.SendAsync(
            Asking.Cloudsway, Asking.Body(Asking.Cloudsway, "hi", true).ToJsonString());
        var text = System.Text.Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync());
        Assert.Contains(shown, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keep_alives_come_before_the_answer()
    {
        using var asking = new Asking(("KeepAlive", new System.Collections.Hashtable { ["Count"] = 2, ["IntervalMs"] = 1 }));
        Assert.StartsWith(": keep-alive\n\n: keep-alive\n\ndata: {",
            await asking.TextAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, "hi", true)), StringComparison.Ordinal);
        Assert.StartsWith("\n\n{", await asking.TextAsync(Asking.OpenAI, Asking.Body(Asking.OpenAI, "hi")), StringComparison.Ordinal);
    }
}
