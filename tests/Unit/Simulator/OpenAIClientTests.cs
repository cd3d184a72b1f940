#pragma warning disable OPENAI001 // Its batch client is marked as experimental.
using System;
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using LlmPs.Pacing;
using LlmPs.SimulatorHost;
using OpenAI;
using OpenAI.Batch;
using OpenAI.Chat;
using OpenAI.Files;
using Xunit;
using OpenAICompletion = OpenAI.Chat.ChatCompletion;
using OpenAIMessage = OpenAI.Chat.ChatMessage;
using OpenAITool = OpenAI.Chat.ChatTool;

namespace LlmPs.Unit.Simulator;

/// <summary>OpenAI's own client as an independent reader of the simulator's answers.</summary>
public sealed class OpenAIClientTests : IDisposable
{
    private readonly LoopbackServer _server = new(Asking.Options(("LatencyMs", 1)));

    public void Dispose() => _server.Dispose();

    [Theory]
    [InlineData("openai/v1")]
    [InlineData("siliconflow/v1")]
    public async Task It_reads_plain_answers(string path)
    {
        OpenAICompletion completion = await Client(path).CompleteChatAsync("你好 👍🏽");
        Assert.Equal("Echo: 你好 👍🏽", completion.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        Assert.True(completion.Usage.TotalTokenCount > 0);
    }

    [Theory]
    [InlineData("openai/v1")]
    [InlineData("siliconflow/v1")]
    public async Task It_reads_streams(string path)
    {
        var text = new StringBuilder();
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        await foreach (var update in Client(path).CompleteChatStreamingAsync("你好 👍🏽"))
        {
            foreach (var part in update.ContentUpdate) text.Append(part.Text);
            usage = update.Usage ?? usage;
            finish = update.FinishReason ?? finish;
        }

        Assert.Equal("Echo: 你好 👍🏽", text.ToString());
        Assert.Equal(ChatFinishReason.Stop, finish);
        Assert.True(usage!.TotalTokenCount > 0);
    }

    [Theory]
    [InlineData("openai/v1")]
    [InlineData("siliconflow/v1")]
    public async Task It_calls_tools_and_gets_the_final_answer(string path)
    {
        var client = Client(path);
        var options = new ChatCompletionOptions { Tools = { OpenAITool.CreateFunctionTool("weather") } };
        var messages = new List<OpenAIMessage> { new UserChatMessage("""[[call:weather {"city":"Basel"}]]""") };
        OpenAICompletion completion = await client.CompleteChatAsync(messages, options);
        Assert.Equal(ChatFinishReason.ToolCalls, completion.FinishReason);
        var call = Assert.Single(completion.ToolCalls);
        Assert.Equal("""{"city":"Basel"}""", call.FunctionArguments.ToString());

        messages.Add(new AssistantChatMessage(completion));
        messages.Add(new ToolChatMessage(call.Id, "12 °C"));
        Assert.Equal("Tool results: 12 °C", ((OpenAICompletion)await client.CompleteChatAsync(messages, options)).Content[0].Text);
    }

    [Theory]
    [InlineData("openai/v1")]
    [InlineData("siliconflow/v1")]
    public async Task It_puts_streamed_tool_calls_together(string path)
    {
        var options = new ChatCompletionOptions { Tools = { OpenAITool.CreateFunctionTool("weather") } };
        var names = new List<string>();
        var arguments = new StringBuilder();
        await foreach (var update in Client(path).CompleteChatStreamingAsync(
            [new UserChatMessage("""[[call:weather {"city":"Basel"}]]""")], options))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                if (call.FunctionName is { Length: > 0 } name) names.Add(name);
                arguments.Append(call.FunctionArgumentsUpdate);
            }
        }

        Assert.Equal(["weather"], names);
        Assert.Equal("""{"city":"Basel"}""", arguments.ToString());
    }

    [Fact]
    public async Task It_reads_refusals()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(() => Client("openai/v1", "invalid").CompleteChatAsync("hi"));
        Assert.Equal(401, error.Status);
        Assert.Contains("Incorrect API key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_submits_a_batch_and_reads_the_results()
    {
        _server.Reset(Asking.Options(("BatchPolls", 3), ("BatchErrorMatch", "p1"), ("BatchErrorStatus", 429), ("BatchShuffle", true)));
        using var lines = new BatchAsking(BatchAsking.OpenAI);
        var files = new OpenAIFileClient(new ApiKeyCredential("key"), Options("openai/v1"));
        OpenAIFile file = await files.UploadFileAsync(BinaryData.FromString(lines.Lines(3)), "rows.jsonl", FileUploadPurpose.Batch);
        Assert.Equal(("rows.jsonl", FilePurpose.Batch), (file.Filename, file.Purpose));
        Assert.Equal(file.Id, Assert.Single((OpenAIFileCollection)await files.GetFilesAsync(FilePurpose.Batch)).Id);

        var batches = new BatchClient(new ApiKeyCredential("key"), Options("openai/v1"));
        var operation = await batches.CreateBatchAsync(
            Body(BatchAsking.Request(file.Id, ("metadata", new JsonObject { ["run"] = "7" }))), waitUntilCompleted: false);
        for (var i = 0; i < 3; i++) await operation.UpdateStatusAsync();
        Assert.True(operation.HasCompleted);
        var job = Assert.Single(await batches.GetBatchesAsync().ToListAsync());
        Assert.Equal((operation.BatchId, "24h", "7"), (job.Id, job.CompletionWindow, job.Metadata["run"]));
        Assert.NotNull(job.CompletedAt);

        BinaryData output = await files.DownloadFileAsync(job.OutputFileId);
        Assert.Equal(["r0", "r2"], Results(output).Select(line => (string)line["custom_id"]!).Order());
        // The body of a line is a completion that the client reads.
        var completion =
            ModelReaderWriter.Read<OpenAICompletion>(BinaryData.FromString(Results(output)[0]["response"]!["body"]!.ToJsonString()))!;
        Assert.StartsWith("Echo: p", completion.Content[0].Text, StringComparison.Ordinal);
        var error = Assert.Single(Results(await files.DownloadFileAsync(job.ErrorFileId)));
        Assert.Equal(429, (int)error["response"]!["status_code"]!);

        Assert.True(((FileDeletionResult)await files.DeleteFileAsync(file.Id)).Deleted);
        var late = await Assert.ThrowsAsync<ClientResultException>(() => operation.CancelAsync(new RequestOptions()));
        Assert.Equal(409, late.Status);
    }

    [Fact]
    public async Task It_submits_and_cancels_a_batch_at_SiliconFlow()
    {
        _server.Reset(Asking.Options(("BatchPolls", 5)));
        using var lines = new BatchAsking(BatchAsking.SiliconFlow);
        var files = new OpenAIFileClient(new ApiKeyCredential("key"), Options("siliconflow/v1"));
        var form = BatchAsking.Form(lines.Lines(3));
        var uploaded = await files.UploadFileAsync(
            BinaryContent.Create(await form.ReadAsStreamAsync()), form.Headers.ContentType!.ToString(), new RequestOptions());
        var fileId = (string)Json(uploaded)["data"]!["id"]!;

        var batches = new BatchClient(new ApiKeyCredential("key"), Options("siliconflow/v1"));
        var operation = await batches.CreateBatchAsync(Body(BatchAsking.Request(fileId)), waitUntilCompleted: false);
        Assert.Equal("in_progress", (string)Json(await operation.GetBatchAsync(new RequestOptions()))["status"]!);
        Assert.Equal("cancelling", (string)Json(await operation.CancelAsync(new RequestOptions()))["status"]!);
        Assert.Equal("cancelled", (string)Json(await batches.GetBatchAsync(operation.BatchId, new RequestOptions()))["status"]!);
        Assert.Equal(operation.BatchId, Assert.Single(await batches.GetBatchesAsync().ToListAsync()).Id);
    }

    private static JsonNode Json(ClientResult result) => JsonNode.Parse(result.GetRawResponse().Content)!;

    private static BinaryContent Body(JsonNode body) => BinaryContent.Create(BinaryData.FromString(body.ToJsonString()));

    private static List<JsonNode> Results(BinaryData file) =>
        [.. file.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];

    private OpenAIClientOptions Options(string path) =>
        new() { Endpoint = new Uri(_server.BaseUri, path), RetryPolicy = new ClientRetryPolicy(0) };

    private ChatClient Client(string path, string key = "key") => new(
        "deepseek-ai/DeepSeek-V3",
        new ApiKeyCredential(key),
        Options(path));
}
