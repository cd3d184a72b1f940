using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Options;
using LlmPs.Pacing;
using LlmPs.Providers;

namespace LlmPs.Bulk;

/// <summary>What becomes of an answer that came whole and is of no use: asked again with more tokens, or an error.</summary>
internal sealed class FinishPolicy
{
    /// <summary>Every answer counts.</summary>
    internal static readonly FinishPolicy None = new([], null);

    private static readonly string[] s_limits = ["max_tokens", "max_completion_tokens"];

    private readonly HashSet<UnwantedAnswer> _failOn;
    private readonly int? _maxTokensLimit;

    /// <param name="failOn">Answers that are errors.</param>
    /// <param name="maxTokensLimit">The most tokens that an answer is asked again with; null where none is asked again.</param>
    internal FinishPolicy(IEnumerable<UnwantedAnswer> failOn, int? maxTokensLimit)
    {
        _failOn = [.. failOn];
        _maxTokensLimit = maxTokensLimit;
    }

    /// <summary>The most tokens that an answer is asked again with.</summary>
    internal int? MaxTokensLimit => _maxTokensLimit;

    /// <summary>Checks the policy against what a request asks and its provider takes, before anything is sent.</summary>
    /// <exception cref="LlmApiException">InvalidRequest; the message names the parameters.</exception>
    internal void Check(ChatProvider provider, ChatRequest request)
    {
        if (_maxTokensLimit is not { } limit) return;
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

    /// <summary>Returns how many tokens an answer that was cut is asked again with; null where it is not asked again.</summary>
    internal int? NextMaxTokens(ChatCompletion answer)
    {
        if (_maxTokensLimit is not { } limit || !IsCut(answer)) return null;
        var had = answer.Context?.Request.MaxTokens ?? UsedBy(answer);
        var next = Math.Min(2 * had, limit);
        return next > had ? (int)next : null;
    }

    /// <summary>Returns the error that an answer is; null where it counts.</summary>
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
        const string Kept = "What came of it is in the exception's PartialCompletion.";
        if (_failOn.Contains(UnwantedAnswer.ContentFilter) && IsFiltered(answer))
            return new LlmApiException(LlmErrorKind.ContentFiltered,
                $"The provider's content filter left out part of the answer, or blocked it (-FailOn ContentFilter). {Kept}");
        if (_failOn.Contains(UnwantedAnswer.Length) && IsCut(answer))
        {
            var wayOut = _maxTokensLimit is { } limit ? $"Raise -MaxTokensLimit {limit}."
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

    /// <summary>The tokens of a choice: what the server cut it at, where no limit was given.</summary>
    private static long UsedBy(ChatCompletion answer)
    {
        var used = answer.Usage?.CompletionTokens is > 0 and <= int.MaxValue and var reported
            ? reported
            : answer.Choices.Sum(choice => TokenEstimate.Of(choice.Message.Content) + TokenEstimate.Of(choice.Message.ReasoningContent));
        return Math.Max(1, used / Math.Max(1, answer.Choices.Count));
    }
}
