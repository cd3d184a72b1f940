using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using Xunit;
using Xunit.Abstractions;

namespace LlmPs.Unit.Bulk;

/// <summary>
/// A damaged file costs rows that are asked again; it never gives a row a wrong answer. LLMPS_DAMAGES sets the number of random damages.
/// </summary>
public sealed class CheckpointDamageTests(ITestOutputHelper output) : IDisposable
{
    private const int Count = 60;

    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Random_damage_gives_no_wrong_answer_and_loses_no_sound_row()
    {
        var damages = int.Parse(Environment.GetEnvironmentVariable("LLMPS_DAMAGES") ?? "100", CultureInfo.InvariantCulture);
        var whole = await FillAsync();
        var sound = Lines(whole).ToDictionary(line => line, _ => 0);
        int refused = 0, asked = 0;
        var wrong = new List<string>();
        for (var seed = 0; seed < damages; seed++)
        {
            var damaged = Damage(whole, seed, out var what);
            await File.WriteAllBytesAsync(_folder.File, damaged);
            var intact = Lines(damaged).Where(line => sound.ContainsKey(line) && line.StartsWith("{\"key\"", StringComparison.Ordinal))
                .Distinct().Count();
            CheckpointFile file;
            try
            {
                file = Open();
            }
            catch (CheckpointException)
            {
                // A file without any sound line is not known to be a checkpoint. It must stay as it is.
                refused++;
                var left = await File.ReadAllBytesAsync(_folder.File);
                if (intact > 0 || !left.SequenceEqual(damaged)) wrong.Add($"{seed} ({what}): refused with {intact} sound lines");
                continue;
            }

            using (file)
            {
                var found = 0;
                for (var row = 0; row < Count; row++)
                {
                    var answer = file.Find(Rows.Key(row), file.CountUp(Rows.Key(row)), Rows.Context(row), out _);
                    if (answer is null)
                    {
                        asked++;
                        await file.AppendAsync(Rows.Key(row), 1, Completion(row));
                    }
                    else
                    {
                        found++;
                        if (answer.Content != Answer(row)) wrong.Add($"{seed} ({what}): row {row} has the answer {answer.Content}");
                    }

                    if (file.Find(Rows.Key(row), 2, Rows.Context(row), out _) is not null)
                        wrong.Add($"{seed} ({what}): row {row} has a second answer");
                }

                // All rows but those whose bytes changed; a whole last row may lack its line end.
                if (found < intact) wrong.Add($"{seed} ({what}): {found} rows found of {intact} sound lines");
                if (found + file.DamagedLines == 0 && intact > 0) wrong.Add($"{seed} ({what}): nothing found");
            }

            using var again = Open();
            for (var row = 0; row < Count; row++)
                if (again.Find(Rows.Key(row), 1, Rows.Context(row), out _)?.Content != Answer(row))
                    wrong.Add($"{seed} ({what}): row {row} is lost");
        }

        output.WriteLine($"{damages} damages: {asked} rows asked again, {refused} files refused.");
        Assert.True(wrong.Count == 0, $"{wrong.Count} faults. " + string.Join(Environment.NewLine, wrong.Take(20)));
    }

    [Fact]
    public async Task A_line_with_another_number_or_key_is_no_answer()
    {
        await FillAsync(3);
        var lines = _folder.Lines();
        lines[1] = lines[1].Replace("\"n\":1,", "\"n\":2,", StringComparison.Ordinal);
        lines[2] = lines[2].Replace(Rows.Key(1).ToString(), Rows.Key(9).ToString(), StringComparison.Ordinal);
        await _folder.WriteAsync(lines);

        using var file = Open();

        Assert.Equal((1, 2), (file.Finished, file.DamagedLines));
        Assert.False(Rows.IsFinished(file, 0));
        Assert.False(Rows.IsFinished(file, 0, 2));
        Assert.False(Rows.IsFinished(file, 1));
        Assert.False(Rows.IsFinished(file, 9));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sound_line_counts_and_the_damaged_line_of_the_same_row_does_not(bool isLaterDamaged)
    {
        await FillAsync(1);
        var lines = _folder.Lines();
        var damaged = lines[1].Replace("Hello", "Hullo", StringComparison.Ordinal)[..^9] + "0000000\"}";
        await _folder.WriteAsync(isLaterDamaged ? [lines[0], lines[1], damaged] : [lines[0], damaged, lines[1]]);

        using var file = Open();

        Assert.Equal(Answer(0), file.Find(Rows.Key(0), 1, Rows.Context(), out _)!.Content);
        Assert.Equal((1, 0), (file.Finished, file.DamagedLines));
    }

    [Fact]
    public async Task A_line_that_is_damaged_after_the_file_was_opened_is_no_answer()
    {
        await FillAsync(3);
        using var file = CheckpointFile.Open(_folder.File, toRead: true);
        var lines = _folder.Lines();
        (lines[1], lines[2]) = (lines[2], lines[1]);
        lines[3] = lines[3].Replace(Answer(2), new string('x', Answer(2).Length), StringComparison.Ordinal);
        await _folder.WriteAsync(lines);

        for (var row = 0; row < 3; row++) Assert.Null(file.Find(Rows.Key(row), 1, Rows.Context(), out _));
    }

    [Fact]
    public async Task A_damaged_header_costs_no_row_and_is_counted()
    {
        await FillAsync(3);
        var lines = _folder.Lines();
        foreach (var header in new[] { lines[0].Replace("\"version\":2", "\"version\":1", StringComparison.Ordinal),
            lines[0].Replace('2', '3'), "\0\0\0", "{}" })
        {
            await _folder.WriteAsync([header, .. lines.Skip(1)]);
            using var file = Open();
            Assert.Equal((3, 1), (file.Finished, file.DamagedLines));
        }
    }

    [Fact]
    public async Task An_old_file_is_read_and_lines_that_are_added_to_it_have_checksums()
    {
        var old = await _folder.FillOldAsync(3);
        using (var file = Open())
        {
            Assert.Equal((3, 0), (file.Finished, file.DamagedLines));
            Assert.Equal("Answer 2", file.Find(Rows.Key(2), 1, Rows.Context(), out _)!.Content);
            await file.AppendAsync(Rows.Key(3), 1, Rows.Completion("Answer 3"));
        }

        var lines = _folder.Lines();
        Assert.Equal(old, lines.Take(4));
        lines[5] = lines[5].Replace("Answer 3", "Answer 4", StringComparison.Ordinal);
        await _folder.WriteAsync(lines);
        using (var again = Open())
        {
            Assert.Equal((3, 1), (again.Finished, again.DamagedLines));
            Assert.Equal("Answer 0", again.Find(Rows.Key(0), 1, Rows.Context(), out _)!.Content);
            Assert.Null(again.Find(Rows.Key(3), 1, Rows.Context(), out _));
        }

        // Opened twice, and marked once where the checksums begin.
        Assert.Equal(2, _folder.Lines().Count(line => line.Contains("llmps", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task In_an_old_file_a_line_that_is_no_JSON_does_not_take_the_place_of_a_sound_one()
    {
        var lines = await _folder.FillOldAsync(2);
        await _folder.WriteAsync([.. lines, lines[1].Replace("Answer 0", "An\"swer 0", StringComparison.Ordinal)]);

        using var file = Open();

        Assert.Equal((2, 0), (file.Finished, file.DamagedLines));
        Assert.Equal("Answer 0", file.Find(Rows.Key(0), 1, Rows.Context(), out _)!.Content);
    }

    private CheckpointFile Open() => CheckpointFile.Open(_folder.File);

    private async Task<byte[]> FillAsync(int rows = Count)
    {
        using (var file = Open())
        {
            await Task.WhenAll(Enumerable.Range(0, rows).Select(row => file.AppendAsync(Rows.Key(row), 1, Completion(row))));
        }

        return await File.ReadAllBytesAsync(_folder.File);
    }

    private static ChatCompletion Completion(int row) => Rows.Completion(Answer(row), row);

    private static string Answer(int row) =>
        string.Join(' ', Enumerable.Range(0, 1 + (row * 7 % 60))
            .Select(word => (row * 7919 + word * 104_729).ToString("x", CultureInfo.InvariantCulture)));

    private static IEnumerable<string> Lines(byte[] bytes) => Encoding.Latin1.GetString(bytes).Split('\n').Where(line => line.Length > 0);

    private static byte[] Damage(byte[] whole, int seed, out string what)
    {
        var random = new Random(seed);
        var bytes = whole.ToList();
        var at = random.Next(bytes.Count);
        var length = Math.Min(bytes.Count - at, random.Next(2) == 0 ? random.Next(1, 200) : random.Next(1, 5000));
        var block = bytes.GetRange(at, length);
        var other = random.Next(bytes.Count - length + 1);
        var lineEnds = Enumerable.Range(0, bytes.Count).Where(i => bytes[i] == '\n').ToArray();
        var kind = random.Next(9);
        what = new[] { "a bit", "bits", "a lost block", "truncated", "zeros", "a block twice", "a block over another", "a line end",
            "a bit of the header" }[kind];
        switch (kind)
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                for (var i = random.Next(2, 30); i > 0; i--) bytes[random.Next(bytes.Count)] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 4:
                for (var i = 0; i < length; i++) bytes[at + i] = 0;
                break;
            case 5:
                bytes.InsertRange(other, block);
                break;
            case 6:
                for (var i = 0; i < length; i++) bytes[other + i] = block[i];
                break;
            case 7:
                bytes[lineEnds[random.Next(lineEnds.Length)]] ^= (byte)(1 << random.Next(8));
                break;
            default:
                bytes[random.Next(lineEnds[0])] ^= (byte)(1 << random.Next(8));
                break;
        }

        return [.. bytes];
    }
}
