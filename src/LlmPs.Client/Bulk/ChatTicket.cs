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
        : base(session, context.InputIndex, context.InputObject) => Context = context;

    internal AnswerContext Context { get; }

    internal ChatRequest Request => Context.Request;

    /// <inheritdoc/>
    internal override Uri Uri => Session.CompletionUri(Request);

    /// <inheritdoc/>
    internal override bool IsDeterministic => Request.Temperature == 0;

    /// <inheritdoc/>
    protected override string Model => Session.ChatProvider.ModelId(Request.Model!);

    /// <inheritdoc/>
    protected override string? Chip => Request.Chip;

    /// <summary>The same row with its next request, as the rounds of a tool conversation are.</summary>
    internal ChatTicket For(ChatRequest next) => new(Session, Context.For(next));

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
