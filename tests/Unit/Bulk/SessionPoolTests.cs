using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>Which member of a pool a row goes to when one does not serve.</summary>
public class SessionPoolTests
{
    private static readonly Func<int, HttpResponseMessage> s_down = _ => Reply.Status(503, "{}");
    private static readonly Func<int, HttpResponseMessage> s_up = _ => Reply.Plain();

    [Fact]
    public void A_row_goes_to_the_first_member_that_serves()
    {
        using var run = new PoolRun(s_up, s_up);
        for (var i = 0; i < 3; i++) run.Ask();
        Assert.Equal(["a 3", "b 0"], run.Sent);
    }

    [Fact]
    public void A_row_moves_on_after_one_retry_and_the_log_says_so()
    {
        using var run = new PoolRun(s_down, s_up);
        var taken = run.Ask();
        Assert.Equal(["a 2", "b 1"], run.Sent);
        Assert.Contains(taken.OfType<LogLine>(), line => line.Text == "Row 0: a failed (ServiceUnavailable); sent to b.");
        var completion = Assert.Single(taken.OfType<ChatCompletion>());
        Assert.Equal(("b", 3), (completion.Context!.Session!.Name, completion.Attempts));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(402)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(408)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(429, "3600")]
    [InlineData(429)]
    [InlineData(0)]
    public void A_row_is_answered_where_another_member_serves(int status, string? retryAfter = null)
    {
        using var run =
            new PoolRun(_ =>
                status == 0 ? throw new HttpRequestException("refused")
                    : Reply.Status(status, "{}", retryAfter is null ? [] : [("Retry-After", retryAfter)]), s_up);
        Assert.Equal("Hello", Assert.Single(run.Ask().OfType<ChatCompletion>()).Content);
        Assert.InRange(run.Handlers[0].Sent.Count, 1, 2);
        Assert.Null(run.Run.Ending);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(413)]
    [InlineData(422)]
    public void A_row_that_a_member_refuses_for_its_content_fails(int status)
    {
        using var run = new PoolRun(_ => Reply.Status(status, "{}"), s_up);
        Assert.Single(run.Ask().OfType<LlmApiException>());
        Assert.Equal(["a 1", "b 0"], run.Sent);
    }

    [Fact]
    public void The_last_member_is_tried_as_often_as_its_session_says()
    {
        using var run = new PoolRun(s_down, s_down);
        var error = Assert.Single(run.Ask().OfType<LlmApiException>());
        Assert.Equal(["a 2", "b 4"], run.Sent);
        Assert.Equal((LlmErrorKind.ServiceUnavailable, 6), (error.Kind, error.Attempts));
    }

    [Fact]
    public void A_stream_moves_on_before_its_first_delta_and_not_behind_it()
    {
        static HttpResponseMessage Cut(int n) => Reply.Pieces([Sse.Bytes(Sse.Content("Hel"))], BodyEnd.Break);
        using var before = new PoolRun(s_down, _ => Reply.Events(StreamCases.UsageOnEveryChunk)).With(options => options.Stream = true);
        Assert.NotEmpty(before.Ask().OfType<ChatCompletionDelta>());
        using var behind = new PoolRun(Cut, s_up).With(options => options.Stream = true);
        var taken = behind.Ask();
        Assert.Equal("Hel", string.Concat(taken.OfType<ChatCompletionDelta>().Select(delta => delta.Content)));
        Assert.Equal(LlmErrorKind.StreamInterrupted, Assert.Single(taken.OfType<LlmApiException>()).Kind);
        Assert.Equal(["a 1", "b 0"], behind.Sent);
    }

    [Fact]
    public void A_member_that_failed_is_set_aside_until_a_row_finds_that_it_serves()
    {
        using var run = new PoolRun(n => n <= 2 ? Reply.Status(503, "{}") : Reply.Plain(), s_up);
        run.Ask();
        run.Ask();
        Assert.Equal(["a 2", "b 2"], run.Sent);
        run.Clock.RunTo(2);
        run.Ask();
        run.Ask();
        Assert.Equal(["a 4", "b 2"], run.Sent);
    }

    [Fact]
    public void A_row_that_fails_alone_does_not_set_its_member_aside()
    {
        using var slow = new SemaphoreSlim(0);
        using var run = new PoolRun().With(options => options.ThrottleLimit = 2);
        var poisoned = 0;
        run.Open(new ScriptedHandler(async (n, token) =>
        {
            if (!run.Handlers[0].Sent[n - 1].Body.Contains("poison", StringComparison.Ordinal)) return Reply.Plain();
            if (++poisoned == 2) await slow.WaitAsync(token);
            return Reply.Status(500, "{}");
        }));
        run.Open(new ScriptedHandler(s_up));
        run.Run.Add(run.Row("poison"));
        Assert.True(SpinWait.SpinUntil(() => run.Handlers[0].Sent.Count == 2, TimeSpan.FromSeconds(5)));
        run.Run.Add(run.Row("fine"));
        Assert.True(SpinWait.SpinUntil(() => run.Pool.Members[0].Answered == 1, TimeSpan.FromSeconds(5)));
        slow.Release();
        Assert.Equal(2, run.TakeAll().OfType<ChatCompletion>().Count());
        run.Ask();
        Assert.Equal(["a 4", "b 1"], run.Sent);
    }

    [Fact]
    public void Pauses_double_and_one_row_at_a_time_tries()
    {
        using var run = new PoolRun(s_down, s_up);
        List<double> tries = [];
        for (var time = 0; time <= 300; time++)
        {
            run.Clock.RunTo(time);
            var before = run.Handlers[0].Sent.Count;
            run.Ask();
            if (run.Handlers[0].Sent.Count > before) tries.Add(time);
        }

        Assert.Equal([0, 2, 6, 14, 30, 62, 122, 182, 242], tries);
        // After the first time without a retry.
        Assert.Equal(10, run.Handlers[0].Sent.Count);
        Assert.Equal(301, run.Run.Counts.Done);
    }

    [Fact]
    public void While_a_row_tries_the_others_go_elsewhere()
    {
        using var slow = new SemaphoreSlim(0);
        using var run = new PoolRun().With(options => options.ThrottleLimit = 4);
        run.Open(new ScriptedHandler(async (n, token) =>
        {
            if (n <= 2) return Reply.Status(503, "{}");
            await slow.WaitAsync(token);
            return Reply.Plain();
        }));
        run.Open(new ScriptedHandler(s_up));
        run.Ask();
        run.Clock.RunTo(2);
        run.Run.Add(run.Row());
        Assert.True(SpinWait.SpinUntil(() => run.Handlers[0].Sent.Count == 3, TimeSpan.FromSeconds(5)));
        for (var i = 0; i < 3; i++) run.Run.Add(run.Row());
        Assert.True(SpinWait.SpinUntil(() => run.Handlers[1].Sent.Count == 4, TimeSpan.FromSeconds(5)));
        slow.Release();
        Assert.Equal(4, run.TakeAll().OfType<ChatCompletion>().Count());
        Assert.Equal(["a 3", "b 4"], run.Sent);
    }

    [Fact]
    public async Task Rows_wait_where_all_are_set_aside_and_are_answered_when_one_serves_again()
    {
        var isUp = false;
        HttpResponseMessage Answer(int n) => Volatile.Read(ref isUp) ? Reply.Plain() : Reply.Status(503, "{}");
        using var run = new PoolRun(Answer, Answer).With(options => options.ThrottleLimit = 3);
        Assert.Single(run.Ask().OfType<LlmApiException>());
        for (var i = 0; i < 3; i++) run.Run.Add(run.Row());
        await Task.Delay(100);
        Assert.Equal(["a 2", "b 4"], run.Sent);
        Volatile.Write(ref isUp, true);
        run.Clock.RunTo(2);
        Assert.Equal(3, run.TakeAll().OfType<ChatCompletion>().Count());
    }

    [Fact]
    public void A_member_whose_account_failed_is_out_with_one_warning()
    {
        using var run = new PoolRun(_ => Reply.Status(402, "{}"), s_up);
        var taken = new List<object>();
        for (var i = 0; i < 3; i++)
        {
            taken.AddRange(run.Ask());
            run.Clock.RunTo(1000 * (i + 1));
        }

        Assert.Equal(["a 1", "b 3"], run.Sent);
        var warning = Assert.Single(taken.OfType<LogLine>(), line => line.Level == Transport.RequestLogLevel.Warning);
        Assert.StartsWith("a is out for this run (InsufficientBalance): its rows go to the others.", warning.Text,
            StringComparison.Ordinal);
        Assert.Null(run.Run.Ending);
    }

    [Fact]
    public void The_run_stops_when_all_are_out()
    {
        using var run = new PoolRun(_ => Reply.Status(402, "{}"), _ => Reply.Status(401, "{}"));
        Assert.Equal(LlmErrorKind.Unauthorized, Assert.Single(run.Ask().OfType<LlmApiException>()).Kind);
        Assert.IsType<RunEnding>(Assert.Single(run.Ask()));
        Assert.Equal(["a 1", "b 1"], run.Sent);
        Assert.Equal("all sessions have failed; row 0 failed last, with Unauthorized", run.Run.Ending!.Reason);
        Assert.True(run.Run.Ending.IsFinal);
    }

    [Fact]
    public void A_session_that_is_closed_is_out()
    {
        using var run = new PoolRun(s_up, s_up);
        run.Ask();
        run.Pool.Members[0].Session.Dispose();
        Assert.Single(run.Ask().OfType<ChatCompletion>());
        Assert.Equal(["a 1", "b 1"], run.Sent);
    }

    [Fact]
    public void A_model_that_a_member_does_not_serve_goes_to_the_others_and_its_other_models_do_not()
    {
        using var run = new PoolRun();
        run.Open(new ScriptedHandler((n, _) =>
            Task.FromResult(run.Handlers[0].Sent[n - 1].Body.Contains("\"m\"", StringComparison.Ordinal) ? Reply.Status(404, "{}")
                : Reply.Plain())));
        run.Open(new ScriptedHandler(s_up));
        for (var i = 0; i < 3; i++) run.Ask();
        Assert.Equal(["a 1", "b 3"], run.Sent);
        for (var i = 0; i < 3; i++) run.Ask(with: request => request.Model = "other");
        Assert.Equal(["a 4", "b 3"], run.Sent);
        Assert.Equal(6, run.Run.Counts.Done);
    }

    [Fact]
    public void A_model_that_no_member_serves_is_asked_for_all_the_same()
    {
        using var run = new PoolRun(_ => Reply.Status(404, "{}"), _ => Reply.Status(404, "{}"));
        for (var i = 0; i < 2; i++) Assert.Equal(LlmErrorKind.NotFound, Assert.Single(run.Ask().OfType<LlmApiException>()).Kind);
        Assert.Equal(["a 2", "b 2"], run.Sent);
    }

    [Fact]
    public void Rows_that_failed_with_all_members_end_the_run_and_others_do_not()
    {
        using var one = new PoolRun(s_down, s_up).With(options => options.MaxConsecutiveFailure = 2);
        for (var i = 0; i < 5; i++) one.Ask();
        Assert.Null(one.Run.Ending);
        using var all = new PoolRun(s_down, s_down).With(options => options.MaxConsecutiveFailure = 2);
        all.Ask();
        all.Run.Add(all.Row());
        all.Run.Add(all.Row());
        // The row of the second failure waits for both in turn; then the run is over.
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                all.Clock.RunTo(all.Clock.Now + 1);
                Thread.Sleep(1);
                return all.Run.Ending is not null;
            },
            TimeSpan.FromSeconds(10)));
        var taken = all.TakeAll();
        Assert.Single(taken.OfType<LlmApiException>());
        Assert.Single(taken.OfType<RunEnding>());
    }

    [Fact]
    public void Rounds_of_a_row_stay_with_the_member_that_answered_unless_it_fails()
    {
        using var run = new PoolRun(s_down, n => n <= 2 ? Reply.Plain() : Reply.Status(503, "{}"), s_up)
            .With(options => options.Reviews = true);
        var rounds = new List<string>();
        var first = run.Row();
        run.Run.Add(first);
        var taken = run.TakeAll(review =>
        {
            rounds.Add($"{review.Round} {review.Row.Member!.Name} {review.Row.Asked.Messages[0].Content}");
            if (review.Round < 3) review.Continue(Rows.Request("round " + (review.Round + 1)));
            else review.Accept();
        });
        Assert.Equal(["1 b Hi", "2 b round 2", "3 c round 3"], rounds);
        Assert.Single(taken.OfType<ChatCompletion>());
        Assert.Equal(["a 2", "b 4", "c 1"], run.Sent);
    }

    [Fact]
    public void Rows_go_to_the_next_member_while_an_account_refuses_all()
    {
        using var run = new PoolRun(_ => Reply.Status(429, "{}", ("Retry-After", "30")), s_up);
        for (var i = 0; i < 5; i++) run.Ask();
        Assert.Equal(["a 1", "b 5"], run.Sent);
        Assert.Equal(5, run.Run.Counts.Done);
    }

    [Fact]
    public void A_wait_that_the_server_asks_for_is_not_slept_through()
    {
        using var run = new PoolRun();
        run.Open(new ScriptedHandler(_ => Reply.Status(503, "{}", ("Retry-After", "30"))), options =>
            options.MaxRetryDelay = TimeSpan.FromSeconds(60));
        run.Open(new ScriptedHandler(s_up));
        Assert.Single(run.Ask().OfType<ChatCompletion>());
        Assert.Equal(["a 1", "b 1"], run.Sent);
    }

    [Fact]
    public void An_answer_keeps_nothing_of_the_run()
    {
        using var run = new PoolRun(s_down, s_up);
        Assert.Null(Assert.Single(run.Ask().OfType<ChatCompletion>()).Context!.GivesUp);
    }
}
