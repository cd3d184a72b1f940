using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Pacing;
using LlmPs.Unit.Client;
using LlmPs.Unit.Pacing;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>Rows that are spread over sessions with limits, in virtual time.</summary>
public class SessionPoolSpreadTests
{
    private const double Latency = 1;

    [Theory]
    [InlineData(300, 300)]
    [InlineData(300, 60)]
    [InlineData(600, 30)]
    public void The_throughput_of_two_accounts_adds_up(int first, int second)
    {
        var answered = Simulate(spreads: true, minutes: 10, width: 64, first, second);
        Assert.InRange(answered.Sum(), 0.95 * 10 * (first + second), 1.01 * 10 * (first + second));
        Assert.InRange(answered[1], 0.9 * 10 * second, 1.01 * 10 * second);
    }

    [Fact]
    public void Without_spread_the_second_account_is_kept_for_failures()
    {
        var answered = Simulate(spreads: false, minutes: 1, width: 64, 300, 300);
        Assert.Equal(0, answered[1]);
    }

    [Fact]
    public void Without_limits_the_rows_are_shared_evenly()
    {
        var answered = Simulate(spreads: true, minutes: 1, width: 10, null, null);
        Assert.InRange(answered[0], answered[1] - 10, answered[1] + 10);
        Assert.InRange(answered.Sum(), 590, 610);
    }

    /// <summary>So many callers, each of which sends one row after the other; answers for each session.</summary>
    private static int[] Simulate(bool spreads, int minutes, int width, params int?[] limits)
    {
        var clock = new VirtualClock();
        var pool = new SessionPool(spreads, clock);
        var sessions = limits.Select((limit, i) => new LlmSession(
            new LlmSessionOptions { Provider = "OpenAICompatible", Name = "abc"[i].ToString(), BaseUri = new Uri("http://localhost/v1"),
                RequestsPerMinute = limit },
            new ScriptedHandler(_ => Reply.Plain()),
            clock)).ToList();
        var answered = new int[limits.Length];
        var waiting = new List<(PoolTurn Turn, GatePass Pass)>();
        for (var i = 0; i < width; i++) NextRow();
        SendAll();
        clock.RunTo(minutes * 60, SendAll);
        foreach (var session in sessions) session.Dispose();
        return answered;

        void NextRow()
        {
            var tickets =
                sessions.Select(session =>
                    new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request())) { Member = pool.Member(session) })
                        .ToList<RowTicket>();
            var turn = pool.TryTake(tickets, out _)!;
            var pass = turn.Member.Session.Gate("m").NewPass(1, null);
            // Its place in the line is taken at once; the task ends on another thread.
            _ = pass.EnterAsync(default).ContinueWith(task => _ = task.Exception, TaskScheduler.Default);
            waiting.Add((turn, pass));
        }

        void SendAll()
        {
            foreach (var row in waiting.Where(row => row.Pass.IsIn).ToList())
            {
                waiting.Remove(row);
                clock.At(clock.Now + Latency, () =>
                {
                    row.Pass.Accepted();
                    row.Pass.Succeeded(null);
                    answered[row.Turn.Member.Name[0] - 'a']++;
                    pool.Release(row.Turn);
                    NextRow();
                });
            }
        }
    }
}
