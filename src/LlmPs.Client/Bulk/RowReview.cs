using System.Threading.Tasks;

namespace LlmPs.Bulk;

/// <summary>
/// A whole answer that waits for a word from the pipeline's thread before it counts: tools may have to run, or the answer be checked,
/// which only that thread can do. Exactly one of the methods is called, once.
/// </summary>
internal sealed class RowReview
{
    private readonly TaskCompletionSource<ChatTicket?> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal RowReview(ChatTicket row, ChatCompletion completion, int round)
    {
        Row = row;
        Completion = completion;
        Round = round;
    }

    internal ChatTicket Row { get; }

    internal ChatCompletion Completion { get; }

    /// <summary>How many answers the row has had, this one included.</summary>
    internal int Round { get; }

    /// <summary>The next request of the row; null where the answer is accepted.</summary>
    internal Task<ChatTicket?> Next => _next.Task;

    /// <summary>The answer is the row's result.</summary>
    internal void Accept() => _next.SetResult(null);

    /// <summary>The conversation goes on with another request before the row has its result.</summary>
    internal void Continue(ChatRequest request) => _next.SetResult(Row.For(request, Completion));

    /// <summary>The answer will not do.</summary>
    internal void Refuse(LlmApiException error) => _next.SetException(error);
}
