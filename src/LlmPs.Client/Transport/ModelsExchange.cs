using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Providers;

namespace LlmPs.Transport;

/// <summary>One request for a provider's list of models.</summary>
internal sealed class ModelsExchange : Exchange
{
    private const int LongestList = 16 * 1024 * 1024;

    private readonly Uri _uri;

    internal ModelsExchange(LlmSession session, Uri uri, RequestLog log)
        : base(session, new AnswerContext(session, session.Provider, new ChatRequest()), uri, log)
    {
        _uri = uri;
    }

    protected override HttpMethod Method => HttpMethod.Get;

    /// <exception cref="LlmApiException">The provider did not say.</exception>
    internal async Task<IReadOnlyList<LlmModel>> GetAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            TimeSpan wait;
            using (var clock = Session.NewClock(cancellationToken))
            {
                try
                {
                    var (response, stream) = await SendAsync(clock).ConfigureAwait(false);
                    using (response)
                    using (stream)
                    {
                        await stream.PeekAsync().ConfigureAwait(false);
                        var body = await stream.ReadToEndAsync(LongestList).ConfigureAwait(false);
                        Show(body);
                        return Read(body);
                    }
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    wait = WaitAfter(Told(e, clock, null));
                }
            }

            await PauseAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    private IReadOnlyList<LlmModel> Read(byte[] body)
    {
        try
        {
            return ModelList.Read(body, Session.ChatProvider, _uri.GetLeftPart(UriPartial.Path));
        }
        catch (JsonException)
        {
            // An error object or a proxy's page says more in its own words.
            throw Session.Errors.FromBody(body, inStream: false, Context.RequestId);
        }
    }
}
