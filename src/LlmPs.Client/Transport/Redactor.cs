using System;
using System.Collections.Generic;
using System.Net;
using System.Security;
using System.Text;
using System.Text.RegularExpressions;

namespace LlmPs.Transport;

/// <summary>The one place that every printed text passes: verbose, debug, warnings and errors. Takes the session's secrets out, and what looks like a key.</summary>
internal sealed class Redactor
{
    internal const string Mask = "***";

    // A shorter secret would take ordinary words out of every message.
    private const int ShortestSecret = 4;

    private static readonly Regex s_bearer = new(@"(?i)\b(bearer|basic)\s+[^\s""',;}\]]{4,}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_key = new(@"\bsk-[A-Za-z0-9_\-]{8,}", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    // In an answer a short secret is more likely a word of the model's than an echo.
    private const int ShortestSecretInAnswer = 8;

    private readonly IReadOnlyList<SecureString> _secrets;

    internal Redactor(IReadOnlyList<SecureString> secrets) => _secrets = secrets;

    /// <summary>The text without secrets.</summary>
    internal string Clean(string text)
    {
        foreach (var secret in _secrets)
        {
            var plain = Plain(secret);
            if (plain.Length < ShortestSecret) continue;
            text = text.Replace(plain, Mask);
            var escaped = Uri.EscapeDataString(plain);
            if (escaped != plain) text = text.Replace(escaped, Mask);
        }

        return s_key.Replace(s_bearer.Replace(text, "$1 " + Mask), Mask);
    }

    /// <summary>What takes the secrets out of one answer, in case that the server echoes one back.</summary>
    internal AnswerRedactor ForAnswer()
    {
        var secrets = new List<byte[]>(_secrets.Count);
        foreach (var secret in _secrets)
            if (secret.Length >= ShortestSecretInAnswer) secrets.Add(Encoding.UTF8.GetBytes(Plain(secret)));
        return new AnswerRedactor(secrets);
    }

    private static string Plain(SecureString secret) => new NetworkCredential(string.Empty, secret).Password;
}

/// <summary>Takes the session's secrets out of the bytes of an answer.</summary>
internal readonly struct AnswerRedactor(IReadOnlyList<byte[]> secrets)
{
    private static readonly byte[] s_mask = Encoding.ASCII.GetBytes(Redactor.Mask);

    /// <summary>The bytes themselves where they hold no secret, else a copy without it.</summary>
    internal ReadOnlySpan<byte> Clean(ReadOnlySpan<byte> bytes)
    {
        foreach (var secret in secrets)
        {
            int at;
            while ((at = bytes.IndexOf(secret)) >= 0)
                bytes = (byte[])[.. bytes.Slice(0, at), .. s_mask, .. bytes.Slice(at + secret.Length)];
        }

        return bytes;
    }
}
