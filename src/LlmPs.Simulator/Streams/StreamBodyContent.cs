using System.IO;
using System.Net;
using System.Net.Http;
using System.Threading.Tasks;

namespace LlmPs.Simulator.Streams;

/// <summary>Hands out the body itself: StreamContent would wrap it, and on .NET Framework lose its asynchronous reads.</summary>
internal sealed class StreamBodyContent : HttpContent
{
    private readonly StreamBody _body;

    internal StreamBodyContent(StreamBody body) => _body = body;

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(_body);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _body.CopyToAsync(stream);

#if NET
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context,
        System.Threading.CancellationToken cancellationToken) =>
        _body.CopyToAsync(stream, cancellationToken);
#endif

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _body.Dispose();
        base.Dispose(disposing);
    }
}
