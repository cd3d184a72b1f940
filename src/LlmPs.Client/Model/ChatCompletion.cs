using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace LlmPs;

/// <summary>The answer to one request: the output of <c>Invoke-ChatCompletion</c> without <c>-Stream</c>.</summary>
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

    /// <summary>The id of the answer, from the provider; null if it gives none.</summary>
    public string? Id => Head.Id;

    /// <summary>The name of the provider that answered.</summary>
    public string? Provider => _context?.Provider;

    /// <summary>The model that answered, as the provider names it.</summary>
    public string? Model => Head.Model;

    /// <summary>The chip that the request named; null except for GenStudio.</summary>
    public string? Chip => _context?.Request.Chip;

    /// <summary>The time of the answer by the provider's clock; null if it gives none.</summary>
    public DateTimeOffset? Created => Head.Created;

    /// <summary>The text of the first choice; null or empty if the answer is only tool calls.</summary>
    public string? Content => Message?.Content;

    /// <summary>The reasoning of the first choice; null if there is none.</summary>
    public string? ReasoningContent => Message?.ReasoningContent;

    /// <summary>The answer as an object, parsed from its JSON; null if <c>-JsonSchema</c> was not given.</summary>
    public object? Data { get; internal set; }

    /// <summary>The tool calls of the first choice; null if there are none.</summary>
    public IReadOnlyList<ToolCall>? ToolCalls => Message?.ToolCalls;

    /// <summary>Why the first choice ended: stop, length, tool_calls, content_filter, or another word of the provider.</summary>
    public string? FinishReason => First?.FinishReason;

    /// <summary>The finish reason in the provider's own words, for example <c>eos</c> for stop.</summary>
    public string? NativeFinishReason => First?.NativeFinishReason;

    /// <summary>All choices, in the order of their index; one if the request did not ask for more.</summary>
    public IReadOnlyList<ChatChoice> Choices { get; }

    /// <summary>The first choice as a message, which can be part of the next request; null if there is no choice.</summary>
    public ChatMessage? Message => First?.Message;

    /// <summary>The tokens of the request and its answer; null if the provider did not report them.</summary>
    public TokenUsage? Usage
    {
        get => Head.Usage;
        internal set => Head = Head.WithUsage(value);
    }

    /// <summary>
    /// The cost by the prices of the session (<c>-Price</c>), in their currency; null if the price or the usage is not known. The cost is 0
    /// if the row got the answer of an equal row. An answer from a checkpoint has the cost of the run that requested it.
    /// An answer of a batch job costs half.
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

    /// <summary>The provider's id of the serving system (Cloudsway, OpenAI); null or empty if it gives none.</summary>
    public string? SystemFingerprint => Head.SystemFingerprint;

    /// <summary>Whether moderation blocked the answer (GenStudio); null if the provider does not report it.</summary>
    public bool? Blocked => Head.Blocked;

    /// <summary>The log probabilities of the first choice's tokens; null if <c>-LogProbs</c> was not given.</summary>
    public IReadOnlyList<TokenLogProb>? LogProbs => First?.LogProbs;

    /// <summary>The messages of the request, followed by the answer.</summary>
    public IReadOnlyList<ChatMessage> Messages
    {
        get
        {
            var messages = new List<ChatMessage>(_context?.Request.Messages ?? []);
            if (Message is { } answer) messages.Add(answer);
            return messages;
        }
    }

    /// <summary>The input row of the request; null for a prompt without a row.</summary>
    public object? InputObject => _context?.InputObject;

    /// <summary>The place of the row in the input, from 0.</summary>
    public long InputIndex => _context?.InputIndex ?? 0;

    /// <summary>
    /// The time from sending to the last byte, including retries. For a row with tools or repairs, the sum of all rounds without the time
    /// between them.
    /// </summary>
    public TimeSpan? Duration { get; internal set; }

    /// <summary>The time from sending to the first token, in the last of several rounds; null if the answer came in one piece.</summary>
    public TimeSpan? TimeToFirstToken => _context?.TimeToFirstToken;

    /// <summary>
    /// How often the request was sent. For a row with tools or repairs, the sum of all rounds; 0 if the row got the answer of an equal row.
    /// </summary>
    public int Attempts
    {
        get => _attempts ?? _context?.Attempts ?? 0;
        internal set => _attempts = value;
    }

    /// <summary>The id of the request in the provider's logs; null if the provider gives none.</summary>
    public string? RequestId => _context?.RequestId;

    /// <summary>The id of the batch job with this answer; null for the answer to a live request.</summary>
    public string? BatchId { get; internal set; }

    /// <summary>
    /// The answer as it came, with fields that the module does not know. A streamed answer is an array of its events. Null if it is not
    /// available.
    /// </summary>
    public string? RawJson => Raw is null ? null : Encoding.UTF8.GetString(Raw);

    // Joined only when it is needed, which is rare.
    internal byte[]? Raw => _raw ??= Join(RawPieces);

    /// <summary>The JSON texts of the answer: one, or the events of a stream.</summary>
    internal IReadOnlyList<byte[]> RawPieces { get; set; } = [];

    internal AnswerContext? Context => _context;

    internal AnswerHead Head { get; set; } = AnswerHead.Empty;

    /// <summary>Returns the same answer for another row with an equal request.</summary>
    internal ChatCompletion For(AnswerContext context) =>
        new(Choices, context) { Head = Head, RawPieces = RawPieces, Duration = Duration };

    /// <summary>Adds usage, duration, attempts and cost of an earlier round of the same row.</summary>
    internal void AddEarlier(ChatCompletion earlier)
    {
        var cost = earlier.Cost + Cost;
        // The answer of an equal row has no tokens of its own.
        Usage = TokenUsage.Sum(earlier.Attempts > 0 ? earlier.Usage : null, Usage);
        Duration = (earlier.Duration ?? TimeSpan.Zero) + (Duration ?? TimeSpan.Zero);
        Attempts += earlier.Attempts;
        Cost = cost;
    }

    /// <summary>Returns the answer as deltas, one for each choice, for a stream whose answer is known already.</summary>
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

    /// <summary>The text with a structured answer; some models answer only in their reasoning (issue 21, B).</summary>
    internal string? AnswerText =>
        string.IsNullOrWhiteSpace(Content) && FinishReason == FinishReasons.Stop && ToolCalls is not { Count: > 0 }
            && !string.IsNullOrWhiteSpace(ReasoningContent)
            ? ReasoningContent
            : Content;

    private ChatChoice? First => Choices.Count > 0 ? Choices[0] : null;

    /// <summary>Returns the price of the requested model; if there is none, of the model that answered, whose name may differ.</summary>
    private TokenPrice? PriceByAnswer() =>
        _context is { Session: { } session } ? session.PriceOf(_context.Request.Model, Chip) ?? session.PriceOf(Model, Chip) : null;

    /// <inheritdoc/>
    public override string ToString() => Content ?? string.Empty;

    /// <summary>Returns the JSON text of a plain answer, or an array of the events of a stream.</summary>
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
