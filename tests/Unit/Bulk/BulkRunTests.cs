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
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class BulkRunTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AFinishedRowWhoseFileFailsIsToldAndNotPaidAgain()
    {
        var row = new AnswerContext(Rows.Session, Rows.Session.Provider, Rows.Request("Row 0")) { InputObject = "Row 0" };
        var checkpoint = CheckpointFile.Open(_folder.File);
        await checkpoint.AppendAsync(Rows.Key(0), 1, Rows.Completion());
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint });
        checkpoint.Dispose();

        run.Add(row);

        Assert.Equal(Taken.Item, run.TryTake(TimeSpan.Zero, out var output));
        var error = Assert.IsType<LlmApiException>(output.Value);
        Assert.Contains("could not be finished", error.Message, StringComparison.Ordinal);
        Assert.Same(row, output.Row);
        Assert.Equal(Taken.Drained, run.TryTake(Timeout.InfiniteTimeSpan, out _));
        Assert.Equal((1, 0, 0), (run.Counts.Failed, run.Counts.Done, run.Counts.Replayed));
    }

    [Fact]
    public async Task RowWhoseLineIsDamagedIsNotTakenForKept()
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

        for (var i = 0; i < 3; i++) run.Add(new AnswerContext(Rows.Session, Rows.Session.Provider, Rows.Request("Row " + i)));

        Assert.Equal([true, false, false], kept);
    }

    [Fact]
    public async Task NoMoreRowsWaitForASlowDiskThanAreInFlight()
    {
        const int Width = 2;
        using var disk = new ManualResetEventSlim();
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}]}");
        using var checkpoint = CheckpointFile.Open(_folder.File, () => disk.Wait(TimeSpan.FromSeconds(10)));
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, ThrottleLimit = Width });

        for (var i = 0; i < 10; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("Row " + i)) { InputIndex = i });
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
    public void ReviewWaitsForNoOtherRowAndItsAnswerIsKept()
    {
        using var slow = new SemaphoreSlim(0);
        using var session = NewSession(new Answering(slow));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, ThrottleLimit = 2, Reviews = true });
        foreach (var prompt in new[] { "slow", "b", "c" }) run.Add(new AnswerContext(session, session.Provider, Rows.Request(prompt)));

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
    public void RowKeepsItsTurnUntilItIsInTheFileOrRefused()
    {
        var sent = new List<string>();
        using var session = NewSession(new Answering(sent: prompt => sent.Add($"{prompt} behind {_folder.Lines().Length - 1}")));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, Reviews = true });
        for (var i = 0; i < 3; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("abc"[i].ToString())) { InputIndex = i });

        TakeAll(run, review =>
        {
            // However long nobody comes to it.
            Thread.Sleep(50);
            if (review.Row.InputIndex == 1) review.Refuse(new LlmApiException("no"));
            else if (review is { Row.InputIndex: 0, Round: 1 }) review.Continue(Rows.Request("more of a"));
            else review.Accept();
        });

        Assert.Equal(["a behind 0", "more of a behind 0", "b behind 1", "c behind 1"], sent);
    }

    [Fact]
    public void EqualRowsShareAnAnswerAndAreReviewedEach()
    {
        var sent = 0;
        using var slow = new SemaphoreSlim(0);
        using var session = NewSession(new Answering(slow, _ => Interlocked.Increment(ref sent)));
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 3, Reviews = true, Deduplicate = true });
        for (var i = 0; i < 3; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("slow")));
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
    public void NothingIsSentOnceTheKeyWasRefused()
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
            for (var i = 0; i < 8; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("Row " + i)));
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
    public void EqualRowsThatFailHaveEachAnErrorOfTheirOwn()
    {
        using var session = Rows.NewSession(answer: "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n", with: options => options.MaxRetryCount = 0);
        using var run = new BulkRun(new BulkRunOptions { Deduplicate = true, ThrottleLimit = 3 });
        for (var i = 0; i < 3; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request()) { InputIndex = i });

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Taken.Item, run.TryTake(Timeout.InfiniteTimeSpan, out var output));
            var error = Assert.IsType<LlmApiException>(output.Value);
            Assert.Equal((LlmErrorKind.StreamInterrupted, i), (error.Kind, error.PartialCompletion!.InputIndex));
        }
    }

    [Fact]
    public void TokensAreGuessedWhereAnswersDoNotTellThem()
    {
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"" + new string('x', 400) + "\"}}]}");
        using var run = new BulkRun(new BulkRunOptions { MaxTotalTokens = 250 });
        for (var i = 0; i < 5; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("Row " + i)));

        var said = TakeAll(run);

        // 100 for the answer, and a few for the prompt.
        Assert.Equal((3, 2), (run.Counts.Done, run.Counts.LeftOut));
        Assert.InRange(run.Counts.Tokens, 300, 330);
        Assert.Contains("without their usage", Assert.Single(said.OfType<LogLine>()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void TokensOfAnswersThatBreakOffAreSpentToo()
    {
        using var session = Rows.NewSession(answer: "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + new string('x', 400) + "\"}}]}\n\n");
        using var run = new BulkRun(new BulkRunOptions { Stream = true, MaxTotalTokens = 250 });
        for (var i = 0; i < 5; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("Row " + i)));

        TakeAll(run);

        Assert.Equal((3, 2), (run.Counts.Failed, run.Counts.LeftOut));
        Assert.InRange(run.Counts.Tokens, 300, 330);
    }

    [Fact]
    public void RowInItsFurtherRoundsIsFinishedThoughTheRunIsOver()
    {
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}],\"usage\":{\"total_tokens\":9}}");
        using var run = new BulkRun(new BulkRunOptions { Reviews = true, MaxTotalTokens = 5 });
        run.Add(new AnswerContext(session, session.Provider, Rows.Request("first")));
        run.Add(new AnswerContext(session, session.Provider, Rows.Request("second")));

        Review(run).Continue(Rows.Request("more"));
        Review(run).Accept();

        Assert.True(run.IsSpent);
        Assert.Equal(Taken.Item, run.TryTake(TimeSpan.FromSeconds(5), out var output));
        Assert.IsType<ChatCompletion>(output.Value);
        Assert.Equal(Taken.Drained, run.TryTake(TimeSpan.FromSeconds(5), out _));
        Assert.Equal((1, 1), (run.Counts.Done, run.Counts.LeftOut));
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

    private static LlmSession NewSession(HttpMessageHandler handler) => new(new LlmSessionOptions { Provider = "OpenAICompatible", BaseUri = new Uri("http://localhost:8080/v1") }, handler);

    private sealed class Answering(SemaphoreSlim? slow = null, Action<string>? sent = null) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var body = JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
            var prompt = body.RootElement.GetProperty("messages")[0].GetProperty("content").GetString()!;
            sent?.Invoke(prompt);
            if (prompt == "slow") await slow!.WaitAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("{\"choices\":[{\"message\":{\"content\":\"" + (prompt == "slow" ? "slow" : "Hello") + "\"}}]}") };
        }
    }
}
