using System;
using System.Linq;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmPs.Text;

namespace LlmPs.Wire;

/// <summary>What an error body says: every provider's envelope, bare strings, unknown JSON, plain text and proxies' HTML pages.</summary>
internal sealed class ErrorEnvelope
{
    private const int LongestText = 600;
    private const int LongestJudged = 4000;
    private const int LongestCode = 100;

    // Beside OpenAI's: of MiniMax, of Baidu and its like.
    private static readonly string[] s_codes = ["code", "status_code", "error_code", "errcode", "errorCode"];

    private static readonly string[] s_statuses = ["status", "statusCode", "http_code", "http_status"];

    // Where the error itself stands, and what may stand around it.
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

    /// <summary>The provider's code; null where it gives none.</summary>
    internal string? Code { get; }

    /// <summary>The type of the error, which may say more than the code; null where the provider gives none.</summary>
    internal string? Type { get; }

    /// <summary>The provider's words, shortened; null where there are none.</summary>
    internal string? Message { get; }

    /// <summary>The provider's words up to a length that is enough to judge them; null where there are none.</summary>
    internal string? Words { get; }

    /// <summary>Whether the body is a page or plain text, as proxies and gateways write it, and not JSON.</summary>
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

    /// <summary>Whether JSON that is no answer and no error of a known shape holds words all the same.</summary>
    internal static bool HasWords(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return WordsIn(document.RootElement) is not null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>
    /// Whether an error body names a field of the request. A body that repeats the whole request does not count as naming it.
    /// </summary>
    internal static bool Names(byte[] body, Func<string, bool> isField)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Names(document.RootElement, isField);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return isField(Encoding.UTF8.GetString(body));
        }
    }

    private static bool Names(JsonElement element, Func<string, bool> isField) => element.ValueKind switch
    {
        JsonValueKind.String => isField(element.GetString()!),
        JsonValueKind.Array => element.EnumerateArray().Any(item => Names(item, isField)),
        // FastAPI servers repeat what they refuse as input.
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

        // GenStudio says msg, MiniMax status_msg, Baidu error_msg; FastAPI servers say detail. Upstream errors that GenStudio passes on
        // have the useful text in param.
        var message = Text(inner, "message") ?? Text(inner, "msg") ?? Text(inner, "status_msg") ?? Text(inner, "error_msg")
            ?? Text(root, "message")
            ?? Text(inner, "detail") ?? Text(inner, "error_message") ?? Text(inner, "errmsg") ?? Text(inner, "errors");
        if (Text(inner, "param") is { } param && (message is null || param.Length > message.Length || param.IndexOf(' ') >= 0))
            message = message is null ? param : $"{message}: {param}";
        // OpenRouter's own words are "Provider returned error"; what the upstream said stands in here.
        if (TryGet(inner, "metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && Text(metadata, "raw") is { } raw)
            message = message is null ? raw : $"{message}: {raw}";
        return new ErrorEnvelope(CodeOf(inner) ?? CodeOf(root), message ?? WordsIn(root) ?? text, Text(inner, "type") is { } type
            ? Shorten(type, LongestCode) : null);
    }

    /// <summary>The error itself, which may stand in a choice.</summary>
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

    /// <summary>The first text in a field whose name says that it holds words, however deep; null for none.</summary>
    private static string? WordsIn(JsonElement element)
    {
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)) return null;
        if (element.ValueKind == JsonValueKind.Array)
            return element.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : WordsIn(item))
                .FirstOrDefault(static words => words is not null);
        foreach (var property in element.EnumerateObject())
        {
            var hasWords = s_words.Any(name => property.Name.IndexOf(name, StringComparison.OrdinalIgnoreCase) >= 0)
                && property.Name.IndexOf("code", StringComparison.OrdinalIgnoreCase) < 0
                    && property.Name.IndexOf("type", StringComparison.OrdinalIgnoreCase) < 0;
            if (hasWords && property.Value.ValueKind == JsonValueKind.String && property.Value.GetString() is { Length: > 0 } words)
                return words;
        }

        return element.EnumerateObject()
            .Where(static property =>
                property.Value.ValueKind == JsonValueKind.Object
                    || s_words.Any(name => property.Name.IndexOf(name, StringComparison.OrdinalIgnoreCase) >= 0))
            .Select(static property => WordsIn(property.Value)).FirstOrDefault(static words => words is not null);
    }

    /// <summary>A field by its name in any case: some servers begin names with a capital.</summary>
    private static bool TryGet(JsonElement element, string name, out JsonElement value)
    {
        if (element.TryGetProperty(name, out value)) return true;
        foreach (var property in element.EnumerateObject())
        {
            if (!property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
            value = property.Value;
            return true;
        }

        return false;
    }

    private static string? CodeOf(JsonElement element)
    {
        foreach (var name in s_codes)
        {
            if (!TryGet(element, name, out var code)) continue;
            if (code.ValueKind == JsonValueKind.Number) return Shorten(code.GetRawText(), LongestCode);
            if (code.ValueKind == JsonValueKind.String && code.GetString() is { Length: > 0 } text) return Shorten(text, LongestCode);
        }

        // An HTTP status, as frameworks for web servers write it into their errors.
        foreach (var name in s_statuses)
            if (TryGet(element, name, out var status) && status.ValueKind == JsonValueKind.Number && status.TryGetInt32(out var number)
                && number is >= 400 and < 600) return status.GetRawText();
        // The type of RFC 9457 is an address.
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

    private static string FromHtml(string html)
    {
        return Title(html) is { } title
            ? $"an HTML page instead of an answer, titled '{Shorten(WebUtility.HtmlDecode(title))}': a proxy or gateway may be in between"
            : $"an HTML page instead of an answer: a proxy or gateway may be in between. It begins: {Shorten(html, 120)}";
    }

    private static string? Title(string html)
    {
        var tag = html.IndexOf("<title", StringComparison.OrdinalIgnoreCase);
        var start = tag < 0 ? -1 : html.IndexOf('>', tag);
        var end = start < 0 ? -1 : html.IndexOf("</title", start, StringComparison.OrdinalIgnoreCase);
        return end < 0 ? null : html.Substring(start + 1, end - start - 1);
    }

    private static string Shorten(string text, int longest = LongestText) => PrintableText.Line(text, longest);
}
