using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Security;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;

namespace LlmPs.Transport;

/// <summary>
/// The one place that every printed text passes: verbose, debug, warnings and errors. Takes the session's secrets out, and what looks like
/// a key.
/// </summary>
internal sealed class Redactor
{
    internal const string Mask = "***";

    // A shorter secret would take ordinary words out of every message.
    private const int ShortestSecret = 4;

    private static readonly Regex s_bearer =
        new(@"(?i)\b(bearer|basic)\s+[^\s""',;}\]]{4,}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_key = new(@"\bsk-[A-Za-z0-9_\-]{8,}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    // .NET quotes a proxy with the name and password that the environment gave it.
    private static readonly Regex s_userInfo = new(@"(?<=://)[^\s/?#""']+@", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private static readonly Regex s_percent = new("%[0-9A-F]{2}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_unicode = new(@"\\u[0-9A-F]{4}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_gson = new("[=<>&']", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly JavaScriptEncoder[] s_jsonEncoders = [JavaScriptEncoder.Default, JavaScriptEncoder.UnsafeRelaxedJsonEscaping];

    // In an answer a short secret is more likely a word of the model's than an echo.
    private const int ShortestSecretInAnswer = 8;

    // No provider's key reads like this; what servers of one's own are given as a key does: lm-studio, not-needed, PowerShell.
    private static readonly Regex s_words =
        new(@"^(?!sk-)(?=.{1,19}\z)(?:(?:[A-Z]?[a-z]{2,}|[A-Z]{2,})[._\- ]?)+\z", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    // An echo may come without it.
    private static readonly Regex s_scheme = new(@"^(?i:bearer|basic)\s+", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private readonly IReadOnlyList<SecureString> _credentials;
    private readonly IReadOnlyList<SecureString> _secrets;

    /// <param name="credentials">What opens something: taken out of answers, too.</param>
    /// <param name="values">What is kept out of everything printed, and may be a word like any other in an answer.</param>
    internal Redactor(IReadOnlyList<SecureString> credentials, IReadOnlyList<SecureString>? values = null)
    {
        _credentials = credentials.Where(credential => !s_words.IsMatch(Plain(credential))).ToList();
        _secrets = [.. credentials, .. values ?? []];
    }

    /// <summary>The text without secrets.</summary>
    internal string Clean(string text)
    {
        foreach (var secret in _secrets)
        {
            if (!TryGetPlain(secret, out var plain)) return Mask;
            if (plain.Length < ShortestSecret) continue;
            foreach (var form in Forms(plain)) text = text.Replace(form, Mask);
        }

        return s_userInfo.Replace(s_key.Replace(s_bearer.Replace(text, "$1 " + Mask), Mask), Mask + "@");
    }

    /// <summary>
    /// What takes the credentials out of one answer, in case that the server echoes one back. One of fewer than 8 characters stays, and so
    /// does one that is words: fewer than 20 characters, no digit, letters as words have them, dots, hyphens, underscores and spaces
    /// between, and no sk- as keys begin.
    /// </summary>
    internal AnswerRedactor ForAnswer() => For(_credentials);

    /// <summary>
    /// What takes every secret out of a body that is printed, before the text is shortened: half of one would not be known any more.
    /// </summary>
    internal AnswerRedactor ForPrint() => For(_secrets);

    private static AnswerRedactor For(IReadOnlyList<SecureString> secrets)
    {
        var forms = new List<string>(secrets.Count);
        foreach (var secret in secrets)
        {
            var plain = Plain(secret);
            if (plain.Length < ShortestSecretInAnswer) continue;
            forms.AddRange(Forms(plain));
        }

        return new AnswerRedactor(forms);
    }

    /// <summary>A secret as it is, and as addresses and JSON texts write it.</summary>
    private static IEnumerable<string> Forms(string plain)
    {
        yield return plain;
        // As most keys are: no way of writing changes it.
        if (plain.All(static c => c is >= 'a' and <= 'z' or >= 'A' and <= 'Z' or >= '0' and <= '9' or '-' or '_' or '.')) yield break;
        var inAddress = Uri.EscapeDataString(plain);
        if (inAddress != plain)
        {
            yield return inAddress;
            yield return s_percent.Replace(inAddress, static escape => escape.Value.ToLowerInvariant());
        }

        foreach (var encoder in s_jsonEncoders)
        {
            var inJson = encoder.Encode(plain);
            if (inJson == plain) continue;
            yield return inJson;
            yield return s_unicode.Replace(inJson, static escape => "\\u" + escape.Value.Substring(2).ToLowerInvariant());
        }

        if (plain.IndexOf('/') >= 0) yield return plain.Replace("/", "\\/");
        // As Gson does, of Java.
        var inGson = s_gson.Replace(plain, static sign => $"\\u{(int)sign.Value[0]:x4}");
        if (inGson != plain) yield return inGson;
    }

    private static string Plain(SecureString secret) =>
        s_scheme.Replace(new NetworkCredential(string.Empty, secret).Password, string.Empty);

    /// <summary>False where the session was closed meanwhile: then nobody knows what to take out of a text.</summary>
    private static bool TryGetPlain(SecureString secret, out string plain)
    {
        plain = string.Empty;
        try
        {
            plain = Plain(secret);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }
}

/// <summary>Takes the session's secrets out of the bytes of an answer.</summary>
internal readonly struct AnswerRedactor(IReadOnlyList<string> secrets)
{
    private readonly byte[][] _secrets = [.. secrets.Select(Encoding.UTF8.GetBytes)];

    private static readonly byte[] s_mask = Encoding.ASCII.GetBytes(Redactor.Mask);

    /// <summary>The secrets in each form in which an answer may hold them.</summary>
    internal IReadOnlyList<string> Texts => secrets;

    /// <summary>The bytes themselves where they hold no secret, else a copy without it.</summary>
    internal byte[] Clean(byte[] bytes)
    {
        var clean = Clean((ReadOnlySpan<byte>)bytes);
        return clean == bytes ? bytes : clean.ToArray();
    }

    /// <inheritdoc cref="Clean(byte[])"/>
    internal ReadOnlySpan<byte> Clean(ReadOnlySpan<byte> bytes)
    {
        foreach (var secret in _secrets)
        {
            if (bytes.IndexOf(secret) is >= 0 and var first) bytes = Replaced(bytes, secret, first);
        }

        return bytes;
    }

    private static byte[] Replaced(ReadOnlySpan<byte> bytes, byte[] secret, int at)
    {
        // A mask is never longer than a secret.
        var clean = new byte[bytes.Length];
        var length = 0;
        while (at >= 0)
        {
            bytes.Slice(0, at).CopyTo(clean.AsSpan(length));
            s_mask.CopyTo(clean, length + at);
            length += at + s_mask.Length;
            bytes = bytes.Slice(at + secret.Length);
            at = bytes.IndexOf(secret);
        }

        bytes.CopyTo(clean.AsSpan(length));
        return clean.AsSpan(0, length + bytes.Length).ToArray();
    }
}
