using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>How options change the course and the results of a batch.</summary>
public class BatchOptionTests
{
    [Fact]
    public async Task Polls_take_a_batch_through_its_statuses()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchPolls", 4));
        var id = await asking.SubmitAsync(asking.Lines(13));
        var seen = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var batch = await asking.BatchAsync(id);
            var counts = batch["request_counts"]!;
            seen.Add($"{batch["status"]} {counts["completed"]} of {counts["total"]}");
        }

        Assert.Equal(["in_progress 3 of 13", "in_progress 8 of 13", "finalizing 13 of 13", "completed 13 of 13", "completed 13 of 13"],
            seen);
    }

    [Fact]
    public async Task A_list_is_not_a_poll()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchPolls", 1));
        var id = await asking.SubmitAsync(asking.Lines(1));
        for (var i = 0; i < 3; i++) Assert.Equal("validating", (string)(await asking.GetAsync("batches"))["data"]![0]!["status"]!);
        Assert.Equal("completed", (string)(await asking.BatchAsync(id))["status"]!);
    }

    [Fact]
    public async Task Latency_is_the_time_from_creation_to_completion()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow, ("BatchLatencyMs", 300));
        var clock = Stopwatch.StartNew();
        var id = await asking.SubmitAsync(asking.Lines(10));
        var seen = new List<string>();
        JsonNode batch;
        do
        {
            batch = await asking.BatchAsync(id);
            if (seen.LastOrDefault() != (string)batch["status"]!) seen.Add((string)batch["status"]!);
            await Task.Delay(5);
        }
        while ((string)batch["status"]! != "completed");

        Assert.True(clock.ElapsedMilliseconds >= 300);
        // A slow machine may not see each of them.
        Assert.Equal(new[] { "in_queue", "in_progress", "finalizing", "completed" }.Intersect(seen), seen);
        Assert.Equal(10, (await asking.ResultsAsync(batch)).Count);
    }

    [Fact]
    public async Task A_share_of_the_lines_fails_by_seed()
    {
        async Task<(List<string> Good, List<string> Bad)> RunAsync(int seed)
        {
            using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchErrorRate", 0.3), ("Seed", seed));
            var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(200)));
            Assert.Equal("completed", (string)batch["status"]!);
            var bad = await asking.ResultsAsync(batch, "error_file_id");
            Assert.Equal(bad.Count, (int)batch["request_counts"]!["failed"]!);
            Assert.All(bad, line => Assert.Equal(500, (int)line["response"]!["status_code"]!));
            return (BatchAsking.Ids(await asking.ResultsAsync(batch)), BatchAsking.Ids(bad));
        }

        (var good, var bad) = await RunAsync(1);
        Assert.InRange(bad.Count, 30, 90);
        Assert.Equal(200, good.Concat(bad).Distinct().Count());
        Assert.Equal(bad, (await RunAsync(1)).Bad);
        Assert.NotEqual(bad, (await RunAsync(2)).Bad);
    }

    [Fact]
    public async Task Failed_lines_have_the_given_statuses_in_turn()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow, ("BatchErrorRate", 1), ("BatchErrorStatus", new[] { 429, 0, 503 }));
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(4)));
        Assert.Null(batch["output_file_id"]);
        var errors = await asking.ResultsAsync(batch, "error_file_id");
        Assert.Equal([429, null, 503, 429], errors.Select(line => (int?)line["response"]?["status_code"]));
        Assert.Contains("TPM", (string)errors[0]["response"]!["body"]!["message"]!, StringComparison.Ordinal);
        Assert.Equal("request_timeout", (string)errors[1]["error"]!["code"]!);
        Assert.Equal(50508, (int)errors[2]["response"]!["body"]!["code"]!);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(600)]
    public void A_status_that_is_not_an_error_is_refused(int status) =>
        Assert.Contains("'BatchErrorStatus'", Assert.Throws<ArgumentException>(() => Asking.Options(("BatchErrorStatus", status))).Message);

    [Fact]
    public async Task Lines_that_match_fail_and_their_errors_can_be_in_the_output()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchErrorMatch", "p1"), ("BatchErrorsInOutput", true));
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(3)));
        Assert.Null(batch["error_file_id"]);
        var results = await asking.ResultsAsync(batch);
        Assert.Equal(["r0 200", "r1 500", "r2 200"], results.Select(line => $"{line["custom_id"]} {line["response"]!["status_code"]}"));
        Assert.Equal("""{"total":3,"completed":2,"failed":1}""", batch["request_counts"]!.ToJsonString());
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI)]
    [InlineData(BatchAsking.SiliconFlow)]
    public async Task An_expired_batch_has_what_was_done(string address)
    {
        using var asking = new BatchAsking(address, ("BatchExpireAt", 0.5));
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(4)));
        Assert.Equal("expired", (string)batch["status"]!);
        Assert.NotNull(batch["expired_at"]);
        Assert.Null(batch["completed_at"]);
        Assert.Equal(["r0", "r1"], BatchAsking.Ids(await asking.ResultsAsync(batch)));
        var errors = await asking.ResultsAsync(batch, "error_file_id");
        Assert.Equal(["r2", "r3"], BatchAsking.Ids(errors));
        Assert.Null(errors[0]["response"]);
        Assert.Equal(
            """{"code":"batch_expired","message":"This request could not be executed before the completion window expired."}""",
                errors[0]["error"]!.ToJsonString());
        Assert.Equal("""{"total":4,"completed":2,"failed":2}""", batch["request_counts"]!.ToJsonString());
        Assert.Equal(2, asking.Handler.Batches.Count().Answered);
    }

    [Fact]
    public async Task A_batch_can_expire_with_nothing_done()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchExpireAt", 0));
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(2)));
        Assert.Equal("expired", (string)batch["status"]!);
        Assert.Null(batch["output_file_id"]);
        Assert.Equal(2, (await asking.ResultsAsync(batch, "error_file_id")).Count);
    }

    [Fact]
    public async Task A_batch_can_fail_as_a_whole()
    {
        using var openAI = new BatchAsking(BatchAsking.OpenAI, ("BatchFailure", "Enqueued token limit reached"));
        var batch = await openAI.BatchAsync(await openAI.SubmitAsync(openAI.Lines(2)));
        Assert.Equal("failed", (string)batch["status"]!);
        Assert.Equal("Enqueued token limit reached", (string)batch["errors"]!["data"]![0]!["message"]!);
        using var siliconFlow = new BatchAsking(BatchAsking.SiliconFlow, ("BatchFailure", "no"));
        Assert.Equal("[\"no\"]",
            (await siliconFlow.BatchAsync(await siliconFlow.SubmitAsync(siliconFlow.Lines(2))))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task Results_can_come_in_an_order_by_seed()
    {
        async Task<List<string>> RunAsync(int seed)
        {
            using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchShuffle", true), ("Seed", seed));
            return BatchAsking.Ids(await asking.ResultsAsync(await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(50)))));
        }

        var order = await RunAsync(1);
        Assert.Equal(50, order.Distinct().Count());
        Assert.NotEqual(order.OrderBy(id => int.Parse(id.Substring(1), CultureInfo.InvariantCulture)), order);
        Assert.Equal(order, await RunAsync(1));
        Assert.NotEqual(order, await RunAsync(2));
    }

    [Fact]
    public async Task Ids_can_be_nested_or_not_at_any_provider()
    {
        using var nested = new BatchAsking(BatchAsking.OpenAI, ("BatchNestedIds", true));
        var file = await nested.UploadAsync(nested.Lines(1));
        var batch = await nested.CreateAsync(file);
        Assert.Null(batch["id"]);
        Assert.StartsWith("batch_", (string)batch["data"]!["id"]!, StringComparison.Ordinal);

        using var flat = new BatchAsking(BatchAsking.SiliconFlow, ("BatchNestedIds", false));
        Assert.StartsWith("file-", (string)(await flat.GoodAsync(HttpMethod.Post, "files", BatchAsking.Form("{}")))["id"]!,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_limit_of_lines_can_be_set()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchMaxLines", 2));
        Assert.Equal("completed", (string)(await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(2))))["status"]!);
        var over = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(3)));
        Assert.Equal("too_many_tasks", (string)over["errors"]!["data"]![0]!["code"]!);
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI)]
    [InlineData(BatchAsking.SiliconFlow)]
    public async Task A_batch_is_cancelled_with_what_was_done(string address)
    {
        using var asking = new BatchAsking(address, ("BatchPolls", 4));
        var id = await asking.SubmitAsync(asking.Lines(13));
        await asking.BatchAsync(id);
        var batch = await asking.GoodAsync(HttpMethod.Post, $"batches/{id}/cancel");
        Assert.Equal("cancelling", (string)batch["status"]!);
        Assert.Equal(HttpStatusCode.OK, (await asking.SendAsync(HttpMethod.Post, $"batches/{id}/cancel")).Status);
        batch = await asking.BatchAsync(id);
        Assert.Equal("cancelled", (string)batch["status"]!);
        Assert.Equal(3, (await asking.ResultsAsync(batch)).Count);
        var errors = await asking.ResultsAsync(batch, "error_file_id");
        Assert.Equal(10, errors.Count);
        Assert.Equal("batch_cancelled", (string)errors[0]["error"]!["code"]!);
        Assert.Equal(3, asking.Handler.Batches.Count().Answered);
    }

    [Fact]
    public async Task A_batch_of_a_bad_file_that_is_cancelled_in_time_has_no_results()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchPolls", 2));
        var id = await asking.SubmitAsync(asking.Line("a", "x") + "\nbad");
        await asking.GoodAsync(HttpMethod.Post, $"batches/{id}/cancel");
        var batch = await asking.BatchAsync(id);
        Assert.Equal("cancelled", (string)batch["status"]!);
        Assert.Null(batch["output_file_id"]);
        Assert.Null(batch["error_file_id"]);
    }

    [Fact]
    public async Task A_batch_can_be_cancelled_before_it_starts()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchPolls", 2));
        var id = await asking.SubmitAsync(asking.Lines(2));
        await asking.GoodAsync(HttpMethod.Post, $"batches/{id}/cancel");
        var batch = await asking.BatchAsync(id);
        Assert.Equal("cancelled", (string)batch["status"]!);
        Assert.Null(batch["output_file_id"]);
        Assert.Equal(2, (await asking.ResultsAsync(batch, "error_file_id")).Count);
    }
}
