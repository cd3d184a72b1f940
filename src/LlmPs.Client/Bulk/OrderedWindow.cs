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
internal sealed class OrderedWindow<T> : IDisposable
{
    // A row that streams ahead of its turn is held to this many items.
    private const int RowCapacity = 1024;

    private readonly object _gate = new();
    private readonly Queue<Row> _rows = new();

    // Whether something has come since the reader last found nothing.
    private readonly ManualResetEventSlim _arrived = new(false, spinCount: 0);
    private readonly int _capacity;
    private readonly bool _ordered;
    private Queue<T> _ready = new();
    private int _open;

    // The reader's own: what it took under one lock and has yet to hand out.
    private Queue<T> _taken = new();

    /// <param name="capacity">How many rows may be open.</param>
    /// <param name="ordered">Whether items come in the order of the rows.</param>
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

    /// <summary>
    /// Hands over an item that waits for no row's turn, such as a message: behind what the reader has taken already and what came the same
    /// way.
    /// </summary>
    internal void Interject(T item)
    {
        lock (_gate)
        {
            _ready.Enqueue(item);
            Wake();
        }
    }

    /// <summary>The next item whose turn it is, waiting for it as long as said. One reader at a time.</summary>
    internal Taken TryTake(TimeSpan wait, out T? item)
    {
        item = default;
        if (_taken.Count == 0 && Await(wait) is var taken && taken != Taken.Item) return taken;
        item = _taken.Dequeue();
        return Taken.Item;
    }

    /// <summary>Nothing is read any more. Rows may still write.</summary>
    public void Dispose() => _arrived.Dispose();

    private Taken Await(TimeSpan wait)
    {
        var deadline = wait == Timeout.InfiniteTimeSpan ? long.MaxValue
            : Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency);
        while (true)
        {
            lock (_gate)
            {
                if (TakeAll()) return Taken.Item;
                if (_open == 0) return Taken.Drained;
                _arrived.Reset();
            }

            var left = deadline == long.MaxValue ? int.MaxValue
                : (int)Math.Min(int.MaxValue, (deadline - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency);
            if (left <= 0) return Taken.Nothing;
            _arrived.Wait(left);
        }
    }

    // From here on under the lock.

    /// <summary>Takes all whose turn it is.</summary>
    private bool TakeAll()
    {
        if (_ready.Count > 0)
        {
            (_taken, _ready) = (_ready, _taken);
            return true;
        }

        while (_rows.Count > 0)
        {
            var head = _rows.Peek();
            if (head.TakeAll(ref _taken)) return true;
            if (!head.IsClosed) return false;
            _rows.Dequeue();
            _open--;
        }

        return false;
    }

    private void Wake()
    {
        if (!_arrived.IsSet) _arrived.Set();
    }

    /// <summary>One row's place. Written by the row, in its own order.</summary>
    internal sealed class Row
    {
        private readonly OrderedWindow<T> _window;
        private Queue<T> _items = new();
        private TaskCompletionSource<bool>? _room;

        internal Row(OrderedWindow<T> window) => _window = window;

        internal bool IsClosed { get; private set; }

        // Unordered items go out at once.
        private Queue<T> Items => _window._ordered ? _items : _window._ready;

        private bool IsNext => !_window._ordered || ReferenceEquals(_window._rows.Peek(), this);

        /// <summary>Hands an item over; completes when there is room for another.</summary>
        internal Task WriteAsync(T item)
        {
            lock (_window._gate)
            {
                Items.Enqueue(item);
                return WhenRoom();
            }
        }

        /// <summary>Hands several items over at once.</summary>
        internal Task WriteAllAsync(IEnumerable<T> items)
        {
            lock (_window._gate)
            {
                foreach (var item in items) Items.Enqueue(item);
                return WhenRoom();
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
                if (IsNext) _window.Wake();
            }
        }

        /// <summary>The row is done with its last item. So its reader is woken once for both.</summary>
        internal void Close(T last)
        {
            lock (_window._gate)
            {
                Items.Enqueue(last);
                Close();
            }
        }

        internal bool TakeAll(ref Queue<T> taken)
        {
            if (_items.Count == 0) return false;
            (taken, _items) = (_items, taken);
            _room?.SetResult(true);
            _room = null;
            return true;
        }

        private Task WhenRoom()
        {
            if (IsNext) _window.Wake();
            // A reader that is behind on unordered items opens no more rows.
            if (!_window._ordered || _items.Count < RowCapacity) return Task.CompletedTask;
            return (_room ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }
}
