using System;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmPs.Text;

namespace LlmPs.Audit;

/// <summary>The audit log's entry for one attempt, or for a batch job. docs/audit.md lists the fields.</summary>
/// <param name="clean">Removes the session's secrets from the server's texts; all other texts are clean.</param>
internal sealed class AuditEntry(Func<string, string> clean)
{
    // Changes when the meaning of a field changes, and not for new fields.
    private const int Version = 1;
    private const int LongestText = 300;

    private static readonly string s_user = UserName();
    private static readonly int s_process = ProcessId();

    internal readonly DateTime Time = DateTime.UtcNow;
    internal string? Session;
    internal string? Provider;
    internal string? Server;
    internal string? Operation;
    internal string? Model;
    internal string? Chip;
    internal long? Row;
    internal int Attempt;
    internal int? Status;
    internal LlmApiException? Error;
    internal string? RequestId;
    internal double? DurationMs;
    internal ChatCompletion? Answer;
    internal decimal? Cost;
    internal string? PromptHash;

    // Only in entries about a batch job: its id, the id of the row in it, the submitted file.
    internal string? Batch;
    internal string? CustomId;
    internal (string? Id, int Rows, long Bytes)? SubmittedFile;

    // Only with -LogContent, and without secrets.
    internal bool HasContent;
    internal byte[]? Request;
    internal byte[]? Response;

    /// <summary>Returns the hash of the messages in a body, without model and options; of the body where it has no messages.</summary>
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

    /// <summary>Returns the line, line end included, in ASCII: any reader decodes it, and no character controls a terminal.</summary>
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

    private void WriteClean(Utf8JsonWriter json, string name, string? text) => Write(json, name, text is null ? null : clean(text));

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
            // The body is not JSON.
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
