using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using LlmPs.Text;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Issue 22, point 7: one rule for text that reaches a terminal or a log.</summary>
public sealed class PrintableTextTests
{
    private const string Zwj = "\u200D";
    private const string Zwnj = "\u200C";

    [Theory]
    [InlineData("red \u001b[31m", "red \u241B[31m", "red \\u001b[31m")]
    [InlineData("\u009b31m", "\u242131m", "\\u009b31m")]
    [InlineData("a\u202Eb\u2066c\u200Fd\u061Ce", "a\u2421b\u2421c\u2421d\u2421e", "a\\u202eb\\u2066c\\u200fd\\u061ce")]
    [InlineData("a\U000E0041\U000E007Fb", "a\u2421\u2421b", "a\\udb40\\udc41\\udb40\\udc7fb")]
    [InlineData("a\u200Bb\uFEFFc\u3164d\u00ADe\u2060f", "a\u2421b\u2421c\u2421d\u2421e\u2421f",
        "a\\u200bb\\ufeffc\\u3164d\\u00ade\\u2060f")]
    [InlineData("a\u2028b\u0085c", "a\u21B5b\u21B5c", "a\\u2028b\\u0085c")]
    [InlineData("a\u007Fb\u0000c", "a\u2421b\u2400c", "a\\u007fb\\u0000c")]
    public void What_steers_or_hides_is_shown_as_a_sign_or_as_an_escape(string text, string shown, string escaped)
    {
        Assert.Equal(shown, PrintableText.Line(text));
        Assert.Equal(shown, PrintableText.Lines(text));
        Assert.Equal(escaped, PrintableText.Escaped(text, 1000));
        Assert.False(PrintableText.IsPlain(text));
    }

    // Not as test data, which is kept as UTF-8.
    [Fact]
    public void Half_a_character_is_shown_as_U_FFFD()
    {
        Assert.Equal("a\uFFFDb\uFFFD", PrintableText.Line("a\uD83Db\uDC4B"));
        Assert.Equal("a\\ud83db\\udc4b", PrintableText.Escaped("a\uD83Db\uDC4B", 1000));
        Assert.Equal("\uFFFD", PrintableText.Lines("\uDB40"));
    }

    [Theory]
    [InlineData("\U0001F469" + Zwj + "\U0001F680")]
    [InlineData("\U0001F3F3\uFE0F" + Zwj + "\U0001F308")]
    [InlineData("\U0001F937\U0001F3FD" + Zwj + "\u2640\uFE0F")]
    [InlineData("\u2764\uFE0F 1\uFE0F\u20E3 \u00A9\uFE0F")]
    [InlineData("\u0645\u06CC" + Zwnj + "\u062E\u0648\u0627\u0647\u0645")]
    [InlineData("\u0D28\u0D4D" + Zwj)]
    [InlineData("\u845B\U000E0100")]
    [InlineData("\u0601\u0661 \u4F60\u597D \U00020000 e\u0301 \uE0A0")]
    public void Scripts_and_emoji_are_printed_as_they_are(string text)
    {
        Assert.Equal(text, PrintableText.Line(text));
        Assert.Equal(text, PrintableText.Escaped(text, 1000));
        Assert.True(PrintableText.IsPlain(text));
    }

    [Theory]
    [InlineData("a" + Zwj + "b", "a\u2421b")]
    [InlineData(Zwnj + "a", "\u2421a")]
    [InlineData("\u0645" + Zwnj + Zwnj, "\u0645" + Zwnj + "\u2421")]
    [InlineData("\U0001F469" + Zwj + Zwj, "\U0001F469" + Zwj + "\u2421")]
    [InlineData("\u2764\uFE0F\uFE0F", "\u2764\uFE0F\u2421")]
    [InlineData("\U0001F44B\U000E0101\U000E0102", "\U0001F44B\U000E0101\u2421")]
    [InlineData("a\uFE00", "a\u2421")]
    public void A_joiner_or_selector_that_joins_or_varies_nothing_is_shown(string text, string shown) =>
        Assert.Equal(shown, PrintableText.Line(text));

    [Fact]
    public void No_scalar_value_that_steers_or_is_invisible_is_printed_by_itself()
    {
        var printed = new List<string>();
        for (var scalar = 0; scalar <= 0x10FFFF; scalar++)
        {
            if (scalar is >= 0xD800 and <= 0xDFFF) continue;
            var text = char.ConvertFromUtf32(scalar);
            var category = CharUnicodeInfo.GetUnicodeCategory(text, 0);
            var mustNot = category is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                || scalar is (>= 0x200B and <= 0x200F) or (>= 0x202A and <= 0x202E) or (>= 0x2060 and <= 0x206F) or (
                    >= 0xFE00 and <= 0xFE0F) or (>= 0xE0000 and <= 0xE0FFF)
                || scalar is 0xAD or 0x034F or 0x061C or 0x180E or 0x3164 or 0xFEFF or 0xFFA0;
            if (mustNot && PrintableText.Line(text) == text) printed.Add(scalar.ToString("X", CultureInfo.InvariantCulture));
            if (mustNot && PrintableText.Escaped(text, 99).Any(c => c > '~'))
                printed.Add(scalar.ToString("X", CultureInfo.InvariantCulture));
            Assert.True(PrintableText.IsPlain(PrintableText.Line(text)), scalar.ToString("X", CultureInfo.InvariantCulture));
        }

        Assert.Empty(printed);
    }

    [Fact]
    public void Lines_keep_line_ends_and_tabs()
    {
        Assert.Equal("a\n\tb\nc\u240Dd", PrintableText.Lines("a\n\tb\r\nc\rd"));
        Assert.Equal("a\u21B5\u2409b\u21B5c\u240Dd", PrintableText.Line("a\n\tb\r\nc\rd"));
    }

    [Fact]
    public void Pieces_read_as_the_whole_does_wherever_they_are_cut()
    {
        const string text = "a\r\nb\r \U0001F3F3\uFE0F\u200D\U0001F308 \u0645\u06CC\u200C\u062E \u001b[2J\u200Da\n";
        for (var at = 1; at < text.Length; at++)
        {
            // The reader of streams joins the halves of a character.
            if (char.IsLowSurrogate(text[at])) continue;
            var before = 0;
            var shown = new StringBuilder().Append(PrintableText.Lines(text.Substring(0, at), ref before))
                .Append(PrintableText.Lines(text.Substring(at), ref before));
            Assert.Equal(PrintableText.Lines(text), shown.ToString());
        }
    }

    [Fact]
    public void A_short_line_has_single_spaces_and_ends_with_a_whole_character()
    {
        Assert.Equal("a b\u241Bc", PrintableText.Line(" a \r\n\t b\u001bc ", 100));
        Assert.Equal("abc…", PrintableText.Line("abc\U0001F44Bd", 4));
        Assert.Equal("ab… (6 characters)", PrintableText.Escaped("abcdef", 2));
        Assert.Equal("\\u001… (1 characters)", PrintableText.Escaped("\u001b", 5));
    }
}
