using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Transport;
using LlmPs.Wire;

namespace LlmPs.Bulk;

/// <summary>A row that asks for a chat completion.</summary>
internal sealed class ChatTicket(LlmSession session, AnswerContext context, FinishPolicy? policy = null, ChatCompletion? earlier = null)
    : RowTicket(session, context.InputIndex, context.InputObject)
{
    internal AnswerContext Context { get; } = context;

    internal FinishPolicy Policy { get; } = policy ?? FinishPolicy.None;

    internal ChatRequest Request => Context.Request;

    /// <summary>The request before it was adapted to the member of the pool.</summary>
    internal ChatRequest Asked { get; private set; } = context.Request;

    internal override int AttemptsHere => Context.Attempts - Context.AttemptsBefore;

    internal override Uri Uri => Session.CompletionUri(Request);

    internal override bool IsDeterministic => Request.Temperature == 0;

    internal override TokenPrice? Price => Session.PriceOf(Request.Model, Request.Chip);

    internal override string Model => Session.ChatProvider.ModelId(Request.Model!);

    protected override string? Chip => Request.Chip;

    /// <summary>Returns the ticket for the row's next round.</summary>
    internal ChatTicket For(ChatRequest next, ChatCompletion earlier) =>
        new(Session, Context.For(next), Policy, earlier) { Member = Member };

    /// <summary>Returns the ticket for the row's next round, whose request was made for another member of the pool.</summary>
    internal ChatTicket Adapt(ChatRequest next, ChatCompletion? earlier)
    {
        var request = next.Copy();
        (request.Model, request.Chip) = (Request.Model, Request.Chip);
        return new ChatTicket(Session, Context.For(request), Policy, earlier) { Member = Member, Asked = next };
    }

    internal override void Follow(RowTicket? before, Func<LlmApiException, bool>? givesUp)
    {
        if (before is ChatTicket chat) Context.Follow(chat.Context);
        Context.GivesUp = givesUp;
    }

    internal override (double Delay, bool IsShut) Outlook()
    {
        var gate = Session.Gate(Model, Chip);
        return gate.Outlook(Session.TokensPerMinute is null ? gate.NewPass(0, null) : gate.NewPass(Request));
    }

    internal override async Task<object> SendAsync(Func<IReadOnlyList<object>, Task>? emit, RequestLog log,
        CancellationToken cancellationToken)
    {
        var answer = emit is null
            ? await AskAsync(log, cancellationToken).ConfigureAwait(false)
            : await StreamAsync(emit, log, cancellationToken).ConfigureAwait(false);
        return Policy.Refusal(answer) is { } refusal ? throw refusal : answer;
    }

    internal override void AddEarlier(object answer)
    {
        // The answer of the round before has the usage of all rounds before it.
        if (earlier is not null) ((ChatCompletion)answer).AddEarlier(earlier);
    }

    internal override (long Prompt, long Generated)? EstimateMost()
    {
        if (Request.MaxTokens is not { } tokens) return null;
        var (prompt, attempts, generated) = (EstimateRequest(), 1L, (long)tokens);
        for (var limit = Policy.MaxTokensLimit ?? 0; tokens < limit; attempts++)
        {
            tokens = (int)Math.Min(2L * tokens, limit);
            generated += tokens;
        }

        return (attempts * prompt, generated * Math.Max(1, Request.N ?? 1));
    }

    internal override bool Accepts(object kept) =>
        kept is ChatCompletion answer && Policy.Refusal(answer) is null && Policy.NextMaxTokens(answer) is null;

    internal override IEnumerable<object> Pieces(object answer) => ((ChatCompletion)answer).AsDeltas();

    internal override TokenUsage? UsageOf(object answer) => ((ChatCompletion)answer).Usage;

    internal override long EstimateRequest() => TokenEstimate.Of(Request);

    internal override long EstimateAnswer(object answer) => TokenEstimate.Of((ChatCompletion)answer);

    internal override byte[] Keep(int n, object answer) =>
        CheckpointLine.Write(Key, n, (ChatCompletion)answer, Session.Connection.Redactor.ForAnswer().Clean, Request.MaxTokens);

    internal override object? Restore(byte[] line) => CheckpointLine.Restore(line, Context);

    internal override object Share(object answer)
    {
        var completion = (ChatCompletion)answer;
        var asked = completion.Context?.Request.MaxTokens;
        return completion.For(asked is { } tokens && asked != Request.MaxTokens ? Context.For(Request.WithMaxTokens(tokens)) : Context);
    }

    internal override LlmApiException Share(LlmApiException error) => error.For(Context);

    internal override void Sign(LlmApiException error)
    {
        base.Sign(error);
        error.Model ??= Request.Model;
    }

    private async Task<ChatCompletion> StreamAsync(Func<IReadOnlyList<object>, Task> emit, RequestLog log,
        CancellationToken cancellationToken)
    {
        var builder = new ChatCompletionBuilder();
        await foreach (var deltas in Session.StreamAsync(Context, Body, builder, log, cancellationToken).ConfigureAwait(false))
            await emit(deltas).ConfigureAwait(false);
        return builder.ToCompletion();
    }

    private async Task<ChatCompletion> AskAsync(RequestLog log, CancellationToken cancellationToken)
    {
        var answer = await Session.CompleteAsync(Context, Body, log, cancellationToken).ConfigureAwait(false);
        while (Policy.NextMaxTokens(answer) is { } tokens)
        {
            log.Write(RequestLogLevel.Verbose, FormattableString.Invariant(
                $"Row {Index}: the answer is cut short at the token limit, so it is asked again with -MaxTokens {tokens}."));
            var next = await AskAgainAsync(answer, tokens, log, cancellationToken).ConfigureAwait(false);
            next.AddEarlier(answer);
            answer = next;
        }

        return answer;
    }

    private async Task<ChatCompletion> AskAgainAsync(ChatCompletion answer, int tokens, RequestLog log, CancellationToken cancellationToken)
    {
        try
        {
            return await Session.CompleteAsync(Context.For(Request.WithMaxTokens(tokens)), null, log, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (LlmApiException e)
        {
            // The answer that was cut short is paid for.
            if (e.PartialCompletion is null) e.PartialCompletion = answer;
            else e.PartialCompletion.AddEarlier(answer);
            e.Attempts += answer.Attempts;
            throw;
        }
    }

    protected override byte[] WriteBody() => RequestWriter.Write(Session.ChatProvider, Request);
}
