using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>Money, and answers that came whole and are of no use.</summary>
public sealed class BudgetTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData(""","usage":{"prompt_tokens":-5,"completion_tokens":-5}""")]
    [InlineData(""","usage":{"prompt_tokens":5}""")]
    [InlineData(""","usage":{"total_tokens":104}""")]
    public void Cost_is_estimated_where_answers_do_not_report_their_usage(string usage)
    {
        using var session =
            Priced("""{"choices":[{"message":{"content":"X"}}]U}""".Replace("X", new string('x', 400), StringComparison.Ordinal)
                .Replace("U", usage, StringComparison.Ordinal));
        using var run = new BulkRun(new BulkRunOptions { MaxCost = 250 });
        for (var i = 0; i < 5; i++) run.Add(Ticket(session, i));

        var said = TakeAll(run);

        // 100 for the answer, and a few for the prompt.
        Assert.Equal((3, 2), (run.Counts.Done, run.Counts.LeftOut));
        Assert.Equal("-MaxCost 250 is spent", run.Ending!.Reason);
        Assert.InRange(run.Counts.Cost!.Value, 300, 340);
        Assert.Contains("-MaxCost counts an estimate", Assert.Single(said.OfType<LogLine>()).Text, StringComparison.Ordinal);
        Assert.All(said.OfType<ChatCompletion>(), answer => Assert.Null(answer.Cost));
    }

    [Fact]
    public void Cost_of_answers_that_break_off_counts()
    {
        using var session = Priced("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + new string('x', 400) + "\"}}]}\n\n");
        using var run = new BulkRun(new BulkRunOptions { Stream = true, MaxCost = 250 });
        for (var i = 0; i < 5; i++) run.Add(Ticket(session, i));

        TakeAll(run);

        Assert.Equal((3, 2), (run.Counts.Failed, run.Counts.LeftOut));
        Assert.InRange(run.Counts.Cost!.Value, 300, 340);
    }

    [Fact]
    public void Rows_out_of_a_checkpoint_cost_the_run_nothing()
    {
        using var session = Priced(Answer("stop"));
        using (var checkpoint = CheckpointFile.Open(_folder.File))
        using (var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint }))
        {
            for (var i = 0; i < 3; i++) run.Add(Ticket(session, i));
            TakeAll(run);
            Assert.Equal(42m, run.Counts.Cost);
        }

        using var dear = Priced(Answer("stop"), 100);
        using var again = CheckpointFile.Open(_folder.File);
        using var resumed = new BulkRun(new BulkRunOptions { Checkpoint = again, MaxCost = 1400 });
        for (var i = 0; i < 5; i++) resumed.Add(Ticket(dear, i));

        var answers = TakeAll(resumed).OfType<ChatCompletion>().ToList();

        Assert.Equal([14m, 14m, 14m, 1400m], answers.Select(answer => answer.Cost));
        Assert.Equal((3, 1, 1), (resumed.Counts.Replayed, resumed.Counts.Done, resumed.Counts.LeftOut));
    }

    [Fact]
    public void An_answer_in_several_rounds_has_the_cost_of_all()
    {
        using var session = Priced(Answer("stop"));
        using var run = new BulkRun(new BulkRunOptions { Reviews = true });
        run.Add(Ticket(session, 0));

        var answer = Assert.IsType<ChatCompletion>(Assert.Single(TakeAll(run, review =>
        {
            if (review.Round < 3) review.Continue(Rows.Request("more"));
            else review.Accept();
        })));

        Assert.Equal((42m, 3, 9L), (answer.Cost, answer.Attempts, answer.Usage!.PromptTokens));
        Assert.Equal(42m, run.Counts.Cost);
    }

    [Fact]
    public void An_unknown_cost_of_one_round_makes_that_of_the_row_unknown()
    {
        var known = Rows.Completion(with: delta =>
            delta.Head = new AnswerHead { Usage = new TokenUsage { PromptTokens = 1, CompletionTokens = 1 } });
        known.Cost = 5;
        var answer = Rows.Completion();

        answer.AddEarlier(known);

        Assert.Null(answer.Cost);
    }

    [Fact]
    public void Refused_answers_are_answers_to_MaxConsecutiveFailure()
    {
        using var session = Priced(Answer("length"));
        using var run = new BulkRun(new BulkRunOptions { MaxConsecutiveFailure = 2 });
        var policy = new FinishPolicy([UnwantedAnswer.Length], null);
        for (var i = 0; i < 5; i++) run.Add(Ticket(session, i, policy));

        var errors = TakeAll(run).OfType<LlmApiException>().ToList();

        Assert.Null(run.Ending);
        Assert.Equal(5, errors.Count(error => error.Kind == LlmErrorKind.Truncated));
        Assert.Equal(70m, run.Counts.Cost);
    }

    [Fact]
    public void A_refused_answer_is_not_kept()
    {
        using var session = Priced(Answer("content_filter"));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint });
        run.Add(Ticket(session, 0, new FinishPolicy([UnwantedAnswer.ContentFilter], null)));

        Assert.Equal(LlmErrorKind.ContentFiltered, Assert.IsType<LlmApiException>(Assert.Single(TakeAll(run))).Kind);

        Assert.Single(_folder.Lines());
    }

    [Theory]
    [InlineData(10, 1000, 20)]
    [InlineData(600, 1000, 1000)]
    [InlineData(1000, 1000, null)]
    [InlineData(null, 1000, 8)]
    [InlineData(null, 3, null)]
    [InlineData(10, null, null)]
    public async Task A_cut_answer_is_asked_again_with_twice_the_tokens(int? had, int? limit, int? next)
    {
        using var session = Priced(Answer("length"));
        var answer = await session.CompleteAsync(Rows.Request(with: request => request.MaxTokens = had));

        Assert.Equal(next, new FinishPolicy([], limit).NextMaxTokens(answer));
    }

    [Fact]
    public async Task Tokens_of_several_choices_are_counted_for_each()
    {
        using var session =
            Priced("""{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},{"index":1,"message":{"content":"b"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":20}}""");
        var answer = await session.CompleteAsync(Rows.Request(with: request => request.N = 2));

        Assert.Equal(20, new FinishPolicy([], 1000).NextMaxTokens(answer));
        Assert.Equal(LlmErrorKind.Truncated, new FinishPolicy([UnwantedAnswer.Length], null).Refusal(answer)!.Kind);
    }

    [Fact]
    public void An_attempt_that_fails_leaves_the_cut_answer_and_its_cost()
    {
        var handler = new ScriptedHandler(n => n == 1 ? Reply.Json(Answer("length")) : Reply.Status(404, "{}"));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.Prices = Prices(2));
        using var run = new BulkRun(new BulkRunOptions());
        run.Add(Ticket(session, 0, new FinishPolicy([], 1000)));

        var error = Assert.Single(TakeAll(run).OfType<LlmApiException>());

        Assert.Equal((LlmErrorKind.NotFound, 2), (error.Kind, error.Attempts));
        Assert.Equal(("abc", 14m), (error.PartialCompletion!.Content, error.PartialCompletion.Cost));
        Assert.Equal(14m, run.Counts.Cost);
    }

    [Fact]
    public void Shared_answers_know_with_how_many_tokens_they_were_asked()
    {
        using var session = Priced(Answer("length"));
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using (var run = new BulkRun(new BulkRunOptions { Checkpoint = checkpoint, Deduplicate = true, ThrottleLimit = 3 }))
        {
            for (var i = 0; i < 3; i++)
                run.Add(new ChatTicket(session, new AnswerContext(session.Identity, Rows.Request()) { InputIndex = i },
                    new FinishPolicy([], 10)));
            Assert.Equal(3, TakeAll(run).OfType<ChatCompletion>().Count());
        }

        Assert.Equal(3, _folder.Lines().Count(line => line.Contains("\"maxTokens\":10", StringComparison.Ordinal)));
    }

    private static string Answer(string finish) =>
        """{"model":"m","choices":[{"message":{"content":"abc"},"finish_reason":"F"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}""".Replace("F", finish, StringComparison.Ordinal);

    private static PriceTable Prices(decimal each)
    {
        var prices = new PriceTable();
        each *= 1_000_000;
        prices.Add(null, "m", null, new TokenPrice(each, each, each, each));
        return prices;
    }

    private static LlmSession Priced(string answer, decimal? each = null) =>
        Rows.NewSession(answer: answer, with: options =>
        {
            options.MaxRetryCount = 0;
            options.Prices = Prices(each is { } price ? 2 * price : answer.Contains("xxx", StringComparison.Ordinal) ? 1 : 2);
        });

    private static ChatTicket Ticket(LlmSession session, int index, FinishPolicy? policy = null) =>
        new(session, new AnswerContext(session.Identity, Rows.Request("Row " + index)) { InputIndex = index }, policy);

    private static List<object> TakeAll(BulkRun run, Action<RowReview>? review = null)
    {
        var all = new List<object>();
        while (run.TryTake(TimeSpan.FromSeconds(10), out var output) is var taken && taken != Taken.Drained)
        {
            Assert.Equal(Taken.Item, taken);
            if (output.Value is RowReview waiting) review!(waiting);
            else all.Add(output.Value);
        }

        return all;
    }
}
