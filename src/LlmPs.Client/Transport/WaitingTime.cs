using System;
using System.Globalization;
using System.Linq;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace LlmPs.Transport;

/// <summary>Reads the wait that a provider asks for, from headers and from error messages.</summary>
internal static class WaitingTime
{
    // The longest wait, in seconds.
    private const double Longest = 1e9;

    // Larger numbers are moments: seconds since 1970, or milliseconds from the second number on.
    private const double EpochSeconds = 1e9;
    private const double EpochMilliseconds = 1e11;

    private const string Amount =
        @"(?<amount>\d+(?:\.\d+)?)\s*(?<unit>milliseconds?|msecs?|ms|[uµ]s|ns|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])[\s,]*(?:and\s+)?";

    private static readonly Regex s_duration = Pattern($@"^(?:{Amount})+$");

    private static readonly Regex s_words = Pattern(
        @"\b(?:try again|retry|retrying|wait|available|resets?)[\s-]+(?:again\s+)?(?:(?:in|after|for)[:\s]+)?(?:at least\s+|about\s+)?(?:(?:" + Amount + @")+|(?<=(?:in|after|for)[:\s]+)(?<plain>\d+(?:\.\d+)?)(?=\s*(?:[.,;!)]+(?:\s|$)|$)))");

    private static readonly Regex s_chinese = Pattern(@"(?<amount>\d+(?:\.\d+)?)\s*(?<unit>毫秒|秒|分钟|分|小时|天)钟?\s*(?:之|以)?后");

    /// <summary>Returns the wait of a Retry-After header, in seconds or as a date, or of OpenAI's header in milliseconds.</summary>
    internal static TimeSpan? Asked(HttpResponseHeaders headers)
    {
        if (Number(RateLimitHeaders.First(headers, "retry-after-ms"), NumberStyles.Float) is { } milliseconds)
            return Seconds(milliseconds / 1000);
        var value = RateLimitHeaders.First(headers, "Retry-After");
        // The header's own type has no fractions of a second.
        if (Number(value, NumberStyles.AllowDecimalPoint) is { } seconds) return Seconds(seconds);
        if (headers.RetryAfter is not { } after) return Parse(value);
        return after.Delta ?? (after.Date is { } date ? NotNegative(date - DateTimeOffset.UtcNow) : null);
    }

    /// <summary>Returns the wait in an error message, such as "try again in 11 s"; null where there is none.</summary>
    internal static TimeSpan? InWords(string? words)
    {
        if (words is null) return null;
        if (s_words.Match(words) is { Success: true } match)
            return match.Groups["plain"] is { Success: true } plain ? Seconds(Number(plain.Value, NumberStyles.AllowDecimalPoint) ?? 0)
                : Sum(match);
        return s_chinese.Match(words) is { Success: true } chinese ? Sum(chinese) : null;
    }

    /// <summary>Returns the reset time of the limit that refused a request, as far as the headers show it.</summary>
    internal static TimeSpan? UntilReset(HttpResponseHeaders headers)
    {
        var limits = RateLimitHeaders.Read(headers);
        var waits = limits.Where(limit => limit.Remaining <= 0).ToList();
        if (waits.Count == 0) waits = [.. limits.Where(limit => limit.Remaining is null)];
        // A request may be too large for the tokens that are left.
        if (waits.Count == 0) waits = [.. limits.Where(limit => limit.IsOfTokens)];
        return waits.Count == 0 ? null : waits.Max(limit => limit.Reset);
    }

    /// <summary>Parses a duration (<c>6m0s</c>, <c>120ms</c>, seconds) or a moment (seconds or milliseconds since 1970, a date).</summary>
    internal static TimeSpan? Parse(string? value)
    {
        value = value?.Trim();
        if (string.IsNullOrEmpty(value)) return null;
        if (Number(value, NumberStyles.AllowDecimalPoint) is { } number)
        {
            if (number < EpochSeconds) return Seconds(number);
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
            return Seconds(Math.Max(0, (number < EpochMilliseconds ? number : number / 1000) - now));
        }

        if (s_duration.Match(value!) is { Success: true } duration) return Sum(duration);
        return value!.IndexOf(':') > 0
            && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? NotNegative(date - DateTimeOffset.UtcNow)
            : null;
    }

    private static TimeSpan Sum(Match match)
    {
        var amounts = match.Groups["amount"].Captures;
        var units = match.Groups["unit"].Captures;
        var seconds = 0.0;
        for (var i = 0; i < amounts.Count; i++)
            seconds += (Number(amounts[i].Value, NumberStyles.AllowDecimalPoint) ?? 0) * Length(units[i].Value.ToLowerInvariant());
        return Seconds(seconds);
    }

    private static double Length(string unit) => unit switch
    {
        "毫秒" or "ms" or "msec" or "msecs" or "millisecond" or "milliseconds" => 0.001,
        "us" or "µs" => 1e-6,
        "ns" => 1e-9,
        "分钟" or "分" => 60,
        "小时" => 3600,
        "天" => 86400,
        _ => unit[0] switch { 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 1 },
    };

    private static double? Number(string? text, NumberStyles style) =>
        double.TryParse(text?.Trim(), style, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number : null;

    // In ticks, because .NET Framework rounds to milliseconds.
    private static TimeSpan Seconds(double seconds) => TimeSpan.FromTicks((long)(Math.Min(seconds, Longest) * TimeSpan.TicksPerSecond));

    private static TimeSpan NotNegative(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    private static Regex Pattern(string pattern) =>
        new(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
