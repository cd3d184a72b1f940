using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>
/// The JSON body of a request. Ignores a failure to send it: a server that refuses a large request answers and closes the connection while
/// the body is still being sent, and its answer may be readable.
/// </summary>
internal sealed class BodyContent : HttpContent
{
    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private readonly byte[] _body;

    internal BodyContent(byte[] body)
    {
        _body = body;
        Headers.ContentType = s_json;
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        try
        {
            await stream.WriteAsync(_body, 0, _body.Length).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // If there is no response, reading it fails.
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _body.Length;
        return true;
    }
}
