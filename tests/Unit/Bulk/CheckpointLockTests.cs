using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>The lock file beside a checkpoint.</summary>
public sealed class CheckpointLockTests : IDisposable
{
    private readonly Folder _folder = new();

    private string Lock => _folder.File + ".lock";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_lock_names_host_process_and_start_and_goes_with_the_run()
    {
        using (Open())
        {
            using var process = Process.GetCurrentProcess();
            var text = File.ReadAllText(Lock);
            Assert.Contains($"\"host\":\"{Environment.MachineName}\"", text, StringComparison.Ordinal);
            Assert.Contains($"\"process\":{process.Id},", text, StringComparison.Ordinal);
            Assert.Contains($"\"started\":\"{DateTime.UtcNow:yyyy-MM-dd}T", text, StringComparison.Ordinal);
            using var reader = CheckpointFile.Open(_folder.File, toRead: true);
        }

        Assert.False(File.Exists(Lock));
    }

    [Fact]
    public async Task A_file_that_is_only_read_takes_no_lock()
    {
        await _folder.FillAsync(1);
        using var file = CheckpointFile.Open(_folder.File, toRead: true);

        Assert.False(File.Exists(Lock));
    }

    [Fact]
    public void The_message_names_the_run_that_uses_the_file()
    {
        using var process = Process.GetCurrentProcess();
        using var file = Open();

        Refused($"is in use by another run (process {process.Id} on host '{Environment.MachineName}', started 20",
            "wait for that run to end, or give each run its own path");
        Assert.True(File.Exists(Lock));
    }

    [Theory]
    [InlineData("\"host\":\"elsewhere\"")]
    [InlineData("\"host\":\"else\\u001b[31mwhere\\n\"")]
    public async Task The_lock_of_another_host_stays_and_the_message_says_what_to_do(string host)
    {
        await _folder.FillAsync(1);
        Write("{" + host + ",\"process\":7,\"processStart\":\"1\",\"started\":\"2026-01-02T03:04:05Z\"}");

        Refused("(process 7 on host 'else", "where', started 2026-01-02 03:04:05 UTC)", "wait for that run to end",
            $"delete '{Lock}' and run again");
        Assert.True(File.Exists(Lock));
        File.Delete(Lock);
        using var file = Open();
        Assert.Equal(1, file.Finished);
    }

    [Fact]
    public async Task The_lock_of_another_host_that_has_not_been_touched_for_ten_minutes_is_removed()
    {
        await _folder.FillAsync(1);
        Write("{\"host\":\"elsewhere\",\"process\":7,\"processStart\":\"1\",\"started\":\"2026-01-02T03:04:05Z\"}");
        File.SetLastWriteTimeUtc(Lock, DateTime.UtcNow.AddMinutes(-9));
        Refused("run again in 10 minutes");
        File.SetLastWriteTimeUtc(Lock, DateTime.UtcNow.AddMinutes(-11));

        using var file = Open();

        Assert.Equal("process 7 on host 'elsewhere', started 2026-01-02 03:04:05 UTC", file.RemovedHolder);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\0\0")]
    [InlineData("{\"host\":null}")]
    [InlineData("[]")]
    [InlineData("{\"host\":\"a\",\"process\":\"7\",\"processStart\":\"\",\"started\":\"\"}")]
    public void A_lock_file_that_names_no_run_stays_and_the_message_says_what_to_do(string text)
    {
        Write(text);

        Refused("has a lock file that names no run", $"delete '{Lock}' and run again");
        Assert.Equal(text, File.ReadAllText(Lock));
    }

    [Theory]
    [InlineData(int.MaxValue, "1")]
    [InlineData(0, "another start")]
    public async Task The_lock_of_a_process_that_has_ended_is_removed(int id, string start)
    {
        await _folder.FillAsync(2);
        using var process = Process.GetCurrentProcess();
        // An id that is in use again is another process's.
        WriteLock(id == 0 ? process.Id : id, start);

        using var file = Open();

        Assert.Equal(2, file.Finished);
        Assert.Contains("started 2026-01-02 03:04:05 UTC", file.RemovedHolder, StringComparison.Ordinal);
        Assert.DoesNotContain("2026-01-02", File.ReadAllText(Lock), StringComparison.Ordinal);
    }

    [Fact]
    public void The_lock_of_another_run_is_left_when_this_one_ends()
    {
        using (Open()) Write("another run's");

        Assert.Equal("another run's", File.ReadAllText(Lock));
    }

    [Fact]
    public void A_file_that_is_refused_leaves_no_lock()
    {
        File.WriteAllText(_folder.File, "Id,Subject\n1,x\n");

        Assert.Throws<CheckpointException>(Open);

        Assert.False(File.Exists(Lock));
    }

    private CheckpointFile Open() => CheckpointFile.Open(_folder.File);

    private void Write(string text) => File.WriteAllText(Lock, text);

    private void WriteLock(int process, string start) =>
        Write($"{{\"host\":\"{Environment.MachineName}\",\"process\":{process},\"processStart\":\"{start}\",\"started\":\"2026-01-02T03:04:05Z\"}}");

    private void Refused(params string[] words)
    {
        var error = Assert.Throws<CheckpointException>(Open);
        Assert.StartsWith($"Checkpoint '{_folder.File}' ", error.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
        Assert.DoesNotContain(error.Message, character => char.IsControl(character));
    }
}
