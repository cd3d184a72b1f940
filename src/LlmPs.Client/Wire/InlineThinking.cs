using System;
using System.Text;

namespace LlmPs.Wire;

/// <summary>
/// Takes reasoning that stands inline as <c>&lt;think&gt;…&lt;/think&gt;</c> at the head of the text out of it, however the text is split.
/// The opening tag counts only at the very start (white space aside): text that merely contains it later on stays whole.
/// A closing tag without an opening one counts anywhere, since the prompt template of some models opens it (issue 21, B), unless quotes
/// surround it.
/// </summary>
internal sealed class InlineThinking
{
    private const string Open = "<think>";
    private const string Close = "</think>";

    // Models that fill their answer with white space exist; this much at its head may still come before the tag.
    private const int LongestGap = 64;

    private readonly StringBuilder _held = new();
    private State _state = State.Start;
    private bool _hasPassed;
    private char _lastPassed;

    private enum State
    {
        /// <summary>Nothing but white space and perhaps the beginning of the tag was seen.</summary>
        Start,

        /// <summary>Between the tags.</summary>
        Thinking,

        /// <summary>After the closing tag, where the blank lines before the answer are dropped.</summary>
        Gap,

        /// <summary>In text that no tag opened: a closing tag still makes all of it reasoning.</summary>
        Unopened,

        /// <summary>In the answer, where no tag counts.</summary>
        Answer,
    }

    /// <summary>Whether the last piece showed that all content returned before it is reasoning.</summary>
    internal bool MovesContent { get; private set; }

    /// <summary>Splits the next piece of text. What might be part of a tag is held back until it is known.</summary>
    internal (string? Reasoning, string? Content) Next(string? text, bool hasReasoningField)
    {
        MovesContent = false;
        // A provider that has a field for the reasoning does not put it inline as well.
        if (hasReasoningField && _state == State.Unopened)
        {
            _state = State.Answer;
            if (_held.Length == 0) return (null, text);
            text = _held.Append(text).ToString();
            _held.Clear();
            return (null, text);
        }

        if (hasReasoningField && _state == State.Start && _held.Length == 0) _state = State.Answer;
        if (_state == State.Start && _held.Length == 0 && BeginsOtherwise(text)) _state = State.Unopened;
        if (string.IsNullOrEmpty(text) || _state == State.Answer) return (null, text);
        // Most pieces hold no tag, and need no copy.
        if (_state == State.Unopened && _held.Length == 0 && text!.IndexOf('<') < 0) return (null, Passed(text));
        _held.Append(text);
        return _state switch
        {
            State.Start => AtStart(),
            State.Thinking => InThought(null),
            State.Unopened => InUnopened(),
            _ => (null, AfterThought()),
        };
    }

    /// <summary>What was held back and turned out to be no tag, and what else the text ends with.</summary>
    internal (string? Reasoning, string? Content) Rest(string? end = null)
    {
        MovesContent = false;
        if (_state == State.Gap) _held.Clear();
        // The tag waited for the quote behind it that did not come.
        if (_state == State.Unopened && _held.Length == Close.Length && IsAt(_held.ToString(), 0, Close))
        {
            MovesContent = _hasPassed;
            _held.Clear();
            return (string.Empty, end);
        }

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
        _state = State.Unopened;
        return InUnopened();
    }

    private (string? Reasoning, string? Content) InUnopened()
    {
        var text = _held.ToString();
        _held.Clear();
        for (var at = text.IndexOf('<'); at >= 0; at = text.IndexOf('<', at + 1))
        {
            var end = at + Close.Length;
            if (IsAt(text, at, Open))
            {
                _state = State.Answer;
                return (null, text);
            }

            var isClose = IsAt(text, at, Close);
            var quote = at > 0 ? text[at - 1] : _lastPassed;
            if (isClose && quote is '`' or '"' or '\'' && end < text.Length && text[end] == quote) continue;
            if (isClose && (quote is not ('`' or '"' or '\'') || end < text.Length))
            {
                _state = State.Gap;
                MovesContent = _hasPassed;
                _held.Append(text, end, text.Length - end);
                return (text.Substring(0, at), AfterThought());
            }

            if (!isClose && !IsBeginning(text, at, Open) && !IsBeginning(text, at, Close)) continue;
            _held.Append(text, at, text.Length - at);
            text = text.Substring(0, at);
            break;
        }

        return (null, text.Length == 0 ? null : Passed(text));
    }

    private string Passed(string text)
    {
        _hasPassed = true;
        _lastPassed = text[text.Length - 1];
        return text;
    }

    private static bool IsAt(string text, int at, string tag) => string.CompareOrdinal(text, at, tag, 0, tag.Length) == 0;

    /// <summary>Whether the text ends there within a tag.</summary>
    private static bool IsBeginning(string text, int at, string tag) =>
        text.Length - at < tag.Length && string.CompareOrdinal(text, at, tag, 0, text.Length - at) == 0;

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
