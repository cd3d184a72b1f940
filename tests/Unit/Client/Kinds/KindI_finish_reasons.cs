using System.Threading.Tasks;
using LlmPs.Bulk;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21, I: only a finish reason that is known as success makes half an answer whole.</summary>
public class KindI_finish_reasons
{
    [Theory]
    [InlineData("error")]
    [InlineData("network_error")]
    [InlineData("abort")]
    [InlineData("aborted")]
    [InlineData("insufficient_system_resource")]
    [InlineData("cancelled")]
    [InlineData("canceled")]
    [InlineData("timeout")]
    [InlineData("TIMEOUT")]
    [InlineData("failed")]
    [InlineData("upstream_error")]
    public async Task A_failure_is_transient_and_keeps_the_partial_answer(string reason)
    {
        var plain = $$"""{"choices":[{"message":{"content":"Hel"},"finish_reason":"{{reason}}"}]}""";
        foreach (var body in new[] { plain, Content("Hel") + Finish(reason) + Done, Content("Hel") + Finish(reason) })
        {
            var handler = new ScriptedHandler(_ => Reply.Events(body));
            using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 1);
            var error = await TestSession.ErrorAsync(session);
            Assert.Equal((LlmErrorKind.ServiceUnavailable, 2, "Hel"), (error.Kind, handler.Sent.Count, error.PartialCompletion!.Content));
            Assert.Contains($"'{reason}'", error.Message);
            var outcome = await StreamOutcome.OfAsync(session);
            Assert.Null(outcome.Completion);
            Assert.Equal((LlmErrorKind.ServiceUnavailable, "Hel"), (outcome.Error!.Kind, outcome.Error.PartialCompletion!.Content));
            Assert.DoesNotContain(outcome.Deltas, delta => delta.IsLast);
        }
    }

    [Fact]
    public async Task A_second_attempt_gives_the_whole_answer()
    {
        using var session = TestSession.Open(
            new ScriptedHandler(n =>
                n == 1 ? Reply.Json("""{"choices":[{"message":{"content":"Hel"},"finish_reason":"network_error"}]}""") : Reply.Plain()),
            options => options.MaxRetryCount = 1);
        Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask())).Content);
    }

    [Fact]
    public async Task A_failure_of_one_choice_fails_the_answer()
    {
        var error = await TestSession.ErrorOfAsync("OpenAICompatible",
            Reply.Json("""{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},{"index":1,"message":{"content":"b"},"finish_reason":"abort"}]}"""));
        Assert.Equal(LlmErrorKind.ServiceUnavailable, error.Kind);
    }

    [Theory]
    [InlineData("deadline_exceeded")]
    [InlineData("connection reset")]
    [InlineData("rate-limit")]
    [InlineData("worker_crashed")]
    [InlineData("exception")]
    [InlineData("preempted")]
    public async Task A_reason_named_like_a_failure_is_one(string reason) =>
        Assert.Equal(LlmErrorKind.ServiceUnavailable, (await StreamOutcome.OfEventsAsync(Content("Hel") + Finish(reason) + Done))
            .Error!.Kind);

    [Theory]
    [InlineData("{\"delta\":{},\"finish_reason\":\"stop\",\"native_finish_reason\":\"insufficient_system_resource\"}")]
    [InlineData("{\"delta\":{},\"native_finish_reason\":\"abort\"}")]
    [InlineData("{\"delta\":{},\"finish_reason\":\"error\"}")]
    public async Task A_failure_is_not_taken_back_by_another_reason(string choice)
    {
        foreach (var tail in new[] { Done, Finish() + Done })
            Assert.Equal(LlmErrorKind.ServiceUnavailable,
                (await StreamOutcome.OfEventsAsync(Content("Hel") + Event($"{{\"choices\":[{choice}]}}") + tail)).Error!.Kind);
    }

    [Theory]
    [InlineData("content-filter", "content_filter")]
    [InlineData("Tool Calls", "tool_calls")]
    [InlineData(" stop ", "stop")]
    [InlineData("END_TURN", "stop")]
    public async Task A_known_reason_in_another_spelling_is_known(string reason, string common)
    {
        Assert.Equal(common, (await StreamOutcome.OfEventsAsync(Content("Hello") + Finish(reason) + Done)).Completion!.FinishReason);
        Assert.Empty(await Warnings.OfAsync(Content("Hello") + Finish(reason) + Done));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("None")]
    [InlineData(" ")]
    public async Task A_word_for_no_reason_does_not_end_an_answer(string reason)
    {
        var outcome = await StreamOutcome.OfEventsAsync(Delta("\"content\":\"Hel\"", $"\"{reason}\"") + Content("lo"));
        Assert.Equal((LlmErrorKind.StreamInterrupted, "Hello"), (outcome.Error!.Kind, outcome.Error.PartialCompletion!.Content));
    }

    [Theory]
    [InlineData("stop", "stop")]
    [InlineData("STOP", "stop")]
    [InlineData("eos", "stop")]
    [InlineData("end_turn", "stop")]
    [InlineData("length", "length")]
    [InlineData("tool_calls", "tool_calls")]
    [InlineData("function_call", "function_call")]
    [InlineData("content_filter", "content_filter")]
    [InlineData("sensitive", "content_filter")]
    public async Task A_known_reason_is_emitted_without_a_warning(string reason, string common)
    {
        var completion =
            await TestSession.AnswerOfAsync("OpenAICompatible",
                $$"""{"choices":[{"message":{"content":"Hello"},"finish_reason":"{{reason}}"}]}""");
        Assert.Equal((common, reason), (completion.FinishReason, completion.NativeFinishReason));
        Assert.Empty(await Warnings.OfAsync(Content("Hello") + Finish(reason) + Done));
    }

    [Theory]
    [InlineData("max_tokens")]
    [InlineData("pause_turn")]
    public async Task An_unknown_reason_is_emitted_with_a_warning(string reason)
    {
        var plain = $$"""{"choices":[{"message":{"content":"Hello"},"finish_reason":"{{reason}}"}]}""";
        Assert.Equal(("Hello", reason),
            ((await TestSession.AnswerOfAsync("OpenAICompatible", plain))
                .Content, (await TestSession.AnswerOfAsync("OpenAICompatible", plain)).FinishReason));
        foreach (var body in new[] { plain, Content("Hello") + Finish(reason) + Done })
            Assert.Equal($"Row 0: the finish reason '{reason}' is not known. Check whether the answer is complete.",
                Assert.Single(await Warnings.OfAsync(body)));
    }
}
