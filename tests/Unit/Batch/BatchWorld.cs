using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Batch;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Simulator;
using LlmPs.Simulator.Batches;
using LlmPs.Transport;
using LlmPs.Unit.Bulk;
using LlmPs.Unit.Client;
using LlmPs.Unit.Simulator;

namespace LlmPs.Unit.Batch;

/// <summary>A provider whose files and batches outlive its sessions, and a checkpoint.</summary>
internal sealed class BatchWorld : IDisposable
{
    private readonly BatchStore _store = new();
    private readonly Folder _folder = new();
    private readonly List<LlmSession> _sessions = [];
    private readonly List<CountingHandler> _handlers = [];

    internal BatchWorld(string provider = "OpenAICompatible", params (string Key, object? Value)[] options)
    {
        Provider = provider;
        Options = options;
    }

    internal string Provider { get; }

    internal (string Key, object? Value)[] Options { get; set; }

    internal string File => _folder.File;

    internal BatchStore Store => _store;

    /// <summary>The requests as method and path, of all sessions.</summary>
    internal IReadOnlyList<string> Sent => _handlers.SelectMany(handler => handler.Sent).ToList();

    public void Dispose()
    {
        foreach (var session in _sessions) session.Dispose();
        _folder.Dispose();
    }

    /// <summary>A session as another process has it: with the options of now.</summary>
    internal LlmSession Open(int retries = 0, Action<LlmSessionOptions>? configure = null)
    {
        var given = Asking.Options([.. Options, ("Provider", Provider == "SiliconFlow" ? "SiliconFlow" : "OpenAICompatible")]);
        var handler = new CountingHandler(new SimulatorHandler(given, _store));
        _handlers.Add(handler);
        var session = TestSession.Open(Provider, handler, options =>
        {
            options.MaxRetryCount = retries;
            options.Model = "Qwen/QwQ-32B";
            configure?.Invoke(options);
        });
        _sessions.Add(session);
        return session;
    }

    internal static ChatTicket Ticket(LlmSession session, string prompt, long index = 0, Action<ChatRequest>? with = null)
    {
        var request = new ChatRequest { Messages = [new ChatMessage(ChatRole.User, prompt)] };
        with?.Invoke(request);
        return new ChatTicket(session,
            new AnswerContext(session.Identity, session.Resolve(request, out _)) { InputIndex = index, InputObject = prompt });
    }

    /// <summary>A line of a result file with an answer to a row.</summary>
    internal static string ResultLine(ChatTicket row) =>
        "{\"custom_id\":\"" + row.Key + "-1\",\"response\":{\"status_code\":200,\"body\":"
            + "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}}}";

    /// <summary>What Start-ChatBatch does with rows.</summary>
    internal async Task<List<ChatBatch>> StartAsync(LlmSession session, params string[] prompts)
    {
        using var file = CheckpointFile.Open(File);
        var journal = new BatchJournal(file);
        var submission = new BatchSubmission(journal, RequestLog.None);
        var unresolved = journal.Plans.Where(plan => plan.IsUnresolved).ToList();
        await submission.RecoverAsync(session, unresolved, CancellationToken.None);
        using var splitter = new BatchSplitter(File);
        for (var i = 0; i < prompts.Length; i++)
        {
            var row = Ticket(session, prompts[i], i);
            var n = file.CountUp(row.Key);
            if (file.Find(row.Key, n, out _) is null && journal.Holder(row.Key, n) is not { BatchId: not null }) splitter.Add(row, n);
        }

        var batches = new List<ChatBatch>();
        foreach (var lines in splitter.Files) batches.Add(await submission.SubmitAsync(lines, "24h", null, null, CancellationToken.None));
        await submission.DropRestAsync(unresolved);
        return batches;
    }

    /// <summary>
    /// What Receive-ChatBatch does with all batches of the checkpoint; returns the failed rows and how many answers were added.
    /// </summary>
    internal async Task<(List<FailedRow> Failed, int Added)> ReceiveAsync(LlmSession session)
    {
        using var file = CheckpointFile.Open(File);
        var journal = new BatchJournal(file);
        var service = new BatchService(session, RequestLog.None);
        var failed = new List<FailedRow>();
        var added = 0;
        foreach (var plan in journal.Plans.Where(plan => plan.BatchId is not null && !plan.IsReceived))
        {
            var batch = await service.GetAsync(plan.BatchId!, CancellationToken.None);
            var collection = new BatchCollection(session, file, batch.Id, plan, null);
            foreach (var id in new[] { batch.OutputFileId, batch.ErrorFileId }.OfType<string>())
            {
                await service.DownloadAsync(id, line =>
                {
                    if (collection.Take(line) is { } row) failed.Add(row);
                    return Task.CompletedTask;
                }, CancellationToken.None);
            }

            collection.Finish(batch);
            added += collection.Added;
            await journal.NoteReceivedAsync(plan, batch);
            collection.Audit();
        }

        return (failed, added);
    }

    /// <summary>The answer that the checkpoint has for the n-th row with a prompt; null for none.</summary>
    internal ChatCompletion? Answer(LlmSession session, string prompt, int n = 1)
    {
        using var file = CheckpointFile.Open(File, toRead: true);
        var row = Ticket(session, prompt);
        return file.Find(row.Key, n, out _) is { } line ? (ChatCompletion?)row.Restore(line) : null;
    }

    internal BatchJournal Journal()
    {
        using var file = CheckpointFile.Open(File, toRead: true);
        return new BatchJournal(file);
    }

    private sealed class CountingHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        private readonly List<string> _sent = [];

        internal IReadOnlyList<string> Sent => _sent.ToArray();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            _sent.Add($"{request.Method} {request.RequestUri!.PathAndQuery}");
            return base.SendAsync(request, cancellationToken);
        }
    }
}
