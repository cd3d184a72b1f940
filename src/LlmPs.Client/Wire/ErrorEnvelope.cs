using System;
using System.Linq;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmPs.Text;

namespace LlmPs.Wire;

/// <summary>The content of an error body: a provider's envelope, a bare string, unknown JSON, plain text or a proxy's HTML page.</summary>
internal sealed class ErrorEnvelope
{
    private const int LongestText = 600;
    private const int LongestJudged = 4000;
    private const int LongestCode = 100;

    // The names of OpenAI, MiniMax, Baidu and others.
    private static readonly string[] s_codes = ["code", "status_code", "error_code", "errcode", "errorCode"];

    private static readonly string[] s_statuses = ["status", "statusCode", "http_code", "http_status"];

    // The fields with the error itself, and the fields around it.
    private static readonly string[] s_errors = ["error", "base_resp", "errors", "fault"];
    private static readonly string[] s_wrappers = ["data", "response", "result", "delta", "message"];

    private static readonly string[] s_words = ["message", "msg", "error", "reason", "detail", "description", "fault", "exception"];

    private ErrorEnvelope(string? code, string? words, string? type = null)
    {
        Code = code;
        Words = words is null ? null : Shorten(words, LongestJudged);
        Message = words is null ? null : Shorten(words);
        Type = type;
    }

    /// <summary>The provider's code; null if it gives none.</summary>
    internal string? Code { get; }

    /// <summary>The type of the error, which may be more exact than the code; null if the provider gives none.</summary>
    internal string? Type { get; }

    /// <summary>The provider's message, shortened; null if there is none.</summary>
    internal string? Message { get; }

    /// <summary>The provider's message, long enough to find the kind of the error; null if there is none.</summary>
    internal string? Words { get; }

    /// <summary>Whether the body is empty, a page or plain text, as proxies and gateways write it, and not JSON.</summary>
    internal bool IsPage { get; private set; }

    internal static ErrorEnvelope Read(byte[] body)
    {
        var text = Encoding.UTF8.GetString(body).Trim('\uFEFF', ' ', '\t', '\r', '\n', '\0');
        if (text.Length == 0) return new ErrorEnvelope(null, null) { IsPage = true };
        if (text[0] == '<') return new ErrorEnvelope(null, FromHtml(text)) { IsPage = true };
        try
        {
            using var document = JsonDocument.Parse(text);
            return FromJson(document.RootElement, text);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new ErrorEnvelope(null, text) { IsPage = true };
        }
    }

    /// <summary>Returns whether JSON that is neither an answer nor a known form of error has a message.</summary>
    internal static bool HasWords(byte[] body) => Try(body, static root => WordsIn(root) is not null) ?? false;

    /// <summary>
    /// Returns whether an error body names a field of the request. A copy of the whole request in the body does not count.
    /// </summary>
    internal static bool Names(byte[] body, Func<string, bool> isField) =>
        Try(body, root => Names(root, isField)) ?? isField(Encoding.UTF8.GetString(body));

    private static bool? Try(byte[] body, Func<JsonElement, bool> test)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return test(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool Names(JsonElement element, Func<string, bool> isField) => element.ValueKind switch
    {
        JsonValueKind.String => isField(element.GetString()!),
        JsonValueKind.Array => element.EnumerateArray().Any(item => Names(item, isField)),
        // FastAPI servers repeat the refused request in the field input.
        JsonValueKind.Object =>
            element.EnumerateObject().Any(property => property.Name is not ("input" or "body") && Names(property.Value, isField)),
        _ => false,
    };

    private static ErrorEnvelope FromJson(JsonElement root, string text)
    {
        // Google and some gateways put the object into a list.
        while (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0) root = root[0];
        if (root.ValueKind == JsonValueKind.String) return new ErrorEnvelope(null, root.GetString()!);
        if (root.ValueKind != JsonValueKind.Object) return new ErrorEnvelope(null, text);

        var inner = root;
        if (ErrorOf(root) is { } error)
        {
            // Gateways put the error of the server behind them into their own.
            while (error.ValueKind == JsonValueKind.Object && ErrorOf(error) is { } deeper) error = deeper;
            if (error.ValueKind == JsonValueKind.String) return new ErrorEnvelope(CodeOf(root), error.GetString()!);
            inner = error;
        }

        // GenStudio uses msg, MiniMax status_msg, Baidu error_msg, FastAPI servers detail. GenStudio forwards upstream errors with the
        // useful text in param.
        var message = Text(inner, "message") ?? Text(inner, "msg") ?? Text(inner, "status_msg") ?? Text(inner, "error_msg")
            ?? Text(root, "message") ?? Text(inner, "detail") ?? Text(inner, "error_message") ?? Text(inner, "errmsg")
            ?? Text(inner, "errors");
        if (Text(inner, "param") is { } param && (message is null || param.Length > message.Length || param.IndexOf(' ') >= 0))
            message = message is null ? param : $"{message}: {param}";
        // OpenRouter's own message is "Provider returned error"; the upstream's message is in metadata.
        if (TryGet(inner, "metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && Text(metadata, "raw") is { } raw)
            message = message is null ? raw : $"{message}: {raw}";
        var type = Text(inner, "type") is { } own ? Shorten(own, LongestCode) : null;
        return new ErrorEnvelope(CodeOf(inner) ?? CodeOf(root), message ?? WordsIn(root) ?? text, type);
    }

    /// <summary>Returns the error itself, which may be in a choice; null if there is none.</summary>
    private static JsonElement? ErrorOf(JsonElement element)
    {
        foreach (var name in s_errors)
        {
            if (!TryGet(element, name, out var error)) continue;
            if (error.ValueKind == JsonValueKind.Array && error.GetArrayLength() > 0) error = error[0];
            if (error.ValueKind == JsonValueKind.Object || (error.ValueKind == JsonValueKind.String && error.GetString()!.Length > 0))
                return error;
        }

        foreach (var name in s_wrappers)
            if (TryGet(element, name, out var wrapper) && wrapper.ValueKind == JsonValueKind.Object && ErrorOf(wrapper) is { } wrapped)
                return wrapped;
        if (!TryGet(element, "choices", out var choices) || choices.ValueKind != JsonValueKind.Array) return null;
        foreach (var choice in choices.EnumerateArray())
            if (choice.ValueKind == JsonValueKind.Object && ErrorOf(choice) is { } own) return own;
        return null;
    }

    /// <summary>Returns the first text in a field whose name suggests a message, at any depth; null for none.</summary>
    private static string? WordsIn(JsonElement element)
    {
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)) return null;
        if (element.ValueKind == JsonValueKind.Array)
            return element.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : WordsIn(item))
                .FirstOrDefault(static words => words is not null);
        foreach (var property in element.EnumerateObject())
        {
            var isMessage = IsForWords(property) && !Contains(property, "code") && !Contains(property, "type");
            if (isMessage && property.Value.ValueKind == JsonValueKind.String && property.Value.GetString() is { Length: > 0 } words)
                return words;
        }

        return element.EnumerateObject()
            .Where(static property => property.Value.ValueKind == JsonValueKind.Object || IsForWords(property))
            .Select(static property => WordsIn(property.Value)).FirstOrDefault(static words => words is not null);
    }

    private static bool IsForWords(JsonProperty property) => s_words.Any(name => Contains(property, name));

    private static bool Contains(JsonProperty property, string part) =>
        property.Name.IndexOf(part, StringComparison.OrdinalIgnoreCase) >= 0;

    /// <summary>Finds a field by its name in any case, because some servers begin names with a capital.</summary>
    private static bool TryGet(JsonElement element, string name, out JsonElement value)
    {
        if (element.TryGetProperty(name, out value)) return true;
        value = element.EnumerateObject().FirstOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
        return value.ValueKind != JsonValueKind.Undefined;
    }

    private static string? CodeOf(JsonElement element)
    {
        foreach (var name in s_codes)
        {
            if (!TryGet(element, name, out var code)) continue;
            if (code.ValueKind == JsonValueKind.Number) return Shorten(code.GetRawText(), LongestCode);
            if (code.ValueKind == JsonValueKind.String && code.GetString() is { Length: > 0 } text) return Shorten(text, LongestCode);
        }

        // The HTTP status, which frameworks for web servers write into their errors.
        foreach (var name in s_statuses)
            if (TryGet(element, name, out var status) && status.ValueKind == JsonValueKind.Number && status.TryGetInt32(out var number)
                && number is >= 400 and < 600) return status.GetRawText();
        // With RFC 9457 the type is an address.
        return Text(element, "type") is { } type && type.IndexOf(':') < 0 ? Shorten(type, LongestCode) : null;
    }

    private static string? Text(JsonElement element, string name)
    {
        if (!TryGet(element, name, out var value)) return null;
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString() is { Length: > 0 } text ? text : null,
            JsonValueKind.Array or JsonValueKind.Object => value.GetRawText(),
            _ => null,
        };
    }

    private static string FromHtml(string html) => Title(html) is { } title
        ? $"an HTML page instead of an answer, titled '{Shorten(WebUtility.HtmlDecode(title))}'; a proxy or gateway may have sent it"
        : $"an HTML page instead of an answer; a proxy or gateway may have sent it. It begins: {Shorten(html, 120)}";

    private static string? Title(string html)
    {
        var tag = html.IndexOf("<title", StringComparison.OrdinalIgnoreCase);
        var start = tag < 0 ? -1 : html.IndexOf('>', tag);
        var end = start < 0 ? -1 : html.IndexOf("</title", start, StringComparison.OrdinalIgnoreCase);
        return end < 0 ? null : html.Substring(start + 1, end - start - 1);
    }

    private static string Shorten(string text, int longest = LongestText) => PrintableText.Line(text, longest);
}
