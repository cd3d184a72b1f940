using System;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.SimulatorHost;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>The streams again, over a real socket that is cut for real.</summary>
public class SocketStreamTests
{
    private static readonly byte[] s_chunkedHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray();

    [Theory]
    [MemberData(nameof(StreamCases.AllNames), MemberType = typeof(StreamCases))]
    public async Task A_byte_at_a_time_gives_the_same_over_a_socket(string name)
    {
        var bytes = StreamCases.Bytes(name);
        var expected = await StreamOutcome.OfAsync(Reply.Pieces([bytes]), "OpenAICompatible");
        var outcome = await OfAsync(RawReply.EventStream(RawEnd.Fin, 0, [.. Sse.ByteByByte(bytes)]));
        Assert.Equal(expected.Text, outcome.Text);
    }

    [Theory]
    [InlineData(nameof(StreamCases.UsageOnEveryChunk))]
    [InlineData(nameof(StreamCases.NotAscii))]
    public async Task A_split_at_any_byte_gives_the_same_over_a_socket(string name)
    {
        var bytes = StreamCases.Bytes(name);
        var expected = await StreamOutcome.OfAsync(Reply.Pieces([bytes]), "OpenAICompatible");
        using var server = new RawServer(n => RawReply.EventStream(RawEnd.Fin, 0, [.. Sse.Split(bytes, n)]));
        using var session = TestSession.Connect(server.BaseUri);
        for (var at = 1; at < bytes.Length; at++) Assert.Equal(expected.Text, (await StreamOutcome.OfAsync(session)).Text);
    }

    [Theory]
    [InlineData(nameof(StreamCases.UsageOnEveryChunk), RawEnd.Fin)]
    [InlineData(nameof(StreamCases.UsageOnEveryChunk), RawEnd.Rst)]
    [InlineData(nameof(StreamCases.NotAscii), RawEnd.Fin)]
    [InlineData(nameof(StreamCases.NotAscii), RawEnd.Rst)]
    [InlineData(nameof(StreamCases.ToolFragmentsWithEmptyNames), RawEnd.Fin)]
    [InlineData(nameof(StreamCases.ToolFragmentsWithEmptyNames), RawEnd.Rst)]
    public async Task A_cut_at_any_byte_is_told_over_a_socket(string name, RawEnd end)
    {
        var bytes = StreamCases.Bytes(name);
        using var server = new RawServer(n => RawReply.EventStream(end, 0, bytes[..(n - 1)]));
        await CutEverywhereAsync(server, bytes);
    }

    [Theory]
    [InlineData(RawEnd.Fin)]
    [InlineData(RawEnd.Rst)]
    public async Task A_chunked_stream_cut_at_any_byte_is_told(RawEnd end)
    {
        var bytes = StreamCases.Bytes(nameof(StreamCases.UsageOnEveryChunk));
        byte[] chunk = [.. Encoding.ASCII.GetBytes(bytes.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), .. bytes];
        var head = chunk.Length - bytes.Length;
        using var server = new RawServer(n => new RawReply([s_chunkedHead, chunk[..(head + n - 1)]], end));
        await CutEverywhereAsync(server, bytes);
    }

    [Theory]
    [InlineData(RawEnd.Fin)]
    [InlineData(RawEnd.Rst)]
    public async Task A_plain_answer_cut_at_any_byte_is_no_answer(RawEnd end)
    {
        var body = Sse.Bytes(Reply.PlainAnswer);
        byte[] whole =
            [.. Sse.Bytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), .. body];
        using var server = new RawServer(n => new RawReply([whole[..(n - 1)]], end));
        using var session = TestSession.Connect(server.BaseUri);
        for (var at = 0; at < whole.Length; at++)
        {
            var error = await TestSession.ErrorAsync(session);
            Assert.Equal(LlmErrorKind.ConnectionFailed, error.Kind);
            Assert.Contains("127.0.0.1", error.Message);
        }
    }

    [Fact]
    public async Task A_connection_that_is_cut_is_tried_again()
    {
        var whole = RawReply.EventStream(RawEnd.Fin, 0, Sse.Bytes(StreamCases.UsageOnEveryChunk));
        using var server = new RawServer(n => n switch
        {
            1 => new RawReply([], RawEnd.Rst),
            2 => new RawReply([], RawEnd.Fin),
            3 => RawReply.EventStream(RawEnd.Rst, 0),
            _ => whole,
        });
        using var session = TestSession.Connect(server.BaseUri, options => options.MaxRetryCount = 4);
        var outcome = await StreamOutcome.OfAsync(session);
        Assert.Equal("Hello", outcome.Completion!.Content);
        Assert.Equal(4, outcome.Completion.Attempts);
    }

    [Fact]
    public async Task A_silent_socket_is_given_up()
    {
        using var server = new RawServer(RawReply.EventStream(RawEnd.Hold, 0, Sse.Bytes(Sse.Content("Hel"))));
        using var session = TestSession.Connect(server.BaseUri, options => options.IdleTimeout = TimeSpan.FromSeconds(0.2));
        var outcome = await StreamOutcome.OfAsync(session);
        Assert.Equal(LlmErrorKind.Timeout, outcome.Error!.Kind);
        Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_a_failed_connection()
    {
        Uri gone;
        using (var server = new RawServer(new RawReply([]))) gone = server.BaseUri;
        using var session = TestSession.Connect(gone);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal(LlmErrorKind.ConnectionFailed, error.Kind);
        Assert.Contains(gone.Authority, error.Message);
    }

    [Fact]
    public async Task A_redirect_takes_the_key_nowhere()
    {
        using var elsewhere = new RawServer(new RawReply([]));
        using var server =
            new RawServer(
                RawReply.Text(RawEnd.Fin,
                    $"HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere.BaseUri}\r\nContent-Length: 0\r\n\r\n"));
        using var session = TestSession.Connect(server.BaseUri);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.InvalidResponse, 307), (error.Kind, error.StatusCode));
        Assert.Equal(0, elsewhere.Accepted);
        Assert.Contains("Authorization: Bearer " + TestSession.Key, server.Received[0]);
    }

    private static async Task<StreamOutcome> OfAsync(RawReply reply)
    {
        using var server = new RawServer(reply);
        using var session = TestSession.Connect(server.BaseUri);
        return await StreamOutcome.OfAsync(session);
    }

    /// <summary>One request for each offset at which the server cuts, in order.</summary>
    private static async Task CutEverywhereAsync(RawServer server, byte[] bytes)
    {
        var whole = await StreamOutcome.OfAsync(Reply.Pieces([bytes]), "OpenAICompatible");
        var text = Encoding.UTF8.GetString(bytes);
        var finish =
            Math.Max(text.LastIndexOf("\"stop\"", StringComparison.Ordinal), text.LastIndexOf("\"tool_calls\"}", StringComparison.Ordinal));
        var endsAt = Encoding.UTF8.GetByteCount(text[..finish]) + 6;
        using var session = TestSession.Connect(server.BaseUri);
        for (var at = 0; at < bytes.Length; at++)
        {
            var outcome = await StreamOutcome.OfAsync(session);
            if (at < endsAt) Assert.NotNull(outcome.Error);
            if (outcome.Error is { } error)
            {
                // A reset may take bytes with it that were on their way, or come before the first. No byte at all is an empty answer.
                Assert.True(error.Kind is LlmErrorKind.StreamInterrupted or LlmErrorKind.ConnectionFailed
                    || (at == 0 && error.Kind == LlmErrorKind.InvalidResponse), $"{at}: {error}");
                Assert.Equal(outcome.Content, error.PartialCompletion?.Content ?? string.Empty);
                Assert.StartsWith(outcome.Content, whole.Content);
                Assert.DoesNotContain(outcome.Deltas, delta => delta.IsLast);
            }
            else
            {
                Assert.Equal(whole.Content, outcome.Content);
                Assert.Equal(whole.Completion!.FinishReason, outcome.Completion!.FinishReason);
            }
        }
    }
}
