using System;
using System.Security.Cryptography;

namespace LlmPs.Checkpoint;

/// <summary>The checksum at the end of each line of a checkpoint: 64 bits of SHA-256 over all bytes before it.</summary>
internal static class LineChecksum
{
    private const int TextLength = 16;

    private static ReadOnlySpan<byte> Start => ",\"check\":\""u8;

    private static ReadOnlySpan<byte> End => "\"}"u8;

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    /// <summary>Returns a JSON object that is not empty as a line, with its checksum as the last property and its line end.</summary>
    internal static byte[] Seal(byte[] json)
    {
        var body = json.AsSpan(0, json.Length - 1);
        var line = new byte[body.Length + Start.Length + TextLength + End.Length + 1];
        var rest = line.AsSpan();
        body.CopyTo(rest);
        rest = rest.Slice(body.Length);
        Start.CopyTo(rest);
        rest = rest.Slice(Start.Length);
        Write(body, rest.Slice(0, TextLength));
        rest = rest.Slice(TextLength);
        End.CopyTo(rest);
        line[line.Length - 1] = (byte)'\n';
        return line;
    }

    /// <summary>Returns whether a line, without its line end, has a checksum that matches its bytes.</summary>
    internal static bool IsSound(ReadOnlySpan<byte> line)
    {
        var length = line.Length - Start.Length - TextLength - End.Length;
        if (length < 1 || !line.EndsWith(End) || !line.Slice(length).StartsWith(Start)) return false;
        Span<byte> expected = stackalloc byte[TextLength];
        Write(line.Slice(0, length), expected);
        return line.Slice(length + Start.Length, TextLength).SequenceEqual(expected);
    }

    private static void Write(ReadOnlySpan<byte> bytes, Span<byte> text)
    {
#if NET
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
#else
        using var sha = SHA256.Create();
        var hash = sha.ComputeHash(bytes.ToArray());
#endif
        for (var i = 0; i < TextLength; i++) text[i] = Digits[i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15];
    }
}
