using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace LlmPs.SimulatorHost;

/// <summary>The request line and the headers of a request.</summary>
internal sealed class RequestHead(string method, string target)
{
    internal string Method { get; } = method;

    internal string Target { get; } = target;

    internal List<KeyValuePair<string, string>> Headers { get; } = [];

    internal long ContentLength { get; private set; }

    internal bool Chunked { get; private set; }

    internal bool ExpectsContinue { get; private set; }

    internal bool Close { get; private set; }

    /// <summary>Parses a head; returns null if it is not an HTTP/1.x request.</summary>
    internal static RequestHead? Parse(ReadOnlySpan<byte> bytes)
    {
        var lines = Encoding.Latin1.GetString(bytes).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines.Length == 0 ? [] : lines[0].Split(' ');
        if (first.Length != 3 || !first[2].StartsWith("HTTP/1.", StringComparison.Ordinal)) return null;
        var head = new RequestHead(first[0], first[1]) { Close = first[2] == "HTTP/1.0" };
        for (var i = 1; i < lines.Length; i++)
        {
            var colon = lines[i].IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) return null;
            var name = lines[i].Substring(0, colon);
            var value = lines[i].Substring(colon + 1).Trim();
            head.Headers.Add(new KeyValuePair<string, string>(name, value));
            head.Note(name, value);
        }

        return head;
    }

    private void Note(string name, string value)
    {
        if (Is(name, "Content-Length")) ContentLength = long.Parse(value, CultureInfo.InvariantCulture);
        else if (Is(name, "Transfer-Encoding")) Chunked = Is(value, "chunked");
        else if (Is(name, "Expect")) ExpectsContinue = Is(value, "100-continue");
        else if (Is(name, "Connection")) Close |= Is(value, "close");
    }

    private static bool Is(string text, string other) => string.Equals(text, other, StringComparison.OrdinalIgnoreCase);
}
