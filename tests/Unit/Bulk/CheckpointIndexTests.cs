using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Checkpoint;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointIndexTests
{
    [Fact]
    public void Finds_each_of_many_rows()
    {
        var index = new CheckpointIndex();
        var keys = Enumerable.Range(0, 5000).Select(Rows.Key).ToArray();
        for (var i = 0; i < keys.Length; i++) index.Set(keys[i], 1, i * 10L + 6_000_000_000, i + 1);

        for (var i = 0; i < keys.Length; i++)
        {
            Assert.True(index.TryGet(keys[i], 1, out var offset, out var length));
            Assert.Equal((i * 10L + 6_000_000_000, i + 1), (offset, length));
            Assert.False(index.TryGet(keys[i], 2, out _, out _));
        }

        Assert.Equal(keys.Length, index.Finished);
        Assert.False(index.TryGet(Rows.Key(5000), 1, out _, out _));
    }

    [Fact]
    public void Equal_rows_are_told_apart_by_their_count()
    {
        var index = new CheckpointIndex();
        for (var n = 1; n <= 3000; n++)
        {
            Assert.Equal(n, index.CountUp(Rows.Key(0)));
            if (n % 2 == 0) index.Set(Rows.Key(0), n, n, 1);
        }

        Assert.Equal(1500, index.Finished);
        Assert.All(Enumerable.Range(1, 3000), n => Assert.Equal(n % 2 == 0, index.TryGet(Rows.Key(0), n, out _, out _)));
    }

    [Fact]
    public void What_is_said_last_counts()
    {
        var index = new CheckpointIndex();
        index.Set(Rows.Key(0), 1, 10, 5);
        index.Set(Rows.Key(0), 1, 20, 6);

        Assert.True(index.TryGet(Rows.Key(0), 1, out var offset, out var length));
        Assert.Equal((20, 6), (offset, length));
        Assert.Equal(1, index.Finished);
    }

    [Fact]
    public void Row_that_was_only_asked_for_is_not_finished()
    {
        var index = new CheckpointIndex();
        index.CountUp(Rows.Key(0));

        Assert.Equal(0, index.Finished);
        Assert.False(index.TryGet(Rows.Key(0), 1, out _, out _));
    }
}
