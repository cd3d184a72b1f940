using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using Xunit;
using Xunit.Abstractions;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointProcessTests(ITestOutputHelper output) : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Second_process_is_refused_until_the_first_ends()
    {
        using var first = new CheckpointChild("hold", _folder.File);
        Assert.Equal("open", first.Next());

        var here = Assert.Throws<CheckpointException>(() => CheckpointFile.Open(_folder.File));
        using var second = new CheckpointChild("hold", _folder.File);
        var there = second.Next();

        Assert.Contains("in use by another run", here.Message, StringComparison.Ordinal);
        Assert.Equal("error " + here.Message, there);
        Assert.Single(_folder.Lines());
        first.Dispose();
        using var file = CheckpointFile.Open(_folder.File);
        using var third = new CheckpointChild("hold", _folder.File);
        Assert.StartsWith("error", third.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_files_have_no_locks_the_lock_file_keeps_a_second_process_out()
    {
        using var first = new CheckpointChild("hold", _folder.File, hasLocks: false);
        Assert.Equal("open", first.Next());
        using (var second = new CheckpointChild("append", _folder.File, hasLocks: false)) Assert.Contains(
            "in use by another run (process ", second.Next(), StringComparison.Ordinal);

        first.Kill();
        while (first.Next() is not null)
        {
        }

        using var third = new CheckpointChild("hold", _folder.File, hasLocks: false);
        Assert.Equal("open", third.Next());
    }

    [Fact]
    public void Of_many_processes_that_find_the_lock_of_an_ended_one_one_gets_the_file()
    {
        for (var round = 0; round < 3; round++)
        {
            using (var ended = new CheckpointChild("hold", _folder.File, hasLocks: false))
            {
                Assert.Equal("open", ended.Next());
                ended.Kill();
                while (ended.Next() is not null)
                {
                }
            }

            Assert.True(File.Exists(_folder.File + ".lock"));
            var children = Enumerable.Range(0, 5).Select(_ => new CheckpointChild("hold", _folder.File, hasLocks: false)).ToList();
            try
            {
                var said = children.Select(child => child.Next()!).ToList();
                Assert.Single(said, "open");
                Assert.All(said.Where(line => line != "open"), line =>
                    Assert.Contains("in use by another run", line, StringComparison.Ordinal));
            }
            finally
            {
                foreach (var child in children) child.Dispose();
            }
        }
    }

    [Fact]
    public void Where_two_processes_write_all_the_same_no_line_overwrites_another()
    {
        if (OperatingSystem.IsWindows()) return;
        var acknowledged = new HashSet<int>();
        using (var first = new CheckpointChild("append", _folder.File, 0, hasLocks: false))
        {
            Assert.Equal("open", first.Next());
            // As someone does who takes the lock for a stale one.
            File.Delete(_folder.File + ".lock");
            using var second = new CheckpointChild("append", _folder.File, 1_000_000, hasLocks: false);
            Assert.Equal("open", second.Next());
            foreach (var child in new[] { first, second })
                for (var count = 0; count < 200; count++) acknowledged.Add(Row(child.Next()!));
            foreach (var child in new[] { first, second })
            {
                child.Kill();
                while (child.Next() is { } line)
                    if (line.StartsWith("done ", StringComparison.Ordinal)) acknowledged.Add(Row(line));
            }
        }

        using var file = CheckpointFile.Open(_folder.File);
        Assert.Equal(0, file.DamagedLines);
        Assert.All(acknowledged, row =>
            Assert.Equal(CheckpointChild.Answer(row), file.Find(Rows.Key(row), 1, Rows.Context(row), out _)?.Content));
    }

    [Fact]
    public void Killed_at_any_moment_nothing_acknowledged_is_lost()
    {
        var random = new Random(7);
        var acknowledged = new HashSet<int>();
        int next = 0, torn = 0;
        for (var round = 0; round < 10; round++)
        {
            using (var child = new CheckpointChild("append", _folder.File, next))
            {
                Assert.Equal("open", child.Next());
                for (var count = random.Next(1, 400); count > 0; count--) acknowledged.Add(Row(child.Next()!));
                child.Kill();
                while (child.Next() is { } line)
                    if (line.StartsWith("done ", StringComparison.Ordinal)) acknowledged.Add(Row(line));
            }

            next = acknowledged.Max() + 100;
            // The torn tail is what the file has beyond its last line end.
            torn += _folder.Text().EndsWith('\n') ? 0 : 1;
        }

        using var file = CheckpointFile.Open(_folder.File);
        output.WriteLine($"{acknowledged.Count} rows acknowledged, {file.Finished} in the file, {torn} torn tails.");
        Assert.Equal(0, file.DamagedLines);
        Assert.All(acknowledged, row =>
            Assert.Equal(CheckpointChild.Answer(row), file.Find(Rows.Key(row), 1, Rows.Context(row), out _)?.Content));
    }

    /// <summary>By a limit on the length of files, which fails in the middle of a write as a full disk does.</summary>
    [Fact]
    public void Full_disk_fails_the_row_and_all_after_it_and_leaves_the_file_sound()
    {
        if (!OperatingSystem.IsLinux()) return;
        var acknowledged = new List<int>();
        using (var child = new CheckpointChild("append", _folder.File, limit: 100 * 1024))
        {
            Assert.Equal("open", child.Next());
            string? line;
            while ((line = child.Next())?.StartsWith("done ", StringComparison.Ordinal) == true) acknowledged.Add(Row(line));
            Assert.StartsWith($"error Checkpoint '{_folder.File}' cannot be written any more", line, StringComparison.Ordinal);
            Assert.Null(child.Next());
        }

        Assert.True(new FileInfo(_folder.File).Length <= 100 * 1024);
        Assert.EndsWith("}\n", _folder.Text(), StringComparison.Ordinal);
        using var file = CheckpointFile.Open(_folder.File);
        Assert.NotEmpty(acknowledged);
        Assert.Equal((acknowledged.Count, 0, 0), (file.Finished, file.DamagedLines, (int)file.TornBytes));
        Assert.All(acknowledged, row => Assert.True(Rows.IsFinished(file, row)));
    }

    private static int Row(string line) => int.Parse(line.AsSpan("done ".Length), CultureInfo.InvariantCulture);
}
