using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Files;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class LineReaderTests : IDisposable
{
    private const int Block = LineReader.BlockSize;

    private readonly Folder _folder = new();

    [Fact]
    public async Task Reads_lines_of_any_length_in_any_order()
    {
        var random = new Random(1);
        var bytes = new byte[20 * Block];
        random.NextBytes(bytes);
        await File.WriteAllBytesAsync(_folder.File, bytes);
        // In order; nearly in order, as rows end; anywhere.
        var places = Enumerable.Range(0, 900).Select(i => (long)i * 1000)
            .Concat(Enumerable.Range(0, 900).Select(i => (i * 1000L) + random.Next(-9_000, 9_000)))
            .Concat(Enumerable.Range(0, 900).Select(_ => (long)random.Next(bytes.Length)));
        var lengths = new[] { 1, 500, (Block / 2) - 1, Block / 2, (Block / 2) + 1, Block, 3 * Block };

        using var reader = Open();
        foreach (var place in places)
        {
            var offset = Math.Max(0, place);
            var length = (int)Math.Min(lengths[random.Next(lengths.Length)], bytes.Length - offset);
            Assert.True(bytes.AsSpan((int)offset, length).SequenceEqual(reader.Read(offset, length)), $"{length} bytes at {offset}");
        }
    }

    [Fact]
    public async Task Reads_what_was_added_since_it_read_the_end()
    {
        await File.WriteAllBytesAsync(_folder.File, [1, 2, 3]);
        using var reader = Open();
        Assert.Equal([2, 3], reader.Read(1, 2));
        using (var writer = new FileStream(_folder.File, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) await writer.WriteAsync(
            [4, 5], 0, 2);
        Assert.Equal([3, 4, 5], reader.Read(2, 3));
    }

    [Theory]
    [InlineData(2, 4)]
    [InlineData(9, 2)]
    [InlineData(1, Block)]
    public async Task Gives_zeros_where_the_file_has_been_cut(int offset, int length)
    {
        await File.WriteAllBytesAsync(_folder.File, [1, 2, 3]);
        using var reader = Open();
        var expected = new byte[length];
        for (var i = offset; i < 3; i++) expected[i - offset] = (byte)(i + 1);
        Assert.Equal(expected, reader.Read(offset, length));
    }

    public void Dispose() => _folder.Dispose();

    private LineReader Open() => new(FileLock.OpenForReading(_folder.File));
}
