using System;
using System.Globalization;

namespace LlmPs.Simulator.Answers;

/// <summary>FNV-1a, for ids and seeded choices: the same request gets the same answer in every process.</summary>
internal static class Fnv
{
    private const ulong Offset = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    internal static ulong Hash(ReadOnlySpan<byte> bytes, ulong start = Offset)
    {
        var hash = start;
        foreach (var b in bytes) hash = (hash ^ b) * Prime;
        return hash;
    }

    internal static ulong Hash(string text)
    {
        var hash = Offset;
        foreach (var c in text) hash = (hash ^ c) * Prime;
        return hash;
    }

    /// <summary>Returns a value in [0, 1) from three numbers. The last steps of SplitMix64 spread neighbouring ordinals.</summary>
    internal static double Fraction(long seed, long ordinal, int salt)
    {
        var z = (ulong)seed * 0x9E3779B97F4A7C15 + (ulong)ordinal * 0xD1B54A32D192ED03 + (ulong)salt * 0x8CB92BA72F3D8DD7;
        return (Mix(z) >> 11) * (1.0 / (1UL << 53));
    }

    internal static string Hex(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    internal static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
