using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>What rows write comes out once, in order, and wakes a reader that waits.</summary>
public class OrderedWindowTests
{
    [Theory]
    [InlineData(true, "a1 a2 b1 b2")]
    [InlineData(false, "b1 a1 a2 b2")]
    public void Items_come_in_the_order_of_the_rows_or_as_they_are_written(bool ordered, string expected)
    {
        using var window = new OrderedWindow<string>(4, ordered);
        var (a, b) = (window.Open(), window.Open());
        Assert.True(b.WriteAsync("b1").IsCompleted);
        Assert.True(a.WriteAllAsync(["a1", "a2"]).IsCompleted);
        a.Close();
        b.Close("b2");
        Assert.Equal(expected, string.Join(' ', TakeAll(window)));
    }

    [Fact]
    public void A_row_far_ahead_of_its_turn_waits_until_it_is_read()
    {
        using var window = new OrderedWindow<string>(4, ordered: true);
        var (a, b) = (window.Open(), window.Open());
        var room = b.WriteAllAsync(Enumerable.Repeat("b", 1024));
        Assert.False(room.IsCompleted);
        a.Close("a");
        Assert.Equal((Taken.Item, "a"), (window.TryTake(TimeSpan.Zero, out var first), first));
        Assert.False(room.IsCompleted);
        Assert.Equal((Taken.Item, "b"), (window.TryTake(TimeSpan.Zero, out var second), second));
        Assert.True(room.IsCompleted);
    }

    [Fact]
    public void The_bound_counts_rows_that_are_not_read_to_their_end()
    {
        using var window = new OrderedWindow<string>(1, ordered: true);
        window.Open().Close("a");
        Assert.True(window.IsFull);
        Assert.Equal(["a"], TakeAll(window));
        Assert.False(window.IsFull);
    }

    [Fact]
    public void A_message_of_no_row_does_not_wait_for_the_rows()
    {
        using var window = new OrderedWindow<string>(4, ordered: true);
        window.Open();
        window.Interject("!");
        Assert.Equal((Taken.Item, "!"), (window.TryTake(TimeSpan.Zero, out var item), item));
        Assert.Equal(Taken.Nothing, window.TryTake(TimeSpan.Zero, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_is_lost_between_many_writers_and_a_reader_that_sleeps(bool ordered)
    {
        const int rows = 2000;
        using var window = new OrderedWindow<int>(32, ordered);
        using var width = new SemaphoreSlim(8);
        var taken = new List<int>();
        var writers = new List<Task>();
        void Drain(bool isFull)
        {
            while (window.TryTake(isFull ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, out var item) == Taken.Item)
            {
                taken.Add(item);
                isFull = window.IsFull;
            }
        }

        for (var i = 0; i < rows; i++)
        {
            var (row, n) = (window.Open(), i);
            writers.Add(Task.Run(async () =>
            {
                await width.WaitAsync();
                if (n % 50 == 0) await Task.Delay(1);
                await row.WriteAsync(2 * n);
                width.Release();
                row.Close((2 * n) + 1);
            }));
            Drain(window.IsFull);
        }

        while (window.TryTake(Timeout.InfiniteTimeSpan, out var item) == Taken.Item) taken.Add(item);
        await Task.WhenAll(writers);
        if (!ordered) taken.Sort();
        Assert.Equal(Enumerable.Range(0, 2 * rows), taken);
    }

    private static List<T> TakeAll<T>(OrderedWindow<T> window)
    {
        var taken = new List<T>();
        while (window.TryTake(TimeSpan.Zero, out var item) == Taken.Item) taken.Add(item!);
        return taken;
    }
}
