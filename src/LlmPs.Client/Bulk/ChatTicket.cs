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
    /// <param name="session">Who is asked; it has resolved the request.</param>
    /// <param name="context">The request and its row.</param>
    internal ChatTicket(LlmSession session, AnswerContext context)
        : base(session, context.InputIndex, context.InputObject)
    {
        Context = context;
        Asked = context.Request;
    }

    internal AnswerContext Context { get; }

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
    protected override string Model => Session.ChatProvider.ModelId(Request.Model!);

    /// <inheritdoc/>
    protected override string? Chip => Request.Chip;

    /// <summary>The same row with its next request, as the rounds of a tool conversation are.</summary>
    internal ChatTicket For(ChatRequest next) => new(Session, Context.For(next)) { Member = Member };

    /// <summary>The next request of the row, which was made for another member, for this one.</summary>
    internal ChatTicket Adapt(ChatRequest next)
    {
        var request = next.Copy();
        (request.Model, request.Chip) = (Request.Model, Request.Chip);
        var ticket = For(request);
        ticket.Asked = next;
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
    internal override async Task<object> SendAsync(Func<IReadOnlyList<object>, Task>? emit, RequestLog log, CancellationToken cancellationToken)
    {
        if (emit is null) return await Session.CompleteAsync(Context, Body, log, cancellationToken).ConfigureAwait(false);
        var builder = new ChatCompletionBuilder();
        await foreach (var deltas in Session.StreamAsync(Context, Body, builder, log, cancellationToken).ConfigureAwait(false))
            await emit(deltas).ConfigureAwait(false);
        return builder.ToCompletion();
    }

    /// <inheritdoc/>
    internal override IEnumerable<object> Pieces(object answer) => ((ChatCompletion)answer).AsDeltas();

    /// <inheritdoc/>
    internal override TokenUsage? UsageOf(object answer) => ((ChatCompletion)answer).Usage;

    /// <inheritdoc/>
    internal override long EstimateRequest() => TokenEstimate.Of(Request);

    /// <inheritdoc/>
    internal override long EstimateAnswer(object answer) =>
        ((ChatCompletion)answer).Choices.Sum(choice => TokenEstimate.Of(choice.Message.Content) + TokenEstimate.Of(choice.Message.ReasoningContent));

    /// <inheritdoc/>
    internal override byte[] Keep(int n, object answer) =>
        CheckpointLine.Write(Key, n, (ChatCompletion)answer, bytes => Session.Connection.Redactor.ForAnswer().Clean(bytes));

    /// <inheritdoc/>
    internal override object? Restore(byte[] line) => CheckpointLine.Restore(line, Context);

    /// <inheritdoc/>
    internal override object Share(object answer) => ((ChatCompletion)answer).For(Context);

    /// <inheritdoc/>
    internal override LlmApiException Share(LlmApiException error) => error.For(Context);

    /// <inheritdoc/>
    protected override byte[] WriteBody() => RequestWriter.Write(Session.ChatProvider, Request);
}
