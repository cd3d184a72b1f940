using System;
using System.Collections.Generic;
using System.Threading;

namespace LlmPs.Models;

/// <summary>Asks a provider for its list of models, and keeps the list for completion. A cmdlet that is stopped ends the request.</summary>
internal sealed class OnlineModels : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <exception cref="LlmApiException">The list could not be read.</exception>
    internal IReadOnlyList<LlmModel> Of(LlmSession session)
    {
        var models = session.GetModelsAsync(_stop.Token).GetAwaiter().GetResult();
        ModelCache.Write(session, models);
        return models;
    }

    internal void Cancel()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The request has ended.
        }
    }

    public void Dispose() => _stop.Dispose();
}
