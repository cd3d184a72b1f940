using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using Xunit;
using Xunit.Abstractions;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointFileTests(ITestOutputHelper output) : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Finished_rows_are_found_in_the_next_run()
    {
        var answers = Enumerable.Range(0, 20).Select(i => Rows.Completion($"Answer {i} 你好 😀", i)).ToArray();
        using (var first = Open())
        {
            for (var i = 0; i < answers.Length; i++)
            {
                Assert.Null(first.Find(Rows.Key(i), 1, Rows.Context(i), out _));
                await first.AppendAsync(Rows.Key(i), 1, answers[i]);
                Rows.AssertSame(answers[i], first.Find(Rows.Key(i), 1, Rows.Context(i), out _));
            }
        }

        using var second = Open();
        Assert.Equal(20, second.Finished);
        for (var i = 0; i < answers.Length; i++)
        {
            Assert.True(Rows.IsFinished(second, i));
            Rows.AssertSame(answers[i], second.Find(Rows.Key(i), 1, Rows.Context(i), out _));
        }

        Assert.False(Rows.IsFinished(second, 0, 2));
        Assert.Null(second.Find(Rows.Key(20), 1, Rows.Context(), out _));
        await second.AppendAsync(Rows.Key(20), 1, Rows.Completion());
        Assert.Equal(22, _folder.Lines().Length);
    }

    [Fact]
    public async Task Equal_rows_have_an_answer_each()
    {
        using (var first = Open())
        {
            Assert.Equal(1, first.CountUp(Rows.Key(0)));
            Assert.Equal(2, first.CountUp(Rows.Key(0)));
            Assert.Equal(1, first.CountUp(Rows.Key(1)));
            Assert.Equal(3, first.CountUp(Rows.Key(0)));
            // The first of them failed.
            await first.AppendAsync(Rows.Key(0), 3, Rows.Completion("third", 3));
            await first.AppendAsync(Rows.Key(0), 2, Rows.Completion("second", 1));
        }

        using var second = Open();
        Assert.Equal(1, second.CountUp(Rows.Key(0)));
        Assert.False(Rows.IsFinished(second, 0));
        Assert.Equal("second", second.Find(Rows.Key(0), 2, Rows.Context(), out _)!.Content);
        Assert.Equal("third", second.Find(Rows.Key(0), 3, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Each_line_is_an_object_and_the_first_names_the_module()
    {
        await _folder.FillAsync(3);

        var bytes = await File.ReadAllBytesAsync(_folder.File);
        Assert.Equal((byte)'{', bytes[0]);
        Assert.Equal((byte)'\n', bytes[^1]);
        using var header = JsonDocument.Parse(_folder.Lines()[0]);
        Assert.Equal("checkpoint", header.RootElement.GetProperty("llmps").GetString());
        Assert.Equal(2, header.RootElement.GetProperty("version").GetInt32());
        Assert.Equal(
            ["Answer 0", "Answer 1", "Answer 2"],
            _folder.Lines().Skip(1)
                .Select(line =>
                    JsonDocument.Parse(line).RootElement.GetProperty("completion").GetProperty("choices")[0].GetProperty("message")
                        .GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Torn_last_line_is_cut_off_wherever_it_tore()
    {
        var whole = await _folder.FillAsync(3);
        var last = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;
        for (var length = last; length <= whole.Length; length++)
        {
            await File.WriteAllBytesAsync(_folder.File, whole[..length]);
            // Without its line end alone the row is whole, and paid for.
            var isWhole = length >= whole.Length - 1;
            using (var file = Open())
            {
                Assert.Equal(isWhole ? 3 : 2, file.Finished);
                Assert.Equal(isWhole ? 0 : length - last, file.TornBytes);
                Assert.Equal(isWhole ? whole.Length : last, new FileInfo(_folder.File).Length);
                Assert.Equal(isWhole, Rows.IsFinished(file, 2));
                Assert.Equal("Answer 1", file.Find(Rows.Key(1), 1, Rows.Context(), out _)!.Content);
                if (length % 50 == 0 || isWhole) await file.AppendAsync(Rows.Key(3), 1, Rows.Completion("next"));
                else continue;
            }

            using var again = Open();
            Assert.Equal((isWhole ? 4 : 3, 0, 0), (again.Finished, again.DamagedLines, (int)again.TornBytes));
            Assert.Equal("next", again.Find(Rows.Key(3), 1, Rows.Context(), out _)!.Content);
        }
    }

    [Fact]
    public async Task Torn_header_is_made_again()
    {
        var whole = await _folder.FillAsync(0);
        for (var length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(_folder.File, whole[..length]);
            await _folder.FillAsync(1);
            using var file = Open();
            Assert.Equal(1, file.Finished);
            Assert.Equal(2, _folder.Lines().Length);
        }
    }

    [Theory]
    [InlineData("\n", "")]
    [InlineData("\n", "\r")]
    [InlineData("}\n{\"key", "},{\"key")]
    public async Task File_whose_line_ends_were_lost_is_refused_and_left_as_it_is(string lineEnd, string mangled)
    {
        foreach (var keepsFirst in new[] { false, true })
        {
            await _folder.FillAsync(3);
            var text = _folder.Text();
            var from = keepsFirst ? text.IndexOf('\n', StringComparison.Ordinal) + 1 : 0;
            text = text[..from] + text[from..].Replace(lineEnd, mangled, StringComparison.Ordinal).TrimEnd('\n');
            await File.WriteAllTextAsync(_folder.File, text);

            var error = Assert.Throws<CheckpointException>(Open);

            Assert.Contains("is left as it is", error.Message, StringComparison.Ordinal);
            Assert.Equal(text, _folder.Text());
            File.Delete(_folder.File);
        }
    }

    [Fact]
    public async Task Line_that_is_damaged_within_holds_no_answer()
    {
        await _folder.FillAsync(3);
        var lines = _folder.Lines();
        lines[2] = lines[2].Replace("Answer 1", "\0\0\0\"\0\0\0\0", StringComparison.Ordinal);
        await File.WriteAllTextAsync(_folder.File, string.Join('\n', lines) + "\n");

        using var file = Open();
        Assert.Null(file.Find(Rows.Key(1), 1, Rows.Context(), out var isFinished));
        Assert.Equal((false, 1), (isFinished, file.DamagedLines));
        Assert.Equal("Answer 2", file.Find(Rows.Key(2), 1, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Damaged_lines_are_skipped_and_counted()
    {
        await _folder.FillAsync(4);
        var lines = _folder.Lines();
        lines[1] = lines[1][..40];
        lines[3] = new string('\0', 30);
        await File.WriteAllTextAsync(_folder.File, string.Join('\n', lines) + "\n\n  \nnonsense\n");

        using var file = Open();
        Assert.Equal((2, 3, 0), (file.Finished, file.DamagedLines, (int)file.TornBytes));
        Assert.Null(file.Find(Rows.Key(0), 1, Rows.Context(), out _));
        Assert.Equal("Answer 1", file.Find(Rows.Key(1), 1, Rows.Context(), out _)!.Content);
        Assert.Equal("Answer 3", file.Find(Rows.Key(3), 1, Rows.Context(), out _)!.Content);
        await file.AppendAsync(Rows.Key(0), 1, Rows.Completion("again"));
        Assert.Equal("again", file.Find(Rows.Key(0), 1, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Row_whose_answer_is_none_is_asked_again()
    {
        await _folder.FillAsync(1);
        await File.WriteAllTextAsync(_folder.File, _folder.Text().Replace("choices", "chances", StringComparison.Ordinal));

        using var file = Open();

        Assert.Null(file.Find(Rows.Key(0), 1, Rows.Context(), out _));
    }

    [Fact]
    public async Task File_that_passed_through_an_editor_still_works()
    {
        await _folder.FillAsync(3);
        await File.WriteAllTextAsync(_folder.File, _folder.Text()
            .Replace("\n", "\r\n", StringComparison.Ordinal), new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));

        using var file = Open();

        Assert.Equal((3, 0), (file.Finished, file.DamagedLines));
        Assert.Equal("Answer 2", file.Find(Rows.Key(2), 1, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Joined_files_work()
    {
        using (var file = Open())
        {
            await file.AppendAsync(Rows.Key(0), 2, Rows.Completion("second 0"));
            await file.AppendAsync(Rows.Key(1), 2, Rows.Completion("second 1"));
        }

        var first = _folder.Text();
        File.Delete(_folder.File);
        await _folder.FillAsync(2);
        using (var file = Open()) await file.AppendAsync(Rows.Key(1), 1, Rows.Completion("newer"));
        await File.AppendAllTextAsync(_folder.File, first);

        using var joined = Open();

        Assert.Equal((4, 0), (joined.Finished, joined.DamagedLines));
        Assert.Equal("newer", joined.Find(Rows.Key(1), 1, Rows.Context(), out _)!.Content);
        Assert.Equal("second 1", joined.Find(Rows.Key(1), 2, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Line_longer_than_the_buffer_is_read()
    {
        var texts = new[] { 65_400, 70_000, 3_000_000, 10 }.Select(length => new string('é', length)).ToArray();
        using (var file = Open())
        {
            await Task.WhenAll(texts.Select((text, i) => file.AppendAsync(Rows.Key(i), 1, Rows.Completion(text))));
        }

        using var again = Open();
        for (var i = 0; i < texts.Length; i++) Assert.Equal(texts[i], again.Find(Rows.Key(i), 1, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Rows_that_finish_together_all_stand_whole()
    {
        const int Writers = 32, Each = 40;
        using (var file = Open())
        {
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (var i = 0; i < Each; i++)
                {
                    var row = writer * Each + i;
                    await file.AppendAsync(Rows.Key(row), 1, Rows.Completion(new string('x', row) + row, row));
                    // Acknowledged means readable.
                    Assert.Equal(row, file.Find(Rows.Key(row), 1, Rows.Context(row), out _)!.Content!.LastIndexOf('x') + 1);
                }
            })));
        }

        Assert.Equal(1 + (Writers * Each), _folder.Lines().Length);
        using var again = Open();
        Assert.Equal((Writers * Each, 0), (again.Finished, again.DamagedLines));
        for (var row = 0; row < Writers * Each; row++)
            Assert.Equal(new string('x', row) + row, again.Find(Rows.Key(row), 1, Rows.Context(), out _)!.Content);
    }

    [Fact]
    public async Task Opening_takes_little_for_each_row()
    {
        const int Count = 20_000;
        using (var file = Open())
        {
            var completion = Rows.Completion(new string('x', 900));
            for (var i = 0; i < Count; i += 1000)
                await Task.WhenAll(Enumerable.Range(i, 1000).Select(row => file.AppendAsync(Rows.Key(row), 1, completion)));
        }

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var time = Stopwatch.StartNew();
        using var again = Open();
        time.Stop();
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;

        output.WriteLine($"{Count} rows opened in {time.ElapsedMilliseconds} ms, {bytes} bytes of memory each.");
        Assert.Equal(Count, again.Finished);
    }

    private CheckpointFile Open() => CheckpointFile.Open(_folder.File);
}
