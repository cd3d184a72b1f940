using System;
using System.Globalization;
using System.Linq;
using LlmPs.Transport;
using Xunit;
using Xunit.Abstractions;

namespace LlmPs.Unit.Pacing;

/// <summary>That the rate of an account is found and kept to, without many refusals. In virtual time.</summary>
public class RateSearchTests(ITestOutputHelper output)
{
    private const double Minutes = 3;

    // Least and most latency of an answer, and the latency of a refusal where it is another, in seconds.
    private static readonly (double Least, double Most, double? Refusal)[] s_latencies =
        [(0.05, 0.05, null), (0.05, 0.3, null), (0.3, 0.3, null), (0.3, 0.3, 0.002), (0.002, 0.003, null), (1, 1.4, 0.002)];

    [Theory]
    [InlineData("bucket", 10)]
    [InlineData("bucket", 1)]
    [InlineData("bucket", 600)]
    [InlineData("window", 60)]
    [InlineData("sliding", 60)]
    public void A_limit_of_600_a_minute_is_used_and_few_are_refused(string kind, int size)
    {
        foreach (var says in new[] { false, true })
        {
            var (worst, refused, row) = (double.MaxValue, 0.0, 0);
            foreach (var callers in new[] { 16, 32 })
            foreach (var (least, most, refusal) in s_latencies)
            foreach (var seed in Enumerable.Range(1, 3))
            {
                var simulation = new Simulation(Account(kind, size), seed) { Latency = (least, most), RefusalLatency = refusal, SaysRetryAfter = says };
                var run = simulation.Add(callers);
                simulation.RunTo(Minutes * 60);
                worst = Math.Min(worst, run.Answered / (600 * Minutes));
                refused = Math.Max(refused, run.RefusedShare);
                row = Math.Max(row, run.MostRefusalsOfARow);
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind} {size}, Retry-After {says}: at least {worst:0.000} of the rate, at most {refused:0.0000} refused, a row at most {row} times"));
            Assert.True(worst >= 0.85, $"{worst} of the rate");
            Assert.True(refused < 0.05, $"{refused} refused");
            Assert.True(row <= 4, $"one row refused {row} times");
        }
    }

    [Theory]
    [InlineData(60)]
    [InlineData(120)]
    [InlineData(6000)]
    public void Other_limits_are_found_too(int perMinute)
    {
        foreach (var says in new[] { false, true })
        {
            var simulation = new Simulation(new BucketAccount(perMinute / 60.0, perMinute / 60.0)) { SaysRetryAfter = says };
            var run = simulation.Add(32);
            simulation.RunTo(Minutes * 60);
            Assert.True(run.Answered >= 0.8 * perMinute * Minutes, $"{run.Answered} answered");
            // Of what was sent at first 32 are refused at most; after that few are.
            Assert.True(run.Refused < 32 + Math.Max(0.05 * run.Answered, 25), $"{run.Refused} refused");
            Assert.True(run.MostRefusalsOfARow <= 4);
        }
    }

    [Fact]
    public void A_raised_limit_is_found()
    {
        var account = new BucketAccount(10, 10);
        var simulation = new Simulation(account);
        var run = simulation.Add(32);
        simulation.RunTo(120);
        account.PerSecond = 40;
        simulation.RunTo(240);
        var before = run.Answered;
        simulation.RunTo(300);
        Assert.True(run.Answered - before >= 0.85 * 40 * 60, $"{run.Answered - before} a minute");
    }

    [Theory]
    [InlineData(25, 0.1)]
    [InlineData(15, 0.12)]
    [InlineData(10, 0.1)]
    public void A_lowered_limit_is_kept_to(int perSecond, double refusedAtMost)
    {
        var account = new BucketAccount(40, 40);
        var simulation = new Simulation(account);
        var run = simulation.Add(32);
        simulation.RunTo(120);
        account.PerSecond = perSecond;
        var (answered, refused) = (run.Answered, run.Refused);
        simulation.RunTo(240);
        Assert.True(run.Answered - answered >= 0.85 * perSecond * 120, $"{run.Answered - answered} answered");
        Assert.True(run.Refused - refused < refusedAtMost * perSecond * 120, $"{run.Refused - refused} refused");
    }

    [Fact]
    public void Four_runs_share_an_account()
    {
        var simulation = new Simulation(new BucketAccount(10, 10)) { Latency = (0.05, 0.3) };
        var runs = Enumerable.Range(0, 4).Select(_ => simulation.Add(8)).ToArray();
        simulation.RunTo(300);
        Assert.True(runs.Sum(run => run.Answered) >= 0.85 * 10 * 300, $"{runs.Sum(run => run.Answered)} answered");
        Assert.True(runs.Sum(run => run.Refused) < 0.08 * 10 * 300, $"{runs.Sum(run => run.Refused)} refused");
        Assert.All(runs, run => Assert.True(run.Answered > 300, $"{run.Answered} answered"));
    }

    [Fact]
    public void A_single_refusal_is_forgotten_and_the_limit_dropped()
    {
        var wasRefused = false;
        var simulation = new Simulation(new BucketAccount(1e6, 1e6)) { AlsoRefuses = now => now > 5 && !wasRefused && (wasRefused = true) };
        var run = simulation.Add(32);
        simulation.RunTo(5);
        var before = run.Answered;
        simulation.RunTo(60);
        Assert.Equal(1, run.Refused);
        Assert.Null(run.Search.Rate);
        // 32 callers of 50 ms are some 600 a second; the search takes a few seconds of them.
        Assert.True(run.Answered - before > 600 * 55 * 0.8, $"{run.Answered - before} answered");
    }

    [Theory]
    [InlineData(0.001)]
    [InlineData(0.005)]
    [InlineData(0.01)]
    [InlineData(0.02)]
    public void A_few_refusals_that_no_slowing_helps_against_are_put_up_with(double share)
    {
        foreach (var says in new[] { false, true })
        foreach (var seed in Enumerable.Range(1, 3))
        {
            var random = new Random(seed);
            var simulation = new Simulation(new BucketAccount(1e6, 1e6), seed) { SaysRetryAfter = says, Latency = (0.3, 0.3), RefusalLatency = 0.02, AlsoRefuses = _ => random.NextDouble() < share };
            var run = simulation.Add(32);
            simulation.RunTo(1800);
            // What 32 callers do in half an hour where nothing is refused is 190,000.
            Assert.True(run.Answered > 140_000, $"{run.Answered} answered");
        }
    }

    [Fact]
    public void Who_wants_no_waits_gets_no_storm()
    {
        var search = new RateSearch(0, new Random(1));
        var (now, sent) = (0.0, 0);
        for (; now < 60; now += 0.01)
        {
            if (search.Wait(now) > 0) continue;
            search.Refused(search.Sent(now, waited: sent++ > 0), now + 0.001, retryAfter: null);
        }

        Assert.InRange(sent, 10, 100);
    }

    [Fact]
    public void What_is_put_up_with_is_no_reason_to_disobey_who_asks_for_a_long_wait()
    {
        var random = new Random(1);
        var simulation = new Simulation(new BucketAccount(1e6, 1e6)) { Latency = (0.3, 0.3), RefusalLatency = 0.02, AlsoRefuses = _ => random.NextDouble() < 0.01 };
        var search = simulation.Add(32).Search;
        simulation.RunTo(900);
        Assert.False(search.Refused(new SendStamp(search.Epoch, simulation.Now), simulation.Now, 5));
        Assert.True(search.Refused(new SendStamp(search.Epoch, simulation.Now), simulation.Now, 20));
        Assert.Equal(20, search.Wait(simulation.Now), 6);
    }

    [Theory]
    [InlineData(0.05, 3)]
    [InlineData(0.1, 1)]
    public void Many_refusals_that_no_slowing_helps_against_do_not_bring_it_to_a_stop(double share, double perSecond)
    {
        var random = new Random(5);
        var simulation = new Simulation(new BucketAccount(1e6, 1e6)) { RefusalLatency = 0.02, AlsoRefuses = _ => random.NextDouble() < share };
        var run = simulation.Add(32);
        simulation.RunTo(1800);
        Assert.True(run.Answered > perSecond * 1800, $"{run.Answered / 1800.0} a second");
    }

    [Fact]
    public void What_is_known_is_kept_while_little_is_sent()
    {
        var search = new RateSearch(60, new Random(1));
        search.SentFreely(0, 20);
        search.Refused(new SendStamp(0, 1), 1, null);
        var now = 2.0;
        for (var i = 0; i < 1000; i++, now += 1)
        {
            Assert.Equal(0, search.Wait(now));
            search.Accepted(search.Sent(now, waited: false));
        }

        Assert.InRange(search.Rate!.Value, 5, 10);
    }

    [Fact]
    public void Requests_sent_before_a_slowing_do_not_slow_again()
    {
        var search = new RateSearch(60, new Random(1));
        search.SentFreely(0, 20);
        var stamp = new SendStamp(search.Epoch, 1);
        search.Refused(stamp, 1.1, null);
        var wait = search.Wait(1.1);
        for (var i = 0; i < 10; i++) search.Refused(stamp, 1.2, null);
        Assert.Equal(1, search.Epoch);
        Assert.Equal(wait - 0.1, search.Wait(1.2), 6);
        Assert.InRange(wait, 0.4, 0.6);
    }

    [Fact]
    public void Pauses_last_as_long_as_the_provider_asks()
    {
        var search = new RateSearch(60, new Random(1));
        search.Refused(new SendStamp(0, 1), 1, 7);
        Assert.Equal(7, search.Wait(1), 6);
        search.Refused(new SendStamp(0, 1), 2, 9);
        Assert.Equal(9, search.Wait(2), 6);
        Assert.Equal(0, search.Wait(11.001));
    }

    [Fact]
    public void Pauses_grow_while_all_is_refused_up_to_the_limit()
    {
        var search = new RateSearch(3, new Random(1));
        var now = 1.0;
        var stamp = new SendStamp(0, now);
        double[] least = [0.4, 0.8, 1.6, 2.5, 2.5, 2.5];
        foreach (var shortest in least)
        {
            search.Refused(stamp, now, null);
            var wait = search.Wait(now);
            Assert.InRange(wait, shortest, 3);
            now += wait;
            Assert.Equal(0, search.Wait(now + 0.001));
            stamp = search.Sent(now + 0.001, waited: true);
            // One at a time.
            if (search.IsProbing) Assert.True(search.Wait(now + 0.002) > 0.01);
        }
    }

    private static SimulatedAccount Account(string kind, int size) => kind switch
    {
        "bucket" => new BucketAccount(10, size),
        "window" => new WindowAccount(10 * size, size),
        _ => new SlidingAccount(10 * size, size),
    };
}
