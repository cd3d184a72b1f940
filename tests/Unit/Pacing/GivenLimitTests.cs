using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;
using Xunit;

namespace LlmPs.Unit.Pacing;

/// <summary>Limits that the user gives, over the real clock: what takes longer on a busy machine breaks no test.</summary>
public class GivenLimitTests
{
    [Theory]
    [InlineData(6000)]
    [InlineData(60_000)]
    public async Task Requests_stay_under_the_limit_and_near_it(int perMinute)
    {
        using var limit = GivenLimit.OfRequests(perMinute);
        var account = new BucketAccount(perMinute / 60.0, perMinute / 60.0);
        var clock = Stopwatch.StartNew();
        var sent = 0;
        while (clock.ElapsedMilliseconds < 500)
        {
            var wait = limit.TryTake(1);
            if (wait > TimeSpan.Zero)
            {
                Assert.True(wait < TimeSpan.FromMinutes(2.1 / perMinute) + TimeSpan.FromMilliseconds(1));
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)));
                continue;
            }

            Assert.True(account.Takes(clock.Elapsed.TotalSeconds), $"the {sent}th is refused");
            sent++;
        }

        Assert.True(sent <= perMinute / 60.0 * (clock.Elapsed.TotalSeconds + 0.11) + 1, $"{sent} sent");
        Assert.True(sent > 10);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(60)]
    [InlineData(75)]
    public void Slow_requests_keep_further_apart_than_the_limit(int perMinute)
    {
        using var limit = GivenLimit.OfRequests(perMinute);
        var apart = 60.0 / perMinute * 1.01 + 0.05;
        var clock = Stopwatch.StartNew();
        Assert.Equal(TimeSpan.Zero, limit.TryTake(1));
        Assert.InRange(limit.TryTake(1).TotalSeconds, apart - clock.Elapsed.TotalSeconds, apart + 0.001);
    }

    [Fact]
    public void More_than_the_bucket_holds_goes_when_it_is_full_and_is_paid_for_after()
    {
        using var limit = GivenLimit.OfTokens(60_000);
        Assert.Equal(TimeSpan.Zero, limit.TryTake(1_000_000));
        Assert.True(limit.TryTake(1) > TimeSpan.FromMilliseconds(500));
        limit.Settle(-1_000_000);
        Thread.Sleep(100);
        Assert.Equal(TimeSpan.Zero, limit.TryTake(10));
    }

    [Fact]
    public void What_turns_out_dearer_is_on_the_account_of_later_requests()
    {
        using var limit = GivenLimit.OfTokens(60_000);
        Assert.Equal(TimeSpan.Zero, limit.TryTake(10));
        limit.Settle(100_000);
        for (var i = 0; i < 5; i++)
        {
            Assert.True(limit.TryTake(1) > TimeSpan.FromMilliseconds(100));
            Thread.Sleep(20);
        }
    }

    [Fact]
    public void What_turns_out_cheaper_is_given_back_but_not_hoarded()
    {
        using var limit = GivenLimit.OfTokens(60_000);
        limit.Settle(-1_000_000);
        // A sixth of a minute's worth, and what the bucket holds.
        var taken = 0;
        while (limit.TryTake(100) == TimeSpan.Zero && taken < 100_000) taken += 100;
        Assert.InRange(taken, 10_000, 20_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void Any_limit_will_do(int perMinute)
    {
        using var requests = GivenLimit.OfRequests(perMinute);
        using var tokens = GivenLimit.OfTokens(perMinute);
        Assert.Equal(TimeSpan.Zero, requests.TryTake(1));
        Assert.Equal(TimeSpan.Zero, tokens.TryTake(int.MaxValue));
        Assert.True(tokens.TryTake(int.MaxValue) >= TimeSpan.Zero);
    }
}
