using System;
using System.IO;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;

namespace LlmPs.Batch;

/// <summary>One request about files or batches, whose answer is JSON.</summary>
internal class BatchExchange : Exchange
{
    private const int LongestAnswer = 64 * 1024 * 1024;

    private readonly string _path;
    private readonly byte[]? _body;
    private readonly string _operation;

    internal BatchExchange(ProviderConnection connection, HttpMethod method, string path, byte[]? body, RequestLog log)
        : base(connection, new AnswerContext(connection.Identity, new ChatRequest()), connection.Address.Of(path), log)
    {
        Method = method;
        _path = path;
        _body = body;
        var parts = path.Split('?')[0].Trim('/').Split('/');
        _operation = parts.Length > 2 ? $"{parts[0]}/{parts[2]}" : parts[0];
    }

    protected override HttpMethod Method { get; }

    protected override byte[]? Body => _body;

    /// <summary>The path without ids: files, files/content, batches or batches/cancel.</summary>
    protected override string Operation => _operation;

    protected override string Subject => $"{Method} {_path}";

    /// <exception cref="LlmApiException">The provider did not answer, or not as it documents.</exception>
    internal Task<T> GetAsync<T>(Func<byte[], T> read, CancellationToken cancellationToken) =>
        ReadAsync(read, LongestAnswer, cancellationToken);
}

/// <summary>
/// The request that creates a batch. If its answer is lost, the batch may exist: it is not sent again before the provider's list was read.
/// </summary>
internal sealed class CreateExchange(ProviderConnection connection, string path, byte[] body, RequestLog log)
    : BatchExchange(connection, HttpMethod.Post, path, body, log)
{
    /// <summary>Whether the batch may exist although the request failed.</summary>
    internal static bool MayHaveWorked(LlmApiException error) =>
        error.Kind is LlmErrorKind.ConnectionFailed or LlmErrorKind.Timeout or LlmErrorKind.ServerError
        or LlmErrorKind.ServiceUnavailable or LlmErrorKind.InvalidResponse or LlmErrorKind.StreamInterrupted or LlmErrorKind.Canceled;

    protected override TimeSpan WaitAfter(LlmApiException error) => MayHaveWorked(error) ? throw error : base.WaitAfter(error);
}

/// <summary>Sends a file. It is read while it is sent, from its beginning for each attempt.</summary>
internal sealed class UploadExchange(ProviderConnection connection, string path, string fileName, Stream file, Action<long>? progress,
    RequestLog log)
    : BatchExchange(connection, HttpMethod.Post, path, null, log)
{
    protected override AttemptClock NewClock(CancellationToken cancellationToken) => Connection.NewTransferClock(cancellationToken);

    protected override HttpContent NewContent(AttemptClock clock) => new UploadContent(fileName, file, sent =>
    {
        clock.Progress();
        progress?.Invoke(sent);
    });
}

/// <summary>Reads a file at the provider line by line.</summary>
internal sealed class DownloadExchange(ProviderConnection connection, string path, RequestLog log)
    : BatchExchange(connection, HttpMethod.Get, path, null, log)
{
    private const int BlockSize = 64 * 1024;

    // A line is an answer and a few words around it.
    private const int LongestLine = AnswerAttempt.LongestBody + (1024 * 1024);

    protected override AttemptClock NewClock(CancellationToken cancellationToken) => Connection.NewTransferClock(cancellationToken);

    /// <summary>Hands over each line. After a transfer that broke off all lines come again.</summary>
    /// <exception cref="LlmApiException">The file could not be read to its end.</exception>
    internal Task ReadAsync(Func<byte[], Task> take, CancellationToken cancellationToken) => AttemptAsync(
        async clock =>
        {
            var (response, stream) = await SendAsync(clock).ConfigureAwait(false);
            using (response)
            using (stream)
            {
                if (await stream.PeekAsync().ConfigureAwait(false) is var first and not ((byte)'{' or -1))
                    throw Connection.Errors.FromBody(await stream.ReadToEndAsync(BlockSize)
                        .ConfigureAwait(false), inStream: false, Context.RequestId);
                await ReadLinesAsync(stream, take).ConfigureAwait(false);
                clock.Dispose();
                return true;
            }
        },
        cancellationToken);

    private static async Task ReadLinesAsync(AnswerStream stream, Func<byte[], Task> take)
    {
        var block = new byte[BlockSize];
        var line = new MemoryStream();
        int read;
        while ((read = await stream.ReadBytesAsync(block).ConfigureAwait(false)) > 0)
        {
            var at = 0;
            while (Array.IndexOf(block, (byte)'\n', at, read - at) is >= 0 and var end)
            {
                line.Write(block, at, end - at);
                at = end + 1;
                await TakeAsync(line, take).ConfigureAwait(false);
            }

            line.Write(block, at, read - at);
            if (line.Length > LongestLine)
                throw new LlmApiException(LlmErrorKind.InvalidResponse,
                    $"A line of the result file is over the limit of {LongestLine / (1024 * 1024)} MiB.");
        }

        if (line.Length == 0) return;
        // Without a length a body that was cut off ends like a whole one.
        if (!IsWhole(line.ToArray()))
            throw new LlmApiException(LlmErrorKind.StreamInterrupted, "The result file broke off before its end.") { IsTransient = true };
        await TakeAsync(line, take).ConfigureAwait(false);
    }

    private static async Task TakeAsync(MemoryStream line, Func<byte[], Task> take)
    {
        var bytes = line.ToArray();
        line.SetLength(0);
        if (line.Capacity > 16 * BlockSize) line.Capacity = BlockSize;
        if (Array.Exists(bytes, static one => one is not ((byte)' ' or (byte)'\t' or (byte)'\r'))) await take(bytes).ConfigureAwait(false);
    }

    private static bool IsWhole(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
