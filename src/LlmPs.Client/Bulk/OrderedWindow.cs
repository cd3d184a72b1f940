using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Bulk;

/// <summary>The result of <see cref="OrderedWindow{T}.TryTake"/>.</summary>
internal enum Taken
{
    Item,

    /// <summary>No item yet; rows are still open.</summary>
    Nothing,

    /// <summary>No item, and no row is open.</summary>
    Drained,
}

/// <summary>
/// Passes items from many rows to one reader, in the order in which the rows were opened or as the items arrive. Bounded: a slow reader
/// delays the rows, and a slow first row delays the opening of more.
/// </summary>
internal sealed class OrderedWindow<T>(int capacity, bool ordered) : IDisposable
{
    // The most items of a row before its turn.
    private const int RowCapacity = 1024;

    private readonly object _gate = new();
    private readonly Queue<Row> _rows = new();
    private readonly ManualResetEventSlim _arrived = new(false, spinCount: 0);
    private readonly bool _ordered = ordered;
    private Queue<T> _ready = new();
    private int _open;

    // Used by the reader only, without the lock.
    private Queue<T> _taken = new();

    internal bool IsFull
    {
        get
        {
            lock (_gate) return _open >= capacity;
        }
    }

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

    /// <summary>Passes on an item that does not wait for the turn of a row, such as a message.</summary>
    internal void Interject(T item)
    {
        lock (_gate)
        {
            _ready.Enqueue(item);
            Wake();
        }
    }

    /// <summary>Takes the next item, and waits for it at most this long. One reader at a time.</summary>
    internal Taken TryTake(TimeSpan wait, out T? item)
    {
        item = default;
        if (_taken.Count == 0 && Await(wait) is var taken && taken != Taken.Item) return taken;
        item = _taken.Dequeue();
        return Taken.Item;
    }

    /// <summary>Ends the reading. Rows may still write.</summary>
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

    // Called under the lock, as Wake is.
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

    internal sealed class Row(OrderedWindow<T> window)
    {
        private Queue<T> _items = new();
        private TaskCompletionSource<bool>? _room;

        internal bool IsClosed { get; private set; }

        private Queue<T> Items => window._ordered ? _items : window._ready;

        private bool IsNext => !window._ordered || ReferenceEquals(window._rows.Peek(), this);

        /// <summary>Passes on an item; completes when there is room for another.</summary>
        internal Task WriteAsync(T item) => WriteAllAsync([item]);

        /// <summary>Passes on several items at once; completes when there is room for another.</summary>
        internal Task WriteAllAsync(IEnumerable<T> items)
        {
            lock (window._gate)
            {
                foreach (var item in items) Items.Enqueue(item);
                if (IsNext) window.Wake();
                // The rows of a slow reader are bounded where items are not ordered: it opens no more of them.
                if (!window._ordered || _items.Count < RowCapacity) return Task.CompletedTask;
                return (_room ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }

        internal void Close()
        {
            lock (window._gate)
            {
                if (IsClosed) return;
                IsClosed = true;
                if (!window._ordered) window._open--;
                if (IsNext) window.Wake();
            }
        }

        /// <summary>Passes on the last item and closes the row, with one wake of the reader for both.</summary>
        internal void Close(T last)
        {
            lock (window._gate)
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
    }
}
