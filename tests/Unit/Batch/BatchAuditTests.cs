using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Batch;
using LlmPs.Checkpoint;
using LlmPs.Unit.Audit;
using Xunit;

namespace LlmPs.Unit.Batch;

/// <summary>What the audit log has of batches, and what their answers cost.</summary>
public sealed class BatchAuditTests : IDisposable
{
    private static readonly string[] s_rows = [.. Enumerable.Range(0, 20).Select(i => "Row " + i.ToString(CultureInfo.InvariantCulture))];

    private readonly LogFile _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task Answers_and_submitted_batches_have_a_line()
    {
        using var world = new BatchWorld();
        var session = Open(world);
        var batch = Assert.Single(await world.StartAsync(session, s_rows));
        await world.ReceiveAsync(session);

        var submitted = Assert.Single(Lines("batch"));
        Assert.Equal((batch.Id, 20, "Qwen/QwQ-32B"), (submitted.Text("batch"), submitted.Number("rows"), submitted.Text("model")));
        var plan = world.Journal().Plans[0];
        Assert.Equal((plan.FileId, plan.Bytes, plan.Hash),
            (submitted.Text("file"), submitted.Number("bytes"), submitted.Text("promptSha256")));
        var answers = Lines("chat");
        Assert.Equal(20, answers.Select(line => line.Text("customId")).Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (long?)i), answers.Select(line => line.Number("row")).Order());
        Assert.All(answers, line =>
        {
            Assert.Equal((batch.Id, 200, 1, "stop"),
                (line.Text("batch"), line.Number("status"), line.Number("attempt"), line.Text("finishReason")));
            Assert.Equal(("Qwen/QwQ-32B", (long?)null, (string?)null),
                (line.Text("model"), line.Number("durationMs"), line.Text("promptSha256")));
            var cost = (line.Number("promptTokens") + (2 * line.Number("completionTokens"))) / 2m / 1_000_000;
            Assert.Equal(cost, line.Json.GetProperty("cost").GetDecimal());
            Assert.DoesNotContain("response", line.Fields);
        });
    }

    [Fact]
    public async Task Receiving_twice_adds_no_line()
    {
        using var world = new BatchWorld();
        var session = Open(world);
        await world.StartAsync(session, s_rows);
        await world.ReceiveAsync(session);
        await world.ReceiveAsync(session);
        Assert.Equal(20, Lines("chat").Count);
    }

    [Fact]
    public async Task A_receive_that_broke_off_and_is_repeated_logs_each_answer_and_each_failure_once()
    {
        using var world =
            new BatchWorld("OpenAICompatible", ("BatchErrorMatch", "Row 1"), ("BatchErrorStatus", new[] { 500 }),
                ("BatchErrorsInOutput", true),
                ("Faults", new object[] { new Hashtable { ["Fault"] = "CutStream", ["Path"] = "/content", ["Times"] = 1 } }));
        var session = Open(world);
        await world.StartAsync(session, s_rows);
        await Assert.ThrowsAsync<LlmApiException>(() => world.ReceiveAsync(session));
        await world.ReceiveAsync(session);
        var lines = Lines("chat");
        Assert.Equal((20, 20), (lines.Count, lines.Select(line => line.Text("customId")).Distinct().Count()));
        Assert.Equal(11, lines.Count(line => line.Text("kind") == "ServerError" && line.Number("status") == 500));
    }

    [Fact]
    public async Task A_batch_that_was_found_again_has_its_line()
    {
        var fault = new Hashtable { ["Fault"] = "Unauthorized", ["Path"] = "/batches", ["Applied"] = true };
        using var world = new BatchWorld("OpenAICompatible", ("Faults", new object[] { fault }));
        await Assert.ThrowsAsync<LlmApiException>(() => world.StartAsync(Open(world), s_rows));
        Assert.Empty(Lines("batch"));
        world.Options = [];
        await world.StartAsync(Open(world), s_rows);
        Assert.Single(Lines("batch"));
    }

    [Fact]
    public async Task Rows_that_were_never_sent_to_a_model_have_no_line()
    {
        using var world = new BatchWorld("OpenAICompatible", ("BatchExpireAt", 0.25));
        var session = Open(world);
        await world.StartAsync(session, s_rows);
        await world.ReceiveAsync(session);
        Assert.Equal(5, Lines("chat").Count);
    }

    [Fact]
    public async Task Texts_are_in_the_log_only_with_LogContent()
    {
        using var world = new BatchWorld();
        var session = Open(world, hasContent: true);
        await world.StartAsync(session, "Hello");
        await world.ReceiveAsync(session);
        var line = Assert.Single(Lines("chat"));
        Assert.Contains("Hello", line.Raw("response"), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, line.Json.GetProperty("request").ValueKind);
    }

    [Fact]
    public void Receiving_ends_where_the_log_cannot_be_written_and_keeps_the_answer()
    {
        using var world = new BatchWorld();
        var session = Open(world);
        var row = BatchWorld.Ticket(session, "Hi");
        using var file = CheckpointFile.Open(world.File);
        var collection = new BatchCollection(session, file, "b", null, null);
        File.Delete(_log.Path);
        Directory.CreateDirectory(_log.Path);
        var line = Encoding.UTF8.GetBytes(BatchWorld.ResultLine(row));
        var error = Assert.Throws<LlmApiException>(() => collection.Take(line));
        Assert.Contains(_log.Path, error.Message, StringComparison.Ordinal);
        collection.Finish(new ChatBatch());
        Assert.NotNull(file.Find(row.Key, 1, out _));
    }

    [Fact]
    public async Task Operations_are_named_without_ids()
    {
        using var world = new BatchWorld();
        var session = Open(world);
        await world.StartAsync(session, s_rows);
        await world.ReceiveAsync(session);
        Assert.Equal(["batch", "batches", "chat", "files", "files/content"],
            _log.Lines().Select(line => line.Text("operation")).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_answer_costs_half_also_where_it_was_received_without_prices()
    {
        using var world = new BatchWorld();
        var priced = Open(world);
        await world.StartAsync(priced, s_rows);
        await world.ReceiveAsync(world.Open());
        var live = await priced.CompleteAsync(BatchWorld.Ticket(priced, s_rows[0]).Request);
        var kept = world.Answer(priced, s_rows[0])!;
        Assert.Equal(live.Cost / 2, kept.Cost);
        Assert.True(kept.Cost > 0);
    }

    private LlmSession Open(BatchWorld world, bool hasContent = false) => world.Open(configure: options =>
    {
        options.LogPath = _log.Path;
        options.LogContent = hasContent;
        options.Prices = new PriceTable();
        options.Prices.Add(null, "Qwen/QwQ-32B", null, new TokenPrice(1, 1, 2, 2));
    });

    private List<LogLine> Lines(string operation) =>
        [.. _log.Lines().Where(line => line.Text("operation") == operation && line.Fields.Contains("batch"))];
}
