using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;

namespace LlmPs.Unit.Client;

/// <summary>How many cases are tried, and what they are made of.</summary>
internal static class FuzzCases
{
    private const int Default = 1500;

    private static readonly Regex s_token =
        new(@"(?<=[:\[,]\s*)(""(?:[^""\\]|\\.)*""|-?[0-9][0-9.]*|true|false|null)", RegexOptions.CultureInvariant);

    private static readonly Gen<string> s_values = Gen.Elements(
        "null", "{}", "[]", "[{}]", "[[]]", "[null,1]", "true", "0", "-1", "1e999", "-1e-999", "9223372036854775808", "2147483648", "0.5",
            "\"\"", "\" \"", "\"\\ud800\"", "\"\\u0000\"", "\"stop\"",
        "{\"text\":1}", "[{\"text\":\"a\"},{\"text\":[{\"text\":\"b\"}]}]", "{\"content\":[{\"token\":1}]}", "{\"message\":{}}",
            "{\"delta\":{\"content\":\"c\"}}",
        "[{\"type\":\"thinking\",\"thinking\":[{\"text\":\"t\"}]},{\"text\":\"a\"}]", "\"a</think>b\"", "\"<think>\"", "\"error\"",
            "{\"status_code\":1}", "\"abort\"", "{\"content\":\"Hel\"}", "-2");

    /// <summary>A change of one byte: where, what, and whether it is put in, replaced or taken out.</summary>
    internal sealed record Edit(int At, byte Value, int Kind);

    /// <summary>Bytes that a failing case shows as text.</summary>
    internal sealed class Raw(byte[] bytes)
    {
        internal byte[] Bytes { get; } = bytes;

        public override string ToString() => JsonSerializer.Serialize(Encoding.Latin1.GetString(Bytes));
    }

    /// <summary>Cases a property; the environment variable LLMPS_FUZZ_CASES says another number.</summary>
    internal static int Count =>
        int.TryParse(Environment.GetEnvironmentVariable("LLMPS_FUZZ_CASES"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var count) ? count : Default;

    internal static Config Config => Config.QuickThrowOnFailure.WithMaxTest(Count).WithQuietOnSuccess(true);

    internal static Gen<Raw> Bytes { get; } = Gen.Frequency(
        (1, Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf()),
        // What means something to the parsers comes up more often than chance would have it.
        (2, Gen.Elements("data:", " ", "\n", "\r", "\n\n", ":", "{", "}", "[", "]", "\"", ",", "\\", "\\u", "d800", "\"choices\"",
            "\"delta\"", "\"error\"", "\"code\"", "\"message\"", "null", "1e999", "<", "[DONE]", "event: error", "error:",
                "error: {\"code\":400}", "x: 1", "</think>", "<think>", "\"finish_reason\"",
                    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "\uFEFF", "é", "\0")
            .ArrayOf().Select(words => Sse.Bytes(string.Concat(words))))).Select(bytes => new Raw(bytes));

    /// <summary>Where a text is cut into reads, as shares of its length.</summary>
    internal static Gen<int[]> Cuts { get; } = Gen.Choose(0, 1000).ArrayOf();

    internal static Gen<Edit[]> Edits { get; } = Gen.Choose(1, 4).SelectMany(count =>
        (from at in Gen.Choose(0, 100_000) from value in Gen.OneOf(Gen.Choose(0, 255),
            Gen.Elements("{}[]\",:\\\n\r0un<".Select(c => (int)c).ToArray())) from kind in Gen.Choose(0, 3) select new Edit(at,
                (byte)value, kind))
        .ArrayOf(count));

    /// <summary>One of the texts with a few bytes changed, or with a value of another type in the place of one.</summary>
    internal static Gen<Raw> Mutated(params string[] texts) => Gen.OneOf(
        from text in Gen.Elements(texts) from edits in Edits select new Raw(Apply(Sse.Bytes(text), edits)),
        from text in Gen.Elements(texts) from place in Gen.Choose(0,
            1000) from value in s_values select new Raw(Sse.Bytes(Retyped(text, place, value))));

    internal static IReadOnlyList<byte[]?> Pieces(byte[] bytes, int[] cuts)
    {
        var pieces = new List<byte[]?>();
        var from = 0;
        foreach (var cut in cuts.Select(share => (int)((long)bytes.Length * share / 1000)).Order())
        {
            if (cut > from) pieces.Add(bytes[from..cut]);
            from = cut;
        }

        pieces.Add(bytes[from..]);
        return pieces;
    }

    private static string Retyped(string text, int place, string value)
    {
        var tokens = s_token.Matches(text);
        if (tokens.Count == 0) return value;
        var token = tokens[place % tokens.Count];
        return text[..token.Index] + value + text[(token.Index + token.Length)..];
    }

    private static byte[] Apply(byte[] bytes, Edit[] edits)
    {
        var changed = bytes.ToList();
        foreach (var edit in edits)
        {
            if (changed.Count == 0) break;
            var at = edit.At % changed.Count;
            if (edit.Kind == 0) changed.Insert(at, edit.Value);
            else if (edit.Kind == 1) changed.RemoveAt(at);
            else if (edit.Kind == 2) changed.RemoveRange(at, changed.Count - at);
            else changed[at] = edit.Value;
        }

        return [.. changed];
    }
}
