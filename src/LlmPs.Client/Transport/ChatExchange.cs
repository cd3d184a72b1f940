using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Pacing;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>One request for a completion, from its body to its answer, retries included.</summary>
internal sealed class ChatExchange : Exchange
{
    // Whether the body holds stream_options that the user did not ask for.
    private bool _addsStreamOptions;
    private byte[] _body;

    internal ChatExchange(LlmSession session, AnswerContext context, bool stream, RequestLog log)
        : base(session, context, session.CompletionUri(context.Request), log)
    {
        _addsStreamOptions = stream && RequestWriter.AddsStreamOptions(session.ChatProvider, context.Request);
        _body = RequestWriter.Write(session.ChatProvider, context.Request, stream);
        Pass = session.Gate(context.Request).NewPass(context.Request);
    }

    /// <summary>What every attempt passes the gate of its model with.</summary>
    internal override GatePass Pass { get; }

    protected override HttpMethod Method => HttpMethod.Post;

    protected override byte[] Body => _body;

    /// <summary>The whole answer in one piece.</summary>
    /// <exception cref="LlmApiException">No whole answer came.</exception>
    internal async Task<ChatCompletion> CompleteAsync(CancellationToken cancellationToken)
    {
        var deltas = new List<ChatCompletionDelta>();
        while (true)
        {
            TimeSpan wait;
            var builder = new ChatCompletionBuilder();
            var clock = Session.NewClock(cancellationToken);
            var attempt = new AnswerAttempt(this, clock);
            try
            {
                bool more;
                do
                {
                    more = await attempt.ReadAsync(deltas).ConfigureAwait(false);
                    Fold(deltas, builder);
                }
                while (more);
                return builder.ToCompletion();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                attempt.AddRest(deltas);
                Fold(deltas, builder);
                wait = WaitAfter(Told(e, clock, Partial(builder)));
            }
            finally
            {
                await attempt.DisposeAsync().ConfigureAwait(false);
                clock.Dispose();
            }

            await PauseAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The answer's deltas as they arrive, those that arrive together in one list, which is used again for the next. Nothing is sent again once
    /// one was handed over.
    /// </summary>
    /// <param name="builder">Is given each delta, so that the caller has the whole answer in the end.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="LlmApiException">No whole answer came; what had come is in the exception.</exception>
    internal async IAsyncEnumerable<List<ChatCompletionDelta>> StreamAsync(ChatCompletionBuilder builder, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var deltas = new List<ChatCompletionDelta>();
        var (attempt, more) = await BeginAsync(deltas, cancellationToken).ConfigureAwait(false);
        try
        {
            while (true)
            {
                foreach (var delta in deltas)
                {
                    builder.Append(delta);
                    if (delta.MovesContent)
                        WarnOnce("A stream closed reasoning with </think> that no tag had opened. Deltas before the tag hold the reasoning as content; the joined answer has it in ReasoningContent.");
                }

                attempt.Clock.Hold();
                yield return deltas;
                attempt.Clock.Resume();
                deltas.Clear();
                if (!more)
                {
                    ShowAnswer(builder);
                    break;
                }

                more = await ContinueAsync(attempt, deltas, builder).ConfigureAwait(false);
            }
        }
        finally
        {
            Pass.Leave();
            await attempt.DisposeAsync().ConfigureAwait(false);
            attempt.Clock.Dispose();
        }
    }

    /// <summary>Refuses an answer that the server gave up: it is not whole, though it has a finish reason.</summary>
    internal static void RefuseGivenUp(AnswerFlow flow)
    {
        if (flow.FailedFinishReason is { } reason)
            throw new LlmApiException(LlmErrorKind.ServiceUnavailable, $"The provider gave the answer up (finish reason '{Shown(reason)}'): it is not whole.") { IsTransient = true };
    }

    /// <summary>Warns of what a user must know of a whole answer.</summary>
    internal void Warn(AnswerFlow flow)
    {
        if (flow.UnknownFinishReason is { } reason)
            Warn($"Row {Row}: the finish reason '{Shown(reason)}' is not known. Check whether the answer is whole.");
        if (flow.IsAllReasoning)
            Warn($"Row {Row}: the model answered in its reasoning only. The text is in ReasoningContent, and Content is empty.");
        if (flow.RepeatsText)
            WarnOnce($"{Session.Provider} repeats the whole answer so far in each event of a stream. Only the new text of each event is used; the first deltas hold some text twice, the joined answer does not.");
    }

    /// <summary>Refuses an answer of which moderation left nothing: to send it again changes nothing.</summary>
    internal static void RefuseBlocked(AnswerFlow flow)
    {
        if (flow.IsBlocked) throw new LlmApiException(LlmErrorKind.ContentFiltered, "The provider's moderation blocked the answer.");
    }

    private async Task<(AnswerAttempt Attempt, bool More)> BeginAsync(List<ChatCompletionDelta> deltas, CancellationToken cancellationToken)
    {
        while (true)
        {
            TimeSpan wait;
            if (_addsStreamOptions)
            {
                await Session.StreamOptions.WaitAsync(cancellationToken).ConfigureAwait(false);
                if (Session.StreamOptions.IsRefused) LeaveOutStreamOptions();
            }

            var attempt = new AnswerAttempt(this, Session.NewClock(cancellationToken));
            try
            {
                return (attempt, await attempt.ReadAsync(deltas).ConfigureAwait(false));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                await attempt.DisposeAsync().ConfigureAwait(false);
                using var clock = attempt.Clock;
                var builder = new ChatCompletionBuilder();
                attempt.AddRest(deltas);
                Fold(deltas, builder);
                var error = Told(e, clock, Partial(builder));
                if (_addsStreamOptions && error.RefusesStreamOptions)
                {
                    SendWithoutStreamOptions(error);
                    continue;
                }

                if (_addsStreamOptions) Session.StreamOptions.Settle();
                wait = WaitAfter(error);
            }

            await PauseAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override void Accepted(HttpResponseHeaders headers)
    {
        if (_addsStreamOptions) Session.StreamOptions.Settle();
        Pass.Report(RateLimitHeaders.Read(headers));
    }

    /// <summary>The user asked for an answer and not for its usage: a server that refuses the field is asked again without it, and never for it again.</summary>
    private void SendWithoutStreamOptions(LlmApiException error)
    {
        Session.StreamOptions.Refuse();
        LeaveOutStreamOptions();
        Pass.Failed(error);
        Pass.Forgiven++;
        Note(RequestLogLevel.Verbose, $"The server refuses stream_options. From now on session '{Session.Name}' leaves it out, so streams may come without usage. {error.Message}");
    }

    private void LeaveOutStreamOptions()
    {
        _addsStreamOptions = false;
        _body = RequestWriter.Write(Session.ChatProvider, Context.Request, stream: true, streamOptions: false);
    }

    private async Task<bool> ContinueAsync(AnswerAttempt attempt, List<ChatCompletionDelta> deltas, ChatCompletionBuilder builder)
    {
        try
        {
            return await attempt.ReadAsync(deltas).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            attempt.AddRest(deltas);
            Fold(deltas, builder);
            throw Told(e, attempt.Clock, Partial(builder));
        }
    }

    /// <summary>Shows the events of a stream together: one by one they would bury everything else on the debug stream.</summary>
    private void ShowAnswer(ChatCompletionBuilder builder)
    {
        if (WantsDebug && builder.ToCompletion().Raw is { } events) Show(events);
    }

    private string Row => Context.InputIndex.ToString(CultureInfo.InvariantCulture);

    private static string Shown(string reason) => PrintableText.Line(reason, 100);

    private static ChatCompletion? Partial(ChatCompletionBuilder builder) => builder.IsEmpty ? null : builder.ToCompletion();

    private static void Fold(List<ChatCompletionDelta> deltas, ChatCompletionBuilder builder)
    {
        foreach (var delta in deltas) builder.Append(delta);
        deltas.Clear();
    }
}
