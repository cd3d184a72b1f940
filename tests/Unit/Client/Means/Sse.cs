using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace LlmPs.Unit.Client;

/// <summary>The text of events.</summary>
internal static class Sse
{
    internal const string Done = "data: [DONE]\n\n";

    internal static string Event(string json) => $"data: {json}\n\n";

    /// <summary>An event with one choice, whose delta has these fields.</summary>
    internal static string Delta(string fields, string finish = "null") =>
        Event($$"""{"id":"s1","model":"m1","choices":[{"index":0,"delta":{{{fields}}},"finish_reason":{{finish}}}]}""");

    internal static string Content(string text) => Delta($"\"content\":\"{text}\"");

    internal static string Reasoning(string text) => Delta($"\"content\":null,\"reasoning_content\":\"{text}\"");

    internal static string Finish(string reason = "stop") => Delta(string.Empty, $"\"{reason}\"");

    /// <summary>The bytes in two pieces, cut at an offset.</summary>
    internal static IReadOnlyList<byte[]> Split(byte[] bytes, int at) => [bytes[..at], bytes[at..]];

    internal static IReadOnlyList<byte[]> ByteByByte(byte[] bytes) => bytes.Select(b => new[] { b }).ToArray();

    internal static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
