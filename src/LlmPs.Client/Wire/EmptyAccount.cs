using System;
using System.Linq;
using System.Text.RegularExpressions;

namespace LlmPs.Wire;

/// <summary>Recognizes an account without money by codes and words, because few providers use HTTP 402 for it.</summary>
internal static class EmptyAccount
{
    // OpenAI, Moonshot, DashScope, Zhipu, MiniMax, SiliconFlow, one-api gateways, Volcengine, Perplexity.
    private static readonly string[] s_codes =
    [
        "insufficient_quota", "exceeded_current_quota_error", "Arrearage", "1113", "1008", "30001", "insufficient_balance",
        "insufficient_user_quota", "insufficient_credits", "insufficient_funds", "billing_hard_limit_reached", "billing_not_active",
        "AccountOverdueError", "payment_required",
    ];

    /// <summary>Words that always mean an empty account.</summary>
    private static readonly Regex s_certain = Pattern(
        @"\binsufficient[\w ]{0,30}\b(balance|credits?|funds)\b|\bbalance\b[\w' ]{0,30}\b(insufficient|too low|not enough|exhausted|depleted|negative|used up)\b"
        + @"|\b(not enough|out of|zero|negative|no( more| remaining)?|used( up)?( all)?( of)?( your| the)?( available)?)( account)? (credits|funds|balance)\b"
        // Credits per minute come back by themselves.
        + @"(?! (for|per|of|in) (this|the|your|a|each)?\s?(current )?(second|minute|hour|day)\b)"
        + @"|\barrears\b|\barrearage\b|\b(account|payment|bill|invoice)s? (is |are )?overdue\b|\boverdue (account|payment|bill|invoice|balance)|\bbilling (hard|soft) limit"
        + @"|\bspending limit|\baccount is in good standing|\bunpaid (bill|invoice|balance)|\bpast invoices\b"
        + @"|\bpayment (is )?required\b|欠费|(余额|余量|额度|资源包)[^，。,.]{0,6}(不足|用尽|耗尽|不够|用完|为零|为0)|(不足|用尽|耗尽)的?(余额|额度)");

    /// <summary>Words that mean an empty account unless the rest of the text is about a rate limit.</summary>
    private static readonly Regex s_likely = Pattern(
        @"\b(billing|recharge|recharging|top[- ]?up|balance)\b|\binsufficient[\w ]{0,30}\bquota\b|\bexceeded your current[\w ]{0,10} quota\b|余额|充值|账单");

    /// <summary>The words that count for HTTP 400, whose errors may name fields and values of the request.</summary>
    private static readonly Regex s_likelyIn400 =
        Pattern(@"\bplease (recharge|top[- ]?up)|\brecharge your\b|\bexceeded your current[\w ]{0,10} quota\b|\bbilling details\b|请[^，。]{0,6}充值");

    private static readonly Regex s_rate = Pattern(
        @"rate[ _-]?limit|ratelimit|too[ _]many[ _]requests|\bper[ -](second|sec|minute|min|hour|day)\b|\b(rpm|tpm|rpd|tpd|qps|tps)\b|\btry again (in|after)\b|\bretry (in|after)\b"
        + @"|concurren|overload|too busy|slow down|速率|限流|频率|频繁|并发|稍后");

    // Not about the account: links to billing pages, a load balancer, and quotes of the request.
    private static readonly Regex s_noise = Pattern(@"https?://\S+|\bload[ -]?balanc\w*|(?<!\w)'[^']*'(?!\w)|""[^""]*""|`[^`]*`");

    /// <summary>Returns whether an error means that the account has no money left.</summary>
    /// <param name="error">The error.</param>
    /// <param name="status">The HTTP status; null for an error with a status of success.</param>
    /// <param name="hasWait">Whether the provider named a time to wait, which indicates a rate limit.</param>
    internal static bool Describes(ErrorEnvelope error, int? status, bool hasWait)
    {
        if (IsCode(error.Code) || IsCode(error.Type)) return true;
        if (status is 404 or 405 or 408 or 413 or 415 || error.Words is not { } words) return false;
        // Validators send a list that repeats the request.
        if (status == 422 && words[0] is '{' or '[') return false;
        // In JSON of an unknown form, everything is in quotes.
        words = s_noise.Replace(words[0] is '{' or '[' ? words.Replace('"', ' ') : words, " ");
        if (s_certain.IsMatch(words)) return true;
        if (hasWait || status is not (null or 400 or 403 or 429) || s_rate.IsMatch($"{words} {error.Code} {error.Type}")) return false;
        return (status == 400 ? s_likelyIn400 : s_likely).IsMatch(words);
    }

    private static bool IsCode(string? code) => code is not null && s_codes.Contains(code, StringComparer.OrdinalIgnoreCase);

    internal static Regex Pattern(string pattern) =>
        new(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
