#pragma warning disable IDE0130

namespace System.Collections.Generic;

/// <summary>As much of .NET's as the tests need: the least priority first.</summary>
internal sealed class PriorityQueue<TElement, TPriority>
{
    private readonly SortedDictionary<TPriority, Queue<TElement>> _waiting = new();

    internal void Enqueue(TElement element, TPriority priority)
    {
        if (!_waiting.TryGetValue(priority, out var equal)) _waiting[priority] = equal = new Queue<TElement>();
        equal.Enqueue(element);
    }

    internal bool TryPeek(out TElement element, out TPriority priority)
    {
        foreach (var first in _waiting)
        {
            element = first.Value.Peek();
            priority = first.Key;
            return true;
        }

        element = default!;
        priority = default!;
        return false;
    }

    internal TElement Dequeue()
    {
        if (!TryPeek(out var element, out var priority)) throw new InvalidOperationException("The queue is empty.");
        var equal = _waiting[priority];
        equal.Dequeue();
        if (equal.Count == 0) _waiting.Remove(priority);
        return element;
    }
}
