using System;

namespace LlmPs.Bulk;

/// <summary>
/// Has the garbage of a run collected before there is much of it. The runtime waits until there is as much as the processor's cache holds, 80 MB on
/// some servers, which the bound of a container or a runbook's worker need not have room for.
/// </summary>
internal sealed class GarbageBound
{
    // Most runs end before that.
    private const long First = 16 * 1024 * 1024;

    // The longer a run, the more the runtime keeps of the code that it compiles anew: its rows make room for that.
    private const long Next = 8 * 1024 * 1024;

    // To look each time takes too long.
    private const int RowsBetween = 64;

    private long _most = First;
    private int _rows;
    private int _collections;
    private long _before;

    /// <summary>Called where another row begins.</summary>
    internal void Hold()
    {
        if (++_rows % RowsBetween != 0) return;
        var collections = GC.CollectionCount(0);
        if (_rows > RowsBetween)
        {
            if (collections == _collections)
            {
                if (Allocated() - _before <= _most) return;
                // Of the youngest alone, next to nothing of which is in use: less than a millisecond.
                GC.Collect(0, GCCollectionMode.Forced, blocking: true);
                collections = GC.CollectionCount(0);
            }

            _most = Next;
        }

        _collections = collections;
        _before = Allocated();
    }

#if NET
    private static long Allocated() => GC.GetTotalAllocatedBytes();
#else
    private static long Allocated() => GC.GetTotalMemory(forceFullCollection: false);
#endif
}
