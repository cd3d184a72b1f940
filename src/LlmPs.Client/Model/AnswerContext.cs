using System;
using System.Diagnostics;

namespace LlmPs;

/// <summary>The data of an answer that are not on the wire: session, request, row, attempts and times.</summary>
internal sealed class AnswerContext
{
    private long _started;

    internal AnswerContext(SessionIdentity session, ChatRequest request)
        : this(session.Provider, request) => Session = session;

    /// <summary>Creates the context of an answer from a file, which no session of this process has received.</summary>
    internal AnswerContext(string provider, ChatRequest request)
    {
        Provider = provider;
        Request = request;
        RowMessages = request.Messages.Count;
    }

    /// <summary>The session that answers; null for an answer from a file.</summary>
    internal SessionIdentity? Session { get; }

    internal string Provider { get; }

    internal ChatRequest Request { get; }

    internal object? InputObject { get; set; }

    internal long InputIndex { get; set; }

    /// <summary>The number of the row's own messages in the request; later messages are from further rounds.</summary>
    internal int RowMessages { get; private set; }

    internal int Attempts { get; set; }

    /// <summary>The number of attempts with other sessions.</summary>
    internal int AttemptsBefore { get; private set; }

    /// <summary>
    /// Decides whether a request with this error is not sent again, because another session takes it; null if there is none.
    /// </summary>
    internal Func<LlmApiException, bool>? GivesUp { get; set; }

    internal string? RequestId { get; set; }

    internal TimeSpan? TimeToFirstToken { get; private set; }

    internal TimeSpan Elapsed =>
        _started == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((Stopwatch.GetTimestamp() - _started) / (double)Stopwatch.Frequency);

    /// <summary>Returns the context of the same row with another request, such as the next round of a tool conversation.</summary>
    internal AnswerContext For(ChatRequest request) =>
        new(Session!, request) { InputObject = InputObject, InputIndex = InputIndex, RowMessages = RowMessages };

    /// <summary>Counts an attempt; the first one starts the clock.</summary>
    internal void Send()
    {
        if (Attempts++ == 0) _started = Stopwatch.GetTimestamp();
    }

    /// <summary>Continues after another session, whose attempts failed.</summary>
    internal void Follow(AnswerContext before)
    {
        AttemptsBefore = Attempts = before.Attempts;
        _started = before._started;
    }

    /// <summary>Restores the values of an answer from an earlier run.</summary>
    internal void Recall(int attempts, string? requestId, TimeSpan? timeToFirstToken)
    {
        Attempts = attempts;
        RequestId = requestId;
        TimeToFirstToken = timeToFirstToken;
    }

    internal void TokenArrived() => TimeToFirstToken ??= Elapsed;
}
