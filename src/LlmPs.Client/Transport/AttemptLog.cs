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

    internal bool IsOpen => _attempt is not null;

    /// <summary>Writes the lines that are owed, before anything is sent.</summary>
    /// <exception cref="LlmApiException">An earlier attempt still cannot be logged.</exception>
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

    /// <summary>Begins the entry of an attempt. The hash is over a body that is the same for each attempt.</summary>
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

    /// <summary>Notes the response of the server.</summary>
    internal void Answered(int status, string? requestId)
    {
        if (_attempt is null) return;
        _attempt.Status = status;
        _attempt.RequestId = requestId;
    }

    /// <summary>Writes the line of the open attempt. Returns the error of writing; the next request fails, so this one need not.</summary>
    /// <returns>The error of writing; null for success. The next request fails, so the answer need not.</returns>
    internal AuditException? End(LlmApiException? error, ChatCompletion? answer)
    {
        if (_attempt is not { } entry) return null;
        _attempt = null;
        entry.DurationMs = (Stopwatch.GetTimestamp() - _sent) * 1000.0 / Stopwatch.Frequency;
        entry.Error = error;
        entry.Answer = answer;
        // The id may be in the body only.
        if (entry.Status is not null) entry.RequestId ??= error?.RequestId;
        if (answer is not null)
        {
            entry.Cost = answer.Cost;
            if (log.HasContent) entry.Response = ContentCopy.Of(CompletionWriter.Write(answer, out _), connection.Redactor.Clean);
        }

        return log.Add(entry.ToLine());
    }
}
