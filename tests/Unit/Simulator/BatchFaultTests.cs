using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using LlmPs.Simulator;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>Faults of uploads, batches and downloads.</summary>
public class BatchFaultTests
{
    [Fact]
    public async Task A_fault_can_be_aimed_at_a_method_and_path()
    {
        using var asking =
            new BatchAsking(BatchAsking.OpenAI, ("Faults", Asking.Fault("Unavailable", ("Path", "POST /openai/v1/batches"))));
        var file = await asking.UploadAsync(asking.Lines(1));
        var request = BatchAsking.Content(BatchAsking.Request(file));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await asking.SendAsync(HttpMethod.Post, "batches", request)).Status);
        await asking.GetAsync("batches");
        await asking.Asking.AnswerAsync(Asking.OpenAI, "x");
        Assert.Equal(0, asking.Handler.Batches.Count().Batches);
    }

    [Fact]
    public async Task Attempts_of_the_same_upload_are_counted_as_one_though_the_boundary_differs()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Faults", Asking.Fault("ServerError", ("Times", 1))));
        Assert.Equal(HttpStatusCode.InternalServerError, (await asking.SendAsync(HttpMethod.Post, "files", BatchAsking.Form("{}"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await asking.SendAsync(HttpMethod.Post, "files", BatchAsking.Form("{}"))).Status);
        Assert.Equal(HttpStatusCode.InternalServerError, (await asking.SendAsync(HttpMethod.Post, "files", BatchAsking.Form("[]"))).Status);
    }

    [Theory]
    [InlineData("Reset")]
    [InlineData("ConnectionFailed")]
    public async Task A_connection_that_breaks_in_an_upload_leaves_no_file(string fault)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Faults", fault));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => asking.UploadAsync("{}"));
        Assert.Equal(0, asking.Handler.Batches.Count().Files);
        Assert.Equal(0, asking.Handler.Counters.InFlight);
    }

    [Theory]
    [InlineData("Reset", 0)]
    [InlineData("Timeout504", 504)]
    [InlineData("HtmlPage", 200)]
    public async Task The_answer_to_a_batch_that_was_created_can_be_lost(string fault, int status)
    {
        var lost = Asking.Fault(fault, ("Path", "POST /openai/v1/batches"), ("Applied", true));
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Faults", lost));
        var request = BatchAsking.Request(await asking.UploadAsync(asking.Lines(1)), ("metadata", new JsonObject { ["run"] = "7" }));
        var seen = 0;
        try
        {
            using var response = await asking.Asking.SendAsync(
                new HttpRequestMessage(HttpMethod.Post, BatchAsking.OpenAI + "batches") { Content = BatchAsking.Content(request) });
            seen = (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            // No answer at all.
        }

        Assert.Equal(status, seen);
        Assert.Equal("7", (string)(await asking.GetAsync("batches"))["data"]![0]!["metadata"]!["run"]!);
    }

    [Fact]
    public async Task A_download_can_be_cut()
    {
        using var asking =
            new BatchAsking(BatchAsking.OpenAI, ("Faults", Asking.Fault("CutStream", ("Path", "/content"), ("AfterBytes", 100))));
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(20)));
        var cut = await Assert.ThrowsAnyAsync<Exception>(() => asking.ResultsAsync(batch));
        Assert.True(cut is IOException or HttpRequestException, cut.ToString());
        Assert.Equal(0, asking.Handler.Counters.InFlight);
    }

    [Fact]
    public async Task A_download_can_end_in_the_middle_of_a_line_without_a_sign()
    {
        var fault = Asking.Fault("CutClean", ("Path", "/content"), ("AfterBytes", 100));
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Faults", fault));
        var batch = await asking.BatchAsync(await asking.SubmitAsync(asking.Lines(20)));
        using var response = await asking.Asking.GetAsync(BatchAsking.OpenAI + "files/" + batch["output_file_id"] + "/content");
        Assert.Equal(100, (await response.Content.ReadAsByteArrayAsync()).Length);
    }

    [Theory]
    [InlineData("RateLimit", 429)]
    [InlineData("Unauthorized", 401)]
    [InlineData("StreamError", 200)]
    [InlineData("InvalidJson", 200)]
    [InlineData("EmptyBody", 200)]
    public async Task A_poll_can_meet_any_fault(string fault, int status)
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Faults", Asking.Fault(fault, ("Path", "GET /openai/v1/batches/"))));
        var id = await asking.SubmitAsync(asking.Lines(1));
        using var response = await asking.Asking.GetAsync(BatchAsking.OpenAI + "batches/" + id);
        Assert.Equal(status, (int)response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("request_counts\":{\"total\":1,\"completed\":1,\"failed\":0},\"metadata\":null}", text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_has_requests_about_batches_and_not_the_content_of_long_files()
    {
        using var asking = new BatchAsking(BatchAsking.OpenAI, ("Record", 10));
        await asking.SubmitAsync(asking.Lines(1000));
        var requests = asking.Handler.Log.Requests();
        Assert.Equal(["1 POST /openai/v1/files", "2 POST /openai/v1/batches"],
            Array.ConvertAll(requests, request => $"{request.Ordinal} {request.Method} {request.Path}"));
        Assert.Empty(requests[0].Body);
        Assert.NotEmpty(requests[1].Body);
    }
}
