using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;

namespace LlmPs.Batch;

/// <summary>
/// A multipart form with one file, which is read while it is sent and stays open. Its length is known, so that it is not buffered in
/// memory.
/// </summary>
internal sealed class UploadContent : HttpContent
{
    private const int BlockSize = 128 * 1024;

    private readonly Stream _file;
    private readonly Action<long> _sent;
    private readonly byte[] _begin;
    private readonly byte[] _end;

    /// <param name="fileName">The name that the provider keeps, in ASCII.</param>
    /// <param name="file">The content, from its beginning.</param>
    /// <param name="sent">Called after each block with the bytes sent so far.</param>
    internal UploadContent(string fileName, Stream file, Action<long> sent)
    {
        _file = file;
        _sent = sent;
        var boundary = "llmps" + Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
        _begin = Encoding.ASCII.GetBytes(
            $"--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
            + $"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{fileName}\"\r\nContent-Type: "
                + "application/jsonl\r\n\r\n");
        _end = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        var type = new MediaTypeHeaderValue("multipart/form-data");
        type.Parameters.Add(new NameValueHeaderValue("boundary", boundary));
        Headers.ContentType = type;
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        try
        {
            await stream.WriteAsync(_begin, 0, _begin.Length).ConfigureAwait(false);
            _file.Position = 0;
            var block = new byte[BlockSize];
            int read;
            while ((read = await _file.ReadAsync(block, 0, block.Length).ConfigureAwait(false)) > 0)
            {
                await stream.WriteAsync(block, 0, read).ConfigureAwait(false);
                _sent(_file.Position);
            }

            await stream.WriteAsync(_end, 0, _end.Length).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // A server that refuses a file by its size answers while it is sent. If there is no answer, reading it fails next.
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _begin.Length + _file.Length + _end.Length;
        return true;
    }
}
