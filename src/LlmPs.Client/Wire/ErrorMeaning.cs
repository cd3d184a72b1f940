using System;
using System.Linq;
using System.Text.RegularExpressions;

namespace LlmPs.Wire;

/// <summary>Finds the kind of an error with a status of success by its code, type and words.</summary>
internal static class ErrorMeaning
{
    // In this order: several providers use the code invalid_request_error for every error, and the type has the reason.
    private static readonly (LlmErrorKind Kind, string[] Names)[] s_names =
    [
        (LlmErrorKind.Unauthorized, ["authentication", "invalidapikey", "unauthorized"]),
        (LlmErrorKind.Forbidden, ["permission", "forbidden", "accessdenied"]),
        (LlmErrorKind.ContentFiltered, ["contentfilter", "datainspectionfailed", "contentpolicy"]),
        (LlmErrorKind.RateLimited, ["ratelimit", "toomanyrequests", "throttl", "resourceexhausted"]),
        (LlmErrorKind.ServiceUnavailable, ["overload", "unavailable", "busy"]),
        (LlmErrorKind.Timeout, ["timeout"]),
        (LlmErrorKind.NotFound, ["notfound"]),
        (LlmErrorKind.InvalidRequest,
            ["contextlength", "contextsize", "invalidrequest", "badrequest", "invalidparameter", "invalidargument", "validation"]),
        (LlmErrorKind.ServerError, ["servererror", "internalerror", "apierror"]),
    ];

    // Temporary errors come first: an error that asks to try again is not final.
    private static readonly (Regex Words, LlmErrorKind Kind)[] s_words =
    [
        (EmptyAccount.Pattern(@"^\W*429\b|\btoo many requests\b|\brate limit"), LlmErrorKind.RateLimited),
        (EmptyAccount.Pattern(@"\bbad gateway\b|\bservice (is )?(temporarily )?unavailable\b|\btemporarily unavailable\b|\boverloaded\b|\b(server|engine|model|system|service) is (too |currently )?busy\b"
            + @"|\bloading (the )?model\b|\bmodel is (still |currently )?loading\b|\btry again later\b"), LlmErrorKind.ServiceUnavailable),
        (EmptyAccount.Pattern(@"\bgateway time-?out\b|\btimed out\b"), LlmErrorKind.Timeout),
        (EmptyAccount.Pattern(@"\binternal server error\b"), LlmErrorKind.ServerError),
        (EmptyAccount.Pattern(@"\b(invalid|incorrect|wrong|missing) api[ -]?key\b"), LlmErrorKind.Unauthorized),
        (EmptyAccount.Pattern(@"\bcontext (size|length|window)\b|\bmaximum context\b|\b(prompt|input|request) is too (long|large)\b|\bexceeds? the (maximum|limit)\b"
            + @"|\binvalid (request|parameter|argument|value|json|model)\b|\b(is not|isn't) supported\b|\bunsupported (parameter|value|model)\b|\bunknown (model|field|parameter)\b"), LlmErrorKind.InvalidRequest),
        (EmptyAccount.Pattern(@"\bmodel\b.{0,80}\b(not found|does not exist)\b"), LlmErrorKind.NotFound),
    ];

    /// <summary>Returns the kind of the error; null if it is not recognized.</summary>
    internal static LlmErrorKind? Of(ErrorEnvelope error)
    {
        var names = $"{error.Code} {error.Type}".Replace("_", string.Empty).Replace("-", string.Empty).Replace(".", string.Empty);
        foreach (var (kind, known) in s_names)
            if (known.Any(name => names.IndexOf(name, StringComparison.OrdinalIgnoreCase) >= 0)) return kind;
        if (error.Words is not { } words) return null;
        foreach (var (pattern, kind) in s_words)
            if (pattern.IsMatch(words)) return kind;
        return null;
    }
}
