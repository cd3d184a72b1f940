using System;
using System.Text.RegularExpressions;

namespace LlmPs.Wire;

/// <summary>What an error under a status of success means by its code, type and words. There is no status to judge by.</summary>
internal static class ErrorMeaning
{
    // In this order: several providers give invalid_request_error as the code of any error, with the truth in the type.
    private static readonly (string Name, LlmErrorKind Kind)[] s_names =
    [
        ("authentication", LlmErrorKind.Unauthorized), ("invalidapikey", LlmErrorKind.Unauthorized),
            ("unauthorized", LlmErrorKind.Unauthorized),
        ("permission", LlmErrorKind.Forbidden), ("forbidden", LlmErrorKind.Forbidden), ("accessdenied", LlmErrorKind.Forbidden),
        ("contentfilter", LlmErrorKind.ContentFiltered), ("datainspectionfailed", LlmErrorKind.ContentFiltered),
            ("contentpolicy", LlmErrorKind.ContentFiltered),
        ("ratelimit", LlmErrorKind.RateLimited), ("toomanyrequests", LlmErrorKind.RateLimited), ("throttl", LlmErrorKind.RateLimited),
            ("resourceexhausted", LlmErrorKind.RateLimited),
        ("overload", LlmErrorKind.ServiceUnavailable), ("unavailable", LlmErrorKind.ServiceUnavailable),
            ("busy", LlmErrorKind.ServiceUnavailable),
        ("timeout", LlmErrorKind.Timeout), ("notfound", LlmErrorKind.NotFound),
        ("contextlength", LlmErrorKind.InvalidRequest), ("contextsize", LlmErrorKind.InvalidRequest),
            ("invalidrequest", LlmErrorKind.InvalidRequest),
        ("badrequest", LlmErrorKind.InvalidRequest), ("invalidparameter", LlmErrorKind.InvalidRequest),
            ("invalidargument", LlmErrorKind.InvalidRequest),
        ("validation", LlmErrorKind.InvalidRequest), ("servererror", LlmErrorKind.ServerError),
            ("internalerror", LlmErrorKind.ServerError), ("apierror", LlmErrorKind.ServerError),
    ];

    // What passes comes first: an error that asks to try again is not final, whatever else it says.
    private static readonly (Regex Words, LlmErrorKind Kind)[] s_words =
    [
        (Pattern(@"^\W*429\b|\btoo many requests\b|\brate limit"), LlmErrorKind.RateLimited),
        (Pattern(@"\bbad gateway\b|\bservice (is )?(temporarily )?unavailable\b|\btemporarily unavailable\b|\boverloaded\b|\b(server|engine|model|system|service) is (too |currently )?busy\b"
            + @"|\bloading (the )?model\b|\bmodel is (still |currently )?loading\b|\btry again later\b"), LlmErrorKind.ServiceUnavailable),
        (Pattern(@"\bgateway time-?out\b|\btimed out\b"), LlmErrorKind.Timeout),
        (Pattern(@"\binternal server error\b"), LlmErrorKind.ServerError),
        (Pattern(@"\b(invalid|incorrect|wrong|missing) api[ -]?key\b"), LlmErrorKind.Unauthorized),
        (Pattern(@"\bcontext (size|length|window)\b|\bmaximum context\b|\b(prompt|input|request) is too (long|large)\b|\bexceeds? the (maximum|limit)\b"
            + @"|\binvalid (request|parameter|argument|value|json|model)\b|\b(is not|isn't) supported\b|\bunsupported (parameter|value|model)\b|\bunknown (model|field|parameter)\b"), LlmErrorKind.InvalidRequest),
        (Pattern(@"\bmodel\b.{0,80}\b(not found|does not exist)\b"), LlmErrorKind.NotFound),
    ];

    /// <summary>Returns the kind of the error; null where nothing in it tells.</summary>
    internal static LlmErrorKind? Of(ErrorEnvelope error)
    {
        var names = $"{error.Code} {error.Type}".Replace("_", string.Empty).Replace("-", string.Empty).Replace(".", string.Empty);
        foreach (var (name, kind) in s_names)
            if (names.IndexOf(name, StringComparison.OrdinalIgnoreCase) >= 0) return kind;
        if (error.Words is not { } words) return null;
        foreach (var (pattern, kind) in s_words)
            if (pattern.IsMatch(words)) return kind;
        return null;
    }

    private static Regex Pattern(string pattern) =>
        new(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
