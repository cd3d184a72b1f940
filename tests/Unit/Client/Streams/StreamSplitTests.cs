using System.Threading.Tasks;
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
}
