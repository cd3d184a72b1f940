using System;
using LlmPs.Pacing;
using Xunit;

namespace LlmPs.Unit.Pacing;

/// <summary>Limits that the user gives, in virtual time.</summary>
public class TokenBucketTests
{
    [Theory]
    [InlineData(600)]
    [InlineData(6000)]
    [InlineData(60_000)]
    public void Requests_stay_under_the_limit_and_near_it(int perMinute)
    {
        var bucket = TokenBucket.OfRequests(perMinute);
        var account = new BucketAccount(perMinute / 60.0, perMinute / 60.0);
        var (sent, now) = (0, 0.0);
        while (now < 30)
        {
            var wait = bucket.Wait(1, now);
            if (wait > 0)
            {
                // A timer counts milliseconds, and is late.
                now += Math.Ceiling(wait * 1000) / 1000 + 0.002;
                continue;
            }

            bucket.Take(1);
            Assert.True(account.Takes(now), $"the {sent}th is refused");
            sent++;
        }

        Assert.InRange(sent, perMinute / 2.0 * 0.97, perMinute / 2.0 + perMinute / 60.0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(60)]
    [InlineData(75)]
    public void Slow_requests_keep_further_apart_than_the_limit(int perMinute)
    {
        var bucket = TokenBucket.OfRequests(perMinute);
        var apart = 60.0 / perMinute * 1.01 + 0.05;
        Assert.Equal(0, TryTake(bucket, 1, 0));
        Assert.InRange(TryTake(bucket, 1, 0), apart - 0.01, apart + 0.01);
    }

    [Fact]
    public void More_than_the_bucket_holds_goes_when_it_is_full_and_is_paid_for_after()
    {
        var bucket = TokenBucket.OfTokens(60_000);
        Assert.Equal(0, TryTake(bucket, 1_000_000, 0));
        Assert.True(TryTake(bucket, 1, 0) > 500);
        bucket.Settle(-1_000_000);
        Assert.Equal(0, TryTake(bucket, 10, 0.1));
    }

    [Fact]
    public void Higher_costs_than_expected_delay_later_requests()
    {
        var bucket = TokenBucket.OfTokens(60_000);
        Assert.Equal(0, TryTake(bucket, 10, 0));
        bucket.Settle(100_000);
        for (var now = 0.0; now < 90; now += 10) Assert.True(TryTake(bucket, 1, now) > 5);
        Assert.Equal(0, TryTake(bucket, 1, 110));
    }

    [Fact]
    public void Lower_costs_than_expected_are_given_back_but_not_hoarded()
    {
        var bucket = TokenBucket.OfTokens(60_000);
        bucket.Settle(-1_000_000);
        // A sixth of a minute's worth.
        var taken = 0;
        while (TryTake(bucket, 100, 0) <= 0 && taken < 100_000) taken += 100;
        Assert.InRange(taken, 9_000, 11_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void Any_limit_is_accepted(int perMinute)
    {
        var tokens = TokenBucket.OfTokens(perMinute);
        Assert.Equal(0, TryTake(TokenBucket.OfRequests(perMinute), 1, 0));
        Assert.Equal(0, TryTake(tokens, int.MaxValue, 0));
        Assert.True(TryTake(tokens, int.MaxValue, 0) >= 0);
    }

    private static double TryTake(TokenBucket bucket, double amount, double now)
    {
        var wait = bucket.Wait(amount, now);
        if (wait <= 0) bucket.Take(amount);
        return wait;
    }
}
