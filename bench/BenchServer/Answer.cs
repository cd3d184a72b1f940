using System;
using System.Collections.Concurrent;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace LlmPs.Bench.Server;

/// <summary>
/// What is sent for a path, rendered once. The first segment of the path says what:
/// <c>plain</c>, <c>lat50</c> (the same after 50 ms), <c>chunks20000</c> (a stream of 20,000 chunks).
/// </summary>
internal sealed class Answer
{
    private const string Begin =
        """{"id":"chatcmpl-bench-0001","object":"chat.completion.chunk","created":1754000000,"model":"bench-model","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{""";
    private const string End = """},"logprobs":null,"finish_reason":null}]}""";
    private const string Last =
        """{"id":"chatcmpl-bench-0001","object":"chat.completion.chunk","created":1754000000,"model":"bench-model","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":20,"total_tokens":32}}""";

    private static readonly ConcurrentDictionary<string, Answer?> s_answers = new();
    private static readonly byte[] s_streamHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray();
    private static readonly string[] s_words = ["Hello", " world", ",", " this", " is", " a", " piece", " of", " text", " 好"];

    private readonly byte[] _bytes;
    private readonly TimeSpan _latency;

    private Answer(byte[] bytes, TimeSpan latency = default)
    {
        _bytes = bytes;
        _latency = latency;
    }

    internal static Answer? For(string path) => s_answers.GetOrAdd(path, static path => Render(path.Split('/', 3)[1]));

    internal void Send(Socket socket)
    {
        if (_latency > TimeSpan.Zero) Thread.Sleep(_latency);
        Send(socket, _bytes);
    }

    private static Answer? Render(string what)
    {
        var digits = what.AsSpan().IndexOfAnyInRange('0', '9');
        var number = digits < 0 ? 0 : int.Parse(what.AsSpan(digits), CultureInfo.InvariantCulture);
        return (digits < 0 ? what : what[..digits]) switch
        {
            "plain" => new Answer(Plain("Hello world, this is the answer.")),
            "lat" => new Answer(Plain("Hello world, this is the answer."), TimeSpan.FromMilliseconds(number)),
            "chunks" => new Answer(Chunks(number)),
            _ => null,
        };
    }

    private static byte[] Plain(string content)
    {
        var body = Encoding.UTF8.GetBytes(
            $$$"""{"id":"chatcmpl-bench-0001","object":"chat.completion","created":1754000000,"model":"bench-model","choices":[{"index":0,"message":{"role":"assistant","content":"{{{content}}}"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":20,"total_tokens":32},"system_fingerprint":"fp_bench"}""");
        var head = Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                + $"{body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n");
        return [.. head, .. body];
    }

    private static byte[] Chunks(int count)
    {
        using var stream = new MemoryStream();
        stream.Write(s_streamHead);
        WriteEvent(stream, Begin + "\"role\":\"assistant\",\"content\":\"\"" + End);
        for (var i = 0; i < count; i++) WriteEvent(stream, $"{Begin}\"content\":\"{s_words[i % s_words.Length]}\"{End}");
        Finish(stream);
        return stream.ToArray();
    }

    private static void Finish(MemoryStream stream)
    {
        WriteEvent(stream, Last);
        WriteEvent(stream, "[DONE]");
        stream.Write("0\r\n\r\n"u8);
    }

    /// <summary>An event a chunk of the transfer coding, as model servers send them.</summary>
    private static void WriteEvent(MemoryStream stream, string data)
    {
        var text = Encoding.UTF8.GetBytes($"data: {data}\n\n");
        stream.Write(Encoding.ASCII.GetBytes(text.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"));
        stream.Write(text);
        stream.Write("\r\n"u8);
    }

    private static void Send(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[socket.Send(bytes)..];
    }
}
