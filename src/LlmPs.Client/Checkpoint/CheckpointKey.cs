using System;
using System.Buffers.Text;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace LlmPs.Checkpoint;

/// <summary>Identifies a request: 128 bits of a hash over its body and address. No credential is part of it.</summary>
internal readonly struct CheckpointKey : IEquatable<CheckpointKey>
{
    /// <summary>The length of a key as text.</summary>
    internal const int TextLength = 2 * HalfLength;

    private const int HalfLength = 16;

    private readonly ulong _high;
    private readonly ulong _low;

    private CheckpointKey(ulong high, ulong low)
    {
        _high = high;
        _low = low;
    }

    /// <summary>Returns the key of a request, which is the same with and without streaming.</summary>
    internal static CheckpointKey Of(string provider, string address, string model, string? chip, byte[] body)
    {
        // Each string has its length before it, so that different fields never give the same bytes.
        using var content = new MemoryStream(1024);
        using var writer = new BinaryWriter(content, Encoding.UTF8);
        writer.Write(provider);
        writer.Write(address);
        writer.Write(model);
        writer.Write(chip ?? string.Empty);
        writer.Write(body);
        writer.Flush();

#if NET
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content.GetBuffer().AsSpan(0, (int)content.Length), hash);
        return new CheckpointKey(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash.Slice(sizeof(ulong))));
#else
        using var sha = SHA256.Create();
        content.Position = 0;
        var hash = sha.ComputeHash(content);
        return new CheckpointKey(BitConverter.ToUInt64(hash, 0), BitConverter.ToUInt64(hash, sizeof(ulong)));
#endif
    }

    internal static bool TryParse(ReadOnlySpan<byte> hex, out CheckpointKey key)
    {
        ulong low = 0;
        var isKey = hex.Length == TextLength
            & Utf8Parser.TryParse(hex.Slice(0, Math.Min(hex.Length, HalfLength)), out ulong high, out var read, 'x') & read == HalfLength
            && Utf8Parser.TryParse(hex.Slice(HalfLength), out low, out read, 'x') & read == HalfLength;
        key = new CheckpointKey(high, low);
        return isKey;
    }

    public bool Equals(CheckpointKey other) => _high == other._high && _low == other._low;

    public override bool Equals(object? obj) => obj is CheckpointKey other && Equals(other);

    public override int GetHashCode() => (int)_low;

    public override string ToString() =>
        _high.ToString("x16", CultureInfo.InvariantCulture) + _low.ToString("x16", CultureInfo.InvariantCulture);
}
