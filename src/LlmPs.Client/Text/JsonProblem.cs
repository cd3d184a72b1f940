using System;
using System.Globalization;
using System.Text.Json;

namespace LlmPs.Text;

/// <summary>Describes errors in JSON for a user: .NET's messages name its own properties and options.</summary>
internal static class JsonProblem
{
    // Parts of System.Text.Json's messages that are for programmers.
    private static readonly string[] s_jargon =
        [" LineNumber: ", " Path: ", ". Change the reader options", " which is not supported in this mode", ", when isFinalBlock is true"];

    /// <summary>Returns the reason with the line and the byte, both from 1, and without a period at the end.</summary>
    internal static string Of(Exception problem)
    {
        var reason = problem.Message;
        foreach (var part in s_jargon)
        {
            var at = reason.IndexOf(part, StringComparison.Ordinal);
            if (at > 0) reason = reason.Substring(0, at);
        }

        reason = PrintableText.Line(reason, 200).TrimEnd('.', ' ');
        if (problem is not JsonException { LineNumber: { } line, BytePositionInLine: { } place }) return reason;
        return string.Format(CultureInfo.InvariantCulture, "{0} (line {1}, byte {2})", reason, line + 1, place + 1);
    }
}
