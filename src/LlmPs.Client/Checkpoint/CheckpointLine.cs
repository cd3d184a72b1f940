using System;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using LlmPs.Wire;

namespace LlmPs.Checkpoint;

/// <summary>Reads and writes the lines of a checkpoint file, which are JSON objects.</summary>
internal static class CheckpointLine
{
    internal const int Version = 2;

    /// <summary>The version whose lines have no checksum.</summary>
    internal const int UncheckedVersion = 1;

    // The depth that the reader of answers accepts, and one level more.
    private static readonly JsonReaderOptions s_reading = new() { MaxDepth = 128 };

    private static ReadOnlySpan<byte> HeaderStart => "{\"llmps\":\"checkpoint\",\"version\":2,\"created\":\""u8;

    private static ReadOnlySpan<byte> OldHeaderStart => "{\"llmps\":\"checkpoint\",\"version\":1,\"created\":\""u8;

    private static ReadOnlySpan<byte> RowStart => "{\"key\":\""u8;

    private static ReadOnlySpan<byte> BehindKey => "\",\"n\":"u8;

    /// <summary>The longest header that is not a note.</summary>
    internal const int LongestHeader = 128;

    internal static byte[] Header() => Note(static _ => { });

    /// <summary>
    /// Returns a line about the run that is not a row: a header with a further member, line end included. Earlier versions skip it like the
    /// headers of files that were joined.
    /// </summary>
    internal static byte[] Note(Action<Utf8JsonWriter> write) => LineChecksum.Seal(Line(json =>
    {
        json.WriteString("llmps", "checkpoint");
        json.WriteNumber("version", Version);
        json.WriteString("created", DateTime.UtcNow);
        write(json);
    }));

    /// <summary>Returns the version in a header, and whether it is undamaged and known; null for a line that is not a header.</summary>
    internal static int? ReadHeader(ReadOnlySpan<byte> line, out bool isSound)
    {
        var version = TryScan(line, out var members) ? members.Version : null;
        isSound = version == Version ? LineChecksum.IsSound(line) : version == UncheckedVersion && !members.HasChecksum;
        return version;
    }

    /// <summary>Returns whether the text may be the beginning of a header, without rows behind it whose line ends were lost.</summary>
    internal static bool IsTornHeader(ReadOnlySpan<byte> text)
    {
        return text.Length < Header().Length && text.IndexOf("\"}"u8) < 0 && (Begins(text, HeaderStart) || Begins(text, OldHeaderStart));

        static bool Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> header)
        {
            var known = Math.Min(text.Length, header.Length);
            return text.Slice(0, known).SequenceEqual(header.Slice(0, known));
        }
    }

    /// <summary>Returns whether more than one row begins in the text.</summary>
    internal static bool HoldsRows(ReadOnlySpan<byte> text)
    {
        var rows = 0;
        int at;
        while (rows < 2 && (at = text.IndexOf(RowStart)) >= 0)
        {
            if (BeginsRow(text.Slice(at))) rows++;
            text = text.Slice(at + RowStart.Length);
        }

        return rows > 1;
    }

    /// <summary>Returns the line of the n-th finished row with a request of any endpoint, line end included.</summary>
    internal static byte[] Write(CheckpointKey key, int n, Action<Utf8JsonWriter> write) => LineChecksum.Seal(Row(key, n, write));

    /// <summary>Returns the line of the n-th finished row with a request. Keeps a token limit that differs from that of the row.</summary>
    internal static byte[] Write(CheckpointKey key, int n, ChatCompletion completion, Func<byte[], byte[]>? clean = null,
        int? maxTokens = null)
    {
        var answer = CompletionWriter.Write(completion, out var isFolded);
        var turns = completion.Context is { } context ? context.Request.Messages.Skip(context.RowMessages).ToList() : [];
        var line = Row(key, n, json =>
        {
            json.WriteNumber("index", completion.InputIndex);
            json.WriteString("finished", DateTime.UtcNow);
            if (completion.Provider is not null) json.WriteString("provider", completion.Provider);
            if (completion.Chip is not null) json.WriteString("chip", completion.Chip);
            if (completion.Context?.Session is { } session) json.WriteString("session", session.Name);
            WriteTime(json, "durationMs", completion.Duration);
            WriteTime(json, "timeToFirstTokenMs", completion.TimeToFirstToken);
            json.WriteNumber("attempts", completion.Attempts);
            if (completion.RequestId is not null) json.WriteString("requestId", completion.RequestId);
            if (completion.Cost is { } cost) json.WriteNumber("cost", cost);
            if (completion.Context?.Request.MaxTokens is { } asked && asked != maxTokens) json.WriteNumber("maxTokens", asked);
            if (completion.BatchId is not null) json.WriteString("batch", completion.BatchId);
            if (isFolded) json.WriteBoolean("folded", true);
            if (turns.Count > 0) WriteTurns(json, turns, completion.Usage);
            json.WritePropertyName("completion");
            json.WriteRawValue(answer, skipInputValidation: true);
        });
        // The results of tools were not cleaned before, and a server may echo a secret in pieces.
        if (clean is not null && (isFolded || turns.Count > 0)) line = clean(line);
        return LineChecksum.Seal(line);
    }

    /// <summary>Reads which finished row a line is. False without a matching checksum, unless the line may lack it.</summary>
    internal static bool TryReadRow(ReadOnlySpan<byte> line, bool mayLackChecksum, out CheckpointKey key, out int n)
    {
        if (LineChecksum.IsSound(line)) return TryReadStart(line, out key, out n);
        if (mayLackChecksum) return (line.EndsWith("}}"u8) && TryReadStart(line, out key, out n)) || TryReadUnchecked(line, out key, out n);
        key = default;
        n = 0;
        return false;
    }

    /// <summary>Reads which row a line is that begins as <c>Write</c> writes it. Ignores the rest of the line.</summary>
    internal static bool TryReadStart(ReadOnlySpan<byte> line, out CheckpointKey key, out int n)
    {
        key = default;
        n = 0;
        if (!BeginsRow(line)) return false;
        var rest = line.Slice(RowStart.Length + CheckpointKey.TextLength + BehindKey.Length);
        return CheckpointKey.TryParse(line.Slice(RowStart.Length, CheckpointKey.TextLength), out key)
            && Utf8Parser.TryParse(rest, out n, out var read) && n > 0
            && read < rest.Length && rest[read] == ',';
    }

    /// <summary>Reads which finished row a line without a checksum is. The complete line must be valid JSON.</summary>
    internal static bool TryReadUnchecked(ReadOnlySpan<byte> line, out CheckpointKey key, out int n)
    {
        var isObject = TryScan(line, out var members);
        (key, n) = (members.Key, members.N);
        // A checksum in a line that comes here does not match.
        return isObject && members is { HasKey: true, HasCompletion: true, HasChecksum: false } && n > 0;
    }

    private static bool TryScan(ReadOnlySpan<byte> line, out Members members)
    {
        members = default;
        var isCheckpoint = false;
        try
        {
            var reader = new Utf8JsonReader(line, s_reading);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("key"u8))
                    members.HasKey = reader.Read() && reader.TokenType == JsonTokenType.String
                        && CheckpointKey.TryParse(reader.ValueSpan, out members.Key);
                else if (reader.ValueTextEquals("n"u8)) members.N = ReadInt(ref reader) ?? 0;
                else if (reader.ValueTextEquals("version"u8)) members.Version = ReadInt(ref reader);
                else if (reader.ValueTextEquals("llmps"u8))
                    isCheckpoint = reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("checkpoint"u8);
                else if (reader.ValueTextEquals("completion"u8))
                    members.HasCompletion = reader.Read() && reader.TokenType == JsonTokenType.StartObject;
                else
                {
                    members.HasChecksum |= reader.ValueTextEquals("check"u8);
                    reader.Read();
                }

                reader.Skip();
            }

            // A further read throws where something follows the object.
            reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }

        if (!isCheckpoint) members.Version = null;
        return true;
    }

    /// <summary>Returns the completion of a row as the answer to the same request; null where the line has none.</summary>
    internal static ChatCompletion? Restore(ReadOnlySpan<byte> line, AnswerContext context)
    {
        try
        {
            return RestoreOrThrow(line, context);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static ChatCompletion? RestoreOrThrow(ReadOnlySpan<byte> line, AnswerContext context)
    {
        byte[]? answer = null;
        var deltas = new List<ChatCompletionDelta>();
        List<ChatMessage>? turns = null;
        TokenUsage? usage = null;
        TimeSpan? duration = null, toFirstToken = null;
        string? requestId = null, batch = null;
        decimal? cost = null;
        int? maxTokens = null;
        var attempts = 0;
        var isFolded = false;
        var reader = new Utf8JsonReader(line, s_reading);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("durationMs"u8)) duration = ReadTime(ref reader);
            else if (reader.ValueTextEquals("timeToFirstTokenMs"u8)) toFirstToken = ReadTime(ref reader);
            else if (reader.ValueTextEquals("attempts"u8)) attempts = ReadInt(ref reader) ?? 0;
            else if (reader.ValueTextEquals("requestId"u8)) requestId = ReadText(ref reader);
            else if (reader.ValueTextEquals("cost"u8))
                cost = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var money) ? money : null;
            else if (reader.ValueTextEquals("maxTokens"u8)) maxTokens = ReadInt(ref reader);
            else if (reader.ValueTextEquals("batch"u8)) batch = ReadText(ref reader);
            else if (reader.ValueTextEquals("folded"u8)) isFolded = reader.Read() && reader.TokenType == JsonTokenType.True;
            else if (reader.ValueTextEquals("usage"u8)) usage = UsageReader.Read(ref reader);
            else if (reader.ValueTextEquals("turns"u8))
            {
                using var messages = JsonDocument.ParseValue(ref reader);
                turns = [.. messages.RootElement.EnumerateArray().Select(MessageReader.Read)];
            }
            else if (reader.ValueTextEquals("completion"u8))
            {
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                if (new AnswerReader().Read(ref reader, deltas) != AnswerContent.Answer) return null;
                answer = line.Slice(start, (int)reader.BytesConsumed - start).ToArray();
            }
            else reader.Read();

            reader.Skip();
        }

        if (maxTokens is { } tokens) context = context.For(context.Request.WithMaxTokens(tokens));
        if (turns is not null) context = context.For(context.Request.WithMessages([.. context.Request.Messages, .. turns]));
        if (answer is null) return null;
        var completion = Fold(answer, deltas, isFolded, context);
        // Earlier versions kept incomplete answers whose finish reason is a failure.
        if (completion.Choices.Any(choice => choice.FinishReason is { } reason && FinishReasons.IsFailure(reason))) return null;
        if (cost is not null) completion.Cost = cost;
        completion.Duration = duration;
        completion.BatchId = batch;
        completion.Usage = usage ?? completion.Usage;
        context.Recall(attempts, requestId, toFirstToken);
        return completion;
    }

    private static ChatCompletion Fold(byte[] answer, List<ChatCompletionDelta> deltas, bool isFolded, AnswerContext context)
    {
        var builder = new ChatCompletionBuilder();
        var flow = new AnswerFlow(context);
        foreach (var delta in deltas)
        {
            delta.Raw = answer;
            // The text, reasoning and finish reasons have passed the flow before.
            if (isFolded)
            {
                delta.Context = context;
                builder.Append(delta);
            }
            else if (flow.Take(delta)) builder.Append(delta);
        }

        if (isFolded) return builder.ToCompletion();
        foreach (var delta in flow.Close()) builder.Append(delta);
        return builder.ToCompletion();
    }

    // The messages between the row's own and its answer, and the usage of all rounds: tools do not run again.
    private static void WriteTurns(Utf8JsonWriter json, List<ChatMessage> turns, TokenUsage? usage)
    {
        if (usage is not null) CompletionWriter.WriteUsage(json, usage);
        json.WriteStartArray("turns");
        foreach (var message in turns) RequestWriter.WriteMessage(json, message, message.ReasoningContent is not null);
        json.WriteEndArray();
    }

    private static bool BeginsRow(ReadOnlySpan<byte> text) =>
        text.StartsWith(RowStart) && text.Length >= RowStart.Length + CheckpointKey.TextLength
            && text.Slice(RowStart.Length + CheckpointKey.TextLength).StartsWith(BehindKey);

    internal static bool IsBlank(ReadOnlySpan<byte> line)
    {
        foreach (var character in line)
            if (character is not ((byte)' ' or (byte)'\t' or (byte)'\r')) return false;
        return true;
    }

    // Key and number come first: TryReadStart finds them there.
    private static byte[] Row(CheckpointKey key, int n, Action<Utf8JsonWriter> write) => Line(json =>
    {
        json.WriteString("key", key.ToString());
        json.WriteNumber("n", n);
        write(json);
    });

    private static byte[] Line(Action<Utf8JsonWriter> write) => CompactJson.Write(
        write,
        static (json, write) =>
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        });

    private static int? ReadInt(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) ? number : null;

    private static string? ReadText(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;

    // In milliseconds, to the tick.
    private static void WriteTime(Utf8JsonWriter json, string name, TimeSpan? time)
    {
        if (time is { } span) json.WriteNumber(name, span.Ticks / (decimal)TimeSpan.TicksPerMillisecond);
    }

    private static TimeSpan? ReadTime(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out var milliseconds)) return null;
        var ticks = Math.Round(milliseconds * TimeSpan.TicksPerMillisecond);
        return ticks is >= 0 and < long.MaxValue ? TimeSpan.FromTicks((long)ticks) : null;
    }

    private struct Members
    {
        internal bool HasKey;
        internal bool HasCompletion;
        internal bool HasChecksum;
        internal CheckpointKey Key;
        internal int N;
        internal int? Version;
    }
}
