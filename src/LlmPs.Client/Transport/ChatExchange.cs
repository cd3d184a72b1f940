using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Pacing;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>A request for a completion, with its retries.</summary>
internal sealed class ChatExchange(ProviderConnection connection, AnswerContext context, Uri uri, byte[] body, bool isStream, GatePass pass,
    RequestLog log) : Exchange(connection, context, uri, log)
{
    // Whether the body contains stream_options that the user did not give.
    private bool _addsStreamOptions = isStream && RequestWriter.AddsStreamOptions(connection.Provider, context.Request);
    private byte[]? _sentBody;
    private ChatCompletionBuilder _builder = new();

    internal override GatePass Pass => pass;

    protected override HttpMethod Method => HttpMethod.Post;

    protected override byte[] Body => _sentBody ??= isStream ? RequestWriter.AsStream(body, _addsStreamOptions) : body;

    protected override byte[] LoggedBody => body;

    protected override string Operation => "chat";

    protected override bool IsMeasured => true;

    protected override bool IsStream => isStream;

    protected override string Label => $"{Subject}: ";

    protected override ChatCompletion? Partial => _builder.IsEmpty ? null : _builder.ToCompletion();

    /// <summary>Returns the complete answer.</summary>
    /// <exception cref="LlmApiException">There is no complete answer.</exception>
    internal async Task<ChatCompletion> CompleteAsync(CancellationToken cancellationToken)
    {
        var deltas = new List<ChatCompletionDelta>();
        var (attempt, _) = await BeginAsync(deltas, toEnd: true, cancellationToken).ConfigureAwait(false);
        await attempt.DisposeAsync().ConfigureAwait(false);
        attempt.Clock.Dispose();
        return _builder.ToCompletion();
    }

    /// <summary>Returns the answer's deltas as they arrive, in a list that is reused, and adds them to the builder.</summary>
    /// <exception cref="LlmApiException">There is no complete answer; the exception has the part that arrived.</exception>
    internal async IAsyncEnumerable<List<ChatCompletionDelta>> StreamAsync(ChatCompletionBuilder builder,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var deltas = new List<ChatCompletionDelta>();
        var (attempt, more) = await BeginAsync(deltas, toEnd: false, cancellationToken).ConfigureAwait(false);
        _builder = builder;
        try
        {
            while (true)
            {
                foreach (var delta in deltas)
                {
                    builder.Append(delta);
                    if (delta.MovesContent)
                        WarnOnce("A stream has </think> without an opening tag. The deltas before the tag have the reasoning as content; "
                            + "the complete answer has it in ReasoningContent.");
                }

                if (!more) Succeeded();
                attempt.Clock.Hold();
                yield return deltas;
                attempt.Clock.Resume();
                deltas.Clear();
                if (!more)
                {
                    ShowAnswer();
                    break;
                }

                more = await ContinueAsync(attempt, deltas).ConfigureAwait(false);
            }
        }
        finally
        {
            Failed();
            Pass.Leave();
            await attempt.DisposeAsync().ConfigureAwait(false);
            attempt.Clock.Dispose();
        }
    }

    /// <summary>Throws where the finish reason is a failure, so that the answer is not complete.</summary>
    internal static void RefuseGivenUp(AnswerFlow flow)
    {
        if (flow.FailedFinishReason is { } reason)
            throw new LlmApiException(LlmErrorKind.ServiceUnavailable,
                $"The provider stopped the answer (finish reason '{Shown(reason)}'): it is not complete.") { IsTransient = true };
    }

    /// <summary>Writes the warnings about a complete answer.</summary>
    internal void Warn(AnswerFlow flow)
    {
        if (flow.UnknownFinishReason is { } reason)
            Warn($"{Subject}: the finish reason '{Shown(reason)}' is not known. Check whether the answer is complete.");
        if (flow.IsAllReasoning)
            Warn($"{Subject}: the model answered in its reasoning only. The text is in ReasoningContent, and Content is empty.");
        if (flow.RepeatsText)
            WarnOnce($"{Connection.Provider.Name} repeats the answer so far in each event of a stream. Only the new text is used. The "
                + "first deltas contain some text twice; the complete answer does not.");
    }

    /// <summary>Throws where moderation blocked the answer. A retry would not help.</summary>
    internal static void RefuseBlocked(AnswerFlow flow)
    {
        if (flow.IsBlocked) throw new LlmApiException(LlmErrorKind.ContentFiltered, "The provider's moderation blocked the answer.");
    }

    // Returns the first attempt whose answer has begun, or is complete.
    private Task<(AnswerAttempt Attempt, bool More)> BeginAsync(List<ChatCompletionDelta> deltas, bool toEnd,
        CancellationToken cancellationToken) => AttemptAsync(
        async clock =>
        {
            if (_addsStreamOptions)
            {
                await Connection.StreamOptions.WaitAsync(cancellationToken).ConfigureAwait(false);
                if (Connection.StreamOptions.IsRefused) LeaveOutStreamOptions();
            }

            _builder = new ChatCompletionBuilder();
            var attempt = new AnswerAttempt(this, clock);
            try
            {
                bool more;
                do
                {
                    more = await attempt.ReadAsync(deltas).ConfigureAwait(false);
                    if (toEnd) Fold(deltas);
                }
                while (more && toEnd);
                return (attempt, more);
            }
            catch
            {
                attempt.AddRest(deltas);
                Fold(deltas);
                await attempt.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        },
        cancellationToken);

    protected override TimeSpan WaitAfter(LlmApiException error)
    {
        if (!_addsStreamOptions) return base.WaitAfter(error);
        if (error.RefusesStreamOptions)
        {
            SendWithoutStreamOptions(error);
            return TimeSpan.Zero;
        }

        Connection.StreamOptions.Settle();
        return base.WaitAfter(error);
    }

    protected override void Accepted(HttpResponseHeaders headers)
    {
        if (_addsStreamOptions) Connection.StreamOptions.Settle();
        base.Accepted(headers);
    }

    // The user did not give the field, so the request is sent again without it, and so are all later ones.
    private void SendWithoutStreamOptions(LlmApiException error)
    {
        Connection.StreamOptions.Refuse();
        LeaveOutStreamOptions();
        Pass.Failed(error);
        Pass.Forgiven++;
        Note(RequestLogLevel.Verbose,
            $"The server refuses stream_options. From now on session '{Connection.Identity.Name}' leaves it out, so streams may come "
                + $"without usage. {error.Message}");
    }

    private void LeaveOutStreamOptions()
    {
        _addsStreamOptions = false;
        _sentBody = null;
    }

    private async Task<bool> ContinueAsync(AnswerAttempt attempt, List<ChatCompletionDelta> deltas)
    {
        try
        {
            return await attempt.ReadAsync(deltas).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            attempt.AddRest(deltas);
            Fold(deltas);
            var error = ToError(e, attempt.Clock);
            Failed(error);
            throw error;
        }
    }

    // All events of a stream in one debug message, which is easier to read.
    private void ShowAnswer()
    {
        if (WantsDebug && _builder.ToCompletion().Raw is { } events) Show(events);
    }

    private static string Shown(string reason) => PrintableText.Line(reason, 100);

    private void Fold(List<ChatCompletionDelta> deltas)
    {
        foreach (var delta in deltas) _builder.Append(delta);
        deltas.Clear();
    }
}
