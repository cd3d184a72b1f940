using System;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>Reads one value of a provider's JSON. A value of another type than the expected one counts as missing.</summary>
// For NoInlining see AnswerReader.
internal static class WireValue
{
    /// <summary>Moves to the next value. Returns whether it is of this type; skips it if not.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Begins(ref Utf8JsonReader reader, JsonTokenType type)
    {
        reader.Read();
        if (reader.TokenType == type) return true;
        reader.Skip();
        return false;
    }

    /// <summary>
    /// Returns a text, which may begin or end with half a character: see <see cref="SplitCharacter"/>. Text in parts is joined.
    /// </summary>
    internal static string? ReadText(ref Utf8JsonReader reader)
    {
        var text = ReadContent(ref reader, out var reasoning);
        return reasoning is null ? text : reasoning + text;
    }

    /// <summary>Returns the text of an answer, which may come in parts. Parts of reasoning are separate (issue 21, B).</summary>
    internal static string? ReadContent(ref Utf8JsonReader reader, out string? reasoning)
    {
        reasoning = null;
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return Piece(ref reader);
        if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
        {
            reader.Skip();
            return null;
        }

        StringBuilder? text = null, thinking = null;
        ReadParts(ref reader, ref text, ref thinking);
        reasoning = thinking?.ToString();
        return text?.ToString();
    }

    private static void ReadParts(ref Utf8JsonReader reader, ref StringBuilder? text, ref StringBuilder? thinking)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            ReadPart(ref reader, ref text, ref thinking);
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject) ReadPart(ref reader, ref text, ref thinking);
            else if (reader.TokenType == JsonTokenType.String) (text ??= new StringBuilder()).Append(Piece(ref reader));
            else reader.Skip();
        }
    }

    /// <summary>Reads one part: text, or reasoning by its type or its field. The reasoning itself may be text or parts again.</summary>
    private static void ReadPart(ref Utf8JsonReader reader, ref StringBuilder? text, ref StringBuilder? thinking)
    {
        string? own = null, reasoning = null;
        var isReasoning = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                SkipValue(ref reader);
                isReasoning = reader.TokenType == JsonTokenType.String
                    && (reader.ValueSpan.IndexOf("think"u8) >= 0 || reader.ValueSpan.IndexOf("reason"u8) >= 0);
            }
            else if (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("value"u8))
                own = ReadText(ref reader) ?? own;
            else if (reader.ValueTextEquals("thinking"u8) || reader.ValueTextEquals("reasoning"u8)
                || reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("summary"u8))
            {
                reasoning = ReadText(ref reader) ?? reasoning;
            }
            else SkipValue(ref reader);
        }

        if (reasoning is not null) (thinking ??= new StringBuilder()).Append(reasoning);
        if (own is null) return;
        if (isReasoning) (thinking ??= new StringBuilder()).Append(own);
        else (text ??= new StringBuilder()).Append(own);
    }

    /// <summary>Returns a short string of a fixed vocabulary, where "" means the same as null.</summary>
    internal static string? Word(ref Utf8JsonReader reader)
    {
        if (!Begins(ref reader, JsonTokenType.String)) return null;
        if (!reader.ValueIsEscaped && reader.ValueTextEquals("assistant"u8)) return ChatRole.Assistant;
        if (!reader.ValueIsEscaped && reader.ValueTextEquals("stop"u8)) return FinishReasons.Stop;
        var word = Whole(ref reader);
        return word.Length == 0 ? null : word;
    }

    internal static long? ReadInteger(ref Utf8JsonReader reader)
    {
        if (ReadNumber(ref reader, out var integer) is not { } number) return integer;
        return number is >= long.MinValue and < long.MaxValue ? (long)number : null;
    }

    internal static double? ReadNumber(ref Utf8JsonReader reader) => ReadNumber(ref reader, out var integer) ?? integer;

    /// <summary>
    /// Returns a number that is not an integer; an integer is in <paramref name="integer"/>. Some servers write counts as 10.0, and
    /// indices, counts and times as "10".
    /// </summary>
    internal static double? ReadNumber(ref Utf8JsonReader reader, out long? integer)
    {
        integer = null;
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            if (Utf8Parser.TryParse(reader.ValueSpan, out long digits, out var read) && read == reader.ValueSpan.Length) integer = digits;
            return null;
        }

        if (reader.TokenType == JsonTokenType.Number)
        {
            if (!reader.TryGetInt64(out var value)) return reader.ReadDouble();
            integer = value;
        }

        reader.Skip();
        return null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool? ReadBoolean(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.True) return true;
        if (reader.TokenType == JsonTokenType.False) return false;
        reader.Skip();
        return null;
    }

    /// <summary>Returns a time that is given in Unix seconds.</summary>
    internal static DateTimeOffset? ReadTime(ref Utf8JsonReader reader) =>
        ReadInteger(ref reader) is { } seconds ? UnixTime.FromSeconds(seconds) : null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool HasValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        var has = reader.TokenType switch
        {
            JsonTokenType.Null or JsonTokenType.False => false,
            JsonTokenType.String => !reader.ValueTextEquals(ReadOnlySpan<byte>.Empty),
            _ => true,
        };
        reader.Skip();
        return has;
    }

    /// <summary>
    /// Returns whether the value of a field named error reports one. Some servers send an empty object, or one with the code 0, with every
    /// answer.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool HasError(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return SaysSomething(ref reader);
        var depth = reader.CurrentDepth;
        var has = false;
        while (reader.Read() && reader.CurrentDepth > depth) has |= SaysSomething(ref reader);
        return has;
    }

    private static bool SaysSomething(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.Number => !reader.TryGetInt64(out var number) || number != 0,
        JsonTokenType.String => !reader.ValueTextEquals(ReadOnlySpan<byte>.Empty) && !reader.ValueTextEquals("0"u8),
        _ => false,
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    /// <summary>
    /// Returns the string or name under the reader, which no other piece continues; the object <paramref name="last"/> if equal.
    /// </summary>
    internal static string Whole(ref Utf8JsonReader reader, string? last = null)
    {
        var text = Piece(ref reader, last);
        if (ReferenceEquals(text, last)) return text;
        var split = default(SplitCharacter);
        return split.Next(text) + split.Rest;
    }

    /// <summary>
    /// Returns the string under the reader. The reader throws for invalid text, but an answer that was paid for must not be lost for half
    /// an emoji, or for bytes that are not valid UTF-8.
    /// </summary>
    internal static string Piece(ref Utf8JsonReader reader, string? last = null)
    {
#if NET
        // Most strings have no escapes and need no try block.
        if (!reader.ValueIsEscaped)
            return last is not null && reader.ValueTextEquals(last) ? last : Encoding.UTF8.GetString(reader.ValueSpan);
#endif
        return Escaped(ref reader, last);
    }

    private static string Escaped(ref Utf8JsonReader reader, string? last)
    {
        try
        {
            return last is not null && reader.ValueTextEquals(last) ? last : reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescape(reader.ValueSpan);
        }
    }

    /// <summary>
    /// Returns text whose other invalid characters are replaced. Halves at either end stay, since the next or last piece may have the
    /// other.
    /// </summary>
    private static string Unescape(ReadOnlySpan<byte> escaped)
    {
        var text = new StringBuilder(escaped.Length);
        while (!escaped.IsEmpty)
        {
            var plain = escaped.IndexOf((byte)'\\');
            if (plain < 0) plain = escaped.Length;
            text.Append(Encoding.UTF8.GetString(escaped.Slice(0, plain).ToArray()));
            escaped = escaped.Slice(plain);
            if (escaped.IsEmpty) break;
            if (escaped[1] == (byte)'u')
            {
                // The reader has checked that four digits follow.
                _ = Utf8Parser.TryParse(escaped.Slice(2, 4), out ushort unit, out _, 'x');
                text.Append((char)unit);
                escaped = escaped.Slice(6);
                continue;
            }

            text.Append((char)escaped[1] switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', var itself => itself });
            escaped = escaped.Slice(2);
        }

        var units = text.ToString().ToCharArray();
        for (var i = 0; i < units.Length; i++)
        {
            if (char.IsHighSurrogate(units[i]) && i + 1 < units.Length && char.IsLowSurrogate(units[i + 1])) i++;
            else if (char.IsHighSurrogate(units[i]) ? i < units.Length - 1 : char.IsLowSurrogate(units[i]) && i > 0)
                units[i] = SplitCharacter.Replacement;
        }

        return new string(units);
    }
}
