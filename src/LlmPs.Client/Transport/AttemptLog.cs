using System;
using System.Diagnostics;
using LlmPs.Audit;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>The attempts of one request in the audit log of its session.</summary>
internal sealed class AttemptLog(ProviderConnection connection, AuditLog log)
{
    private AuditEntry? _attempt;
    private long _sent;
    private string? _promptHash;

    /// <summary>Whether an attempt is under way.</summary>
    internal bool IsOpen => _attempt is not null;

    /// <summary>Must be passed before anything is sent.</summary>
    /// <exception cref="LlmApiException">An earlier attempt could not be logged, and still cannot be.</exception>
    internal void RefuseUnlogged()
    {
        try
        {
            log.Settle();
        }
        catch (AuditException e)
        {
            throw new LlmApiException(LlmErrorKind.Canceled, $"{e.Message} Nothing is sent until it can be written.", e) { EndsRun = true };
        }
    }

    /// <summary>An attempt goes out.</summary>
    /// <param name="context">The request.</param>
    /// <param name="operation">What is asked for.</param>
    /// <param name="uri">The whole address.</param>
    /// <param name="row">The row that the request is of; null where it is of none.</param>
    /// <param name="hashed">The body that is hashed, the same for each attempt.</param>
    /// <param name="body">The body as it is sent.</param>
    internal void Begin(AnswerContext context, string operation, Uri uri, long? row, byte[]? hashed, byte[]? body)
    {
        _sent = Stopwatch.GetTimestamp();
        if (hashed is not null) _promptHash ??= AuditEntry.HashOf(hashed);
        Func<string, string> clean = connection.Redactor.Clean;
        _attempt = new AuditEntry(clean)
        {
            Session = clean(connection.Identity.Name),
            Provider = connection.Identity.Provider,
            Server = connection.IsSimulated ? "simulator" : clean(uri.Authority),
            Operation = operation,
            Model = context.Request.Model is { } model ? clean(model) : null,
            Chip = context.Request.Chip is { } chip ? clean(chip) : null,
            Row = row,
            Attempt = context.Attempts,
            PromptHash = _promptHash,
            HasContent = log.HasContent,
            Request = log.HasContent && body is not null ? ContentCopy.Of(body, clean) : null,
        };
    }

    /// <summary>The server has answered the attempt.</summary>
    internal void Answered(int status, string? requestId)
    {
        if (_attempt is null) return;
        _attempt.Status = status;
        _attempt.RequestId = requestId;
    }

    /// <summary>Writes the line of the attempt under way; nothing where there is none.</summary>
    /// <param name="error">Why it failed; null where it did not.</param>
    /// <param name="answer">What has come of the answer.</param>
    /// <returns>Why the line is not in the file; null where it is. The answer is paid for and may be handed over all the same: the next
    /// request is refused.</returns>
    internal AuditException? End(LlmApiException? error, ChatCompletion? answer)
    {
        if (_attempt is not { } entry) return null;
        _attempt = null;
        entry.DurationMs = (Stopwatch.GetTimestamp() - _sent) * 1000.0 / Stopwatch.Frequency;
        entry.Error = error;
        entry.Answer = answer;
        // In its body the provider may name one that its headers do not.
        if (entry.Status is not null) entry.RequestId ??= error?.RequestId;
        if (answer is not null)
        {
            entry.Cost = answer.Cost;
            if (log.HasContent) entry.Response = ContentCopy.Of(CompletionWriter.Write(answer, out _), connection.Redactor.Clean);
        }

        return log.Add(entry.ToLine());
    }
}
