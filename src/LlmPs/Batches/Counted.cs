using System;
using System.Globalization;

namespace LlmPs.Batches;

/// <summary>Numbers with their nouns.</summary>
internal static class Counted
{
    /// <summary>Returns "1 row", "2 rows".</summary>
    internal static string Of(long count, string noun) =>
        string.Format(CultureInfo.InvariantCulture, count == 1 ? "{0} {1}" : "{0} {1}s", count, noun);

    /// <summary>Returns a size in KB, from 1 MB on in MB.</summary>
    internal static string Size(long bytes) => bytes < 1_000_000
        ? string.Format(CultureInfo.InvariantCulture, "{0} KB", (long)Math.Ceiling(bytes / 1e3))
        : string.Format(CultureInfo.InvariantCulture, "{0:0.0} MB", bytes / 1e6);
}
