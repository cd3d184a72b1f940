using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Pacing;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>One request for a completion, from its body to its answer, retries included.</summary>
internal sealed class ChatExchange : Exchange
{
    private readonly byte[] _plainBody;
    // Whether the body holds stream_options that the user did not ask for.
    private bool _addsStreamOptions;
    private byte[] _body;
    private ChatCompletionBuilder _builder = new();

    /// <param name="connection">Where it is sent.</param>
    /// <param name="context">The request, and how it went.</param>
    /// <param name="uri">The whole address.</param>
    /// <param name="body">The body of the request, not streamed.</param>
    /// <param name="isStream">Whether the answer is to come as a stream.</param>
    /// <param name="pass">What every attempt passes the gate of its model with.</param>
    /// <param name="log">Where retries and the like are reported.</param>
    internal ChatExchange(ProviderConnection connection, AnswerContext context, Uri uri, byte[] body, bool isStream, GatePass pass,
        RequestLog log)
        : base(connection, context, uri, log)
    {
        _plainBody = _body = body;
        IsStream = isStream;
        _addsStreamOptions = isStream && RequestWriter.AddsStreamOptions(connection.Provider, context.Request);
        if (isStream) _body = RequestWriter.AsStream(body, _addsStreamOptions);
        Pass = pass;
    }

    /// <summary>What every attempt passes the gate of its model with.</summary>
    internal override GatePass Pass { get; }

    protected override HttpMethod Method => HttpMethod.Post;

    protected override byte[] Body => _body;

    protected override byte[] LoggedBody => _plainBody;

    protected override string Operation => "chat";

    protected override bool IsMeasured => true;

    protected override bool IsStream { get; }

    protected override string Label => $"Row {Row}: ";

    protected override ChatCompletion? Partial => _builder.IsEmpty ? null : _builder.ToCompletion();

    /// <summary>The whole answer in one piece.</summary>
    /// <exception cref="LlmApiException">No whole answer came.</exception>
    internal async Task<ChatCompletion> CompleteAsync(CancellationToken cancellationToken)
    {
        var deltas = new List<ChatCompletionDelta>();
        var (attempt, _) = await BeginAsync(deltas, toEnd: true, cancellationToken).ConfigureAwait(false);
        await attempt.DisposeAsync().ConfigureAwait(false);
        attempt.Clock.Dispose();
        return _builder.ToCompletion();
    }

    /// <summary>
    /// The answer's deltas as they arrive, those that arrive together in one list, which is used again for the next. Nothing is sent again
    /// once one was handed over.
    /// </summary>
    /// <param name="builder">Is given each delta, so that the caller has the whole answer in the end.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="LlmApiException">No whole answer came; what had come is in the exception.</exception>
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
                        WarnOnce("A stream closed reasoning with </think> that no tag had opened. Deltas before the tag hold the "
                            + "reasoning as content; the joined answer has it in ReasoningContent.");
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

    /// <summary>Refuses an answer that the server gave up: it is not whole, though it has a finish reason.</summary>
    internal static void RefuseGivenUp(AnswerFlow flow)
    {
        if (flow.FailedFinishReason is { } reason)
            throw new LlmApiException(LlmErrorKind.ServiceUnavailable,
                $"The provider gave the answer up (finish reason '{Shown(reason)}'): it is not whole.") { IsTransient = true };
    }

    /// <summary>Warns of what a user must know of a whole answer.</summary>
    internal void Warn(AnswerFlow flow)
    {
        if (flow.UnknownFinishReason is { } reason)
            Warn($"Row {Row}: the finish reason '{Shown(reason)}' is not known. Check whether the answer is whole.");
        if (flow.IsAllReasoning)
            Warn($"Row {Row}: the model answered in its reasoning only. The text is in ReasoningContent, and Content is empty.");
        if (flow.RepeatsText)
            WarnOnce($"{Connection.Provider.Name} repeats the whole answer so far in each event of a stream. Only the new text of each "
                + "event is used; the first deltas hold some text twice, the joined answer does not.");
    }

    /// <summary>Refuses an answer of which moderation left nothing: to send it again changes nothing.</summary>
    internal static void RefuseBlocked(AnswerFlow flow)
    {
        if (flow.IsBlocked) throw new LlmApiException(LlmErrorKind.ContentFiltered, "The provider's moderation blocked the answer.");
    }

    /// <summary>The first attempt that has an answer: begun, or read to its end. Until then a failure is tried again.</summary>
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

    /// <summary>
    /// The user asked for an answer and not for its usage: a server that refuses the field is asked again without it, and never for it
    /// again.
    /// </summary>
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
        _body = RequestWriter.AsStream(_plainBody, withOptions: false);
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
            var error = Told(e, attempt.Clock);
            Failed(error);
            throw error;
        }
    }

    /// <summary>Shows the events of a stream together: one by one they would bury everything else on the debug stream.</summary>
    private void ShowAnswer()
    {
        if (WantsDebug && _builder.ToCompletion().Raw is { } events) Show(events);
    }

    private string Row => Context.InputIndex.ToString(CultureInfo.InvariantCulture);

    private static string Shown(string reason) => PrintableText.Line(reason, 100);

    private void Fold(List<ChatCompletionDelta> deltas)
    {
        foreach (var delta in deltas) _builder.Append(delta);
        deltas.Clear();
    }
}
