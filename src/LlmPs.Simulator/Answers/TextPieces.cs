using System;
using System.Globalization;

namespace LlmPs.Simulator.Answers;

/// <summary>Cuts text into the pieces of a stream, and counts tokens. A piece never ends inside a text element.</summary>
internal static class TextPieces
{
    /// <summary>The simulator's token rule: one token per four UTF-8 bytes, rounded up; no token for no text.</summary>
    internal const int BytesPerToken = 4;

    internal static int Tokens(int utf8Bytes) => (utf8Bytes + BytesPerToken - 1) / BytesPerToken;

    internal static int Tokens(string text) => Tokens(Utf8Length(text));

    internal static int Utf8Length(string text) => Utf8Length(text, 0, text.Length);

    internal static int Utf8Length(string text, int start, int length)
    {
        var bytes = 0;
        for (var i = start; i < start + length; i++) bytes += Utf8Length(text[i]);
        return bytes;
    }

    /// <summary>Returns the end of a piece with this many text elements.</summary>
    internal static int End(string text, int start, int elements)
    {
        var at = start;
        for (var i = 0; i < elements && at < text.Length; i++) at += ElementLength(text, at);
        return at;
    }

    internal static int CountElements(string text)
    {
        var count = 0;
        for (var at = 0; at < text.Length; at += ElementLength(text, at)) count++;
        return count;
    }

    /// <summary>Returns the end of the longest head of whole text elements that has at most this many UTF-8 bytes.</summary>
    internal static int EndWithinBytes(string text, int utf8Bytes)
    {
        var at = 0;
        while (at < text.Length)
        {
            var length = ElementLength(text, at);
            utf8Bytes -= Utf8Length(text, at, length);
            if (utf8Bytes < 0) break;
            at += length;
        }

        return at;
    }

    private static int ElementLength(string text, int at)
    {
        // Two ASCII characters in a row are two elements; this avoids most of the slow calls below.
        if (text[at] < 0x80 && (at + 1 == text.Length || text[at + 1] < 0x80)) return 1;
#if NET
        return StringInfo.GetNextTextElementLength(text, at);
#else
        return StringInfo.GetNextTextElement(text, at).Length;
#endif
    }

    // Half of a surrogate pair counts two, so that a pair counts the four bytes it takes.
    private static int Utf8Length(char c) => c < 0x80 ? 1 : c < 0x800 || char.IsSurrogate(c) ? 2 : 3;
}
