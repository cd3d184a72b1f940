using System.Threading.Tasks;

namespace LlmPs.Bulk;

/// <summary>
/// A complete answer that the pipeline's thread must review, because only that thread can run tools or check the answer. The thread calls
/// exactly one of the methods, once.
/// </summary>
internal sealed class RowReview(ChatTicket row, ChatCompletion completion, int round)
{
    private readonly TaskCompletionSource<ChatTicket?> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ChatTicket Row { get; } = row;

    internal ChatCompletion Completion { get; } = completion;

    /// <summary>The number of answers of the row so far, this one included.</summary>
    internal int Round { get; } = round;

    /// <summary>The next request of the row; null where the answer is accepted.</summary>
    internal Task<ChatTicket?> Next => _next.Task;

    /// <summary>Makes the answer the row's result.</summary>
    internal void Accept() => _next.SetResult(null);

    /// <summary>Continues the conversation with another request.</summary>
    internal void Continue(ChatRequest request) => _next.SetResult(Row.For(request, Completion));

    /// <summary>Makes the row fail.</summary>
    internal void Refuse(LlmApiException error) => _next.SetException(error);
}
