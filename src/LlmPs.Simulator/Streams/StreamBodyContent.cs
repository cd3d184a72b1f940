using System.IO;
using System.Net;
using System.Net.Http;
using System.Threading.Tasks;

namespace LlmPs.Simulator.Streams;

/// <summary>Gives access to the body itself. StreamContent would wrap it and lose its asynchronous reads on .NET Framework.</summary>
internal sealed class StreamBodyContent(StreamBody body) : HttpContent
{
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(body);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => body.CopyToAsync(stream);

#if NET
    protected override Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, System.Threading.CancellationToken cancellationToken) =>
        body.CopyToAsync(stream, cancellationToken);
#endif

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) body.Dispose();
        base.Dispose(disposing);
    }
}
