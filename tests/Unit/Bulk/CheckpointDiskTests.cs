using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointDiskTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Row_is_in_the_file_before_it_is_on_the_disk()
    {
        using var file = Open();
        for (var i = 0; i < 50; i++)
        {
            var kept = file.AppendAsync(Rows.Key(i), 1, Rows.Completion());
            Assert.Equal(i + 2, _folder.Lines().Length);
            await kept;
        }
    }

    [Fact]
    public async Task Rows_that_come_while_the_disk_is_busy_share_the_next_flush()
    {
        var flushes = 0;
        using var begun = new SemaphoreSlim(0);
        using var ended = new SemaphoreSlim(0);
        using var file = CheckpointFile.Open(_folder.File, () =>
        {
            flushes++;
            begun.Release();
            ended.Wait(TimeSpan.FromSeconds(10));
        });
        var first = file.AppendAsync(Rows.Key(0), 1, Rows.Completion());
        await begun.WaitAsync();

        var others = Task.WhenAll(Enumerable.Range(1, 9).Select(i => file.AppendAsync(Rows.Key(i), 1, Rows.Completion())));

        Assert.Equal((10, false), (file.Unflushed, Rows.IsFinished(file, 0)));
        ended.Release();
        await first;
        Assert.False(others.IsCompleted);
        ended.Release();
        await others;
        Assert.Equal((2, 0), (flushes, file.Unflushed));
    }

    [Fact]
    public async Task Row_that_the_disk_refuses_is_cut_off_and_none_follows()
    {
        var isFull = false;
        using (var file = CheckpointFile.Open(_folder.File, () =>
        {
            if (isFull) throw new IOException("Disk quota exceeded");
        }))
        {
            await file.AppendAsync(Rows.Key(0), 1, Rows.Completion());
            isFull = true;

            var error = await Assert.ThrowsAsync<CheckpointException>(() => file.AppendAsync(Rows.Key(1), 1, Rows.Completion()));

            Assert.Contains("(Disk quota exceeded)", error.Message, StringComparison.Ordinal);
            isFull = false;
            Assert.Same(error, await Assert.ThrowsAsync<CheckpointException>(() => file.AppendAsync(Rows.Key(2), 1, Rows.Completion())));
            Assert.Equal(2, _folder.Lines().Length);
        }

        using var again = Open();
        Assert.Equal((1, 0L), (again.Finished, again.TornBytes));
    }

    [Fact]
    public async Task Dispose_writes_what_waits()
    {
        var file = Open();
        var rows = Enumerable.Range(0, 100).Select(i => file.AppendAsync(Rows.Key(i), 1, Rows.Completion())).ToArray();
        file.Dispose();
        file.Dispose();

        await Task.WhenAll(rows);
        Assert.Equal(101, _folder.Lines().Length);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.AppendAsync(Rows.Key(0), 1, Rows.Completion()));
    }

    private CheckpointFile Open() => CheckpointFile.Open(_folder.File);
}
