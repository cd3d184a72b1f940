using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class BulkRunTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_finished_row_whose_file_fails_is_told_and_not_paid_again()
    {
        var row = new ChatTicket(Rows.Session, new AnswerContext(Rows.Session.Identity, Rows.Request("Row 0")) { InputObject = "Row 0" });
        var checkpoint = CheckpointFile.Open(_folder.File);
        await checkpoint.AppendAsync(Rows.Key(0), 1, Rows.Completion());
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint });
        checkpoint.Dispose();

        run.Add(row);

        Assert.Equal(Taken.Item, run.TryTake(TimeSpan.Zero, out var output));
        var error = Assert.IsType<LlmApiException>(output.Value);
        Assert.Equal(LlmErrorKind.InternalError, error.Kind);
        Assert.IsType<ObjectDisposedException>(error.InnerException);
        Assert.Contains("unexpected exception, which is a bug: ObjectDisposedException", error.Message, StringComparison.Ordinal);
        Assert.Contains("Report it", error.RecommendedAction, StringComparison.Ordinal);
        Assert.Same(row, output.Row);
        Assert.Equal(Taken.Drained, run.TryTake(Timeout.InfiniteTimeSpan, out _));
        Assert.Equal((1, 0, 0), (run.Counts.Failed, run.Counts.Done, run.Counts.Replayed));
    }

    [Fact]
    public async Task Row_whose_line_is_damaged_is_not_taken_for_kept()
    {
        await _folder.FillAsync(2);
        await File.WriteAllTextAsync(_folder.File, _folder.Text().Replace("Answer 1", "\"", StringComparison.Ordinal));
        var kept = new List<bool>();
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions
        {
            Checkpoint = checkpoint,
            IsWanted = (_, isKept) =>
            {
                kept.Add(isKept);
                return false;
            },
        });

        for (var i = 0; i < 3; i++)
            run.Add(new ChatTicket(Rows.Session, new AnswerContext(Rows.Session.Identity, Rows.Request("Row " + i))));

        Assert.Equal([true, false, false], kept);
    }

    [Fact]
    public async Task No_more_rows_wait_for_a_slow_disk_than_are_in_flight()
    {
        const int Width = 2;
        using var disk = new ManualResetEventSlim();
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}]}");
        using var checkpoint = CheckpointFile.Open(_folder.File, () => disk.Wait(TimeSpan.FromSeconds(10)));
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, ThrottleLimit = Width });

        for (var i = 0; i < 10; i++)
            run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i)) { InputIndex = i }));
        // More than are in flight keep their turns until they are on the disk.
        Assert.True(SpinWait.SpinUntil(() => checkpoint.Unflushed > Width, TimeSpan.FromSeconds(5)));
        await Task.Delay(200);

        Assert.InRange(_folder.Lines().Length, 1 + Width + 1, 1 + (2 * Width));
        disk.Set();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(Taken.Item, run.TryTake(Timeout.InfiniteTimeSpan, out var output));
            Assert.Equal(i, Assert.IsType<ChatCompletion>(output.Value).InputIndex);
        }
    }

    [Fact]
    public void Review_waits_for_no_other_row_and_its_answer_is_kept()
    {
        using var slow = new SemaphoreSlim(0);
        using var session = NewSession(new Answering(slow));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, ThrottleLimit = 2, Reviews = true });
        foreach (var prompt in new[] { "slow", "b", "c" })
            run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request(prompt))));

        for (var i = 0; i < 2; i++) Review(run).Accept();

        Assert.True(SpinWait.SpinUntil(() => checkpoint.Finished == 2, TimeSpan.FromSeconds(5)));
        slow.Release();
        Review(run).Accept();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Taken.Item, run.TryTake(TimeSpan.FromSeconds(5), out var output));
            Assert.Equal(i == 0 ? "slow" : "Hello", Assert.IsType<ChatCompletion>(output.Value).Content);
        }
    }

    [Fact]
    public void Row_keeps_its_turn_until_it_is_in_the_file_or_refused()
    {
        var sent = new List<string>();
        using var session = NewSession(new Answering(sent: prompt => sent.Add($"{prompt} behind {_folder.Lines().Length - 1}")));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, Reviews = true });
        for (var i = 0; i < 3; i++)
            run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("abc"[i].ToString())) { InputIndex = i }));

        TakeAll(run, review =>
        {
            // However long nobody comes to it.
            Thread.Sleep(50);
            if (review.Row.Index == 1) review.Refuse(new LlmApiException("no"));
            else if (review is { Row.Index: 0, Round: 1 }) review.Continue(Rows.Request("more of a"));
            else review.Accept();
        });

        Assert.Equal(["a behind 0", "more of a behind 0", "b behind 1", "c behind 1"], sent);
    }

    [Fact]
    public void Equal_rows_share_an_answer_and_are_reviewed_each()
    {
        var sent = 0;
        using var slow = new SemaphoreSlim(0);
        using var session = NewSession(new Answering(slow, _ => Interlocked.Increment(ref sent)));
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 3, Reviews = true, Deduplicate = true });
        for (var i = 0; i < 3; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("slow"))));
        SpinWait.SpinUntil(() => sent > 0, TimeSpan.FromSeconds(5));
        Thread.Sleep(100);
        slow.Release();

        var reviews = 0;
        var answers = TakeAll(run, review =>
        {
            reviews++;
            review.Accept();
        });

        Assert.Equal((1, 3, 3), (sent, reviews, answers.OfType<ChatCompletion>().Count()));
    }

    [Fact]
    public void Nothing_is_sent_once_the_key_was_refused()
    {
        // As a busy machine may hold up the thread that the error is on its way on.
        static void HoldUp(object? sender, FirstChanceExceptionEventArgs e)
        {
            if (e.Exception is LlmApiException { Kind: LlmErrorKind.Unauthorized }) Thread.Sleep(20);
        }

        var handler = new ScriptedHandler(async (_, _) =>
        {
            await Task.Yield();
            return Reply.Status(401, "{}");
        });
        using var session = NewSession(handler);
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 1 });
        AppDomain.CurrentDomain.FirstChanceException += HoldUp;
        try
        {
            for (var i = 0; i < 8; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i))));
            while (run.TryTake(Timeout.InfiniteTimeSpan, out _) != Taken.Drained)
            {
            }
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= HoldUp;
        }

        Assert.Equal((1, 7, LlmErrorKind.Unauthorized), (handler.Sent.Count, run.Counts.LeftOut, run.Ending!.Error.Kind));
    }

    [Fact]
    public void Equal_rows_that_fail_have_each_an_error_of_their_own()
    {
        using var session =
            Rows.NewSession(answer: "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n", with: options =>
                options.MaxRetryCount = 0);
        using var run = new BulkRun(new BulkRunOptions { Deduplicate = true, ThrottleLimit = 3 });
        for (var i = 0; i < 3; i++)
            run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request()) { InputIndex = i }));

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Taken.Item, run.TryTake(Timeout.InfiniteTimeSpan, out var output));
            var error = Assert.IsType<LlmApiException>(output.Value);
            Assert.Equal((LlmErrorKind.StreamInterrupted, i), (error.Kind, error.PartialCompletion!.InputIndex));
        }
    }

    [Fact]
    public void Tokens_are_guessed_where_answers_do_not_tell_them()
    {
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"" + new string('x', 400) + "\"}}]}");
        using var run = new BulkRun(new BulkRunOptions { MaxTotalTokens = 250 });
        for (var i = 0; i < 5; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i))));

        var said = TakeAll(run);

        // 100 for the answer, and a few for the prompt.
        Assert.Equal((3, 2), (run.Counts.Done, run.Counts.LeftOut));
        Assert.Equal("-MaxTotalTokens 250 is spent", run.Ending!.Reason);
        Assert.InRange(run.Counts.Tokens, 300, 330);
        Assert.Contains("without their usage", Assert.Single(said.OfType<LogLine>()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_of_answers_that_break_off_are_spent_too()
    {
        using var session =
            Rows.NewSession(answer: "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + new string('x', 400) + "\"}}]}\n\n");
        using var run = new BulkRun(new BulkRunOptions { Stream = true, MaxTotalTokens = 250 });
        for (var i = 0; i < 5; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i))));

        TakeAll(run);

        Assert.Equal((3, 2), (run.Counts.Failed, run.Counts.LeftOut));
        Assert.InRange(run.Counts.Tokens, 300, 330);
    }

    [Fact]
    public void Row_in_its_further_rounds_is_finished_though_the_run_is_over()
    {
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}],\"usage\":{\"total_tokens\":9}}");
        using var run = new BulkRun(new BulkRunOptions { Reviews = true, MaxTotalTokens = 5 });
        run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("first"))));
        run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("second"))));

        Review(run).Continue(Rows.Request("more"));
        Review(run).Accept();

        Assert.InRange(run.Counts.Tokens, 5, long.MaxValue);
        Assert.Equal(Taken.Item, run.TryTake(TimeSpan.FromSeconds(5), out var output));
        Assert.IsType<ChatCompletion>(output.Value);
        Assert.Equal(Taken.Item, run.TryTake(TimeSpan.FromSeconds(5), out output));
        Assert.Same(run.Ending, output.Value);
        Assert.Equal(Taken.Drained, run.TryTake(TimeSpan.FromSeconds(5), out _));
        Assert.Equal((1, 1), (run.Counts.Done, run.Counts.LeftOut));
    }

    [Theory]
    [InlineData("{\"total_tokens\":-1000000}")]
    [InlineData("{\"total_tokens\":0}")]
    [InlineData("{\"total_tokens\":9223372036854775807}")]
    [InlineData("{\"prompt_tokens\":-5,\"completion_tokens\":-5,\"total_tokens\":-10}")]
    [InlineData("{\"prompt_tokens\":5,\"completion_tokens\":-400,\"total_tokens\":-395}")]
    [InlineData("{\"prompt_tokens\":-500,\"completion_tokens\":100,\"total_tokens\":-400}")]
    [InlineData("{\"prompt_tokens\":4,\"completion_tokens\":100,\"total_tokens\":1}")]
    [InlineData("{\"prompt_tokens\":4}")]
    [InlineData("{}")]
    public void A_figure_that_cannot_be_does_not_defeat_the_budget(string usage)
    {
        using var session =
            Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"" + new string('x', 400) + "\"}}],\"usage\":" + usage + "}");
        using var run = new BulkRun(new BulkRunOptions { MaxTotalTokens = 250 });
        for (var i = 0; i < 5; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i))));

        TakeAll(run);

        Assert.Equal((3, 2), (run.Counts.Done, run.Counts.LeftOut));
        Assert.InRange(run.Counts.Tokens, 300, 340);
    }

    [Theory]
    [InlineData(500, "")]
    [InlineData(502, "")]
    [InlineData(503, "")]
    [InlineData(504, "")]
    [InlineData(408, "")]
    [InlineData(429, "3600")]
    [InlineData(0, "")]
    public void A_server_that_does_not_serve_ends_the_run(int status, string retryAfter)
    {
        var handler =
            new ScriptedHandler(_ =>
                status == 0 ? throw new HttpRequestException("refused")
                    : Reply.Status(status, "{}", retryAfter.Length > 0 ? [("Retry-After", retryAfter)] : []));
        using var session = NewSession(handler, retries: 0);
        using var run = new BulkRun(new BulkRunOptions { MaxConsecutiveFailure = 5 });
        for (var i = 0; i < 12; i++)
            run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i)) { InputIndex = i }));

        var taken = TakeAll(run);

        Assert.Equal((5, 7), (run.Counts.Failed, run.Counts.LeftOut));
        Assert.Equal(5, taken.OfType<LlmApiException>().Count());
        // The rows that were not sent come out in their turn.
        Assert.All(taken.Skip(5), ending => Assert.Same(run.Ending, ending));
        Assert.Equal(12, taken.Count);
        Assert.Contains("5 rows in a row failed", run.Ending!.Reason, StringComparison.Ordinal);
        Assert.Same(taken[4], run.Ending.Error);
    }

    [Theory]
    [InlineData(0, 503, 503, 503)]
    [InlineData(3, 503, 503, 200)]
    [InlineData(3, 503, 503, 400)]
    [InlineData(3, 503, 503, 404)]
    [InlineData(1, 400, 413, 429)]
    public void A_server_that_serves_now_and_then_does_not_end_the_run(int most, params int[] statuses)
    {
        using var session =
            NewSession(new ScriptedHandler(n =>
                statuses[(n - 1) % statuses.Length] is not 200 and var status ? Reply.Status(status, "{}") : Reply.Plain()), retries: 0);
        using var run = new BulkRun(new BulkRunOptions { MaxConsecutiveFailure = most });
        for (var i = 0; i < 12; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i))));

        Assert.Equal(12, TakeAll(run).Count(value => value is LlmApiException or ChatCompletion));
        Assert.Null(run.Ending);
    }

    [Fact]
    public void Rows_that_share_a_request_fail_once()
    {
        using var slow = new SemaphoreSlim(0);
        var handler = new ScriptedHandler(async (_, token) =>
        {
            await slow.WaitAsync(token);
            return Reply.Status(503, "{}");
        });
        using var session = NewSession(handler, retries: 0);
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 10, Deduplicate = true, MaxConsecutiveFailure = 3 });
        for (var i = 0; i < 10; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("the same"))));
        SpinWait.SpinUntil(() => handler.Sent.Count > 0, TimeSpan.FromSeconds(5));
        Thread.Sleep(100);
        slow.Release();

        Assert.Equal(10, TakeAll(run).OfType<LlmApiException>().Count());
        Assert.Null(run.Ending);
    }

    [Fact]
    public async Task A_row_that_the_checkpoint_has_comes_out_though_the_run_is_over()
    {
        using var session = NewSession(new ScriptedHandler(_ => Reply.Status(401, "{}")));
        using (var file = CheckpointFile.Open(_folder.File)) await file.AppendAsync(Rows.KeyOf(session, Rows.Request("Row 3")), 1,
            Rows.Completion("kept"));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint });
        run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row 0"))));
        Assert.IsType<LlmApiException>(Assert.Single(TakeAll(run)));
        for (var i = 1; i < 5; i++) run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request("Row " + i))));

        var taken = TakeAll(run);

        Assert.Equal("kept", Assert.IsType<ChatCompletion>(taken[2]).Content);
        Assert.Equal((3, 1), (run.Counts.LeftOut, run.Counts.Replayed));
    }

    private static RowReview Review(BulkRun run)
    {
        Assert.Equal(Taken.Item, run.TryTake(TimeSpan.FromSeconds(5), out var output));
        return Assert.IsType<RowReview>(output.Value);
    }

    private static List<object> TakeAll(BulkRun run, Action<RowReview>? review = null)
    {
        var taken = new List<object>();
        while (run.TryTake(TimeSpan.FromSeconds(5), out var output) == Taken.Item)
        {
            if (output.Value is RowReview waiting) review!(waiting);
            else taken.Add(output.Value);
        }

        return taken;
    }

    private static LlmSession NewSession(HttpMessageHandler handler, int retries = 4) =>
        new(new LlmSessionOptions { Provider = "OpenAICompatible", BaseUri = new Uri("http://localhost:8080/v1"),
            MaxRetryCount = retries }, handler);

    private sealed class Answering(SemaphoreSlim? slow = null, Action<string>? sent = null) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var body = JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
            var prompt = body.RootElement.GetProperty("messages")[0].GetProperty("content").GetString()!;
            sent?.Invoke(prompt);
            if (prompt == "slow") await slow!.WaitAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content =
                new StringContent("{\"choices\":[{\"message\":{\"content\":\"" + (prompt == "slow" ? "slow" : "Hello") + "\"}}]}") };
        }
    }
}
