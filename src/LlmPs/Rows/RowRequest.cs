using System.Collections.Generic;

namespace LlmPs.Rows;

/// <summary>The request of one row: a copy of the command line's, with the row's own options.</summary>
/// <param name="request">The request, still without messages.</param>
internal sealed class RowRequest(ChatRequest request)
{
    internal ChatRequest Request { get; } = request;

    internal string? System { get; set; }

    internal IReadOnlyList<string>? Images { get; set; }
}
