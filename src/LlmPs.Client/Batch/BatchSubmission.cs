using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;

namespace LlmPs.Batch;

/// <summary>
/// Submits files so that a run that is killed at any moment and started again neither loses nor doubles a batch. The checkpoint notes
/// each step before it happens. Whether the step was completed is read from the provider's lists, by the mark of the plan.
/// </summary>
/// <param name="journal">The batches of the checkpoint.</param>
/// <param name="log">Where retries and the like are reported.</param>
internal sealed class BatchSubmission(BatchJournal journal, RequestLog log)
{
    // A batch whose request was under way when the process was killed may appear in the list a little later.
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(5);

    /// <summary>Looks up the batches whose request the checkpoint noted without an answer, and notes those that exist.</summary>
    /// <param name="session">The session of the plans.</param>
    /// <param name="plans">The plans of this session.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async Task RecoverAsync(LlmSession session, IReadOnlyList<BatchPlan> plans, CancellationToken cancellationToken)
    {
        var service = new BatchService(session, log);
        var open = plans.Where(plan => plan.IsUnresolved && plan.Requested is not null).ToList();
        for (var isSettled = false; open.Count > 0; isSettled = true)
        {
            var batches = await service.ListAsync(null, cancellationToken).ConfigureAwait(false);
            foreach (var plan in open.ToList())
            {
                if (batches.Find(plan.IsOf) is not { } batch) continue;
                await NoteAsync(session, plan, batch).ConfigureAwait(false);
                log.Write(RequestLogLevel.Verbose,
                    $"Batch '{batch.Id}' was submitted by an earlier run that ended before it could note it.");
                open.Remove(plan);
            }

            if (isSettled || open.Count == 0) break;
            var left = open.Max(plan => s_settling - (DateTimeOffset.UtcNow - plan.Requested!.Value));
            if (left <= TimeSpan.Zero) break;
            await service.PauseAsync(left < s_settling ? left : s_settling, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Submits a file. If an earlier run planned or uploaded the same file, it continues from there.</summary>
    /// <param name="file">The lines.</param>
    /// <param name="window">The completion window.</param>
    /// <param name="schema">The schema that the answers must meet; null for none.</param>
    /// <param name="progress">Called with the bytes sent so far.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async Task<ChatBatch> SubmitAsync(BatchFile file, string window, string? schema, Action<long>? progress,
        CancellationToken cancellationToken)
    {
        var service = new BatchService(file.Session, log);
        var address = file.Session.BaseUri.AbsoluteUri;
        var plan = journal.Plans.FirstOrDefault(known =>
            known.IsUnresolved && known.Hash == file.Hash && known.Provider == file.Session.Provider
            && known.Address == address && known.Window == window && known.Schema == schema);
        var isTakenUp = plan is not null;
        if (plan is null)
        {
            plan = new BatchPlan
            {
                Id = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture),
                Provider = file.Session.Provider,
                Address = address,
                Session = file.Session.Name,
                Model = file.Model,
                Window = window,
                Schema = schema,
                Lines = file.Lines,
                Bytes = file.Bytes,
                Hash = file.Hash,
                Rows = file.Rows,
            };
            await journal.PlanAsync(plan).ConfigureAwait(false);
        }
        else if (plan.FileId is null && await FindFileAsync(service, plan, cancellationToken).ConfigureAwait(false) is { } found)
        {
            await journal.NoteFileAsync(plan, found).ConfigureAwait(false);
        }

        var hasUploaded = plan.FileId is null;
        if (hasUploaded) await UploadAsync(service, plan, file, progress, cancellationToken).ConfigureAwait(false);
        ChatBatch batch;
        try
        {
            await journal.NoteRequestAsync(plan).ConfigureAwait(false);
            batch = await service.CreateAsync(plan, cancellationToken).ConfigureAwait(false);
        }
        catch (LlmApiException e) when (isTakenUp && !hasUploaded && e.Kind is LlmErrorKind.InvalidRequest or LlmErrorKind.NotFound)
        {
            // The file may have been deleted meanwhile.
            await UploadAsync(service, plan, file, progress, cancellationToken).ConfigureAwait(false);
            batch = await service.CreateAsync(plan, cancellationToken).ConfigureAwait(false);
        }

        await NoteAsync(file.Session, plan, batch).ConfigureAwait(false);
        return batch;
    }

    /// <summary>Notes in the checkpoint, and then in the audit log, that a plan has become a batch.</summary>
    internal async Task NoteAsync(LlmSession session, BatchPlan plan, ChatBatch batch)
    {
        await journal.NoteBatchAsync(plan, batch).ConfigureAwait(false);
        BatchAudit.Of(session)?.Submitted(plan, log);
    }

    /// <summary>Gives up the plans that never became a batch and that no file of this run continues.</summary>
    internal async Task DropRestAsync(IReadOnlyList<BatchPlan> plans)
    {
        foreach (var plan in plans.Where(plan => plan.IsUnresolved)) await journal.NoteDroppedAsync(plan).ConfigureAwait(false);
    }

    private async Task UploadAsync(BatchService service, BatchPlan plan, BatchFile file, Action<long>? progress,
        CancellationToken cancellationToken) =>
        await journal.NoteFileAsync(plan, await service.UploadAsync(plan.FileName, file.Content, progress, cancellationToken)
            .ConfigureAwait(false)).ConfigureAwait(false);

    private static async Task<string?> FindFileAsync(BatchService service, BatchPlan plan, CancellationToken cancellationToken) =>
        (await service.ListFilesAsync(cancellationToken).ConfigureAwait(false))
            .Find(file => file.Name == plan.FileName && (file.Bytes is null || file.Bytes == plan.Bytes))?.Id;
}
