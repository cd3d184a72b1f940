using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>A stream that is cut off never passes as complete.</summary>
public class StreamCutTests
{
    [Theory]
    [MemberData(nameof(StreamCases.WholeNames), MemberType = typeof(StreamCases))]
    public async Task A_cut_at_any_byte_by_a_clean_end_is_told(string name) => await CutEverywhereAsync(name, BodyEnd.Eof);

    [Theory]
    [MemberData(nameof(StreamCases.WholeNames), MemberType = typeof(StreamCases))]
    public async Task A_cut_at_any_byte_by_a_broken_connection_is_told(string name) => await CutEverywhereAsync(name, BodyEnd.Break);

    [Fact]
    public async Task A_plain_answer_cut_at_any_byte_is_no_answer()
    {
        var bytes = Sse.Bytes(Reply.PlainAnswer);
        for (var at = 0; at < bytes.Length; at++)
        {
            foreach (var end in new[] { BodyEnd.Eof, BodyEnd.Break })
            {
                using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Pieces([bytes[..at]], end)));
                var error = await TestSession.ErrorAsync(session);
                Assert.Contains(error.Kind,
                    new[] { LlmErrorKind.InvalidResponse, LlmErrorKind.StreamInterrupted, LlmErrorKind.ConnectionFailed });
            }
        }
    }

    [Fact]
    public async Task The_partial_answer_holds_what_was_held_back()
    {
        var text = Sse.Event("""{"choices":[{"index":0,"delta":{"content":"<thi"}}]}""")
            + Sse.Event("""{"choices":[],"usage":{"total_tokens":5}}""");
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Pieces([Sse.Bytes(text)], BodyEnd.Break)));
        var outcome = await StreamOutcome.OfAsync(session);
        Assert.Equal("<thi", outcome.Error!.PartialCompletion!.Content);
        Assert.Equal(5, outcome.Error.PartialCompletion.Usage!.TotalTokens);
    }

    private static async Task CutEverywhereAsync(string name, BodyEnd end)
    {
        var bytes = StreamCases.Bytes(name);
        var whole = await StreamOutcome.OfAsync(Reply.Pieces([bytes]));
        var endsAt = EndOfAnswer(Encoding.UTF8.GetString(bytes));
        for (var at = 0; at < bytes.Length; at++)
        {
            var outcome = await StreamOutcome.OfAsync(Reply.Pieces([bytes[..at]], end));
            if (at < endsAt) Assert.NotNull(outcome.Error);
            if (outcome.Completion is { } completion)
            {
                Assert.Equal(whole.Completion!.Choices.Select(Texts), completion.Choices.Select(Texts));
                continue;
            }

            Assert.Contains(outcome.Error!.Kind,
                new[] { LlmErrorKind.StreamInterrupted, LlmErrorKind.ConnectionFailed, LlmErrorKind.InvalidResponse });
            Assert.True(outcome.Error.Kind != LlmErrorKind.InvalidResponse || at == 0
                || outcome.Deltas.Count == 0, $"{name} cut at {at}: {outcome.Error.Message}");
            Assert.DoesNotContain(outcome.Deltas, delta => delta.IsLast || delta.FinishReason is not null);
            foreach (var choice in outcome.Error.PartialCompletion?.Choices ?? [])
            {
                var given = outcome.Deltas.Where(delta => delta.Index == choice.Index).ToArray();
                Assert.Equal(string.Concat(given.Select(delta => delta.Content)), WithoutHeldTag(choice.Message.Content));
                Assert.Equal(string.Concat(given.Select(delta => delta.ReasoningContent)), WithoutHeldTag(choice.Message.ReasoningContent));
            }

            if (outcome.Deltas.Count > 0) Assert.NotNull(outcome.Error.PartialCompletion);
        }
    }

    private static (string?, string?, string?) Texts(ChatChoice choice) =>
        (choice.Message.Content, choice.Message.ReasoningContent, choice.FinishReason);

    /// <summary>The beginning of a tag is held back from the deltas, and stands in the partial answer.</summary>
    private static string WithoutHeldTag(string? text) =>
        (text ?? string.Empty).Replace("</thi", string.Empty).Replace("<th", string.Empty);

    /// <summary>Where the last finish reason, or [DONE] in a stream without one, has arrived whole.</summary>
    private static int EndOfAnswer(string text)
    {
        var words = new[] { "\"stop\"", "\"length\"", "\"tool_calls\"}" };
        var last = words.Max(word => text.LastIndexOf(word, System.StringComparison.Ordinal));
        if (last < 0) last = text.LastIndexOf("[DONE]", System.StringComparison.Ordinal);
        return Encoding.UTF8.GetByteCount(text[..last]) + 6;
    }
}
