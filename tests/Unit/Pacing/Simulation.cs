using System;
using System.Collections.Generic;
using LlmPs.Bulk;
using LlmPs.Pacing;

namespace LlmPs.Unit.Pacing;

/// <summary>
/// Runs that learn the rate of one account, in virtual time: each with its own <see cref="AdaptiveRate"/> and so many callers that send one
/// request after the other. Requests take up to 2 ms to arrive, timers fire up to 2 ms late, and one in a hundred 10 ms.
/// </summary>
internal sealed class Simulation
{
    private readonly SimulatedAccount _account;
    private readonly PriorityQueue<Action, (double At, int Order)> _events = new();
    private readonly Random _random;
    private readonly List<Run> _runs = [];
    private int _order;

    internal Simulation(SimulatedAccount account, int seed = 1)
    {
        _account = account;
        _random = new Random(seed);
    }

    /// <summary>The latency of an answer, in seconds.</summary>
    internal (double Least, double Most) Latency { get; set; } = (0.05, 0.05);

    /// <summary>The latency of a refusal; null: as an answer.</summary>
    internal double? RefusalLatency { get; set; }

    /// <summary>Whether refusals say how long to wait.</summary>
    internal bool SaysRetryAfter { get; set; }

    /// <summary>Refuses whatever the account says.</summary>
    internal Func<double, bool> AlsoRefuses { get; set; } = _ => false;

    /// <summary>After how long a row that waits for itself only is sent again, in seconds.</summary>
    internal double RetryAlone { get; set; } = 1;

    internal double Now { get; private set; }

    internal Run Add(int callers, double pause = 0)
    {
        var run = new Run(this, new AdaptiveRate(60, new Random(_random.Next())), pause);
        _runs.Add(run);
        for (var i = 0; i < callers; i++) At(0, run.NextRow);
        return run;
    }

    /// <summary>Goes on to a time.</summary>
    internal void RunTo(double end)
    {
        while (_events.TryPeek(out var happens, out var when) && when.At <= end)
        {
            _events.Dequeue();
            Now = when.At;
            happens();
        }

        Now = end;
    }

    private void At(double time, Action happens) => _events.Enqueue(happens, (time, _order++));

    internal sealed class Run(Simulation owner, AdaptiveRate rate, double pause)
    {
        private readonly List<Row> _line = [];
        private double _due = double.PositiveInfinity;
        private int _rows;

        internal AdaptiveRate Rate => rate;

        internal int Answered { get; private set; }

        internal int Refused { get; private set; }

        internal int MostRefusalsOfARow { get; private set; }

        internal double RefusedShare => Refused / (double)Math.Max(1, Refused + Answered);

        internal void NextRow()
        {
            _line.Add(new Row { Ticket = _rows++, Entered = owner.Now });
            Pump();
        }

        private void Pump()
        {
            while (_line.Count > 0)
            {
                var wait = rate.Wait(owner.Now);
                if (wait > 1e-9)
                {
                    Arm(owner.Now + Math.Ceiling(wait * 1000) / 1000);
                    return;
                }

                Send(First());
            }
        }

        private void Arm(double due)
        {
            if (due >= _due) return;
            _due = due;
            var late = owner._random.NextDouble() * 0.002 + (owner._random.Next(100) == 0 ? 0.01 : 0);
            owner.At(due + late, () =>
            {
                if (!due.Equals(_due)) return;
                _due = double.PositiveInfinity;
                Pump();
            });
        }

        private Row First()
        {
            var first = _line[0];
            foreach (var row in _line)
            {
                var isSooner = rate.IsProbing && row.Refusals != first.Refusals ? row.Refusals < first.Refusals : row.Ticket < first.Ticket;
                if (isSooner) first = row;
            }

            _line.Remove(first);
            return first;
        }

        private void Send(Row row)
        {
            (row.Epoch, row.SentAt) = (rate.Epoch, owner.Now);
            rate.Sent(owner.Now, owner.Now > row.Entered + 1e-9);
            owner.At(owner.Now + owner._random.NextDouble() * 0.002, () => Arrive(row));
        }

        private void Arrive(Row row)
        {
            var (least, most) = owner.Latency;
            var latency = least + owner._random.NextDouble() * (most - least);
            if (!owner.AlsoRefuses(owner.Now) && owner._account.Takes(owner.Now))
            {
                owner.At(owner.Now + latency, () => Answer(row));
                return;
            }

            double? after = owner.SaysRetryAfter ? Math.Max(1, Math.Ceiling(owner._account.Left(owner.Now))) : null;
            owner.At(owner.Now + (owner.RefusalLatency ?? latency), () => Refuse(row, after));
        }

        private void Answer(Row row)
        {
            Answered++;
            rate.Accepted(row.Epoch);
            if (pause > 0) owner.At(owner.Now + pause, NextRow);
            else NextRow();
            Pump();
        }

        private void Refuse(Row row, double? after)
        {
            Refused++;
            MostRefusalsOfARow = Math.Max(MostRefusalsOfARow, ++row.Refusals);
            if (rate.Refused(row.Epoch, row.SentAt, owner.Now, after)) Again(row);
            else owner.At(owner.Now + owner.RetryAlone, () => Again(row));
        }

        private void Again(Row row)
        {
            row.Entered = owner.Now;
            _line.Add(row);
            Pump();
        }
    }

    private sealed class Row
    {
        internal int Ticket { get; init; }

        internal int Refusals { get; set; }

        internal double Entered { get; set; }

        internal int Epoch { get; set; }

        internal double SentAt { get; set; }
    }
}
