using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Security;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;

namespace LlmPs.Transport;

/// <summary>Removes the session's secrets, and anything that looks like a key, from all printed texts and from answers.</summary>
/// <param name="credentials">Secrets that are removed from printed texts and answers.</param>
/// <param name="values">Secrets that are removed from printed texts only, because they may be ordinary words in an answer.</param>
internal sealed class Redactor(IReadOnlyList<SecureString> credentials, IReadOnlyList<SecureString>? values = null)
{
    internal const string Mask = "***";

    // A shorter secret may be part of ordinary words.
    private const int ShortestSecret = 4;

    private static readonly Regex s_bearer =
        new(@"(?i)\b(bearer|basic)\s+[^\s""',;}\]]{4,}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_key = new(@"\bsk-[A-Za-z0-9_\-]{8,}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    // .NET quotes a proxy's address with the name and password from the environment.
    private static readonly Regex s_userInfo = new(@"(?<=://)[^\s/?#""']+@", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private static readonly Regex s_percent = new("%[0-9A-F]{2}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_unicode = new(@"\\u[0-9A-F]{4}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_gson = new("[=<>&']", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly JavaScriptEncoder[] s_jsonEncoders = [JavaScriptEncoder.Default, JavaScriptEncoder.UnsafeRelaxedJsonEscaping];

    // In an answer a short secret is probably a word of the model.
    private const int ShortestSecretInAnswer = 8;

    // Keys for local servers, such as lm-studio, not-needed or PowerShell. No provider's key looks like this.
    private static readonly Regex s_words =
        new(@"^(?!sk-)(?=.{1,19}\z)(?:(?:[A-Z]?[a-z]{2,}|[A-Z]{2,})[._\- ]?)+\z", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    // An echo may omit the scheme.
    private static readonly Regex s_scheme = new(@"^(?i:bearer|basic)\s+", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private readonly IReadOnlyList<SecureString> _credentials = credentials.Where(secret => !s_words.IsMatch(Plain(secret))).ToList();
    private readonly IReadOnlyList<SecureString> _secrets = [.. credentials, .. values ?? []];

    /// <summary>Returns the text without secrets.</summary>
    internal string Clean(string text)
    {
        try
        {
            foreach (var plain in _secrets.Select(Plain).Where(plain => plain.Length >= ShortestSecret))
                foreach (var form in Forms(plain)) text = text.Replace(form, Mask);
        }
        catch (ObjectDisposedException)
        {
            // The session was closed, and its secrets are not known any more.
            return Mask;
        }

        return s_userInfo.Replace(s_key.Replace(s_bearer.Replace(text, "$1 " + Mask), Mask), Mask + "@");
    }

    /// <summary>
    /// Returns a redactor for an answer, in case the server echoes a credential. Credentials of fewer than 8 characters, and those of fewer
    /// than 20 characters that look like words, stay in the answer.
    /// </summary>
    internal AnswerRedactor ForAnswer() => For(_credentials);

    /// <summary>Returns a redactor for a printed body, to be used before the text is shortened: half a secret would not be found.</summary>
    internal AnswerRedactor ForPrint() => For(_secrets);

    private static AnswerRedactor For(IReadOnlyList<SecureString> secrets)
    {
        var forms = secrets.Select(Plain).Where(plain => plain.Length >= ShortestSecretInAnswer).SelectMany(Forms);
        return new AnswerRedactor(forms.ToList());
    }

    // A secret, and how addresses and JSON texts write it.
    private static IEnumerable<string> Forms(string plain)
    {
        yield return plain;
        // Most keys need no escapes.
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
        // As Gson, a library for Java, escapes it.
        var inGson = s_gson.Replace(plain, static sign => $"\\u{(int)sign.Value[0]:x4}");
        if (inGson != plain) yield return inGson;
    }

    private static string Plain(SecureString secret) =>
        s_scheme.Replace(new NetworkCredential(string.Empty, secret).Password, string.Empty);

}

/// <summary>Removes secrets from the bytes of an answer.</summary>
internal readonly struct AnswerRedactor(IReadOnlyList<string> secrets)
{
    private readonly byte[][] _secrets = [.. secrets.Select(Encoding.UTF8.GetBytes)];

    private static readonly byte[] s_mask = Encoding.ASCII.GetBytes(Redactor.Mask);

    /// <summary>The secrets in each form that an answer may contain.</summary>
    internal IReadOnlyList<string> Texts => secrets;

    /// <summary>Returns the bytes, or a copy without secrets where they contain one.</summary>
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
        // A mask is never longer than a secret, so the copy is never longer.
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
