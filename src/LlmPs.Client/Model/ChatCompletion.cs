using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace LlmPs;

/// <summary>A whole answer.</summary>
public sealed class ChatCompletion
{
    private readonly AnswerContext? _context;
    private byte[]? _raw;
    private int? _attempts;
    private (decimal? Value, bool IsSet) _cost;

    internal ChatCompletion(IReadOnlyList<ChatChoice> choices, AnswerContext? context)
    {
        Choices = choices;
        _context = context;
        Duration = context?.Elapsed;
    }

    /// <summary>The answer's id, given by the provider.</summary>
    public string? Id => Head.Id;

    /// <summary>The provider that answered.</summary>
    public string? Provider => _context?.Provider;

    /// <summary>The model that answered, as the provider names it.</summary>
    public string? Model => Head.Model;

    /// <summary>GenStudio: the chip that was asked for.</summary>
    public string? Chip => _context?.Request.Chip;

    /// <summary>When the answer was made, as the provider says.</summary>
    public DateTimeOffset? Created => Head.Created;

    /// <summary>The text of the first choice.</summary>
    public string? Content => Message?.Content;

    /// <summary>The reasoning of the first choice; null where there was none.</summary>
    public string? ReasoningContent => Message?.ReasoningContent;

    /// <summary>The parsed answer, where a JSON schema was asked for.</summary>
    public object? Data { get; internal set; }

    /// <summary>The tool calls of the first choice.</summary>
    public IReadOnlyList<ToolCall>? ToolCalls => Message?.ToolCalls;

    /// <summary>Why the first choice ended: stop, length, tool_calls, content_filter or what else the provider says.</summary>
    public string? FinishReason => First?.FinishReason;

    /// <summary>The provider's own word for it.</summary>
    public string? NativeFinishReason => First?.NativeFinishReason;

    /// <summary>All choices.</summary>
    public IReadOnlyList<ChatChoice> Choices { get; }

    /// <summary>The first choice as a message that can be sent back.</summary>
    public ChatMessage? Message => First?.Message;

    /// <summary>What it cost in tokens; null where the provider did not say.</summary>
    public TokenUsage? Usage
    {
        get => Head.Usage;
        internal set => Head = Head.WithUsage(value);
    }

    /// <summary>
    /// The cost by the prices of its session (<c>-Price</c>), in their currency; null where the price or the usage is not known. An answer
    /// that was shared with the row that asked for it costs 0; an answer out of a checkpoint has the cost of the run that asked for it. An
    /// answer of a batch job costs half.
    /// </summary>
    public decimal? Cost
    {
        get
        {
            if (_cost.IsSet) return _cost.Value;
            var cost = PriceByAnswer()?.Of(Usage);
            return Attempts == 0 ? cost * 0 : BatchId is null ? cost : cost * TokenPrice.BatchFactor;
        }

        internal set => _cost = (value, true);
    }

    /// <summary>The provider's mark of the serving system (Cloudsway, OpenAI).</summary>
    public string? SystemFingerprint => Head.SystemFingerprint;

    /// <summary>GenStudio: true where moderation hit; null where the provider says nothing.</summary>
    public bool? Blocked => Head.Blocked;

    /// <summary>The tokens' log probabilities of the first choice, where asked for.</summary>
    public IReadOnlyList<TokenLogProb>? LogProbs => First?.LogProbs;

    /// <summary>The conversation, answer included.</summary>
    public IReadOnlyList<ChatMessage> Messages
    {
        get
        {
            var messages = new List<ChatMessage>(_context?.Request.Messages ?? []);
            if (Message is { } answer) messages.Add(answer);
            return messages;
        }
    }

    /// <summary>The input row.</summary>
    public object? InputObject => _context?.InputObject;

    /// <summary>The place of the row in the input, from 0.</summary>
    public long InputIndex => _context?.InputIndex ?? 0;

    /// <summary>
    /// From sending to the last byte, retries included; of a row with tools or repairs all rounds together, without the time between them.
    /// </summary>
    public TimeSpan? Duration { get; internal set; }

    /// <summary>
    /// From sending to the first token, of several rounds in the last; null where the answer came in one piece, which has no first token.
    /// </summary>
    public TimeSpan? TimeToFirstToken => _context?.TimeToFirstToken;

    /// <summary>How often a request was sent for it, of a row with tools or repairs in all rounds.</summary>
    public int Attempts
    {
        get => _attempts ?? _context?.Attempts ?? 0;
        internal set => _attempts = value;
    }

    /// <summary>The request's id in the provider's logs.</summary>
    public string? RequestId => _context?.RequestId;

    /// <summary>The id of the batch job that the answer came from; null for the answer to a live request.</summary>
    public string? BatchId { get; internal set; }

    /// <summary>The answer as it came, for fields that the module does not know. A streamed answer is an array of its events.</summary>
    public string? RawJson => Raw is null ? null : Encoding.UTF8.GetString(Raw);

    /// <summary>Joined when it is first asked for: most answers are never looked at that closely.</summary>
    internal byte[]? Raw => _raw ??= Join(RawPieces);

    /// <summary>The texts that the answer came in: one, or the events of a stream.</summary>
    internal IReadOnlyList<byte[]> RawPieces { get; set; } = [];

    internal AnswerContext? Context => _context;

    internal AnswerHead Head { get; set; } = AnswerHead.Empty;

    /// <summary>The same answer for another row that asked the same.</summary>
    internal ChatCompletion For(AnswerContext context) => new(Choices, context)
    {
        Head = Head,
        RawPieces = RawPieces,
        Duration = Duration,
    };

    /// <summary>Adds what the requests before this one took that the row needed, too: an answer in several rounds.</summary>
    internal void AddEarlier(ChatCompletion earlier)
    {
        var cost = earlier.Cost + Cost;
        // An answer that another row asked for cost this one nothing.
        Usage = TokenUsage.Sum(earlier.Attempts > 0 ? earlier.Usage : null, Usage);
        Duration = (earlier.Duration ?? TimeSpan.Zero) + (Duration ?? TimeSpan.Zero);
        Attempts += earlier.Attempts;
        Cost = cost;
    }

    /// <summary>The answer as deltas, one a choice, for a stream whose answer is known already.</summary>
    internal IEnumerable<ChatCompletionDelta> AsDeltas()
    {
        for (var i = 0; i < Choices.Count; i++)
        {
            var choice = Choices[i];
            var isLast = i == Choices.Count - 1;
            yield return new ChatCompletionDelta
            {
                Head = isLast ? Head : Head.WithUsage(null),
                Index = choice.Index,
                InputIndex = InputIndex,
                InputObject = InputObject,
                Context = _context,
                Role = choice.Message.Role,
                Content = choice.Message.Content,
                ReasoningContent = choice.Message.ReasoningContent,
                ToolCalls = choice.Message.ToolCalls?.Select((call, place) =>
                    new ToolCallFragment(place, call.Id, call.Name, call.Arguments)).ToArray(),
                FinishReason = choice.FinishReason,
                NativeFinishReason = choice.NativeFinishReason,
                LogProbs = choice.LogProbs,
                Raw = i == 0 ? Raw : null,
                BatchId = BatchId,
                IsLast = isLast,
            };
        }
    }

    /// <summary>The text to read a structured answer from: some models answer in their reasoning only (issue 21, B).</summary>
    internal string? AnswerText =>
        string.IsNullOrWhiteSpace(Content) && FinishReason == FinishReasons.Stop && ToolCalls is not { Count: > 0 }
            && !string.IsNullOrWhiteSpace(ReasoningContent)
            ? ReasoningContent
            : Content;

    private ChatChoice? First => Choices.Count > 0 ? Choices[0] : null;

    /// <summary>The price of the model that was asked for, or else of the one that answered: a server may name it in another way.</summary>
    private TokenPrice? PriceByAnswer() =>
        _context is { Session: { } session } ? session.PriceOf(_context.Request.Model, Chip) ?? session.PriceOf(Model, Chip) : null;

    /// <inheritdoc/>
    public override string ToString() => Content ?? string.Empty;

    /// <summary>A plain answer is the one JSON text that it was; the events of a stream become an array.</summary>
    private static byte[]? Join(IReadOnlyList<byte[]> pieces)
    {
        if (pieces.Count == 0) return null;
        if (pieces.Count == 1) return pieces[0];
        var length = pieces.Count + 1;
        foreach (var piece in pieces) length += piece.Length;
        var joined = new byte[length];
        var at = 0;
        foreach (var piece in pieces)
        {
            joined[at] = (byte)(at == 0 ? '[' : ',');
            piece.CopyTo(joined, at + 1);
            at += piece.Length + 1;
        }

        joined[at] = (byte)']';
        return joined;
    }
}
