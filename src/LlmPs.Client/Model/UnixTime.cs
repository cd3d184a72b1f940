using System;

namespace LlmPs;

/// <summary>Times of the wire, which are seconds since 1970 in UTC.</summary>
internal static class UnixTime
{
    private const long Latest = 253402300799; // the end of the year 9999

    /// <summary>The time, or null for a figure that is none.</summary>
    internal static DateTimeOffset? FromSeconds(long seconds) =>
        seconds is > 0 and <= Latest ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
