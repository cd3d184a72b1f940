using System;
using System.Collections;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Batch;
using LlmPs.Checkpoint;
using LlmPs.Providers;
using LlmPs.Transport;
using LlmPs.Unit.Simulator;
using Xunit;

namespace LlmPs.Unit.Batch;

public sealed class BatchTests
{
    private static readonly string[] s_rows = [.. Enumerable.Range(0, 20).Select(i => "Row " + i.ToString(CultureInfo.InvariantCulture))];

    [Theory]
    [InlineData("OpenAICompatible", false)]
    [InlineData("OpenAICompatible", true)]
    [InlineData("SiliconFlow", false)]
    [InlineData("SiliconFlow", true)]
    public async Task Answers_of_a_batch_are_those_of_live_requests(string provider, bool isNested)
    {
        using var world = new BatchWorld(provider, ("BatchShuffle", true), ("BatchNestedIds", isNested));
        var session = world.Open();
        var batch = Assert.Single(await world.StartAsync(session, s_rows));
        var (failed, added) = await world.ReceiveAsync(session);

        Assert.Empty(failed);
        Assert.Equal(20, added);
        foreach (var prompt in s_rows)
        {
            var live = await session.CompleteAsync(BatchWorld.Ticket(session, prompt).Request);
            var kept = world.Answer(session, prompt)!;
            Assert.Equal((live.Content, live.ReasoningContent, live.FinishReason, live.Model),
                (kept.Content, kept.ReasoningContent, kept.FinishReason, kept.Model));
            Assert.Equal(live.Usage!.TotalTokens, kept.Usage!.TotalTokens);
            Assert.Equal((batch.Id, 1), (kept.BatchId, kept.Attempts));
            Assert.Null(live.BatchId);
        }
    }

    [Fact]
    public async Task Equal_rows_get_an_answer_each()
    {
        using var world = new BatchWorld();
        var session = world.Open();
        await world.StartAsync(session, "same", "same", "same");
        Assert.Equal(3, (await world.ReceiveAsync(session)).Added);
        Assert.All([1, 2, 3], n => Assert.NotNull(world.Answer(session, "same", n)));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(0, 0)]
    public void Answers_are_taken_also_where_the_checkpoint_has_lost_rows_of_the_plan(int lines, int added)
    {
        using var world = new BatchWorld();
        var session = world.Open();
        using var file = CheckpointFile.Open(world.File);
        var collection = new BatchCollection(session, file, "b", new BatchPlan { Lines = lines }, null);
        Assert.Null(collection.Take(System.Text.Encoding.UTF8.GetBytes(BatchWorld.ResultLine(BatchWorld.Ticket(session, "Hi")))));
        Assert.Equal((added, 1 - added, 1, 0), (collection.Added, collection.Unreadable, collection.Lines, collection.Missing));
    }

    [Fact]
    public void A_batch_whose_result_files_lack_answers_is_not_received()
    {
        using var world = new BatchWorld();
        var session = world.Open();
        using var file = CheckpointFile.Open(world.File);
        var collection = new BatchCollection(session, file, "b", null, null);
        collection.Take(System.Text.Encoding.UTF8.GetBytes(BatchWorld.ResultLine(BatchWorld.Ticket(session, "Hi"))));
        collection.Finish(new ChatBatch { Completed = 1, Failed = 3 });
        var error = Assert.Throws<LlmApiException>(() => collection.Finish(new ChatBatch { Completed = 2 }));
        Assert.Contains("2 answered rows, and its result files have 1 lines", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_are_answered_or_in_a_batch_are_left_out()
    {
        using var world = new BatchWorld();
        var session = world.Open();
        await world.StartAsync(session, [.. s_rows.Take(5)]);
        await world.StartAsync(session, [.. s_rows.Take(10)]);
        await world.ReceiveAsync(session);
        await world.StartAsync(session, s_rows);
        Assert.Empty(await world.StartAsync(session, s_rows));
        Assert.Equal([5, 5, 10], world.Journal().Plans.Select(plan => plan.Lines));
    }

    [Fact]
    public async Task Receiving_twice_changes_nothing()
    {
        using var world = new BatchWorld();
        var session = world.Open();
        await world.StartAsync(session, s_rows);
        await world.ReceiveAsync(session);
        var before = File.ReadAllBytes(world.File);
        Assert.Equal(0, (await world.ReceiveAsync(session)).Added);
        Assert.Equal(before, File.ReadAllBytes(world.File));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Failed_rows_stay_unanswered_and_can_be_submitted_again(bool inOutput)
    {
        using var world =
            new BatchWorld("OpenAICompatible", ("BatchErrorMatch", "Row 1"), ("BatchErrorStatus", new[] { 500, 400, 0 }),
                ("BatchErrorsInOutput", inOutput));
        var session = world.Open();
        await world.StartAsync(session, s_rows);
        var (failed, added) = await world.ReceiveAsync(session);

        Assert.Equal((9, 11), (added, failed.Count));
        Assert.Equal([LlmErrorKind.InvalidRequest, LlmErrorKind.ServerError, LlmErrorKind.Timeout], failed.Select(row => row.Error.Kind)
            .Distinct().Order());
        Assert.All(failed, row => Assert.StartsWith("Row 1", s_rows[row.Index], StringComparison.Ordinal));
        world.Options = [];
        await world.StartAsync(session = world.Open(), s_rows);
        Assert.Equal(11, (await world.ReceiveAsync(session)).Added);
    }

    [Fact]
    public async Task An_expired_batch_gives_what_is_done()
    {
        using var world = new BatchWorld("OpenAICompatible", ("BatchExpireAt", 0.25));
        var session = world.Open();
        await world.StartAsync(session, s_rows);
        var (failed, added) = await world.ReceiveAsync(session);
        Assert.Equal((5, 15), (added, failed.Count));
        Assert.All(failed, row => Assert.Equal((LlmErrorKind.Timeout, "batch_expired"), (row.Error.Kind, row.Error.ProviderCode)));
    }

    [Theory]
    [InlineData("POST /v1/files")]
    [InlineData("POST /v1/batches")]
    public async Task A_lost_answer_makes_no_second_batch(string path)
    {
        using var world = new BatchWorld("OpenAICompatible", ("Faults", Faults("Reset", path, applied: true)));
        await world.StartAsync(world.Open(retries: 2), s_rows);
        Assert.Equal(1, world.Store.Count().Batches);
    }

    [Theory]
    [InlineData("OpenAICompatible", true)]
    [InlineData("OpenAICompatible", false)]
    [InlineData("SiliconFlow", true)]
    public async Task A_run_that_ended_while_it_made_the_batch_finds_it_again(string provider, bool applied)
    {
        using var world = new BatchWorld(provider, ("Faults", Faults("Unauthorized", "/batches", applied, times: null)));
        await Assert.ThrowsAsync<LlmApiException>(() => world.StartAsync(world.Open(), s_rows));
        Assert.Equal(applied ? 1 : 0, world.Store.Count().Batches);
        Assert.True(Assert.Single(world.Journal().Plans).IsUnresolved);

        world.Options = [];
        var started = await world.StartAsync(world.Open(), s_rows);
        Assert.Equal(applied ? 0 : 1, started.Count);
        Assert.Equal((1, 1),
            (world.Sent.Count(sent =>
                sent.StartsWith("POST", StringComparison.Ordinal) && sent.EndsWith("/files", StringComparison.Ordinal)), world.Store.Count()
                    .Batches));
        Assert.Equal(20, (await world.ReceiveAsync(world.Open())).Added);
    }

    [Fact]
    public async Task A_file_that_was_uploaded_without_a_note_is_used()
    {
        using var world =
            new BatchWorld("OpenAICompatible", ("Faults", Faults("Unauthorized", "POST /v1/files", applied: true, times: null)));
        await Assert.ThrowsAsync<LlmApiException>(() => world.StartAsync(world.Open(), s_rows));
        world.Options = [];
        Assert.Single(await world.StartAsync(world.Open(), s_rows));
        Assert.Equal((1, 1), (world.Store.Count().Files, world.Store.Count().Batches));
    }

    [Fact]
    public async Task Other_rows_do_not_pay_for_what_was_planned_before()
    {
        using var world =
            new BatchWorld("OpenAICompatible", ("Faults", Faults("Unauthorized", "POST /v1/batches", applied: false, times: null)));
        await Assert.ThrowsAsync<LlmApiException>(() => world.StartAsync(world.Open(), s_rows));
        world.Options = [];
        await world.StartAsync(world.Open(), "Another");
        var plans = world.Journal().Plans;
        Assert.Equal([true, false], plans.Select(plan => plan.IsDropped));
        Assert.Equal(1, world.Store.Count().Batches);
    }

    [Fact]
    public async Task The_list_of_batches_is_read_over_its_pages()
    {
        using var world = new BatchWorld();
        var session = world.Open();
        for (var i = 0; i < 105; i++) await world.StartAsync(session, "Row " + i.ToString(CultureInfo.InvariantCulture));
        var all = await new BatchService(session, RequestLog.None).ListAsync(null, CancellationToken.None);
        Assert.Equal(105, all.Select(batch => batch.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_list_that_ignores_where_it_begins_ends()
    {
        using var world = new BatchWorld("SiliconFlow");
        var session = world.Open();
        for (var i = 0; i < 105; i++) await world.StartAsync(session, "Row " + i.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(105, (await new BatchService(session, RequestLog.None).ListAsync(null, CancellationToken.None)).Count);
    }

    [Fact]
    public async Task A_download_that_breaks_off_is_read_again()
    {
        using var world = new BatchWorld("OpenAICompatible", ("Faults", Faults("CutStream", "/content", applied: true)));
        var session = world.Open(retries: 2);
        await world.StartAsync(session, s_rows);
        var (failed, added) = await world.ReceiveAsync(session);
        Assert.Empty(failed);
        Assert.Equal(20, added);
        Assert.Equal(2, world.Sent.Count(sent => sent.EndsWith("/content", StringComparison.Ordinal)));
    }

    [Fact]
    public void Rows_are_split_by_lines_and_models()
    {
        using var world = new BatchWorld("SiliconFlow");
        var session = world.Open();
        using var splitter = new BatchSplitter(null);
        for (var i = 0; i < 12_000; i++)
            splitter.Add(BatchWorld.Ticket(session, "Row", i, request => request.Model = i % 12 == 0 ? "other" : "m"), i + 1);
        Assert.Equal([1000, 5000, 5000, 1000], splitter.Files.Select(file => file.Lines));
        Assert.Equal(["other", "m", "m", "m"], splitter.Files.Select(file => file.Model));
    }

    [Fact]
    public void Limits_are_those_of_the_documents()
    {
        Assert.Equal((50_000, 200_000_000L), Of("OpenAICompatible"));
        Assert.Equal((5000, 1_000_000_000L), Of("SiliconFlow"));
        Assert.Null(ProviderList.Get("GenStudio").Batch);
        Assert.Null(ProviderList.Get("Cloudsway").Batch);
        var siliconFlow = ProviderList.Get("SiliconFlow").Batch!;
        Assert.Equal(["24h", "336h"], [siliconFlow.Window("SiliconFlow", null), siliconFlow.Window("SiliconFlow", 336)]);
        Assert.Contains("24h to 336h", Assert.Throws<ArgumentException>(() => siliconFlow.Window("SiliconFlow", 12))
            .Message, StringComparison.Ordinal);

        static (int, long) Of(string provider) =>
            ProviderList.Get(provider).Batch is { } limits ? (limits.MaxLines, limits.MaxBytes) : default;
    }

    [Fact]
    public void A_message_that_a_batch_refuses_is_refused_before_it_is_sent()
    {
        using var world = new BatchWorld("SiliconFlow");
        var session = world.Open();
        using var splitter = new BatchSplitter(null);
        var tool = BatchWorld.Ticket(session, "Hi", 0, request =>
            request.Messages = [.. request.Messages, new ChatMessage(ChatRole.Tool, "42") { ToolCallId = "c" }]);
        Assert.Contains("'tool'", Assert.Throws<LlmApiException>(() => splitter.Add(tool, 1)).Message, StringComparison.Ordinal);
        var answer =
            BatchWorld.Ticket(session, "Hi", 0, request =>
                request.Messages = [.. request.Messages, new ChatMessage(ChatRole.Assistant, "Hi")]);
        Assert.Contains("last message", Assert.Throws<LlmApiException>(() => splitter.Add(answer, 1)).Message, StringComparison.Ordinal);
        Assert.Empty(splitter.Files);
    }

    [Fact]
    public async Task The_body_of_a_line_is_that_of_the_live_request()
    {
        using var world = new BatchWorld("OpenAICompatible", ("CountBodies", true));
        var session = world.Open();
        await world.StartAsync(session, "Grüße 你好 😀");
        await world.ReceiveAsync(session);
        using var splitter = new BatchSplitter(world.File);
        var row = BatchWorld.Ticket(session, "Grüße 你好 😀");
        splitter.Add(row, 7);
        var file = Assert.Single(splitter.Files);
        _ = file.Hash;
        file.Content.Position = 0;
        using var reader = new StreamReader(file.Content);
        var line = (await reader.ReadToEndAsync()).TrimEnd('\n');
        Assert.Equal(
            $$"""{"custom_id":"{{row.Key}}-7","method":"POST","url":"/v1/chat/completions","body":{{System.Text.Encoding.UTF8.GetString(row.Body)}}}""", line);
    }

    [Fact]
    public async Task No_file_is_left_beside_the_checkpoint()
    {
        using var world = new BatchWorld();
        using var splitter = new BatchSplitter(world.File);
        splitter.Add(BatchWorld.Ticket(world.Open(), "Hi"), 1);
        if (Path.DirectorySeparatorChar == '/') Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(world.File)!));
        await world.StartAsync(world.Open(), s_rows);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(world.File)!), world.File);
    }

    [Fact]
    public async Task Notes_are_no_rows_and_damage_nothing()
    {
        using var world = new BatchWorld();
        await world.StartAsync(world.Open(), s_rows);
        using var file = CheckpointFile.Open(world.File, toRead: true);
        Assert.Equal((0, 0), (file.Finished, file.DamagedLines));
        // As a version that knows no notes reads them: headers of files that were joined.
        Assert.All(File.ReadAllLines(world.File), line =>
        {
            Assert.Equal(CheckpointLine.Version, CheckpointLine.ReadHeader(System.Text.Encoding.UTF8.GetBytes(line), out var isSound));
            Assert.True(isSound);
        });
    }

    [Fact]
    public async Task A_secret_in_an_answer_or_an_error_is_not_kept()
    {
        using var world = new BatchWorld("OpenAICompatible", ("BatchFailure", "The key " + Client.TestSession.Key + " is \u001b[31mbad"));
        var session = world.Open();
        await world.StartAsync(session, s_rows);
        var journal = world.Journal();
        var batch = await new BatchService(session, RequestLog.None).GetAsync(journal.Plans[0].BatchId!, CancellationToken.None);
        Assert.Equal("failed", batch.Status);
        Assert.DoesNotContain(Client.TestSession.Key, batch.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", batch.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"custom_id":"x","response":{"status_code":200,"body":{}},"error":null}""", LlmErrorKind.InvalidResponse)]
    [InlineData("""{"custom_id":"x","response":{"status_code":200,"body":"no"},"error":null}""", LlmErrorKind.InvalidResponse)]
    [InlineData("""{"custom_id":"x","response":null,"error":null}""", LlmErrorKind.InvalidResponse)]
    [InlineData("""{"custom_id":"x","response":{"status_code":429,"body":{"message":"slow"}}}""", LlmErrorKind.RateLimited)]
    [InlineData("""{"custom_id":"x","response":{"status_code":200,"body":{"error":{"message":"Insufficient balance"}}}}""",
        LlmErrorKind.InsufficientBalance)]
    public void A_line_without_an_answer_is_an_error(string line, object kind)
    {
        using var world = new BatchWorld();
        var result = BatchResult.Read(world.Open(), "b", null, System.Text.Encoding.UTF8.GetBytes(line), _ => 3)!;
        Assert.Null(result.Completion);
        Assert.Equal((LlmErrorKind)kind, result.Error!.Kind);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("""{"id":"1"}""")]
    [InlineData("""{"custom_id":"x","response":{"status_code":200""")]
    public void A_line_that_is_none_is_no_result(string line)
    {
        using var world = new BatchWorld();
        Assert.Null(BatchResult.Read(world.Open(), "b", null, System.Text.Encoding.UTF8.GetBytes(line), _ => 0));
    }

    private static object[] Faults(string kind, string path, bool applied, int? times = 1)
    {
        var fault = new Hashtable { ["Fault"] = kind, ["Path"] = path, ["Applied"] = applied };
        if (times is { } count) fault["Times"] = count;
        return [fault];
    }
}
