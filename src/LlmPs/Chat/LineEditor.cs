using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Threading;
using LlmPs.Bulk;
using LlmPs.Views;

namespace LlmPs.Chat;

/// <summary>
/// Reads a line from the terminal. PowerShell's own editor reads the text as script, so that an apostrophe waits for another one. The
/// host's editor cannot draw lines that are wider than the screen. Ctrl+C clears the line. Lines that are pasted together are one prompt.
/// </summary>
/// <param name="prompt">The text before the line, in ASCII.</param>
/// <param name="typedAhead">The keys that were pressed earlier, which come first, with an empty key for each pause.</param>
internal sealed class LineEditor(string prompt, Queue<ConsoleKeyInfo> typedAhead)
{
    // The next key of a paste arrives within this time.
    private static readonly TimeSpan s_paste = TimeSpan.FromMilliseconds(15);

    private readonly List<string> _earlier = [];
    private IReadOnlyList<string> _offers = [];
    private int _offer;
    private string _text = string.Empty;
    private string _draft = string.Empty;
    private int _cursor;
    private int _recalled;
    private int _row;

    /// <summary>Returns the completions of the text before the cursor, best first; null where it cannot be completed.</summary>
    internal Func<string, IReadOnlyList<string>?>? Completer { get; set; }

    private bool HasKey => typedAhead.Count > 0 || Console.KeyAvailable;

    /// <summary>Returns the line; null where the user ends the input with Ctrl+D.</summary>
    internal string? Read()
    {
        Console.TreatControlCAsInput = true;
        try
        {
            _text = string.Empty;
            _cursor = _row = 0;
            _offers = [];
            _recalled = _earlier.Count;
            Draw();
            while (true)
            {
                var key = typedAhead.Count > 0 ? typedAhead.Dequeue() : Console.ReadKey(intercept: true);
                if (key.Key == ConsoleKey.Enter && !IsPasting())
                {
                    Accept();
                    return _text;
                }

                if (IsControl(key, ConsoleKey.D) && _text.Length == 0)
                {
                    Accept();
                    return null;
                }

                Apply(key);
                // A paste is drawn once, at its end.
                if (!HasKey) Draw();
            }
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }

    private bool IsPasting()
    {
        if (typedAhead.Count > 0) return typedAhead.Peek() != default;
        if (HasKey) return true;
        Thread.Sleep(s_paste);
        return HasKey;
    }

    // Alt with Control is AltGr, which types a character.
    private static bool IsAlt(ConsoleKeyInfo key) =>
        (key.Modifiers & (ConsoleModifiers.Alt | ConsoleModifiers.Control)) == ConsoleModifiers.Alt;

    private static bool IsControl(ConsoleKeyInfo key, ConsoleKey letter) => key.Key == letter && key.Modifiers == ConsoleModifiers.Control;

    private void Accept()
    {
        _cursor = _text.Length;
        Draw(whole: true);
        Console.Write("\r\n");
        if (_text.Trim().Length > 0) _earlier.Add(_text);
    }

    private void Apply(ConsoleKeyInfo key)
    {
        if (key.Key == ConsoleKey.Tab && Complete((key.Modifiers & ConsoleModifiers.Shift) == 0 ? 1 : -1)) return;
        _offers = [];
        if (IsControl(key, ConsoleKey.C) || IsControl(key, ConsoleKey.U) || key.Key == ConsoleKey.Escape) Replace(string.Empty);
        else if (key.Key == ConsoleKey.Backspace) Remove(Before(), _cursor);
        else if (IsControl(key, ConsoleKey.W)) Remove(WordBefore(), _cursor);
        else if (key.Key == ConsoleKey.Delete) Remove(_cursor, After());
        else if (key.Key == ConsoleKey.LeftArrow) _cursor = Before();
        else if (key.Key == ConsoleKey.RightArrow) _cursor = After();
        else if (key.Key == ConsoleKey.Home || IsControl(key, ConsoleKey.A)) _cursor = 0;
        else if (key.Key == ConsoleKey.End || IsControl(key, ConsoleKey.E)) _cursor = _text.Length;
        else if (key.Key == ConsoleKey.UpArrow) Recall(-1);
        else if (key.Key == ConsoleKey.DownArrow) Recall(1);
        else if (key.Key == ConsoleKey.Enter) Insert('\n');
        else if (IsAlt(key)) return;
        else if (key.KeyChar == '\t' || !char.IsControl(key.KeyChar)) Insert(key.KeyChar == '\t' ? ' ' : key.KeyChar);
    }

    /// <summary>Puts the next completion before the cursor. Returns false where the text cannot be completed, as in a prompt.</summary>
    private bool Complete(int step)
    {
        if (_offers.Count > 0)
        {
            var shown = _offers[_offer];
            _offer = (_offer + step + _offers.Count) % _offers.Count;
            Offer(shown.Length);
            return true;
        }

        if (Completer is null || IsPasting()) return false;
        if (Completer(_text.Substring(0, _cursor)) is not { } offers) return false;
        if (offers.Count == 0) return true;
        _offers = offers;
        _offer = step > 0 ? 0 : offers.Count - 1;
        Offer(_cursor);
        // After a single completion, Tab completes the next word.
        if (offers.Count == 1) _offers = [];
        return true;
    }

    private void Offer(int length)
    {
        _text = _offers[_offer] + _text.Substring(length);
        _cursor = _offers[_offer].Length;
    }

    private void Insert(char character)
    {
        _text = _text.Insert(_cursor, character.ToString());
        _cursor++;
    }

    private void Remove(int from, int to)
    {
        _text = _text.Remove(from, to - from);
        _cursor = from;
    }

    private void Replace(string text)
    {
        _text = text;
        _cursor = text.Length;
    }

    private void Recall(int step)
    {
        if (_recalled == _earlier.Count) _draft = _text;
        _recalled = Math.Max(0, Math.Min(_earlier.Count, _recalled + step));
        Replace(_recalled < _earlier.Count ? _earlier[_recalled] : _draft);
    }

    private int Before()
    {
        var before = 0;
        foreach (var start in StringInfo.ParseCombiningCharacters(_text))
            if (start < _cursor) before = start;
        return before;
    }

    private int After()
    {
        foreach (var start in StringInfo.ParseCombiningCharacters(_text))
            if (start > _cursor) return start;
        return _text.Length;
    }

    private int WordBefore()
    {
        var at = _cursor;
        while (at > 0 && char.IsWhiteSpace(_text[at - 1])) at--;
        while (at > 0 && !char.IsWhiteSpace(_text[at - 1])) at--;
        return at;
    }

    /// <summary>
    /// Draws the line again from the row of the prompt, and moves the cursor. Of a text that is taller than the screen it draws only the
    /// part around the cursor, because rows above the screen cannot be changed.
    /// </summary>
    /// <param name="whole">Whether to draw all rows, for the last time.</param>
    private void Draw(bool whole = false)
    {
        var rows = Rows(Math.Max(2, Console.WindowWidth), out var place);
        // Some terminals keep a copy of a screen that is cleared from its first row, so the first row is not cleared.
        var height = whole ? rows.Count : Math.Min(rows.Count, Math.Max(1, Console.WindowHeight - 1));
        var first = Math.Min(place.Row, rows.Count - height);
        var last = first + height - 1;
        var drawing = new StringBuilder();
        if (_row > 0) drawing.Append("\u001b[").Append(_row).Append('A');
        drawing.Append("\r\u001b[J");
        for (var row = first; row <= last; row++)
        {
            if (row == 0) drawing.Append(prompt);
            drawing.Append(_text, rows[row].Start, rows[row].End - rows[row].Start);
            if (row < last && rows[row].Breaks) drawing.Append("\r\n");
        }

        if (last > place.Row) drawing.Append("\u001b[").Append(last - place.Row).Append('A');
        drawing.Append('\r');
        if (place.Column > 0) drawing.Append("\u001b[").Append(place.Column).Append('C');
        _row = place.Row - first;
        Console.Write(drawing.ToString());
    }

    /// <summary>Returns the rows of the text on the screen. Breaks: the terminal does not wrap this row by itself.</summary>
    private List<(int Start, int End, bool Breaks)> Rows(int width, out (int Row, int Column) place)
    {
        var rows = new List<(int Start, int End, bool Breaks)>();
        var (start, column) = (0, prompt.Length);
        place = (0, column);
        var elements = StringInfo.GetTextElementEnumerator(_text);
        while (elements.MoveNext())
        {
            var at = elements.ElementIndex;
            if (at == _cursor) place = (rows.Count, column);
            var element = elements.GetTextElement();
            var next = at + element.Length;
            if (element[0] is '\n' or '\r')
            {
                rows.Add((start, at, true));
                (start, column) = (next, 0);
                continue;
            }

            var wide = TextWidth.OfElement(element);
            if (column + wide > width)
            {
                rows.Add((start, at, false));
                (start, column) = (at, 0);
            }

            column += wide;
            if (column < width) continue;
            // At the edge a terminal wraps only with the next character.
            rows.Add((start, next, next == _text.Length || _text[next] is '\n' or '\r'));
            (start, column) = (next, 0);
        }

        if (_cursor == _text.Length) place = (rows.Count, column);
        rows.Add((start, _text.Length, false));
        return rows;
    }
}
