using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Providers;

namespace LlmPs.Transport;

/// <summary>A request for a provider's list of models.</summary>
internal sealed class ModelsExchange(ProviderConnection connection, RequestLog log)
    : Exchange(connection, new AnswerContext(connection.Identity, new ChatRequest()),
        connection.Address.Of(connection.Provider.ModelsPath), log)
{
    private const int LongestList = 16 * 1024 * 1024;

    protected override HttpMethod Method => HttpMethod.Get;

    /// <exception cref="LlmApiException">The provider did not return a list.</exception>
    internal Task<IReadOnlyList<LlmModel>> GetAsync(CancellationToken cancellationToken) => ReadAsync(
        body => ModelList.Read(body, Connection.Provider, Address.GetLeftPart(UriPartial.Path)), LongestList, cancellationToken);
}
