using System;
using System.Linq;
using System.Net.Http;

namespace LlmPs.Unit.Client;

/// <summary>
/// A session that answers one response after another. Its waits all end at once, so that they may be waited for in place.
/// </summary>
internal sealed class FuzzTarget : IDisposable
{
    private readonly LlmSession[] _sessions;
    private HttpResponseMessage? _response;

    internal FuzzTarget() => _sessions = [Open("GenStudio"), Open("Cloudsway"), Open("SiliconFlow"), Open("OpenAICompatible")];

    /// <summary>True where the outcome is an answer or a clear error; any other exception comes through.</summary>
    internal bool AnswersOrTells(int provider, HttpResponseMessage response)
    {
        _response = response;
        try
        {
            var completion = _sessions[provider].CompleteAsync(TestSession.Ask()).GetAwaiter().GetResult();
            return completion.Choices.Count > 0 && completion.RawJson is not null && completion.Messages.Count == 2;
        }
        catch (LlmApiException e)
        {
            ForgetRefusal(provider, e);
            return IsClear(e);
        }
    }

    internal StreamOutcome Stream(int provider, HttpResponseMessage response)
    {
        _response = response;
        var outcome = StreamOutcome.OfAsync(_sessions[provider]).GetAwaiter().GetResult();
        ForgetRefusal(provider, outcome.Error);
        return outcome;
    }

    internal static bool IsClear(LlmApiException error) =>
        error.Message.Length is > 10 and < 1500 && !error.Message.Any(char.IsControl) && error.Attempts == 1
            && error.Kind != LlmErrorKind.Canceled;

    public void Dispose()
    {
        foreach (var session in _sessions) session.Dispose();
    }

    private LlmSession Open(string provider) => TestSession.Open(provider, new ScriptedHandlerWithoutMemory(() => _response!));

    /// <summary>A session that was refused for its rate sends more slowly from then on.</summary>
    private void ForgetRefusal(int provider, LlmApiException? error)
    {
        if (error?.Kind != LlmErrorKind.RateLimited) return;
        var name = _sessions[provider].Provider;
        _sessions[provider].Dispose();
        _sessions[provider] = Open(name);
    }

    private sealed class ScriptedHandlerWithoutMemory(Func<HttpResponseMessage> reply) : HttpMessageHandler
    {
        protected override System.Threading.Tasks.Task<HttpResponseMessage> SendAsync(HttpRequestMessage request,
            System.Threading.CancellationToken cancellationToken) =>
            System.Threading.Tasks.Task.FromResult(reply());
    }
}
