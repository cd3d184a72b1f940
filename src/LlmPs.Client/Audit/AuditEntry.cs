using System;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmPs.Text;

namespace LlmPs.Audit;

/// <summary>What the log says of one attempt, or of a batch job. docs/audit.md has the list of fields.</summary>
internal sealed class AuditEntry
{
    // Raised when a field changes its meaning; further fields do not count.
    private const int Version = 1;
    private const int LongestText = 300;

    private static readonly string s_user = UserName();
    private static readonly int s_process = ProcessId();

    private readonly Func<string, string> _clean;

    /// <param name="clean">Takes the session's secrets out of what the server says; all else is given clean.</param>
    internal AuditEntry(Func<string, string> clean) => _clean = clean;

    internal DateTime Time { get; } = DateTime.UtcNow;

    internal string? Session { get; set; }

    internal string? Provider { get; set; }

    internal string? Server { get; set; }

    internal string? Operation { get; set; }

    internal string? Model { get; set; }

    internal string? Chip { get; set; }

    internal long? Row { get; set; }

    internal int Attempt { get; set; }

    internal int? Status { get; set; }

    internal LlmApiException? Error { get; set; }

    internal string? RequestId { get; set; }

    /// <summary>The duration; null for an answer of a batch job.</summary>
    internal double? DurationMs { get; set; }

    internal ChatCompletion? Answer { get; set; }

    internal decimal? Cost { get; set; }

    internal string? PromptHash { get; set; }

    /// <summary>The batch job that the line is about; null for a live request, which has none of the fields of a batch.</summary>
    internal string? Batch { get; set; }

    /// <summary>The id of the row in its batch.</summary>
    internal string? CustomId { get; set; }

    /// <summary>The file that was submitted, and what is in it; null for another line.</summary>
    internal (string? Id, int Rows, long Bytes)? SubmittedFile { get; set; }

    /// <summary>The body as it was sent, clean; null without -LogContent.</summary>
    internal byte[]? Request { get; set; }

    /// <summary>The answer as JSON, clean; null without -LogContent.</summary>
    internal byte[]? Response { get; set; }

    /// <summary>Whether the line holds texts.</summary>
    internal bool HasContent { get; set; }

    /// <summary>
    /// The hash of the messages of a request, as its body writes them: the same for each model and option. Of another request that of its
    /// whole body.
    /// </summary>
    internal static string HashOf(byte[] body)
    {
        var (start, length) = Messages(body);
#if NET
        var hash = SHA256.HashData(body.AsSpan(start, length));
#else
        using var sha = SHA256.Create();
        var hash = sha.ComputeHash(body, start, length);
#endif
        var text = new StringBuilder(64);
        foreach (var part in hash) text.Append(part.ToString("x2", CultureInfo.InvariantCulture));
        return text.ToString();
    }

    /// <summary>
    /// The line, line end included: of ASCII, so that no reader can take its encoding for another, and no character steers a terminal.
    /// </summary>
    internal byte[] ToLine()
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("v", Version);
            json.WriteString("time", Time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            Write(json, "user", s_user);
            Write(json, "host", Environment.MachineName);
            json.WriteNumber("pid", s_process);
            Write(json, "session", Session);
            Write(json, "provider", Provider);
            Write(json, "server", Server);
            Write(json, "operation", Operation);
            Write(json, "model", Model);
            Write(json, "chip", Chip);
            Write(json, "row", Row);
            Write(json, "attempt", Attempt);
            Write(json, "status", Status);
            Write(json, "kind", Error?.Kind.ToString());
            WriteClean(json, "errorCode", Error?.ProviderCode);
            WriteClean(json, "finishReason", Answer?.FinishReason);
            Write(json, "promptTokens", Answer?.Usage?.PromptTokens);
            Write(json, "completionTokens", Answer?.Usage?.CompletionTokens);
            Write(json, "totalTokens", Answer?.Usage?.TotalTokens);
            if (Cost is { } cost) json.WriteNumber("cost", cost);
            else json.WriteNull("cost");
            Write(json, "durationMs", DurationMs is { } duration ? (long)Math.Round(duration) : null);
            WriteClean(json, "requestId", RequestId);
            WriteClean(json, "responseModel", Answer?.Model);
            Write(json, "promptSha256", PromptHash);
            if (Batch is not null) WriteClean(json, "batch", Batch);
            if (CustomId is not null) Write(json, "customId", CustomId);
            if (SubmittedFile is { } file)
            {
                WriteClean(json, "file", file.Id);
                json.WriteNumber("rows", file.Rows);
                json.WriteNumber("bytes", file.Bytes);
            }

            if (HasContent)
            {
                Write(json, "request", Request);
                Write(json, "response", Response);
                WriteClean(json, "error", Error?.Message);
            }

            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        return line.ToArray();
    }

    /// <summary>What the server says. The rest is clean from the beginning: once the session is closed nobody knows its secrets.</summary>
    private void WriteClean(Utf8JsonWriter json, string name, string? text) => Write(json, name, text is null ? null : _clean(text));

    private static void Write(Utf8JsonWriter json, string name, string? text)
    {
        if (text is null) json.WriteNull(name);
        else json.WriteString(name, PrintableText.Line(text, LongestText));
    }

    private static void Write(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    private static void Write(Utf8JsonWriter json, string name, byte[]? value)
    {
        json.WritePropertyName(name);
        if (value is null) json.WriteNullValue();
        else json.WriteRawValue(value, skipInputValidation: true);
    }

    private static (int Start, int Length) Messages(byte[] body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return (0, body.Length);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isMessages = reader.ValueTextEquals("messages"u8);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (isMessages) return (start, (int)reader.BytesConsumed - start);
            }
        }
        catch (JsonException)
        {
            // A body that is not JSON.
        }

        return (0, body.Length);
    }

    private static string UserName()
    {
        try
        {
            var domain = Environment.UserDomainName;
            return Environment.OSVersion.Platform == PlatformID.Win32NT && domain.Length > 0 ? $@"{domain}\{Environment.UserName}"
                : Environment.UserName;
        }
        catch (Exception e) when (e is InvalidOperationException or PlatformNotSupportedException)
        {
            return Environment.UserName;
        }
    }

    private static int ProcessId()
    {
#if NET
        return Environment.ProcessId;
#else
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.Id;
#endif
    }
}
