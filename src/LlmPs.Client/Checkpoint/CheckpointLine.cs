using System;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using LlmPs.Wire;

namespace LlmPs.Checkpoint;

/// <summary>What a line of a checkpoint file turned out to be.</summary>
internal enum CheckpointLineKind
{
    /// <summary>A finished row.</summary>
    Row,

    /// <summary>The first line; further ones where files were joined.</summary>
    Header,

    /// <summary>Nothing but white space.</summary>
    Blank,

    /// <summary>Anything else.</summary>
    Damaged,
}

/// <summary>The lines of a checkpoint file: one JSON object each.</summary>
internal static class CheckpointLine
{
    internal const int Version = 2;

    /// <summary>The version whose lines have no checksum.</summary>
    internal const int UncheckedVersion = 1;

    // An answer may be as deep as the reader of answers goes, and stands a level deeper here.
    private static readonly JsonReaderOptions s_reading = new() { MaxDepth = 128 };

    private static ReadOnlySpan<byte> HeaderStart => "{\"llmps\":\"checkpoint\",\"version\":2,\"created\":\""u8;

    private static ReadOnlySpan<byte> OldHeaderStart => "{\"llmps\":\"checkpoint\",\"version\":1,\"created\":\""u8;

    private static ReadOnlySpan<byte> RowStart => "{\"key\":\""u8;

    private static ReadOnlySpan<byte> BehindKey => "\",\"n\":"u8;

    /// <summary>The length of a header that is not a note, at most.</summary>
    internal const int LongestHeader = 128;

    internal static byte[] Header() => LineChecksum.Seal(Line(json =>
    {
        json.WriteString("llmps", "checkpoint");
        json.WriteNumber("version", Version);
        json.WriteString("created", DateTime.UtcNow);
    }));

    /// <summary>
    /// Returns a line that says something about the run and is no row: a header with a further member, line end included. Readers that know
    /// no notes skip it, as they skip the headers of files that were joined.
    /// </summary>
    internal static byte[] Note(Action<Utf8JsonWriter> write) => LineChecksum.Seal(Line(json =>
    {
        json.WriteString("llmps", "checkpoint");
        json.WriteNumber("version", Version);
        json.WriteString("created", DateTime.UtcNow);
        write(json);
    }));

    /// <summary>
    /// The version that a header names; null for a line that is no header. A header of the present version has a checksum, too.
    /// </summary>
    /// <param name="line">The line.</param>
    /// <param name="isSound">Whether the header is of a version that this class reads, and is not damaged.</param>
    internal static int? ReadHeader(ReadOnlySpan<byte> line, out bool isSound)
    {
        var version = VersionOf(line, out var hasChecksum);
        isSound = version == Version ? LineChecksum.IsSound(line) : version == UncheckedVersion && !hasChecksum;
        return version;
    }

    private static int? VersionOf(ReadOnlySpan<byte> line, out bool hasChecksum)
    {
        hasChecksum = false;
        var isCheckpoint = false;
        int? version = null;
        try
        {
            var reader = new Utf8JsonReader(line, s_reading);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("llmps"u8))
                    isCheckpoint = reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("checkpoint"u8);
                else if (reader.ValueTextEquals("version"u8))
                    version = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) ? number
                        : null;
                else
                {
                    hasChecksum |= reader.ValueTextEquals("check"u8);
                    reader.Read();
                }

                reader.Skip();
            }

            reader.Read();
        }
        catch (JsonException)
        {
            return null;
        }

        return isCheckpoint ? version : null;
    }

    /// <summary>
    /// Whether the text may be the beginning of a header. Of one that holds more, such as rows whose line ends were lost, it is not.
    /// </summary>
    internal static bool IsTornHeader(ReadOnlySpan<byte> text)
    {
        return text.Length < Header().Length && text.IndexOf("\"}"u8) < 0 && (Begins(text, HeaderStart) || Begins(text, OldHeaderStart));

        static bool Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> header)
        {
            var known = Math.Min(text.Length, header.Length);
            return text.Slice(0, known).SequenceEqual(header.Slice(0, known));
        }
    }

    /// <summary>Whether more than one row begins in the text.</summary>
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

    /// <summary>Returns the line of a finished row of any endpoint, line end included.</summary>
    /// <param name="key">The row's request.</param>
    /// <param name="n">Which occurrence of the request the row is.</param>
    /// <param name="write">Writes the further members, one at least.</param>
    internal static byte[] Write(CheckpointKey key, int n, Action<Utf8JsonWriter> write) => LineChecksum.Seal(Row(key, n, write));

    /// <summary>Returns the line of a finished row, line end included.</summary>
    /// <param name="key">The row's request.</param>
    /// <param name="n">Which occurrence of the request the row is.</param>
    /// <param name="completion">The row's answer.</param>
    /// <param name="clean">Takes secrets out of bytes; null where there are none.</param>
    /// <param name="maxTokens">The token limit of the row's request, which the answer's own may exceed.</param>
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
        // What a tool answered was not cleaned when it came, and a server may echo a secret in pieces.
        if (clean is not null && (isFolded || turns.Count > 0)) line = clean(line);
        return LineChecksum.Seal(line);
    }

    /// <summary>
    /// Returns whether a line is a finished row, and which. A line whose checksum does not match is not; a line without a checksum is one
    /// only where it may lack it.
    /// </summary>
    internal static bool TryReadRow(ReadOnlySpan<byte> line, bool mayLackChecksum, out CheckpointKey key, out int n)
    {
        if (LineChecksum.IsSound(line)) return TryReadStart(line, out key, out n);
        if (mayLackChecksum)
            return (line.EndsWith("}}"u8) && TryReadStart(line, out key, out n)) || Read(line, out key, out n) == CheckpointLineKind.Row;
        key = default;
        n = 0;
        return false;
    }

    /// <summary>Returns which row a line is that begins as <c>Write</c> leaves it. The rest of the line is not looked at.</summary>
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

    /// <summary>Returns what a line without a checksum is, and which row. The whole line must be sound JSON.</summary>
    internal static CheckpointLineKind Read(ReadOnlySpan<byte> line, out CheckpointKey key, out int n)
    {
        key = default;
        n = 0;
        if (IsBlank(line)) return CheckpointLineKind.Blank;
        bool hasKey = false, isHeader = false, hasCompletion = false, hasChecksum = false;
        try
        {
            var reader = new Utf8JsonReader(line, s_reading);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return CheckpointLineKind.Damaged;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("key"u8))
                    hasKey = reader.Read() && reader.TokenType == JsonTokenType.String && CheckpointKey.TryParse(reader.ValueSpan, out key);
                else if (reader.ValueTextEquals("n"u8))
                    n = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var count) ? count : 0;
                else if (reader.ValueTextEquals("completion"u8))
                    hasCompletion = reader.Read() && reader.TokenType == JsonTokenType.StartObject;
                else
                {
                    isHeader |= reader.ValueTextEquals("llmps"u8);
                    hasChecksum |= reader.ValueTextEquals("check"u8);
                    reader.Read();
                }

                reader.Skip();
            }

            // Reading on past the end makes the reader refuse what follows.
            reader.Read();
        }
        catch (JsonException)
        {
            return CheckpointLineKind.Damaged;
        }

        // A line that has a checksum and comes here does not match it.
        if (hasChecksum) return CheckpointLineKind.Damaged;
        return hasKey && n > 0 && hasCompletion ? CheckpointLineKind.Row : isHeader ? CheckpointLineKind.Header
            : CheckpointLineKind.Damaged;
    }

    /// <summary>The completion of a row as the answer to the same request; null where the line does not hold one.</summary>
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
            else if (reader.ValueTextEquals("attempts"u8))
                attempts = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var count) ? count : 0;
            else if (reader.ValueTextEquals("requestId"u8))
                requestId = reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            else if (reader.ValueTextEquals("cost"u8))
                cost = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var money) ? money : null;
            else if (reader.ValueTextEquals("maxTokens"u8))
                maxTokens = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var most) ? most : null;
            else if (reader.ValueTextEquals("batch"u8))
                batch = reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
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
        // Earlier versions kept half an answer whose server had said that it gave up.
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
            // What went through the flow once holds its text, reasoning and reasons as they are to be.
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

    /// <summary>
    /// What was said between the row's own messages and its answer, and what all of it cost: tools that ran are not run again.
    /// </summary>
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

    /// <summary>What a row is found by stands first.</summary>
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

    /// <summary>In milliseconds, to the tick.</summary>
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
}
