using System.Collections.Generic;

namespace LlmPs.Rows;

/// <summary>What one row asks for: a copy of what the command line says, with the row's own options in it.</summary>
/// <param name="request">The request, still without messages.</param>
internal sealed class RowRequest(ChatRequest request)
{
    internal ChatRequest Request { get; } = request;

    /// <summary>The system prompt.</summary>
    internal string? System { get; set; }

    /// <summary>Images to add to the prompt.</summary>
    internal IReadOnlyList<string>? Images { get; set; }
}
