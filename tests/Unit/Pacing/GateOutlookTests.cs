using System;
using System.Threading.Tasks;
using LlmPs.Pacing;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Pacing;

/// <summary>What a request that comes now may expect of a gate.</summary>
public class GateOutlookTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    private readonly VirtualClock _clock = new();

    [Fact]
    public async Task The_delay_grows_with_those_who_wait_under_a_given_limit()
    {
        using var gate = new RequestGate(600, null, s_long, _clock);
        await gate.NewPass(1, null).EnterAsync(default);
        while (gate.Outlook(gate.NewPass(1, null)).Delay <= 0) await gate.NewPass(1, null).EnterAsync(default);
        var first = gate.Outlook(gate.NewPass(1, null));
        for (var i = 0; i < 10; i++) _ = gate.NewPass(1, null).EnterAsync(default);
        var behind = gate.Outlook(gate.NewPass(1, null));
        Assert.InRange(behind.Delay - first.Delay, 0.9, 1.1);
        Assert.False(behind.IsShut);
    }

    [Fact]
    public async Task Tokens_count_as_well()
    {
        using var gate = new RequestGate(null, 600, s_long, _clock);
        await gate.NewPass(100, 0).EnterAsync(default);
        Assert.InRange(gate.Outlook(gate.NewPass(100, 0)).Delay, 1, 20);
    }

    [Fact]
    public async Task An_account_that_refuses_is_shut_until_its_pause_is_over()
    {
        using var gate = new RequestGate(null, null, s_long, _clock);
        var pass = gate.NewPass(1, null);
        await pass.EnterAsync(default);
        Assert.False(gate.Outlook(gate.NewPass(1, null)).IsShut);
        pass.Failed(new LlmApiException(LlmErrorKind.RateLimited, "no") { RetryAfter = TimeSpan.FromSeconds(5) });
        var shut = gate.Outlook(gate.NewPass(1, null));
        Assert.True(shut.IsShut);
        Assert.InRange(shut.Delay, 4, 6);
        _clock.RunTo(6);
        Assert.False(gate.Outlook(gate.NewPass(1, null)).IsShut);
    }

    [Fact]
    public async Task An_account_that_asks_for_too_long_a_wait_is_shut_as_long()
    {
        using var gate = new RequestGate(null, null, s_long, _clock);
        var pass = gate.NewPass(1, null);
        await pass.EnterAsync(default);
        pass.Failed(new LlmApiException(LlmErrorKind.RateLimited, "no") { RetryAfter = TimeSpan.FromSeconds(3600) });
        _clock.RunTo(3500);
        Assert.True(gate.Outlook(gate.NewPass(1, null)).IsShut);
        _clock.RunTo(3601);
        Assert.False(gate.Outlook(gate.NewPass(1, null)).IsShut);
    }

    [Fact]
    public void Each_chip_learns_a_limit_of_its_own_and_shares_a_given_one()
    {
        using var learning = TestSession.Open("GenStudio", new ScriptedHandler(_ => Reply.Plain()));
        Assert.NotSame(learning.Gate("m", "amd"), learning.Gate("m", "nvidia"));
        using var given = TestSession.Open("GenStudio", new ScriptedHandler(_ => Reply.Plain()), options => options.RequestsPerMinute = 60);
        Assert.Same(given.Gate("m", "amd"), given.Gate("m", "nvidia"));
    }
}
