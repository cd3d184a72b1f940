using System;
using System.Linq;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Streams made by chance.</summary>
public sealed class StreamFuzzTests : IDisposable
{
    private static readonly Gen<string> s_text = Gen.OneOf(
        Gen.Elements("Hello", " ", "", "你好", "👩‍🚀", "<think>", "</think>", "data: x", "a\nb", "\\", "\"", "\u2028", "<", "x"),
        ArbMap.Default.GeneratorFor<UnicodeString>()
            .Select(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get ?? string.Empty))));

    private readonly FuzzTarget _target = new();

    /// <summary>What a stream is made of: a piece of the answer, a comment, or an event with nothing in it.</summary>
    private sealed record Part(int Kind, string Text);

    /// <summary>How it is written.</summary>
    private sealed record Style(string LineEnd, string AfterColon, bool HasDone, bool HasMark);

    public void Dispose() => _target.Dispose();

    [Fact]
    public void Any_split_of_any_stream_gives_the_same_deltas()
    {
        var parts = (from kind in Gen.Choose(0, 9) from text in s_text select new Part(kind, text)).ListOf();
        var style =
            from end in Gen.Elements("\n", "\r\n", "\r")
            from colon in Gen.Elements("", " ")
            from done in Gen.Elements(true, false)
            from mark in Gen.Elements(true, false)
            select new Style(end, colon, done, mark);
        var cases = from p in parts from s in style from cuts in FuzzCases.Cuts select (Parts: p.ToArray(), Style: s, Cuts: cuts);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var bytes = Sse.Bytes(Written(c.Parts, c.Style));
            var whole = _target.Stream(3, Reply.Pieces([bytes]));
            var split = _target.Stream(3, Reply.Pieces(FuzzCases.Pieces(bytes, c.Cuts)));
            // Reasoning fields come before the text here, so that tags in the text stay text.
            var content = string.Concat(c.Parts.Where(part => part.Kind <= 3).Select(part => part.Text));
            var reasoning = "r" + string.Concat(c.Parts.Where(part => part.Kind is 4 or 5).Select(part => part.Text));
            return whole.Error is null && whole.Content == content && whole.Reasoning == reasoning && whole.Text == split.Text;
        }).Check(FuzzCases.Config);
    }

    [Fact]
    public void Any_bytes_as_a_stream_are_an_answer_or_a_clear_error_however_they_are_split()
    {
        var streams = StreamCases.Whole.Values.Concat(StreamCases.Others.Values).ToArray();
        var bytes = Gen.Frequency((1, FuzzCases.Bytes), (3, FuzzCases.Mutated(streams)));
        var cases = from b in bytes from cuts in FuzzCases.Cuts from provider in Gen.Choose(0, 3) from broken in Gen.Elements(BodyEnd.Eof,
            BodyEnd.Eof, BodyEnd.Break) select (Raw: b, Cuts: cuts, Provider: provider, End: broken);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var whole = _target.Stream(c.Provider, Reply.Pieces([c.Raw.Bytes], c.End));
            var split = _target.Stream(c.Provider, Reply.Pieces(FuzzCases.Pieces(c.Raw.Bytes, c.Cuts), c.End));
            return whole.Text == split.Text
                && (whole.Error is null ? whole.Completion is not null && whole.Deltas[^1].IsLast : FuzzTarget.IsClear(whole.Error)
                    && whole.Completion is null && !whole.Deltas.Any(delta => delta.IsLast));
        }).Check(FuzzCases.Config);
    }

    private static string Written(Part[] parts, Style style)
    {
        var text = (style.HasMark ? "\uFEFF" : string.Empty)
            + Event(style, """{"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"r"}}]}""");
        foreach (var part in parts)
        {
            var json = JsonSerializer.Serialize(part.Text);
            text += part.Kind switch
            {
                <= 3 => Event(style,
                    $$$"""{"choices":[{"index":0,"delta":{"content":{{{json}}}},"finish_reason":null}],"usage":{"total_tokens":1}}"""),
                4 or 5 => Event(style, $$$"""{"choices":[{"index":0,"delta":{"content":null,"reasoning_content":{{{json}}}}}]}"""),
                6 => ": " + part.Text.Replace("\n", " ", StringComparison.Ordinal).Replace("\r", " ", StringComparison.Ordinal)
                    + style.LineEnd + (part.Text.Length % 2 == 0 ? style.LineEnd : string.Empty),
                7 => Event(style, ": keep-alive"),
                8 => Event(style, string.Empty),
                _ => Event(style, """{"choices":[],"usage":{"total_tokens":2}}"""),
            };
        }

        text += Event(style, """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""");
        return style.HasDone ? text + Event(style, "[DONE]") : text;
    }

    private static string Event(Style style, string data) => $"data:{style.AfterColon}{data}{style.LineEnd}{style.LineEnd}";
}
