using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Options;
using LlmPs.Pacing;
using LlmPs.Providers;

namespace LlmPs.Bulk;

/// <summary>Decides whether an answer that is cut short, filtered or blank is an error, or whether its request is sent again.</summary>
/// <param name="failOn">Answers that are errors.</param>
/// <param name="maxTokensLimit">The most tokens to ask for again; null to send no request again.</param>
internal sealed class FinishPolicy(IEnumerable<UnwantedAnswer> failOn, int? maxTokensLimit)
{
    /// <summary>Every answer counts.</summary>
    internal static readonly FinishPolicy None = new([], null);

    private static readonly string[] s_limits = ["max_tokens", "max_completion_tokens"];

    private readonly HashSet<UnwantedAnswer> _failOn = [.. failOn];

    /// <summary>The most tokens to ask for again; null to send no request again.</summary>
    internal int? MaxTokensLimit { get; } = maxTokensLimit;

    /// <summary>Checks the policy for a request, before anything is sent.</summary>
    /// <exception cref="LlmApiException">InvalidRequest; the message names the parameters.</exception>
    internal void Check(ChatProvider provider, ChatRequest request)
    {
        if (MaxTokensLimit is not { } limit) return;
        if (request.MaxTokens > limit)
        {
            throw new LlmApiException(LlmErrorKind.InvalidRequest,
                $"-MaxTokensLimit {limit} is less than -MaxTokens {request.MaxTokens}: raise the one or lower the other.")
            {
                RefusedOptions = [ChatOption.MaxTokens.Name],
            };
        }

        if (request.ExtraBody?.Keys.FirstOrDefault(field => s_limits.Contains(field)) is { } extra)
            throw new LlmApiException(LlmErrorKind.InvalidRequest,
                $"-ExtraBody sets '{extra}', which -MaxTokensLimit cannot raise: give the limit as -MaxTokens.");
        if (!request.SkipValidation && provider.Rule(ChatOption.MaxTokens) is { } rule && !rule.Takes(limit))
            throw new LlmApiException(LlmErrorKind.InvalidRequest,
                $"-MaxTokensLimit {limit} is out of range: {provider.Name} takes {rule.Allowed}.");
    }

    /// <summary>Returns the token limit to send the request again with; null where it is not sent again.</summary>
    internal int? NextMaxTokens(ChatCompletion answer)
    {
        if (MaxTokensLimit is not { } limit || !IsCut(answer)) return null;
        var had = answer.Context?.Request.MaxTokens ?? UsedBy(answer);
        var next = Math.Min(2 * had, limit);
        return next > had ? (int)next : null;
    }

    /// <summary>Returns the error for an answer; null where the answer counts.</summary>
    internal LlmApiException? Refusal(ChatCompletion answer)
    {
        var error = Reason(answer);
        if (error is null) return null;
        error.PartialCompletion = answer;
        error.Attempts = answer.Attempts;
        error.RequestId = answer.RequestId;
        error.IsAnswered = true;
        return error;
    }

    private LlmApiException? Reason(ChatCompletion answer)
    {
        const string Kept = "The answer is in the exception's PartialCompletion.";
        if (_failOn.Contains(UnwantedAnswer.ContentFilter) && IsFiltered(answer))
            return new LlmApiException(LlmErrorKind.ContentFiltered,
                $"The provider's content filter left out part of the answer, or blocked it (-FailOn ContentFilter). {Kept}");
        if (_failOn.Contains(UnwantedAnswer.Length) && IsCut(answer))
        {
            var wayOut = MaxTokensLimit is { } limit ? $"Raise -MaxTokensLimit {limit}."
                : "Raise -MaxTokens, or give -MaxTokensLimit to ask again with more tokens.";
            return new LlmApiException(LlmErrorKind.Truncated,
                $"The answer is cut short at the token limit (finish reason length, -FailOn Length). {wayOut} {Kept}");
        }

        // Where a schema is given, a blank answer breaks it and is sent back to be repaired.
        if (_failOn.Contains(UnwantedAnswer.Blank) && answer.Context?.Request.JsonSchema is null && answer.Choices.Any(IsBlank))
            return new LlmApiException(LlmErrorKind.InvalidResponse,
                $"The answer is blank: it has neither text nor tool calls (-FailOn Blank). {Kept}");
        return null;
    }

    private static bool IsCut(ChatCompletion answer) => answer.Choices.Any(choice => choice.FinishReason == FinishReasons.Length);

    private static bool IsFiltered(ChatCompletion answer) =>
        answer.Blocked == true || answer.Choices.Any(choice => choice.FinishReason == FinishReasons.ContentFilter);

    private static bool IsBlank(ChatChoice choice) =>
        string.IsNullOrWhiteSpace(choice.Message.Content) && choice.Message.ToolCalls is not { Count: > 0 };

    /// <summary>Returns the tokens of a choice: the server's own limit, where the request has none.</summary>
    private static long UsedBy(ChatCompletion answer)
    {
        var used = answer.Usage?.CompletionTokens is > 0 and <= int.MaxValue and var reported ? reported : TokenEstimate.Of(answer);
        return Math.Max(1, used / Math.Max(1, answer.Choices.Count));
    }
}
