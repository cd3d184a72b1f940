using System;
using System.Diagnostics;

namespace LlmPs;

/// <summary>What belongs to an answer but is not on the wire: who was asked what, and how long it took.</summary>
internal sealed class AnswerContext
{
    private long _started;

    internal AnswerContext(SessionIdentity session, ChatRequest request)
        : this(session.Provider, request) => Session = session;

    /// <summary>An answer out of a file, which no session of this process has given.</summary>
    internal AnswerContext(string provider, ChatRequest request)
    {
        Provider = provider;
        Request = request;
        RowMessages = request.Messages.Count;
    }

    /// <summary>Which session answers; null for an answer out of a file.</summary>
    internal SessionIdentity? Session { get; }

    internal string Provider { get; }

    internal ChatRequest Request { get; }

    internal object? InputObject { get; set; }

    internal long InputIndex { get; set; }

    /// <summary>How many of the request's messages are the row's own; those behind them came of its further rounds.</summary>
    internal int RowMessages { get; private set; }

    internal int Attempts { get; set; }

    /// <summary>How many of the attempts were made with other sessions.</summary>
    internal int AttemptsBefore { get; private set; }

    /// <summary>Whether a request that failed so is not sent again, because another session takes it; null where there is none.</summary>
    internal Func<LlmApiException, bool>? GivesUp { get; set; }

    internal string? RequestId { get; set; }

    internal TimeSpan? TimeToFirstToken { get; private set; }

    internal TimeSpan Elapsed =>
        _started == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((Stopwatch.GetTimestamp() - _started) / (double)Stopwatch.Frequency);

    /// <summary>The same row with another request, as the rounds of a tool conversation are.</summary>
    internal AnswerContext For(ChatRequest request) =>
        new(Session!, request) { InputObject = InputObject, InputIndex = InputIndex, RowMessages = RowMessages };

    /// <summary>The request goes out, for the first time or again.</summary>
    internal void Send()
    {
        if (Attempts++ == 0) _started = Stopwatch.GetTimestamp();
    }

    /// <summary>The row was asked of another session before, in vain.</summary>
    internal void Follow(AnswerContext before)
    {
        AttemptsBefore = Attempts = before.Attempts;
        _started = before._started;
    }

    /// <summary>How it went in an earlier run, for an answer that was kept.</summary>
    internal void Recall(int attempts, string? requestId, TimeSpan? timeToFirstToken)
    {
        Attempts = attempts;
        RequestId = requestId;
        TimeToFirstToken = timeToFirstToken;
    }

    internal void TokenArrived() => TimeToFirstToken ??= Elapsed;
}
