using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>How the bytes are split among reads changes nothing.</summary>
public class StreamSplitTests
{
    [Theory]
    [MemberData(nameof(StreamCases.AllNames), MemberType = typeof(StreamCases))]
    public async Task A_split_at_any_byte_gives_the_same(string name)
    {
        var bytes = StreamCases.Bytes(name);
        var whole = (await StreamOutcome.OfAsync(Reply.Pieces([bytes]))).Text;
        for (var at = 1; at < bytes.Length; at++)
            Assert.Equal(whole, (await StreamOutcome.OfAsync(Reply.Pieces(Sse.Split(bytes, at)))).Text);
    }

    [Theory]
    [MemberData(nameof(StreamCases.AllNames), MemberType = typeof(StreamCases))]
    public async Task Byte_by_byte_gives_the_same(string name)
    {
        var bytes = StreamCases.Bytes(name);
        var whole = (await StreamOutcome.OfAsync(Reply.Pieces([bytes]))).Text;
        Assert.Equal(whole, (await StreamOutcome.OfAsync(Reply.Pieces(Sse.ByteByByte(bytes)))).Text);
    }

    [Fact]
    public async Task What_has_arrived_goes_up_together_and_waits_for_nothing_more()
    {
        using var stop = new CancellationTokenSource();
        using var session =
            TestSession.Open(
                new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(Sse.Content("a") + Sse.Content("b") + Sse.Content("c"))], BodyEnd.Stall)));
        var context = new AnswerContext(session.Identity, session.Resolve(TestSession.Ask(), out _));
        var batches = session.StreamAsync(context, null, new ChatCompletionBuilder(), RequestLog.None, stop.Token).GetAsyncEnumerator();
        Assert.True(await batches.MoveNextAsync());
        Assert.Equal(["a", "b", "c"], batches.Current.Select(delta => delta.Content));
        stop.Cancel();
        Assert.Equal(LlmErrorKind.Canceled, (await Assert.ThrowsAsync<LlmApiException>(async () => await batches.MoveNextAsync())).Kind);
        await batches.DisposeAsync();
    }
}
