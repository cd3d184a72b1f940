using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Providers;
using LlmPs.Transport;
using LlmPs.Wire;

namespace LlmPs.Batch;

/// <summary>The requests of a session about files and batches.</summary>
internal sealed class BatchService
{
    // The most that OpenAI takes for each.
    private const int BatchesPage = 100;
    private const int FilesPage = 10_000;

    private readonly ProviderConnection _connection;
    private readonly BatchLimits _limits;
    private readonly BatchReader _reader;
    private readonly RequestLog _log;

    /// <param name="session">The session.</param>
    /// <param name="log">Where retries and the like are reported.</param>
    /// <exception cref="LlmApiException">The provider has no batches, or the session is closed.</exception>
    internal BatchService(LlmSession session, RequestLog log)
    {
        _limits = LimitsOf(session);
        _connection = session.Connection;
        _connection.RefuseClosed();
        _reader = new BatchReader(_connection);
        _log = log;
    }

    /// <summary>Returns the limits of the session's provider.</summary>
    /// <exception cref="LlmApiException">The provider has no batches.</exception>
    internal static BatchLimits LimitsOf(LlmSession session) => session.ChatProvider.Batch ?? throw new LlmApiException(
        LlmErrorKind.InvalidRequest,
            $"{session.Provider} has no batch jobs. Use Invoke-ChatCompletion, or a session of SiliconFlow or OpenAICompatible.");

    internal Task<ChatBatch> GetAsync(string id, CancellationToken cancellationToken) =>
        new BatchExchange(_connection, HttpMethod.Get, PathOf(id), null, _log).GetAsync(_reader.ReadBatch, cancellationToken);

    internal Task<ChatBatch> CancelAsync(string id, CancellationToken cancellationToken) =>
        new BatchExchange(_connection, HttpMethod.Post, PathOf(id) + "/cancel", [(byte)'{', (byte)'}'], _log)
            .GetAsync(_reader.ReadBatch, cancellationToken);

    /// <summary>Returns the account's batches as they come, newest first.</summary>
    internal Task<List<ChatBatch>> ListAsync(Func<ChatBatch, bool>? isLast, CancellationToken cancellationToken) =>
        ListAsync($"{_limits.BatchesPath}?limit={Text(BatchesPage)}", _reader.ReadBatches, static batch =>
            batch.Id, isLast, cancellationToken);

    internal Task<List<RemoteFile>> ListFilesAsync(CancellationToken cancellationToken) =>
        ListAsync($"{_limits.FilesPath}?purpose=batch&limit={Text(FilesPage)}", _reader.ReadFiles, static file =>
            file.Id, null, cancellationToken);

    /// <summary>Uploads a file and returns its id.</summary>
    internal async Task<string> UploadAsync(string name, Stream file, Action<long>? progress, CancellationToken cancellationToken)
    {
        try
        {
            return (await new UploadExchange(_connection, _limits.FilesPath, name, file, progress, _log)
                .GetAsync(_reader.ReadFile, cancellationToken).ConfigureAwait(false)).Id;
        }
        catch (LlmApiException e) when (e.Kind == LlmErrorKind.NotFound)
        {
            e.RecommendedAction = "The server may have no batch jobs: use Invoke-ChatCompletion there.";
            throw;
        }
    }

    /// <summary>Creates a batch of a file, once: if the answer is lost, the provider's list shows whether the batch exists.</summary>
    internal async Task<ChatBatch> CreateAsync(BatchPlan plan, CancellationToken cancellationToken)
    {
        var body = CompactJson.Write(plan, (json, what) =>
        {
            json.WriteStartObject();
            json.WriteString("input_file_id", what.FileId);
            json.WriteString("endpoint", _limits.Endpoint);
            json.WriteString("completion_window", what.Window);
            json.WriteStartObject("metadata");
            json.WriteString(BatchReader.PlanField, what.Id);
            json.WriteEndObject();
            json.WriteEndObject();
        });
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await new CreateExchange(_connection, _limits.BatchesPath, body, _log).GetAsync(_reader.ReadBatch, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (LlmApiException e) when (e.Kind != LlmErrorKind.Canceled && CreateExchange.MayHaveWorked(e))
            {
                var wait = _connection.Retry.Next(e, attempt, out var final);
                _log.Write(RequestLogLevel.Verbose,
                    _connection.Redactor.Clean(
                        $"The answer to the new batch was lost; the provider's list says whether it exists. {e.Message}"));
                if (wait is { } pause) await _connection.Http.PauseAsync(pause, cancellationToken).ConfigureAwait(false);
                if (await FindAsync(plan, cancellationToken).ConfigureAwait(false) is { } found) return found;
                if (wait is null) throw final;
            }
        }
    }

    /// <summary>Returns the batch that was made by a plan; null where there is none.</summary>
    internal async Task<ChatBatch?> FindAsync(BatchPlan plan, CancellationToken cancellationToken) =>
        (await ListAsync(plan.IsOf, cancellationToken).ConfigureAwait(false)).Find(plan.IsOf);

    /// <summary>Hands over the lines of a result file.</summary>
    internal Task DownloadAsync(string fileId, Func<byte[], Task> take, CancellationToken cancellationToken) =>
        new DownloadExchange(_connection, $"{_limits.FilesPath}/{Uri.EscapeDataString(fileId)}/content", _log)
            .ReadAsync(take, cancellationToken);

    /// <summary>Waits; ends at once where the session is closed.</summary>
    internal Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken) => _connection.Http.PauseAsync(wait, cancellationToken);

    private async Task<List<T>> ListAsync<T>(
        string path, Func<byte[], ListPage<T>> read, Func<T, string> id, Func<T, bool>? isLast, CancellationToken cancellationToken)
    {
        var all = new List<T>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? after = null;
        while (true)
        {
            var page = await new BatchExchange(_connection, HttpMethod.Get, after is null ? path
                : $"{path}&after={Uri.EscapeDataString(after)}", null, _log)
                .GetAsync(read, cancellationToken).ConfigureAwait(false);
            var hasNew = false;
            foreach (var item in page.Items)
            {
                if (!seen.Add(id(item))) continue;
                hasNew = true;
                all.Add(item);
                if (isLast?.Invoke(item) == true) return all;
            }

            // A server that ignores the field sends its first page again and again.
            if (page.Next is null || !hasNew) return all;
            after = page.Next;
        }
    }

    private string PathOf(string id) => $"{_limits.BatchesPath}/{Uri.EscapeDataString(id)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
