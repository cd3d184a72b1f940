using System;

namespace LlmPs;

/// <summary>Converts times in JSON, which are seconds since 1970 in UTC.</summary>
internal static class UnixTime
{
    private const long Latest = 253402300799; // the end of the year 9999

    /// <summary>Returns the time; null for a number that is not a valid time.</summary>
    internal static DateTimeOffset? FromSeconds(long seconds) =>
        seconds is > 0 and <= Latest ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
