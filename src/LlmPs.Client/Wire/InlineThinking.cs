using System;
using System.Text;

namespace LlmPs.Wire;

/// <summary>
/// Separates reasoning inline as <c>&lt;think&gt;…&lt;/think&gt;</c> from the text after it, in pieces of any size. The opening tag counts
/// only at the start, after white space. A closing tag without an opening one counts anywhere, except in quotes, because the prompt
/// template of some models has the opening tag (issue 21, B).
/// </summary>
internal sealed class InlineThinking
{
    private const string Open = "<think>";
    private const string Close = "</think>";

    // Some models send only white space; no more than this is held back at the start.
    private const int LongestGap = 64;

    private readonly StringBuilder _held = new();
    private State _state = State.Start;
    private bool _hasPassed;
    private char _lastPassed;

    private enum State
    {
        /// <summary>Only white space and perhaps the beginning of the tag have come.</summary>
        Start,

        /// <summary>Between the tags.</summary>
        Thinking,

        /// <summary>After the closing tag, where blank lines before the answer are removed.</summary>
        Gap,

        /// <summary>In text without an opening tag: a closing tag makes all of it reasoning.</summary>
        Unopened,

        /// <summary>In the answer, where tags do not count.</summary>
        Answer,
    }

    /// <summary>Whether the last piece showed that all content returned before it is reasoning.</summary>
    internal bool MovesContent { get; private set; }

    /// <summary>Splits the next piece of text. The possible beginning of a tag is held back until the next piece.</summary>
    internal (string? Reasoning, string? Content) Next(string? text, bool hasReasoningField)
    {
        MovesContent = false;
        // A provider that has a field for the reasoning does not send it inline, too.
        if (hasReasoningField && _state == State.Unopened)
        {
            _state = State.Answer;
            return (null, _held.Length == 0 ? text : Take(text));
        }

        if (hasReasoningField && _state == State.Start && _held.Length == 0) _state = State.Answer;
        if (_state == State.Start && _held.Length == 0 && BeginsOtherwise(text)) _state = State.Unopened;
        if (string.IsNullOrEmpty(text) || _state == State.Answer) return (null, text);
        // Most pieces have no tag and need no copy.
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

    /// <summary>Returns the text that was held back and is not a tag, with a last piece.</summary>
    internal (string? Reasoning, string? Content) Rest(string? end = null)
    {
        MovesContent = false;
        if (_state == State.Gap) _held.Clear();
        // The tag was held back for a closing quote that did not come.
        if (_state == State.Unopened && _held.Length == Close.Length && IsAt(_held.ToString(), 0, Close))
        {
            MovesContent = _hasPassed;
            _held.Clear();
            return (string.Empty, end);
        }

        var rest = Take(end);
        if (rest.Length == 0) return (null, null);
        return _state == State.Thinking ? (rest, null) : (null, rest);
    }

    /// <summary>Returns whether the text begins with something that cannot become a tag.</summary>
    private static bool BeginsOtherwise(string? text) => JsonExtent.FirstOf(text ?? string.Empty) is { } first && first != Open[0];

    /// <summary>Returns the text that is held back, with this end, and holds back nothing.</summary>
    private string Take(string? end = null)
    {
        var text = _held.Append(end).ToString();
        _held.Clear();
        return text;
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
        var text = Take();
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

    /// <summary>Returns whether the end of the text from this position is the beginning of a tag.</summary>
    private static bool IsBeginning(string text, int at, string tag) =>
        text.Length - at < tag.Length && string.CompareOrdinal(text, at, tag, 0, text.Length - at) == 0;

    private (string? Reasoning, string? Content) InThought(string? reasoning)
    {
        var text = Take();
        var end = text.IndexOf(Close, StringComparison.Ordinal);
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
        var answer = Take().TrimStart('\r', '\n');
        if (answer.Length == 0) return null;
        _state = State.Answer;
        return answer;
    }

    /// <summary>Returns how many characters at the end of the text may begin the closing tag.</summary>
    private static int BeginningOfClose(string text)
    {
        var length = Math.Min(Close.Length - 1, text.Length);
        while (length > 0 && !IsBeginning(text, text.Length - length, Close)) length--;
        return length;
    }

    private static string? Join(string? before, string text) => text.Length == 0 ? before : before + text;
}
