using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using LlmPs.Simulator;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>Files and batches on the wire, as each provider writes them.</summary>
public class BatchShapeTests
{
    [Fact]
    public async Task OpenAIs_upload_returns_the_file()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var file = await asking.GoodAsync(HttpMethod.Post, "files", BatchAsking.Form("{}\n"));
        Assert.StartsWith("file-", (string)file["id"]!, StringComparison.Ordinal);
        file["id"] = "x";
        Assert.Equal(
            """{"id":"x","object":"file","bytes":3,"created_at":1757680008,"filename":"rows.jsonl","purpose":"batch",""" +
            """ "expires_at":null,"status":"processed","status_details":null}""".TrimStart(),
            file.ToJsonString());
    }

    [Fact]
    public async Task SiliconFlows_upload_has_the_file_under_data()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var answer = await asking.GoodAsync(HttpMethod.Post, "files", BatchAsking.Form("{}\n"));
        answer["data"]!["id"] = "x";
        Assert.Equal(
            """{"code":20000,"message":"Ok","status":true,"data":{"id":"x","object":"file","bytes":3,""" +
            """ "createdAt":1757680008,"filename":"rows.jsonl","purpose":"batch"}}""".TrimStart(),
            answer.ToJsonString());
    }

    [Fact]
    public async Task SiliconFlows_list_of_files_is_nested_twice()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var id = await asking.UploadAsync("{}\n\n{}");
        Assert.Equal(
            """{"code":20000,"message":"Ok","status":true,"data":{"data":[{"id":"ID","object":"file","bytes":6,""".Replace("ID", id) +
            """ "created_at":1757680008,"filename":"rows.jsonl","purpose":"batch","line_count":2}],"object":"file"}}""".TrimStart(),
            (await asking.GetAsync("files?purpose=batch")).ToJsonString());
    }

    [Fact]
    public async Task OpenAIs_files_are_listed_newest_first_by_purpose_and_page()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var first = await asking.UploadAsync("{}");
        var second = await asking.UploadAsync("{}");
        await asking.UploadAsync("{}", "user_data");
        var page = await asking.GetAsync("files?purpose=batch&limit=1");
        Assert.Equal([second], page["data"]!.AsArray().Select(file => (string)file!["id"]!));
        Assert.True((bool)page["has_more"]!);
        var rest = await asking.GetAsync("files?purpose=batch&limit=1&after=" + second);
        Assert.Equal([first], rest["data"]!.AsArray().Select(file => (string)file!["id"]!));
        Assert.False((bool)rest["has_more"]!);
        Assert.Equal(3, (await asking.GetAsync("files"))["data"]!.AsArray().Count);
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI)]
    [InlineData(BatchAsking.SiliconFlow)]
    public async Task A_file_can_be_retrieved_read_and_deleted(string address)
    {
        using var asking = new BatchAsking(address);
        var text = asking.Line("a", "你好 👍🏽");
        var id = await asking.UploadAsync(text);
        var file = await asking.GetAsync("files/" + id);
        Assert.Equal(id, (string?)(file["id"] ?? file["data"]!["id"]));
        using var content = await asking.Asking.GetAsync(address + "files/" + id + "/content");
        Assert.Equal(text, await content.Content.ReadAsStringAsync());
        Assert.Equal("application/octet-stream", content.Content.Headers.ContentType!.MediaType);
        var deleted = await asking.GoodAsync(HttpMethod.Delete, "files/" + id);
        Assert.True((bool)(deleted["deleted"] ?? deleted["data"]!["deleted"])!);
        Assert.Equal(HttpStatusCode.NotFound, (await asking.SendAsync(HttpMethod.Get, "files/" + id)).Status);
    }

    [Fact]
    public async Task OpenAIs_new_batch_is_validating_with_counts_of_0()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var file = await asking.UploadAsync(asking.Lines(1));
        var batch = await asking.CreateAsync(file, ("metadata", new JsonObject { ["run"] = "一" }));
        Assert.StartsWith("batch_", (string)batch["id"]!, StringComparison.Ordinal);
        batch["id"] = "x";
        Assert.Equal(
            ("""{"id":"x","object":"batch","endpoint":"/v1/chat/completions","errors":null,"input_file_id":"FILE","completion_window":"24h",""" +
            """ "status":"validating","output_file_id":null,"error_file_id":null,"created_at":1757680008,"in_progress_at":null,"expires_at":1757766408,""" +
            """ "finalizing_at":null,"completed_at":null,"failed_at":null,"expired_at":null,""" +
            """ "cancelling_at":null,"cancelled_at":null,"request_counts":{"total":0,"completed":0,"failed":0},"metadata":{"run":"一"}}""")
                .Replace(" ", "").Replace("FILE", file),
            batch.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }

    [Fact]
    public async Task SiliconFlows_new_batch_is_in_queue_without_counts()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var batch = await asking.CreateAsync(await asking.UploadAsync(asking.Lines(1)), ("completion_window", "336h"));
        Assert.Equal("in_queue", (string)batch["status"]!);
        Assert.Null(batch["request_counts"]);
        Assert.Null(batch["metadata"]);
        Assert.Equal(1757680008 + 336 * 3600, (long)batch["expires_at"]!);
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI)]
    [InlineData(BatchAsking.SiliconFlow)]
    public async Task A_line_is_answered_as_a_live_request_is(string address)
    {
        using var asking = new BatchAsking(address);
        string[] lines = [asking.Line("a", "你好 👍🏽"), asking.Line("b", "x", ("max_tokens", 1)), asking.Line("c", "[[json: {\"k\":1}]]")];
        var batch = await asking.BatchAsync(await asking.SubmitAsync(string.Join("\r\n", lines)));
        Assert.Equal("completed", (string)batch["status"]!);
        Assert.Equal("""{"total":3,"completed":3,"failed":0}""", batch["request_counts"]!.ToJsonString());
        Assert.Null(batch["error_file_id"]);
        var results = await asking.ResultsAsync(batch);
        Assert.Equal(["a", "b", "c"], BatchAsking.Ids(results));
        Assert.Equal(0, asking.Handler.Counters.Requests);
        foreach ((var result, var line) in results.Zip(lines, (result, line) => (result, line)))
        {
            Assert.Equal(["id", "custom_id", "response", "error"], result.AsObject().Select(field => field.Key));
            Assert.Null(result["error"]);
            Assert.Equal(["status_code", "request_id", "body"], result["response"]!.AsObject().Select(field => field.Key));
            Assert.Equal(200, (int)result["response"]!["status_code"]!);
            var body = JsonNode.Parse(line)!["body"]!;
            Assert.Equal((await asking.Asking.AskAsync(address + "chat/completions", body))
                .Json!.ToJsonString(), result["response"]!["body"]!.ToJsonString());
        }
    }

    [Fact]
    public async Task Scripted_answers_go_in_order_over_all_batches()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Answer", new[] { "one", "two", "three" }), ("BatchShuffle", true));
        var first = await asking.SubmitAsync(asking.Lines(2));
        var second = await asking.SubmitAsync(asking.Lines(1));
        var texts = (await asking.ResultsAsync(await asking.BatchAsync(first))).ToDictionary(line => (string)line["custom_id"]!, Text);
        Assert.Equal(("one", "two"), (texts["r0"], texts["r1"]));
        Assert.Equal("three", Text((await asking.ResultsAsync(await asking.BatchAsync(second)))[0]));
    }

    [Fact]
    public async Task SiliconFlow_overrides_the_model_of_the_lines_by_replace()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var text = asking.Line("a", "x", ("model", "m1")) + "\n" + asking.Line("b", "x", ("model", "m2"));
        var id = await asking.SubmitAsync(text, ("replace", new JsonObject { ["model"] = "deepseek-ai/DeepSeek-V3" }));
        var results = await asking.ResultsAsync(await asking.BatchAsync(id));
        Assert.Equal(2, results.Count);
        Assert.All(results, line => Assert.Equal("deepseek-ai/DeepSeek-V3", (string)line["response"]!["body"]!["model"]!));
    }

    [Fact]
    public async Task SiliconFlow_takes_lines_of_custom_id_and_body_and_ignores_stream()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var line = """{"custom_id":"a","body":{"model":"Qwen/QwQ-32B","stream":true,"messages":[{"role":"user","content":"x"}]}}""";
        var batch = await asking.BatchAsync(await asking.SubmitAsync(line));
        Assert.Equal("Echo: x", Text(Assert.Single(await asking.ResultsAsync(batch))));
    }

    [Fact]
    public async Task OpenAIs_batches_are_listed_in_pages_newest_first_with_their_metadata()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var file = await asking.UploadAsync(asking.Lines(1));
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var metadata = new JsonObject { ["part"] = i.ToString(CultureInfo.InvariantCulture) };
            ids.Insert(0, (string)(await asking.CreateAsync(file, ("metadata", metadata)))["id"]!);
        }

        var page = await asking.GetAsync("batches?limit=2");
        Assert.Equal(ids.Take(2), page["data"]!.AsArray().Select(batch => (string)batch!["id"]!));
        Assert.Equal(["2", "1"], page["data"]!.AsArray().Select(batch => (string)batch!["metadata"]!["part"]!));
        Assert.True((bool)page["has_more"]!);
        Assert.Equal((ids[0], ids[1]), ((string)page["first_id"]!, (string)page["last_id"]!));
        var rest = await asking.GetAsync("batches?limit=2&after=" + ids[1]);
        Assert.Equal([ids[2]], rest["data"]!.AsArray().Select(batch => (string)batch!["id"]!));
        Assert.False((bool)rest["has_more"]!);
    }

    [Fact]
    public async Task SiliconFlows_list_of_batches_has_no_pages()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var file = await asking.UploadAsync(asking.Lines(1));
        for (var i = 0; i < 3; i++) await asking.CreateAsync(file);
        var list = await asking.GetAsync("batches?limit=1&after=batch_x");
        Assert.Equal(3, list["data"]!.AsArray().Count);
        Assert.False((bool)list["has_more"]!);
        Assert.Null((await new BatchAsking(BatchAsking.SiliconFlow).GetAsync("batches"))["first_id"]);
    }

    [Fact]
    public async Task Another_key_sees_no_files_and_no_batches()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var id = await asking.SubmitAsync(asking.Lines(1));
        asking.Asking.Key = "other";
        Assert.Equal(HttpStatusCode.NotFound, (await asking.SendAsync(HttpMethod.Get, "batches/" + id)).Status);
        Assert.Empty((await asking.GetAsync("batches"))["data"]!.AsArray());
        Assert.Empty((await asking.GetAsync("files"))["data"]!.AsArray());
    }

    [Fact]
    public async Task The_input_may_be_deleted_while_the_batch_runs()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var file = await asking.UploadAsync(asking.Lines(2));
        var id = (string)(await asking.CreateAsync(file))["id"]!;
        await asking.GoodAsync(HttpMethod.Delete, "files/" + file);
        Assert.Equal(2, (await asking.ResultsAsync(await asking.BatchAsync(id))).Count);
    }

    [Fact]
    public async Task Lines_of_a_batch_are_counted_among_the_bodies_that_were_asked()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("CountBodies", true));
        var text = asking.Lines(1);
        await asking.BatchAsync(await asking.SubmitAsync(text));
        await asking.Asking.AskAsync(Asking.OpenAI, JsonNode.Parse(text)!["body"]!);
        Assert.Equal(2, Assert.Single(asking.Handler.Log.Bodies()).Value);
        Assert.Equal((2, 1, 1L), asking.Handler.Batches.Count());
        Assert.Equal(3, asking.Handler.Counters.BatchRequests);
        Assert.Equal(0, asking.Handler.Counters.InFlight);
    }

    private static string Text(JsonNode line) => (string)line["response"]!["body"]!["choices"]![0]!["message"]!["content"]!;
}
