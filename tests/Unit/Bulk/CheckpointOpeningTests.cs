using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointOpeningTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Id,Subject\n1,x\n")]
    [InlineData("{\"a\":1}\n")]
    [InlineData("{\"llmps\":\"other\",\"version\":1}\n")]
    [InlineData("{\"llmps\":{},\"version\":1}\n")]
    [InlineData("notes")]
    [InlineData("\n")]
    public void Another_file_is_refused_and_left_as_it_is(string content)
    {
        File.WriteAllText(_folder.File, content);

        Refused(_folder.File, "not a checkpoint", "of a new file");
        Assert.Equal(content, File.ReadAllText(_folder.File));
    }

    [Fact]
    public void Large_file_without_lines_is_refused()
    {
        File.WriteAllBytes(_folder.File, new byte[1_000_000]);

        Refused(_folder.File, "not a checkpoint");
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("")]
    public void Another_version_is_refused(string end)
    {
        File.WriteAllText(_folder.File, "{\"llmps\":\"checkpoint\",\"version\":3,\"more\":[]}" + end);

        Refused(_folder.File, "of version 3", "up to 2", "give another path");
    }

    [Fact]
    public void Directory_is_refused() => Refused(_folder.At("."), "is a directory");

    [Fact]
    public void Missing_folder_is_named() => Refused(Path.Combine(_folder.At("none"), "run.jsonl"), "folder that does not exist");

    [Fact]
    public async Task Read_only_file_is_refused()
    {
        await _folder.FillAsync(1);
        File.SetAttributes(_folder.File, FileAttributes.ReadOnly);
        try
        {
            Refused(_folder.File, "is read-only", "give another path");
        }
        finally
        {
            File.SetAttributes(_folder.File, FileAttributes.Normal);
        }
    }

    [Theory]
    [InlineData(10, 1)]
    [InlineData(1, 2)]
    [InlineData(0, 2)]
    public async Task File_that_is_only_looked_at_stays_as_it_is(int torn, int finished)
    {
        var whole = await _folder.FillAsync(2);
        await File.WriteAllBytesAsync(_folder.File, whole[..^torn]);
        File.SetAttributes(_folder.File, FileAttributes.ReadOnly);
        try
        {
            using (var file = CheckpointFile.Open(_folder.File, toRead: true))
            {
                Assert.Equal(finished, file.Finished);
                Assert.Equal("Answer " + (finished - 1), file.Find(Rows.Key(finished - 1), 1, Rows.Context(), out _)!.Content);
            }

            Assert.Equal(whole[..^torn], await File.ReadAllBytesAsync(_folder.File));
        }
        finally
        {
            File.SetAttributes(_folder.File, FileAttributes.Normal);
        }

        using var writer = Open();
        using var beside = CheckpointFile.Open(_folder.File, toRead: true);
        Assert.Equal(finished, beside.Finished);
    }

    [Theory]
    [InlineData("/dev/full")]
    [InlineData("/dev/null")]
    public void Device_is_refused(string path)
    {
        if (OperatingSystem.IsLinux()) Refused(path);
    }

    [Fact]
    public async Task Open_file_is_for_one_writer_and_any_reader()
    {
        using var file = Open();
        await file.AppendAsync(Rows.Key(0), 1, Rows.Completion());

        Refused(_folder.File, "in use by another run", "its own path");
        Assert.Equal(2, _folder.Lines().Length);
        await file.AppendAsync(Rows.Key(1), 1, Rows.Completion());
        Refused(_folder.File, "in use by another run");
        Assert.Equal("Hello", file.Find(Rows.Key(1), 1, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Of_many_who_open_at_once_one_gets_the_file()
    {
        for (var round = 0; round < 20; round++)
        {
            var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
            {
                try
                {
                    return Open();
                }
                catch (CheckpointException)
                {
                    return null;
                }
            })));
            Assert.InRange(opened.Count(file => file is not null), 0, 1);
            foreach (var file in opened) file?.Dispose();
        }

        Open().Dispose();
    }

    private CheckpointFile Open() => CheckpointFile.Open(_folder.File);

    private static void Refused(string path, params string[] words)
    {
        var error = Assert.Throws<CheckpointException>(() => CheckpointFile.Open(path));
        Assert.StartsWith($"Checkpoint '{path}'", error.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }
}
