using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Pacing;
using LlmPs.Text;
using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>
/// The sessions of a run that has several. A row moves to the next member where one fails. A member that failed is set aside and tested by
/// one row at a time, after pauses that double. A member whose account failed is out for the run.
/// </summary>
/// <param name="spreads">Whether a row goes to the member that is free soonest; otherwise to the first that serves.</param>
/// <param name="clock">The time; null for the machine's.</param>
internal sealed class SessionPool(bool spreads, PacingClock? clock = null)
{
    // The longest wait in seconds for a member where another is free.
    private const double Patience = 2;

    private readonly object _lock = new();
    private readonly PacingClock _clock = clock ?? PacingClock.System;
    private readonly List<PoolMember> _members = [];
    private TaskCompletionSource<bool> _changed = NewSignal();

    internal IReadOnlyList<PoolMember> Members
    {
        get
        {
            lock (_lock) return _members.ToArray();
        }
    }

    /// <summary>Whether no member takes a further row.</summary>
    internal bool IsAllOut
    {
        get
        {
            lock (_lock) return _members.Count > 0 && _members.TrueForAll(member => member.Cause is not null);
        }
    }

    /// <summary>Returns the member for a session and chip; adds it where there is none.</summary>
    internal PoolMember Member(LlmSession session, string? chip = null)
    {
        lock (_lock)
        {
            if (_members.Find(member => member.Session == session && member.Chip == chip) is { } known) return known;
            var added = new PoolMember(session, chip);
            _members.Add(added);
            return added;
        }
    }

    /// <summary>Makes the rows that wait for a member check whether the run is over.</summary>
    internal void Wake()
    {
        lock (_lock) Signal();
    }

    /// <summary>Sends a row to one member after the other until one answers.</summary>
    /// <returns>The ticket that was answered, and the answer; no answer where the run was over before the row was sent.</returns>
    /// <exception cref="LlmApiException">No member answered; the error of the last one.</exception>
    internal async Task<(RowTicket By, object? Answer)> SendAsync(
        RowTicket row, Func<RowTicket, Task<object>> send, Func<bool> isOver, RequestLog log, CancellationToken cancellationToken)
    {
        var left = row.All.ToList();
        RowTicket? before = null;
        LlmApiException? last = null;
        while (true)
        {
            var turn = await TakeAsync(left, isOver, cancellationToken).ConfigureAwait(false);
            if (turn is null)
            {
                if (last is null && isOver()) return (row, null);
                throw Final(last, row);
            }

            var (ticket, member) = (turn.Ticket, turn.Member);
            if (before is not null)
                log.Write(RequestLogLevel.Verbose,
                    FormattableString.Invariant($"Row {row.Index}: {before.Member!.Name} failed ({last!.Kind}); sent to {member.Name}."));
            left.Remove(ticket);
            ticket.Follow(before, error => GivesUp(turn, error, left));
            try
            {
                var answer = await send(ticket).ConfigureAwait(false);
                Serve(member);
                return (ticket, answer);
            }
            catch (LlmApiException e)
            {
                Note(turn, e, hasOther: left.Count > 0, log, cancellationToken);
                if (ticket.HasBegun || !Moves(ticket, e, cancellationToken)) throw Final(e, row);
                (before, last) = (ticket, e);
            }
            finally
            {
                // The answer keeps its context, which must not keep the run in memory.
                ticket.Follow(null, null);
                Release(turn);
            }
        }
    }

    /// <summary>Returns the row's turn with the member that takes it now; null where none does.</summary>
    /// <param name="left">The row's tickets for the members that it was not sent to.</param>
    /// <param name="wait">The seconds until a member may take it.</param>
    internal PoolTurn? TryTake(IReadOnlyList<RowTicket> left, out double wait)
    {
        lock (_lock)
        {
            wait = double.PositiveInfinity;
            var serving = left.Where(ticket => ticket.Member!.Cause is null && ticket.Member.Serves(ticket.Model)).ToList();
            // A model that no member has is requested all the same: an address may be out of order for a while.
            if (serving.Count == 0) serving = left.Where(ticket => ticket.Member!.Cause is null).ToList();
            var now = _clock.Now;
            RowTicket? best = null;
            var least = double.PositiveInfinity;
            foreach (var ticket in serving)
            {
                var member = ticket.Member!;
                if (member.IsAside)
                {
                    if (member.IsProbed) continue;
                    wait = Math.Min(wait, Math.Max(0, member.AsideUntil - now));
                    if (member.AsideUntil > now) continue;
                    member.IsProbed = true;
                    return new PoolTurn(ticket, isProbe: true);
                }

                var cost = CostOf(ticket, serving.Count);
                if (cost >= least) continue;
                (best, least) = (ticket, cost);
                if (cost <= 0 && !spreads) break;
            }

            return best is null ? null : new PoolTurn(best, isProbe: false);
        }
    }

    private async Task<PoolTurn?> TakeAsync(List<RowTicket> left, Func<bool> isOver, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock) changed = _changed.Task;
            if (isOver() && left.TrueForAll(ticket => ticket.Member!.IsAside)) return null;
            if (TryTake(left, out var wait) is { } turn) return turn;
            if (left.TrueForAll(one => one.Member!.Cause is not null)) return null;
            await WaitAsync(wait, changed, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WaitAsync(double seconds, Task changed, CancellationToken cancellationToken)
    {
        var due = NewSignal();
        using var timer = _clock.NewTimer(() => due.TrySetResult(true));
        using var registration = cancellationToken.Register(() => due.TrySetCanceled());
        if (!double.IsPositiveInfinity(seconds)) timer.Set(seconds);
        await (await Task.WhenAny(changed, due.Task).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Returns a cost in seconds; 0 for a member that can serve at once.</summary>
    private double CostOf(RowTicket ticket, int choices)
    {
        if (choices == 1) return 0;
        var outlook = ticket.Outlook();
        // A member that refuses all requests comes last.
        var shut = outlook.IsShut ? 1e6 : 0;
        if (!spreads) return outlook.IsShut ? shut + outlook.Delay : 0;
        // Without a limit the rows in flight decide.
        return shut + outlook.Delay + ticket.Member!.InFlight * 1e-3;
    }

    // Whether a row that failed is not sent to this member again, because another is free.
    private bool GivesUp(PoolTurn turn, LlmApiException error, List<RowTicket> left)
    {
        if (!IsOfMember(error)) return false;
        lock (_lock)
        {
            var (ticket, member) = (turn.Ticket, turn.Member);
            turn.AnsweredAtFailure ??= member.Answered;
            if (!left.Exists(IsFree)) return false;
            if (turn.IsProbe || member.IsAside || member.Cause is not null || ticket.AttemptsHere > 1) return true;
            return error.RetryAfter?.TotalSeconds > Patience
                || (error.Kind == LlmErrorKind.RateLimited && ticket.Outlook().Delay > Patience);
        }

        bool IsFree(RowTicket other) =>
            other.Member is { Cause: null, IsAside: false } member && member.Serves(other.Model) && !other.Outlook().IsShut;
    }

    private void Serve(PoolMember member)
    {
        lock (_lock)
        {
            member.Answered++;
            if (!member.IsAside) return;
            member.Restore();
            Signal();
        }
    }

    private void Note(PoolTurn turn, LlmApiException error, bool hasOther, RequestLog log, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return;
        var (ticket, member) = (turn.Ticket, turn.Member);
        string? warning = null;
        lock (_lock)
        {
            if (error.EndsRun || member.Session.IsClosed)
            {
                // All chips share the account, but one of them may be forbidden.
                foreach (var one in _members)
                    if (one.Cause is null && (one == member || (one.Session == member.Session && error.Kind != LlmErrorKind.Forbidden)))
                    {
                        one.Cause = error;
                        if (_members.Exists(other => other.Cause is null))
                            warning = $"{member.Name} is out for this run ({error.Kind}): its rows go to the others. {error.Message}";
                    }
            }
            else if (error.Kind == LlmErrorKind.NotFound)
            {
                if (member.Refuse(ticket.Model) && hasOther)
                    warning = $"{member.Name} does not serve the model '{PrintableText.Line(ticket.Model, 100)}' (NotFound): its "
                        + $"rows go to the others. {error.Message}";
                if (turn.IsProbe) member.Restore();
            }
            else if (IsOutage(error))
            {
                // A member that answered other rows after the first failure of this one is not down.
                var isDown = turn.Epoch == member.Epoch && !member.IsAside && !(member.Answered > turn.AnsweredAtFailure);
                if (turn.IsProbe || isDown) member.SetAside(_clock.Now, error.RetryAfter);
            }
            // The member is up: it refuses this row only.
            else if (error.StatusCode is not null) member.Restore();
            Signal();
        }

        if (warning is not null) log.Write(RequestLogLevel.Warning, warning);
    }

    internal void Release(PoolTurn turn)
    {
        lock (_lock)
        {
            turn.Member.InFlight--;
            if (!turn.IsProbe) return;
            turn.Member.IsProbed = false;
            Signal();
        }
    }

    // One account that failed does not end the run while others serve.
    private LlmApiException Final(LlmApiException? error, RowTicket row)
    {
        lock (_lock)
        {
            var isAllOut = _members.TrueForAll(member => member.Cause is not null);
            if (error is null) (error = row.Share(_members.Last(member => member.Cause is not null).Cause!)).EndsRun = isAllOut;
            else error.EndsRun &= isAllOut;
            return error;
        }
    }

    private void Signal()
    {
        _changed.TrySetResult(true);
        _changed = NewSignal();
    }

    private static bool Moves(RowTicket ticket, LlmApiException error, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && (IsOfMember(error) || ticket.Member!.Session.IsClosed);

    /// <summary>Whether another member may do better with the same row.</summary>
    private static bool IsOfMember(LlmApiException error) =>
        error.EndsRun || IsOutage(error) || error.Kind is LlmErrorKind.NotFound or LlmErrorKind.RateLimited;

    // A rate limit is not an outage: the session's gate handles it.
    private static bool IsOutage(LlmApiException error) => error.Kind
        is LlmErrorKind.ServiceUnavailable or LlmErrorKind.ServerError or LlmErrorKind.ConnectionFailed
            or LlmErrorKind.Timeout or LlmErrorKind.StreamInterrupted
        || (error.Kind == LlmErrorKind.StreamError && error.IsTransient);

    private static TaskCompletionSource<bool> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
