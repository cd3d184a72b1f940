using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Pacing;
using Xunit;

namespace LlmPs.Unit.Pacing;

/// <summary>The line before the gate. What is asserted of times is one-sided: a busy machine only makes them longer.</summary>
public class RequestGateTests
{
    private static readonly ChatRequest s_request = new() { Model = "m", Messages = [new ChatMessage("user", "Hi")] };
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    [Fact]
    public void Without_limits_and_refusals_nobody_waits()
    {
        using var gate = Open();
        for (var i = 0; i < 10_000; i++)
        {
            var pass = gate.NewPass(s_request);
            Assert.True(pass.EnterAsync(default).IsCompletedSuccessfully);
            pass.Accepted();
            pass.Succeeded(null);
        }

        Assert.Equal((0, null, null), (gate.State().Waiting, gate.State().PausedFor, gate.State().RatePerMinute));
    }

    [Fact]
    public async Task A_refusal_pauses_the_gate_as_long_as_asked_and_no_other_gate()
    {
        using var gate = Open();
        using var other = Open();
        var clock = Stopwatch.StartNew();
        await RefuseAsync(gate, TimeSpan.FromMilliseconds(300));
        var waiting = Enter(gate);
        Assert.False(waiting.IsCompleted);
        Assert.True(Enter(other).IsCompletedSuccessfully);
        Assert.Equal(1, gate.State().Waiting);
        Assert.NotNull(gate.State().PausedFor);
        Assert.InRange(gate.State().Wait!.Value.TotalMilliseconds, 1, 300);
        Assert.Null(other.State().Wait);
        await waiting;
        Assert.Null(gate.State().Wait);
        Assert.True(clock.ElapsedMilliseconds >= 295, $"{clock.ElapsedMilliseconds} ms");
        Assert.Equal(0, gate.State().Waiting);
        Assert.NotNull(gate.State().RatePerMinute);
    }

    [Fact]
    public async Task A_request_that_is_sent_again_goes_before_those_that_came_later()
    {
        using var gate = Open();
        var first = gate.NewPass(s_request);
        await first.EnterAsync(default);
        first.Failed(Refusal(TimeSpan.FromMilliseconds(100)));
        var order = new List<int>();
        var later = Enumerable.Range(1, 3).Select(n => GoAsync(gate.NewPass(s_request), n, order)).ToArray();
        var again = GoAsync(first, 0, order);
        await Task.WhenAll([again, .. later]).WaitAsync(s_long);
        // The probe is whoever was refused least; after it the one that came first.
        Assert.Equal([1, 0, 2, 3], order);
    }

    [Fact]
    public async Task A_canceled_request_leaves_nothing_behind()
    {
        using var gate = Open();
        await RefuseAsync(gate, TimeSpan.FromSeconds(30));
        using var cancel = new CancellationTokenSource();
        var passes = Enumerable.Range(0, 50).Select(_ => gate.NewPass(s_request).EnterAsync(cancel.Token)).ToArray();
        Assert.Equal(50, gate.State().Waiting);
        await cancel.CancelAsync();
        foreach (var pass in passes) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pass.WaitAsync(s_long));
        Assert.Equal(0, gate.State().Waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.NewPass(s_request).EnterAsync(cancel.Token));
    }

    [Fact]
    public async Task A_request_given_up_makes_way_for_the_next()
    {
        using var gate = Open();
        await RefuseAsync(gate, TimeSpan.FromMilliseconds(1));
        var probe = gate.NewPass(s_request);
        await probe.EnterAsync(default).WaitAsync(s_long);
        var next = Enter(gate);
        probe.Leave();
        probe.Leave();
        await next.WaitAsync(s_long);
    }

    [Fact]
    public async Task A_closed_gate_lets_nobody_wait_or_in()
    {
        var gate = Open();
        await RefuseAsync(gate, TimeSpan.FromSeconds(30));
        var waiting = Enter(gate);
        gate.Dispose();
        gate.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(s_long));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Enter(gate));
    }

    [Fact]
    public async Task A_wait_over_the_longest_fails_all_at_once_unsent()
    {
        using var gate = new RequestGate(null, null, TimeSpan.FromSeconds(5));
        var late = gate.NewPass(s_request);
        await late.EnterAsync(default);
        await RefuseAsync(gate, TimeSpan.FromSeconds(2));
        var waiting = Enter(gate);
        late.Failed(Refusal(TimeSpan.FromHours(1)));
        foreach (var task in new[] { waiting, Enter(gate) })
        {
            var error = await Assert.ThrowsAsync<LlmApiException>(() => task.WaitAsync(s_long));
            Assert.Equal(LlmErrorKind.RateLimited, error.Kind);
            Assert.InRange(error.RetryAfter!.Value.TotalMinutes, 59, 60);
            Assert.False(error.IsTransient);
            Assert.Contains("-MaxRetryDelaySec 5", error.Message);
        }
    }

    [Fact]
    public async Task Refusals_of_a_used_up_account_are_forgiven_those_of_a_single_request_are_not()
    {
        using var unproven = new RequestGate(null, null, TimeSpan.FromMilliseconds(1));
        var alone = unproven.NewPass(s_request);
        await RefuseAgainAsync(alone, 3);
        Assert.Equal(0, alone.Forgiven);
        using var gate = new RequestGate(null, null, TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 30; i++)
        {
            var pass = gate.NewPass(s_request);
            await pass.EnterAsync(default);
            pass.Accepted();
            pass.Succeeded(null);
        }

        var shut = gate.NewPass(s_request);
        await RefuseAgainAsync(shut, 6);
        Assert.Equal(5, shut.Forgiven);
        var pariah = gate.NewPass(s_request);
        await RefuseAgainAsync(pariah, 3, () => gate.NewPass(s_request));
        Assert.Equal(0, pariah.Forgiven);
    }

    [Fact]
    public async Task Given_requests_a_minute_are_kept_and_none_is_refused()
    {
        using var gate = new RequestGate(6000, null, s_long);
        var account = new BucketAccount(100, 100);
        var clock = Stopwatch.StartNew();
        var (sent, refused) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (clock.ElapsedMilliseconds < 700)
            {
                var pass = gate.NewPass(s_request);
                await pass.EnterAsync(default);
                lock (account)
                {
                    sent++;
                    if (!account.Takes(clock.Elapsed.TotalSeconds)) refused++;
                }

                pass.Accepted();
                pass.Succeeded(null);
            }
        })));
        Assert.Equal(0, refused);
        Assert.True(sent <= 100 * clock.Elapsed.TotalSeconds + 12, $"{sent} sent");
        Assert.Equal(6000, gate.State().RatePerMinute);
    }

    [Fact]
    public async Task Tokens_are_reserved_and_settled()
    {
        using var gate = new RequestGate(null, 60_000, s_long);
        var first = gate.NewPass(new ChatRequest { Model = "m", Messages = s_request.Messages, MaxTokens = 500_000 });
        await first.EnterAsync(default);
        Assert.Equal(500_005, first.Reserved);
        // At a thousand tokens a second this one would wait for minutes, did the first not turn out cheap.
        var second = gate.NewPass(s_request);
        var waiting = second.EnterAsync(default);
        Assert.False(waiting.IsCompleted);
        first.Accepted();
        first.Succeeded(new TokenUsage { PromptTokens = 5, CompletionTokens = 5, TotalTokens = 10 });
        await waiting.WaitAsync(s_long);
        for (var i = 0; i < 4; i++)
        {
            var pass = gate.NewPass(s_request);
            await pass.EnterAsync(default).WaitAsync(s_long);
            pass.Succeeded(new TokenUsage { PromptTokens = 5, CompletionTokens = 20 });
        }

        // From here on what answers cost before, not what they may.
        var known = gate.NewPass(new ChatRequest { Model = "m", Messages = s_request.Messages, MaxTokens = 900, N = 2 });
        await known.EnterAsync(default).WaitAsync(s_long);
        Assert.InRange(known.Reserved, 5 + 2 * 10, 5 + 2 * 20);
    }

    [Fact]
    public async Task Many_at_once_all_get_through()
    {
        using var gate = Open();
        var random = new Random(1);
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, 24).Select(n => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                using var cancel = new CancellationTokenSource();
                if (n % 8 == 0) cancel.CancelAfter(i % 3);
                var pass = gate.NewPass(s_request);
                try
                {
                    await pass.EnterAsync(cancel.Token);
                    if (n == 1 && i % 10 == 0) pass.Failed(Refusal(TimeSpan.FromMilliseconds(1)));
                    else if (n % 4 == 0) pass.Leave();
                    else pass.Accepted();
                    pass.Succeeded(null);
                }
                catch (OperationCanceledException)
                {
                }

                Interlocked.Increment(ref done);
                if (i > 2 && gate.State().RatePerMinute is not null) break;
            }
        }))).WaitAsync(s_long);
        Assert.True(done >= 24);
        Assert.Equal(0, gate.State().Waiting);
    }

    private static RequestGate Open() => new(null, null, s_long);

    private static Task Enter(RequestGate gate) => gate.NewPass(s_request).EnterAsync(default);

    private static LlmApiException Refusal(TimeSpan? after) => new(LlmErrorKind.RateLimited, "slow down") { RetryAfter = after };

    private static async Task RefuseAsync(RequestGate gate, TimeSpan after)
    {
        var pass = gate.NewPass(s_request);
        await pass.EnterAsync(default);
        pass.Failed(Refusal(after));
    }

    private static async Task RefuseAgainAsync(GatePass pass, int times, Func<GatePass>? between = null)
    {
        for (var i = 0; i < times; i++)
        {
            if (between is not null)
            {
                var other = between();
                await other.EnterAsync(default).WaitAsync(s_long);
                other.Accepted();
                other.Succeeded(null);
            }

            await pass.EnterAsync(default).WaitAsync(s_long);
            pass.Failed(Refusal(null));
        }
    }

    private static async Task GoAsync(GatePass pass, int number, List<int> order)
    {
        await pass.EnterAsync(default);
        lock (order) order.Add(number);
        pass.Accepted();
        pass.Succeeded(null);
    }
}
