using System;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
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
    public async Task NoMoreRowsWaitForASlowDiskThanAreInFlight()
    {
        const int Width = 2;
        using var disk = new ManualResetEventSlim();
        using var session = Rows.NewSession(answer: "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}]}");
        using var checkpoint = CheckpointFile.Open(_folder.File, () => disk.Wait(TimeSpan.FromSeconds(10)));
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, ThrottleLimit = Width });

        for (var i = 0; i < 10; i++) run.Add(new AnswerContext(session, session.Provider, Rows.Request("Row " + i)) { InputIndex = i });
        // Their lines are in the file, and as many more keep their turns until they are on the disk.
        Assert.True(SpinWait.SpinUntil(() => checkpoint.Unflushed == 2 * Width, TimeSpan.FromSeconds(5)));
        await Task.Delay(100);

        Assert.Equal(1 + (2 * Width), _folder.Lines().Length);
        disk.Set();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(Taken.Item, run.TryTake(Timeout.InfiniteTimeSpan, out var output));
            Assert.Equal(i, Assert.IsType<ChatCompletion>(output.Value).InputIndex);
        }
    }
}
