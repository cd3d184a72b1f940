using System.Globalization;

namespace LlmPs.Views;

/// <summary>The width of text in terminal columns: two for Chinese and emoji, none for a combining character.</summary>
internal static class TextWidth
{
    private const int EmojiSelector = 0xFE0F;

    // The wide characters by Unicode's East Asian Width (W and F).
    private static readonly (int First, int Last)[] s_wide =
    [
        (0x1100, 0x115F), (0x231A, 0x231B), (0x23E9, 0x23EC), (0x23F0, 0x23F3), (0x25FD, 0x25FE), (0x2614, 0x2615), (0x2648, 0x2653),
        (0x267F, 0x267F), (0x2693, 0x2693), (0x26A1, 0x26A1), (0x26AA, 0x26AB), (0x26BD, 0x26BE), (0x26C4, 0x26C5), (0x26CE, 0x26D4),
        (0x26EA, 0x26FD), (0x2705, 0x2705), (0x270A, 0x270B), (0x2728, 0x2728), (0x274C, 0x274E), (0x2753, 0x2757), (0x2795, 0x2797),
        (0x27B0, 0x27BF), (0x2B1B, 0x2B1C), (0x2B50, 0x2B55), (0x2E80, 0x303E), (0x3041, 0xA4CF), (0xA960, 0xA97C), (0xAC00, 0xD7A3),
        (0xF900, 0xFAFF), (0xFE10, 0xFE19), (0xFE30, 0xFE6F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6), (0x16FE0, 0x18DFF), (0x1AFF0, 0x1B2FB),
        (0x1F004, 0x1F004), (0x1F0CF, 0x1F0CF), (0x1F18E, 0x1F19A), (0x1F1E6, 0x1F202), (0x1F210, 0x1F320), (0x1F32D, 0x1F64F),
        (0x1F680, 0x1F6FC), (0x1F7E0, 0x1F7F0), (0x1F90C, 0x1F9FF), (0x1FA70, 0x1FAFF), (0x20000, 0x3FFFD),
    ];

    /// <summary>Returns the width of a text element: that of its first character, or two for an emoji.</summary>
    internal static int OfElement(string element)
    {
        // While an emoji is typed, its first half is drawn first.
        var first = char.IsSurrogatePair(element, 0) ? char.ConvertToUtf32(element, 0) : element[0];
        if (element.Length > 1 && element.IndexOf((char)EmojiSelector) > 0) return 2;
        foreach (var (from, to) in s_wide)
            if (first <= to) return first >= from ? 2 : Narrow(element);
        return Narrow(element);
    }

    private static int Narrow(string element) => CharUnicodeInfo.GetUnicodeCategory(element, 0) is
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control ? 0 : 1;
}
