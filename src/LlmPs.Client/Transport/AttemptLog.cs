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
        _attempt = NewEntry(connection, log, operation, uri, context.Request);
        _attempt.Row = row;
        _attempt.Attempt = context.Attempts;
        _attempt.PromptHash = _promptHash;
        if (log.HasContent && body is not null) _attempt.Request = ContentCopy.Of(body, connection.Redactor.Clean);
    }

    /// <summary>Returns an entry that names the session, the server, and what is asked for.</summary>
    internal static AuditEntry NewEntry(ProviderConnection connection, AuditLog log, string operation, Uri uri, ChatRequest request)
    {
        Func<string, string> clean = connection.Redactor.Clean;
        return new AuditEntry(clean)
        {
            Session = clean(connection.Identity.Name),
            Provider = connection.Identity.Provider,
            Server = connection.IsSimulated ? "simulator" : clean(uri.Authority),
            Operation = operation,
            Model = request.Model is { } model ? clean(model) : null,
            Chip = request.Chip is { } chip ? clean(chip) : null,
            HasContent = log.HasContent,
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
        SetAnswer(entry, answer, connection, log);
        // The id may be in the body only.
        if (entry.Status is not null) entry.RequestId ??= error?.RequestId;
        return log.Add(entry.ToLine());
    }

    /// <summary>Adds what has come of an answer to an entry: its usage and cost, and its texts with <c>-LogContent</c>.</summary>
    internal static void SetAnswer(AuditEntry entry, ChatCompletion? answer, ProviderConnection connection, AuditLog log)
    {
        if (answer is null) return;
        (entry.Answer, entry.Cost) = (answer, answer.Cost);
        if (log.HasContent) entry.Response = ContentCopy.Of(CompletionWriter.Write(answer, out _), connection.Redactor.Clean);
    }
}
