using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Transport;
using LlmPs.Wire;

namespace LlmPs.Bulk;

/// <summary>A row that asks for a chat completion.</summary>
internal sealed class ChatTicket : RowTicket
{
    private readonly ChatCompletion? _earlier;

    /// <param name="session">Who is asked; it has resolved the request.</param>
    /// <param name="context">The request and its row.</param>
    /// <param name="policy">Which answers count; null for all.</param>
    /// <param name="earlier">The answer of the round before, which has what all rounds before took; null in the first round.</param>
    internal ChatTicket(LlmSession session, AnswerContext context, FinishPolicy? policy = null, ChatCompletion? earlier = null)
        : base(session, context.InputIndex, context.InputObject)
    {
        Context = context;
        Asked = context.Request;
        Policy = policy ?? FinishPolicy.None;
        _earlier = earlier;
    }

    internal AnswerContext Context { get; }

    /// <summary>Which answers count.</summary>
    internal FinishPolicy Policy { get; }

    internal ChatRequest Request => Context.Request;

    /// <summary>The request as it was handed over, which each member of a pool has its own copy of.</summary>
    internal ChatRequest Asked { get; private set; }

    /// <inheritdoc/>
    internal override int AttemptsHere => Context.Attempts - Context.AttemptsBefore;

    /// <inheritdoc/>
    internal override Uri Uri => Session.CompletionUri(Request);

    /// <inheritdoc/>
    internal override bool IsDeterministic => Request.Temperature == 0;

    /// <inheritdoc/>
    internal override TokenPrice? Price => Session.PriceOf(Request.Model, Request.Chip);

    /// <inheritdoc/>
    protected override string Model => Session.ChatProvider.ModelId(Request.Model!);

    /// <inheritdoc/>
    protected override string? Chip => Request.Chip;

    /// <summary>The same row with its next request, as the rounds of a tool conversation are.</summary>
    /// <param name="next">The request.</param>
    /// <param name="earlier">The answer before it.</param>
    internal ChatTicket For(ChatRequest next, ChatCompletion earlier) =>
        new(Session, Context.For(next), Policy, earlier) { Member = Member };

    /// <summary>The next request of the row, which was made for another member, for this one.</summary>
    /// <param name="next">The request.</param>
    /// <param name="earlier">The answer before it.</param>
    internal ChatTicket Adapt(ChatRequest next, ChatCompletion? earlier)
    {
        var request = next.Copy();
        (request.Model, request.Chip) = (Request.Model, Request.Chip);
        var ticket = new ChatTicket(Session, Context.For(request), Policy, earlier) { Member = Member, Asked = next };
        return ticket;
    }

    /// <inheritdoc/>
    internal override void Follow(RowTicket? before, Func<LlmApiException, bool>? givesUp)
    {
        if (before is ChatTicket chat) Context.Follow(chat.Context);
        Context.GivesUp = givesUp;
    }

    /// <inheritdoc/>
    internal override GateOutlook Outlook()
    {
        var gate = Session.Gate(Model, Chip);
        return gate.Outlook(Session.TokensPerMinute is null ? gate.NewPass(0, null) : gate.NewPass(Request));
    }

    /// <inheritdoc/>
    internal override async Task<object> SendAsync(Func<IReadOnlyList<object>, Task>? emit, RequestLog log,
        CancellationToken cancellationToken)
    {
        var answer = emit is null
            ? await AskAsync(log, cancellationToken).ConfigureAwait(false)
            : await StreamAsync(emit, log, cancellationToken).ConfigureAwait(false);
        return Policy.Refusal(answer) is { } refusal ? throw refusal : answer;
    }

    /// <inheritdoc/>
    internal override void AddEarlier(object answer)
    {
        if (_earlier is not null) ((ChatCompletion)answer).AddEarlier(_earlier);
    }

    /// <inheritdoc/>
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

    /// <inheritdoc/>
    internal override bool Accepts(object kept) =>
        kept is ChatCompletion answer && Policy.Refusal(answer) is null && Policy.NextMaxTokens(answer) is null;

    /// <inheritdoc/>
    internal override IEnumerable<object> Pieces(object answer) => ((ChatCompletion)answer).AsDeltas();

    /// <inheritdoc/>
    internal override TokenUsage? UsageOf(object answer) => ((ChatCompletion)answer).Usage;

    /// <inheritdoc/>
    internal override long EstimateRequest() => TokenEstimate.Of(Request);

    /// <inheritdoc/>
    internal override long EstimateAnswer(object answer) =>
        ((ChatCompletion)answer)
            .Choices.Sum(choice => TokenEstimate.Of(choice.Message.Content) + TokenEstimate.Of(choice.Message.ReasoningContent));

    /// <inheritdoc/>
    internal override byte[] Keep(int n, object answer) =>
        CheckpointLine.Write(Key, n, (ChatCompletion)answer, bytes =>
            Session.Connection.Redactor.ForAnswer().Clean(bytes), Request.MaxTokens);

    /// <inheritdoc/>
    internal override object? Restore(byte[] line) => CheckpointLine.Restore(line, Context);

    /// <inheritdoc/>
    internal override object Share(object answer)
    {
        var completion = (ChatCompletion)answer;
        var asked = completion.Context?.Request.MaxTokens;
        return completion.For(asked is { } tokens && asked != Request.MaxTokens ? Context.For(Request.WithMaxTokens(tokens)) : Context);
    }

    /// <inheritdoc/>
    internal override LlmApiException Share(LlmApiException error) => error.For(Context);

    private async Task<ChatCompletion> StreamAsync(Func<IReadOnlyList<object>, Task> emit, RequestLog log,
        CancellationToken cancellationToken)
    {
        var builder = new ChatCompletionBuilder();
        await foreach (var deltas in Session.StreamAsync(Context, Body, builder, log, cancellationToken).ConfigureAwait(false))
            await emit(deltas).ConfigureAwait(false);
        return builder.ToCompletion();
    }

    /// <summary>The whole answer. One that is cut short is asked again with more tokens, as far as the policy allows.</summary>
    private async Task<ChatCompletion> AskAsync(RequestLog log, CancellationToken cancellationToken)
    {
        var answer = await Session.CompleteAsync(Context, Body, log, cancellationToken).ConfigureAwait(false);
        while (Policy.NextMaxTokens(answer) is { } tokens)
        {
            log.Write(RequestLogLevel.Verbose,
                FormattableString.Invariant(
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
            // The answer that was cut is paid for.
            if (e.PartialCompletion is null) e.PartialCompletion = answer;
            else e.PartialCompletion.AddEarlier(answer);
            e.Attempts += answer.Attempts;
            throw;
        }
    }

    /// <inheritdoc/>
    protected override byte[] WriteBody() => RequestWriter.Write(Session.ChatProvider, Request);
}
