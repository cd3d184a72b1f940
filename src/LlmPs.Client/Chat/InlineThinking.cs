using System;
using System.Text;

namespace LlmPs;

/// <summary>
/// Takes reasoning that stands inline as <c>&lt;think&gt;…&lt;/think&gt;</c> at the head of the text out of it, however the text is split.
/// The tag counts only at the very start (white space aside): text that merely contains it later on stays whole.
/// </summary>
internal sealed class InlineThinking
{
    private const string Open = "<think>";
    private const string Close = "</think>";

    // Models that fill their answer with white space exist; this much at its head may still come before the tag.
    private const int LongestGap = 64;

    private readonly StringBuilder _held = new();
    private State _state = State.Start;

    private enum State
    {
        /// <summary>Nothing but white space and perhaps the beginning of the tag was seen.</summary>
        Start,

        /// <summary>Between the tags.</summary>
        Thinking,

        /// <summary>After the closing tag, where the blank lines before the answer are dropped.</summary>
        Gap,

        /// <summary>In the answer.</summary>
        Answer,
    }

    /// <summary>Splits the next piece of text. What might be part of a tag is held back until it is known.</summary>
    internal (string? Reasoning, string? Content) Next(string? text, bool hasReasoningField)
    {
        // A provider that has a field for the reasoning does not put it inline as well.
        if (hasReasoningField && _state == State.Start && _held.Length == 0) _state = State.Answer;
        if (_state == State.Start && _held.Length == 0 && BeginsOtherwise(text)) _state = State.Answer;
        if (string.IsNullOrEmpty(text) || _state == State.Answer) return (null, text);
        _held.Append(text);
        return _state switch
        {
            State.Start => AtStart(),
            State.Thinking => InThought(null),
            _ => (null, AfterThought()),
        };
    }

    /// <summary>What was held back and turned out to be no tag, and what else the text ends with.</summary>
    internal (string? Reasoning, string? Content) Rest(string? end = null)
    {
        if (_state == State.Gap) _held.Clear();
        _held.Append(end);
        if (_held.Length == 0) return (null, null);
        var rest = _held.ToString();
        _held.Clear();
        return _state == State.Thinking ? (rest, null) : (null, rest);
    }

    /// <summary>Whether the text has a beginning, and none that may become a tag: then it needs no copy.</summary>
    private static bool BeginsOtherwise(string? text)
    {
        foreach (var letter in text ?? string.Empty)
            if (!char.IsWhiteSpace(letter)) return letter != Open[0];
        return false;
    }

    private (string? Reasoning, string? Content) AtStart()
    {
        var text = _held.ToString();
        var tag = text.TrimStart();
        if (tag.StartsWith(Open, StringComparison.Ordinal))
        {
            _state = State.Thinking;
            _held.Clear().Append(tag, Open.Length, tag.Length - Open.Length);
            return InThought(string.Empty);
        }

        if (Open.StartsWith(tag, StringComparison.Ordinal) && text.Length <= LongestGap) return (null, null);
        _held.Clear();
        _state = State.Answer;
        return (null, text);
    }

    private (string? Reasoning, string? Content) InThought(string? reasoning)
    {
        var text = _held.ToString();
        var end = text.IndexOf(Close, StringComparison.Ordinal);
        _held.Clear();
        if (end >= 0)
        {
            _state = State.Gap;
            _held.Append(text, end + Close.Length, text.Length - end - Close.Length);
            return (Join(reasoning, text.Substring(0, end)), AfterThought());
        }

        var kept = BeginningOfClose(text);
        _held.Append(text, text.Length - kept, kept);
        return (Join(reasoning, text.Substring(0, text.Length - kept)), null);
    }

    private string? AfterThought()
    {
        var answer = _held.ToString().TrimStart('\r', '\n');
        _held.Clear();
        if (answer.Length == 0) return null;
        _state = State.Answer;
        return answer;
    }

    /// <summary>How many characters at the end of the text may begin the closing tag.</summary>
    private static int BeginningOfClose(string text)
    {
        for (var length = Math.Min(Close.Length - 1, text.Length); length > 0; length--)
            if (string.CompareOrdinal(text, text.Length - length, Close, 0, length) == 0) return length;
        return 0;
    }

    private static string? Join(string? before, string text) => text.Length == 0 ? before : before + text;
}
