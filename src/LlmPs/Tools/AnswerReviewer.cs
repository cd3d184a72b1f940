using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using LlmPs.Bulk;
using LlmPs.Schema;
using LlmPs.Text;

namespace LlmPs.Tools;

/// <summary>
/// Decides what follows a whole answer. Tools that it calls are run and their results sent. An answer that does not meet the schema is sent
/// back for repair. Any other answer is the row's result.
/// </summary>
internal sealed class AnswerReviewer
{
    private readonly ConditionalWeakTable<ChatRequest, Rounds> _rounds = new();

    /// <summary>Runs the calls; null where the caller runs them.</summary>
    internal ToolRunner? Tools { get; set; }

    /// <summary>The schema of the answers; null for none.</summary>
    internal AnswerCheck? Check { get; set; }

    internal int MaxToolRound { get; set; }

    internal int MaxRepair { get; set; }

    internal bool IsNeeded => Tools is not null || Check is not null;

    internal void Review(RowReview review)
    {
        var completion = review.Completion;
        if (!_rounds.TryGetValue(review.Row.Asked, out var rounds)) rounds = new Rounds();
        if (completion.ToolCalls is { Count: > 0 } calls) Answer(review, rounds, calls);
        else if (Check?.Problem(completion) is { } problem) Repair(review, rounds, problem);
        else review.Accept();
    }

    private void Answer(RowReview review, Rounds rounds, IReadOnlyList<ToolCall> calls)
    {
        if (Tools is null || Tools.IsForCaller(calls))
        {
            review.Accept();
            return;
        }

        if (rounds.OfTools++ >= MaxToolRound)
        {
            Refuse(review, $"The model still calls tools after {MaxToolRound} rounds: {PrintableText.Line(calls[0].Name)}. The "
                + "conversation so far is in the exception's PartialCompletion. -MaxToolRound allows more rounds.");
            return;
        }

        var messages = new List<ChatMessage>(review.Completion.Messages);
        foreach (var call in calls) messages.Add(Tools.Answer(call, review.Row.Index));
        var next = review.Row.Request.WithMessages(messages);
        // A choice that requires a call would require one in every round.
        next.ToolChoice = null;
        Continue(review, rounds, next);
    }

    private void Repair(RowReview review, Rounds rounds, string problem)
    {
        var isCut = review.Completion.FinishReason == FinishReasons.Length;
        // An answer that was cut short would be cut short again.
        if (MaxRepair <= rounds.OfRepair || isCut)
        {
            var repairs = rounds.OfRepair > 0 ? $" (repaired {rounds.OfRepair} times)" : string.Empty;
            var way = isCut ? " It is cut short at the token limit: raise -MaxTokens, or give -MaxTokensLimit." : string.Empty;
            Refuse(review, $"The answer does not meet -JsonSchema{repairs}: {problem.TrimEnd('.')}.{way} Its text is in the exception's "
                + "PartialCompletion.");
            return;
        }

        rounds.OfRepair++;
        var messages = new List<ChatMessage>(review.Completion.Messages)
        {
            new(ChatRole.User,
                $"That answer does not meet the JSON schema: {problem}\nAnswer again, with the whole JSON value and nothing else."),
        };
        Continue(review, rounds, review.Row.Request.WithMessages(messages));
    }

    private void Continue(RowReview review, Rounds rounds, ChatRequest next)
    {
        _rounds.Add(next, rounds);
        review.Continue(next);
    }

    private static void Refuse(RowReview review, string message) =>
        review.Refuse(new LlmApiException(LlmErrorKind.InvalidResponse, message)
        {
            PartialCompletion = review.Completion,
            Attempts = review.Completion.Attempts,
            RequestId = review.Completion.RequestId,
        });

    /// <summary>The rounds of a row so far, found by its next request.</summary>
    private sealed class Rounds
    {
        internal int OfTools { get; set; }

        internal int OfRepair { get; set; }
    }
}
