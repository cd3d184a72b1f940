using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Bulk;

/// <summary>What came of asking a window for its next item.</summary>
internal enum Taken
{
    /// <summary>An item.</summary>
    Item,

    /// <summary>Nothing yet; rows are still under way.</summary>
    Nothing,

    /// <summary>Nothing, and no row is under way.</summary>
    Drained,
}

/// <summary>
/// Many rows at work, one reader: what the rows produce comes out in the order in which the rows were opened, or as it comes. Bounded:
/// a reader that is behind holds back the rows, and a slow first row holds back the opening of more.
/// </summary>
internal sealed class OrderedWindow<T>
{
    // A row that streams ahead of its turn is held to this many items.
    private const int RowCapacity = 1024;

    private readonly object _gate = new();
    private readonly Queue<Row> _rows = new();
    private readonly Queue<T> _ready = new();
    private readonly int _capacity;
    private readonly bool _ordered;
    private int _open;

    internal OrderedWindow(int capacity, bool ordered)
    {
        _capacity = capacity;
        _ordered = ordered;
    }

    /// <summary>Whether another row would exceed the bound.</summary>
    internal bool IsFull
    {
        get
        {
            lock (_gate) return _open >= _capacity;
        }
    }

    /// <summary>A place for the next row.</summary>
    internal Row Open()
    {
        lock (_gate)
        {
            _open++;
            var row = new Row(this);
            if (_ordered) _rows.Enqueue(row);
            return row;
        }
    }

    /// <summary>Puts an item in front of everything that waits, such as a message that belongs to no row's turn.</summary>
    internal void Interject(T item)
    {
        lock (_gate)
        {
            _ready.Enqueue(item);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next item whose turn it is, waiting for it as long as said. One reader at a time.</summary>
    internal Taken TryTake(TimeSpan wait, out T? item)
    {
        var deadline = wait == Timeout.InfiniteTimeSpan ? long.MaxValue : Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency);
        lock (_gate)
        {
            while (true)
            {
                if (_ready.Count > 0)
                {
                    item = _ready.Dequeue();
                    return Taken.Item;
                }

                while (_rows.Count > 0)
                {
                    var head = _rows.Peek();
                    if (head.TryDequeue(out item)) return Taken.Item;
                    if (!head.IsClosed) break;
                    _rows.Dequeue();
                    _open--;
                }

                item = default;
                if (_open == 0) return Taken.Drained;
                var left = deadline == long.MaxValue ? int.MaxValue : (int)Math.Min(int.MaxValue, (deadline - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency);
                if (left <= 0) return Taken.Nothing;
                Monitor.Wait(_gate, left);
            }
        }
    }

    /// <summary>One row's place. Written by the row, in its own order.</summary>
    internal sealed class Row
    {
        private readonly OrderedWindow<T> _window;
        private readonly Queue<T> _items = new();
        private TaskCompletionSource<bool>? _room;

        internal Row(OrderedWindow<T> window) => _window = window;

        internal bool IsClosed { get; private set; }

        /// <summary>Hands an item over; completes when there is room for another.</summary>
        internal Task WriteAsync(T item)
        {
            lock (_window._gate)
            {
                // Unordered items go out at once, so a reader that is behind shows in the one queue.
                var queue = _window._ordered ? _items : _window._ready;
                queue.Enqueue(item);
                if (!_window._ordered || ReferenceEquals(_window._rows.Peek(), this)) Monitor.PulseAll(_window._gate);
                if (!_window._ordered || queue.Count < RowCapacity) return Task.CompletedTask;
                return (_room ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }

        /// <summary>The row is done.</summary>
        internal void Close()
        {
            lock (_window._gate)
            {
                if (IsClosed) return;
                IsClosed = true;
                if (!_window._ordered) _window._open--;
                Monitor.PulseAll(_window._gate);
            }
        }

        internal bool TryDequeue(out T? item)
        {
            if (_items.Count == 0)
            {
                item = default;
                return false;
            }

            item = _items.Dequeue();
            if (_room is { } room && _items.Count < RowCapacity / 2)
            {
                _room = null;
                room.SetResult(true);
            }

            return true;
        }
    }
}
