using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Unit.Client;
using LlmPs.Unit.Pacing;

namespace LlmPs.Unit.Bulk;

/// <summary>A run over a pool of scripted sessions, named a, b, c.</summary>
internal sealed class PoolRun : IDisposable
{
    private readonly List<LlmSession> _sessions = [];
    private readonly BulkRunOptions _options;
    private BulkRun? _run;
    private long _rows;

    internal PoolRun(params Func<int, HttpResponseMessage>[] replies)
    {
        Pool = new SessionPool(spreads: false, Clock);
        _options = new BulkRunOptions { Pool = Pool, ThrottleLimit = 1 };
        foreach (var reply in replies) Open(new ScriptedHandler(reply));
    }

    internal VirtualClock Clock { get; } = new();

    internal SessionPool Pool { get; }

    internal List<ScriptedHandler> Handlers { get; } = [];

    internal BulkRun Run => _run ??= new BulkRun(_options);

    internal string[] Sent => [.. Handlers.Select((handler, i) => $"{"abc"[i]} {handler.Sent.Count}")];

    internal PoolRun With(Action<BulkRunOptions> set)
    {
        set(_options);
        return this;
    }

    internal LlmSession Open(ScriptedHandler handler, Action<LlmSessionOptions>? with = null)
    {
        var name = "abc"[_sessions.Count].ToString();
        var options = new LlmSessionOptions
        {
            Provider = "OpenAICompatible",
            Name = name,
            BaseUri = new Uri($"http://{name}.test/v1"),
            MaxRetryCount = 3,
            MaxRetryDelay = TimeSpan.FromMilliseconds(1),
        };
        with?.Invoke(options);
        var session = new LlmSession(options, handler);
        Handlers.Add(handler);
        _sessions.Add(session);
        return session;
    }

    internal ChatTicket Row(string prompt = "Hi", Action<ChatRequest>? with = null)
    {
        var tickets = _sessions.Select(session => new ChatTicket(
            session, new AnswerContext(session.Identity, Rows.Request(prompt, with)) { InputIndex = _rows, InputObject = prompt }) {
                Member = Pool.Member(session) }).ToList();
        _rows++;
        tickets[0].Others = tickets.Skip(1).ToList();
        return tickets[0];
    }

    /// <summary>Adds a row and returns what came of it, messages included.</summary>
    internal List<object> Ask(string prompt = "Hi", Action<ChatRequest>? with = null, Action<RowReview>? review = null)
    {
        Run.Add(Row(prompt, with));
        return TakeAll(review);
    }

    internal List<object> TakeAll(Action<RowReview>? review = null)
    {
        var taken = new List<object>();
        while (Run.TryTake(TimeSpan.FromSeconds(10), out var output) == Taken.Item)
        {
            if (output.Value is RowReview waiting) review!(waiting);
            else taken.Add(output.Value);
        }

        return taken;
    }

    public void Dispose()
    {
        _run?.Dispose();
        foreach (var session in _sessions) session.Dispose();
    }
}
