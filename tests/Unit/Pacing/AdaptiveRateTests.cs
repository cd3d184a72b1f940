using System;
using System.Globalization;
using System.Linq;
using LlmPs.Pacing;
using Xunit;
using Xunit.Abstractions;

namespace LlmPs.Unit.Pacing;

/// <summary>That the rate of an account is found and kept to, without many refusals. In virtual time.</summary>
public class AdaptiveRateTests(ITestOutputHelper output)
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
                var simulation =
                    new Simulation(Account(kind, size), seed) { Latency = (least, most), RefusalLatency = refusal, SaysRetryAfter = says };
                var run = simulation.Add(callers);
                simulation.RunTo(Minutes * 60);
                worst = Math.Min(worst, run.Answered / (600 * Minutes));
                refused = Math.Max(refused, run.RefusedShare);
                row = Math.Max(row, run.MostRefusalsOfARow);
            }

            output.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{kind} {size}, Retry-After {says}: at least {worst:0.000} of the rate, ")
                + string.Create(CultureInfo.InvariantCulture, $"at most {refused:0.0000} refused, a row at most {row} times"));
            // A bucket of one forgives no jitter, and each refusal pauses for a second.
            Assert.True(worst >= (kind == "bucket" && size == 1 ? 0.8 : 0.85), $"{worst} of the rate");
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
        Assert.Null(run.Rate.Rate);
        // 32 callers of 50 ms are some 600 a second; the search takes a few seconds of them.
        Assert.True(run.Answered - before > 600 * 55 * 0.8, $"{run.Answered - before} answered");
    }

    [Theory]
    [InlineData(0.001)]
    [InlineData(0.005)]
    [InlineData(0.01)]
    [InlineData(0.02)]
    public void A_few_refusals_that_slowing_does_not_reduce_are_tolerated(double share)
    {
        foreach (var says in new[] { false, true })
        foreach (var seed in Enumerable.Range(1, 3))
        {
            var random = new Random(seed);
            var simulation =
                new Simulation(new BucketAccount(1e6, 1e6), seed) { SaysRetryAfter = says, Latency = (0.3, 0.3), RefusalLatency = 0.02,
                    AlsoRefuses = _ => random.NextDouble() < share };
            var run = simulation.Add(32);
            simulation.RunTo(1800);
            // What 32 callers do in half an hour where nothing is refused is 190,000.
            Assert.True(run.Answered > 140_000, $"{run.Answered} answered");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_refusal_in_twenty_that_slowing_does_not_reduce_leaves_80_percent_of_the_throughput(bool says)
    {
        foreach (var seed in Enumerable.Range(1, 3))
        {
            var random = new Random(seed);
            var answered = new int[2];
            foreach (var share in new[] { 0, 0.05 })
            {
                var simulation =
                    new Simulation(new BucketAccount(1e6, 1e6), seed) { SaysRetryAfter = says, Latency = (0.3, 0.3), RefusalLatency = 0.02,
                        RetryAlone = 0.25, AlsoRefuses = _ => random.NextDouble() < share };
                var run = simulation.Add(32);
                simulation.RunTo(180);
                answered[share > 0 ? 1 : 0] = run.Answered;
            }

            Assert.True(answered[1] >= 0.8 * answered[0], $"{answered[1]} of {answered[0]}");
        }
    }

    [Fact]
    public void No_waits_between_retries_make_no_storm()
    {
        var rate = new AdaptiveRate(0, new Random(1));
        var (now, sent) = (0.0, 0);
        for (; now < 60; now += 0.01)
        {
            if (rate.Wait(now) > 0) continue;
            var epoch = rate.Epoch;
            rate.Sent(now, waited: sent++ > 0);
            rate.Refused(epoch, now, now + 0.001, retryAfter: null);
        }

        Assert.InRange(sent, 10, 100);
    }

    [Fact]
    public void Tolerated_refusals_do_not_hide_one_that_asks_for_a_long_wait()
    {
        var random = new Random(1);
        var simulation =
            new Simulation(new BucketAccount(1e6, 1e6)) { Latency = (0.3, 0.3), RefusalLatency = 0.02, AlsoRefuses = _ =>
                random.NextDouble() < 0.01 };
        var rate = simulation.Add(32).Rate;
        simulation.RunTo(900);
        Assert.False(rate.Refused(rate.Epoch, simulation.Now, simulation.Now, 5));
        Assert.True(rate.Refused(rate.Epoch, simulation.Now, simulation.Now, 20));
        Assert.Equal(20, rate.Wait(simulation.Now), 6);
    }

    [Theory]
    [InlineData(0.05, 3)]
    [InlineData(0.1, 1)]
    public void Many_refusals_that_slowing_does_not_reduce_do_not_stop_a_run(double share, double perSecond)
    {
        var random = new Random(5);
        var simulation =
            new Simulation(new BucketAccount(1e6, 1e6)) { RefusalLatency = 0.02, AlsoRefuses = _ => random.NextDouble() < share };
        var run = simulation.Add(32);
        simulation.RunTo(1800);
        Assert.True(run.Answered > perSecond * 1800, $"{run.Answered / 1800.0} a second");
    }

    [Fact]
    public void A_known_rate_is_kept_while_little_is_sent()
    {
        var rate = Refused(after: null, out var now);
        now++;
        for (var i = 0; i < 1000; i++, now += 1)
        {
            Assert.Equal(0, rate.Wait(now));
            rate.Sent(now, waited: false);
            rate.Accepted(rate.Epoch);
        }

        Assert.InRange(rate.Rate!.Value, 5, 10);
    }

    [Fact]
    public void Requests_sent_before_a_pause_do_not_slow_again()
    {
        var rate = Refused(after: null, out var now);
        var wait = rate.Wait(now);
        for (var i = 0; i < 10; i++) rate.Refused(0, now - 0.1, now + 0.1, null);
        Assert.Equal(1, rate.Epoch);
        Assert.Equal(wait - 0.1, rate.Wait(now + 0.1), 6);
        Assert.InRange(wait, 0.4, 0.6);
    }

    [Fact]
    public void Pauses_last_as_long_as_the_provider_asks()
    {
        var rate = Refused(after: 7, out var now);
        Assert.Equal(7, rate.Wait(now), 6);
        rate.Refused(0, now - 0.1, now + 1, 9);
        Assert.Equal(9, rate.Wait(now + 1), 6);
        Assert.Equal(0, rate.Wait(now + 10.001));
    }

    [Fact]
    public void Pauses_grow_while_all_is_refused_up_to_the_limit()
    {
        var rate = new AdaptiveRate(3, new Random(1));
        var now = 1.0;
        rate.Sent(now, waited: false);
        double[] least = [0.4, 0.8, 1.6, 2.5, 2.5, 2.5];
        foreach (var shortest in least)
        {
            rate.Refused(rate.Epoch, now, now, null);
            var wait = rate.Wait(now);
            Assert.InRange(wait, shortest, 3);
            now += wait + 0.001;
            Assert.Equal(0, rate.Wait(now));
            rate.Sent(now, waited: true);
            // One at a time.
            if (rate.IsProbing) Assert.True(rate.Wait(now + 0.001) > 0.01);
        }
    }

    [Fact]
    public void A_request_that_is_lost_after_a_pause_does_not_spoil_the_next_measure()
    {
        var rate = Refused(after: null, out var now);
        for (var pause = 0; pause < 2; pause++)
        {
            now += rate.Wait(now);
            rate.Sent(now, waited: true);
            rate.Sent(now, waited: true);
            if (pause == 1) rate.Lost(rate.Epoch);
            rate.Accepted(rate.Epoch);
            for (var i = 0; i < 20; i++) rate.Sent(now += 0.1, waited: true);
            var epoch = rate.Epoch;
            for (var i = 0; i < 5; i++) rate.Refused(epoch, now, now, null);
        }

        now += rate.Wait(now);
        rate.Sent(now, waited: true);
        Assert.InRange(rate.Rate!.Value, 1, 12);
    }

    // Twenty requests in a second, and the refusal of the last.
    private static AdaptiveRate Refused(double? after, out double now)
    {
        var rate = new AdaptiveRate(60, new Random(1));
        now = 1;
        for (var i = 0; i < 20; i++) rate.Sent(i / 20.0, waited: false);
        rate.Refused(0, now - 0.1, now, after);
        return rate;
    }

    private static SimulatedAccount Account(string kind, int size) => kind switch
    {
        "bucket" => new BucketAccount(10, size),
        "window" => new WindowAccount(10 * size, size),
        _ => new SlidingAccount(10 * size, size),
    };
}
