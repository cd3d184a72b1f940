using System;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Simulator.Batches;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>What is refused about files and batches, at once or in validation.</summary>
public class BatchRefusalTests
{
    [Theory]
    [InlineData("http://simulated.invalid/genstudio/maas/v1/")]
    [InlineData("http://simulated.invalid/cloudsway/v1/")]
    public async Task Providers_without_batches_do_not_know_the_paths(string address)
    {
        using var asking = new BatchAsking(address);
        Assert.Equal(HttpStatusCode.NotFound, (await asking.SendAsync(HttpMethod.Post, "files", BatchAsking.Form("{}"))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await asking.SendAsync(HttpMethod.Get, "batches")).Status);
        Assert.Equal(0, asking.Handler.Counters.BatchRequests);
    }

    [Theory]
    [InlineData("PUT", "files")]
    [InlineData("POST", "files/x")]
    [InlineData("POST", "files/x/content")]
    [InlineData("GET", "files/x/other")]
    [InlineData("DELETE", "batches/x")]
    [InlineData("GET", "batches/x/cancel")]
    [InlineData("GET", "files/x/content/y")]
    public async Task A_method_or_path_that_is_not_documented_is_a_404(string method, string path)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        Assert.Equal(HttpStatusCode.NotFound, (await asking.SendAsync(new HttpMethod(method), path)).Status);
        Assert.Equal(0, asking.Handler.Counters.BatchRequests);
    }

    [Theory]
    [InlineData("GET", "files/x")]
    [InlineData("DELETE", "files/x")]
    [InlineData("GET", "files/x/content")]
    [InlineData("GET", "batches/x")]
    [InlineData("POST", "batches/x/cancel")]
    public async Task An_unknown_id_is_a_404_in_the_providers_envelope(string method, string path)
    {
        using var openAI = new BatchAsking(BatchAsking.OpenAI);
        (var status, var json) = await openAI.SendAsync(new HttpMethod(method), path);
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("x", (string)json!["error"]!["message"]!, StringComparison.Ordinal);

        using var siliconFlow = new BatchAsking(BatchAsking.SiliconFlow);
        (status, json) = await siliconFlow.SendAsync(new HttpMethod(method), path);
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("x", (string)json!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_key_is_refused()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow) { Asking = { Key = "invalid" } };
        Assert.Equal(HttpStatusCode.Unauthorized, (await asking.SendAsync(HttpMethod.Get, "batches")).Status);
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI, "other", "rows.jsonl", "{}", "purpose")]
    [InlineData(BatchAsking.OpenAI, null, "rows.jsonl", "{}", "purpose")]
    [InlineData(BatchAsking.OpenAI, "batch", "rows.csv", "{}", "file")]
    [InlineData(BatchAsking.OpenAI, "batch", "rows.jsonl", "", "file")]
    [InlineData(BatchAsking.SiliconFlow, "user_data", "rows.jsonl", "{}", null)]
    public async Task An_upload_of_another_kind_is_refused(string address, string? purpose, string name, string text, string? parameter)
    {
        using var asking = new BatchAsking(address);
        (var status, var json) = await asking.SendAsync(HttpMethod.Post, "files", BatchAsking.Form(text, purpose, name));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(parameter, (string?)json!["error"]?["param"]);
        Assert.Equal(0, asking.Handler.Batches.Count().Files);
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=purpose\r\n\r\nbatch\r\n--b--\r\n")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=file; filename=a.jsonl\r\n\r\n{}")]
    [InlineData("multipart/form-data; boundary=b", "--c\r\n\r\n--c--")]
    [InlineData("multipart/form-data", "--b--")]
    [InlineData("application/json", "{}")]
    public async Task An_upload_that_is_not_a_complete_form_with_a_file_is_refused(string type, string body)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        Assert.Equal(HttpStatusCode.BadRequest, (await asking.SendAsync(HttpMethod.Post, "files", content)).Status);
    }

    [Fact]
    public async Task A_file_over_the_limit_of_bytes_is_a_413()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("BatchMaxBytes", 10));
        await asking.UploadAsync(new string(' ', 10));
        (var status, _) = await asking.SendAsync(HttpMethod.Post, "files", BatchAsking.Form(new string(' ', 11)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
    }

    [Theory]
    [InlineData(SimulatedProvider.OpenAICompatible, 209_715_200L)]
    [InlineData(SimulatedProvider.SiliconFlow, 1_073_741_824L)]
    public void The_limit_of_bytes_is_the_providers(SimulatedProvider provider, long bytes) =>
        Assert.Equal(bytes, BatchRules.Of(provider).MaxBytes);

    [Theory]
    [InlineData("endpoint", "\"/v1/embeddings\"", "endpoint")]
    [InlineData("endpoint", "null", "endpoint")]
    [InlineData("completion_window", "\"48h\"", "completion_window")]
    [InlineData("completion_window", "24", "completion_window")]
    [InlineData("completion_window", "null", "completion_window")]
    [InlineData("input_file_id", "null", "input_file_id")]
    [InlineData("input_file_id", "\"file-x\"", "input_file_id")]
    [InlineData("metadata", "[]", "metadata")]
    [InlineData("metadata", """{"a":1}""", "metadata")]
    public async Task A_batch_that_the_documents_do_not_allow_is_a_400(string field, string value, string parameter)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var body = BatchAsking.Request(await asking.UploadAsync(asking.Lines(1)), (field, JsonNode.Parse(value)));
        (var status, var json) = await asking.SendAsync(HttpMethod.Post, "batches", BatchAsking.Content(body));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(parameter, (string)json!["error"]!["param"]!);
        Assert.Equal(0, asking.Handler.Batches.Count().Batches);
    }

    [Theory]
    [InlineData(16, 64, 512, HttpStatusCode.OK)]
    [InlineData(17, 64, 512, HttpStatusCode.BadRequest)]
    [InlineData(16, 65, 512, HttpStatusCode.BadRequest)]
    [InlineData(16, 64, 513, HttpStatusCode.BadRequest)]
    public async Task Metadata_has_limits(int pairs, int key, int value, HttpStatusCode expected)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var metadata = new JsonObject();
        for (var i = 0; i < pairs; i++)
            metadata[i.ToString("d2", CultureInfo.InvariantCulture).PadRight(key, 'k')] = new string('v', value);
        var body = BatchAsking.Request(await asking.UploadAsync(asking.Lines(1)), ("metadata", metadata));
        Assert.Equal(expected, (await asking.SendAsync(HttpMethod.Post, "batches", BatchAsking.Content(body))).Status);
    }

    [Theory]
    [InlineData("23h", HttpStatusCode.BadRequest)]
    [InlineData("24h", HttpStatusCode.OK)]
    [InlineData("336h", HttpStatusCode.OK)]
    [InlineData("337h", HttpStatusCode.BadRequest)]
    public async Task SiliconFlows_window_is_24_to_336_hours(string window, HttpStatusCode expected)
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var body = BatchAsking.Request(await asking.UploadAsync(asking.Lines(1)), ("completion_window", window));
        Assert.Equal(expected, (await asking.SendAsync(HttpMethod.Post, "batches", BatchAsking.Content(body))).Status);
    }

    [Fact]
    public async Task A_body_that_is_not_a_JSON_object_is_a_400()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        foreach (var body in new[] { "", "{", "[]" })
            Assert.Equal(HttpStatusCode.BadRequest, (await asking.SendAsync(HttpMethod.Post, "batches", new StringContent(body))).Status);
    }

    [Fact]
    public async Task A_file_of_another_purpose_is_refused()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var body = BatchAsking.Request(await asking.UploadAsync(asking.Lines(1), "user_data"));
        (var status, var json) = await asking.SendAsync(HttpMethod.Post, "batches", BatchAsking.Content(body));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("user_data", (string)json!["error"]!["message"]!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("batches?limit=0")]
    [InlineData("batches?limit=101")]
    [InlineData("batches?limit=x")]
    [InlineData("batches?after=batch_x")]
    [InlineData("files?limit=10001")]
    public async Task A_page_that_is_not_documented_is_a_400(string path)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        Assert.Equal(HttpStatusCode.BadRequest, (await asking.SendAsync(HttpMethod.Get, path)).Status);
    }

    [Fact]
    public async Task SiliconFlows_list_of_files_needs_the_purpose()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        Assert.Equal(HttpStatusCode.BadRequest, (await asking.SendAsync(HttpMethod.Get, "files")).Status);
    }

    [Theory]
    [InlineData("""{"custom_id":"b",""", "invalid_json_line", null)]
    [InlineData("[]", "invalid_json_line", null)]
    [InlineData("""{"custom_id":"\ud800"}""", "invalid_json_line", null)]
    [InlineData("""{"method":"POST","url":"/v1/chat/completions","body":{}}""", "missing_required_parameter", "custom_id")]
    [InlineData("""{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}}""", "duplicate_custom_id",
        "custom_id")]
    [InlineData("""{"custom_id":"b","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}}""", "missing_required_parameter",
        "method")]
    [InlineData("""{"custom_id":"b","method":"POST","body":{"model":"gpt-4o-mini"}}""", "missing_required_parameter", "url")]
    [InlineData("""{"custom_id":"b","method":"GET","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}}""", "invalid_method",
        "method")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/embeddings","body":{"model":"gpt-4o-mini"}}""", "invalid_url", "url")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":[]}""", "missing_required_parameter", "body")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{}}""", "missing_required_parameter", "body.model")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"other"}}""", "mismatched_model",
        "body.model")]
    public async Task A_bad_line_fails_the_batch_and_is_named(string line, string code, string? parameter)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Line("a", "x") + "\n\n" + line + "\n"));
        Assert.Equal("failed", (string)batch["status"]!);
        Assert.NotNull(batch["failed_at"]);
        Assert.Null(batch["in_progress_at"]);
        Assert.Null(batch["output_file_id"]);
        Assert.Equal("list", (string)batch["errors"]!["object"]!);
        var error = Assert.Single(batch["errors"]!["data"]!.AsArray())!;
        Assert.Equal(["code", "message", "param", "line"], error.AsObject().Select(field => field.Key));
        Assert.Equal((code, parameter, 3), ((string)error["code"]!, (string?)error["param"], (int)error["line"]!));
    }

    [Theory]
    [InlineData("""[{"role":"tool","content":"x"},{"role":"user","content":"x"}]""", "role")]
    [InlineData("""[{"role":"user","content":"x"},{"role":"assistant","content":"x"}]""", "end with a user message")]
    [InlineData("[]", "messages")]
    public async Task SiliconFlow_limits_the_messages_of_a_line(string messages, string named)
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Line("a", "x", ("messages", JsonNode.Parse(messages)))));
        Assert.Equal("failed", (string)batch["status"]!);
        var error = (string)Assert.Single(batch["errors"]!.AsArray())!;
        Assert.StartsWith("line 1: ", error, StringComparison.Ordinal);
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SiliconFlow_wants_one_model_without_replace()
    {
        using var asking = new BatchAsking(BatchAsking.SiliconFlow);
        var batch = await asking.BatchAsync(
            await asking.SubmitAsync(asking.Line("a", "x") + "\n" + asking.Line("b", "x", ("model", "other"))));
        Assert.Equal("failed", (string)batch["status"]!);
    }

    [Fact]
    public async Task A_file_of_blank_lines_fails_the_batch()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        var batch = await asking.BatchAsync(await asking.SubmitAsync("\n \r\n"));
        Assert.Equal("empty_file", (string)batch["errors"]!["data"]![0]!["code"]!);
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI, 50_000)]
    [InlineData(BatchAsking.SiliconFlow, 5_000)]
    public async Task A_line_more_than_the_limit_fails_the_batch(string address, int limit)
    {
        using var asking = new BatchAsking(address);
        var lines = asking.Lines(limit);
        var within = await asking.SubmitAsync(lines);
        var over = await asking.SubmitAsync(lines + asking.Line("more", "x"));
        Assert.Equal("completed", (string)(await asking.BatchAsync(within))["status"]!);
        var batch = await asking.BatchAsync(over);
        Assert.Equal("failed", (string)batch["status"]!);
        Assert.Contains(limit.ToString(CultureInfo.InvariantCulture), batch["errors"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_is_refused_live_fails_its_line_alone()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI);
        string[] lines = [asking.Line("a", "x", ("temperature", 3)), asking.Line("b", "x"), asking.Line("c", "x", ("stream", true))];
        var batch = await asking.BatchAsync(await asking.SubmitAsync(string.Join("\n", lines)));
        Assert.Equal("completed", (string)batch["status"]!);
        Assert.Equal("""{"total":3,"completed":1,"failed":2}""", batch["request_counts"]!.ToJsonString());
        Assert.Equal(["b"], BatchAsking.Ids(await asking.ResultsAsync(batch)));
        JsonNode[] errors = [.. await asking.ResultsAsync(batch, "error_file_id")];
        Assert.Equal(["a", "c"], BatchAsking.Ids(errors));
        Assert.All(errors, line => Assert.Equal(400, (int)line["response"]!["status_code"]!));
        Assert.Equal("temperature", (string)errors[0]["response"]!["body"]!["error"]!["param"]!);
    }

    [Theory]
    [InlineData(BatchAsking.OpenAI)]
    [InlineData(BatchAsking.SiliconFlow)]
    public async Task A_batch_that_has_ended_cannot_be_cancelled(string address)
    {
        using var asking = new BatchAsking(address);
        var id = await asking.SubmitAsync(asking.Lines(1));
        Assert.Equal(HttpStatusCode.Conflict, (await asking.SendAsync(HttpMethod.Post, $"batches/{id}/cancel")).Status);
        Assert.Equal("completed", (string)(await asking.BatchAsync(id))["status"]!);
    }
}
