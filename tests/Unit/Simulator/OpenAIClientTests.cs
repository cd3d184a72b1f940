using System;
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using LlmPs.Pacing;
using LlmPs.SimulatorHost;
using OpenAI;
using OpenAI.Chat;
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
        await foreach (StreamingChatCompletionUpdate update in Client(path).CompleteChatStreamingAsync("你好 👍🏽"))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate) text.Append(part.Text);
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
        ChatClient client = Client(path);
        var options = new ChatCompletionOptions { Tools = { OpenAITool.CreateFunctionTool("weather") } };
        var messages = new List<OpenAIMessage> { new UserChatMessage("""[[call:weather {"city":"Basel"}]]""") };
        OpenAICompletion completion = await client.CompleteChatAsync(messages, options);
        Assert.Equal(ChatFinishReason.ToolCalls, completion.FinishReason);
        ChatToolCall call = Assert.Single(completion.ToolCalls);
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
        await foreach (StreamingChatCompletionUpdate update in Client(path).CompleteChatStreamingAsync(
            [new UserChatMessage("""[[call:weather {"city":"Basel"}]]""")], options))
        {
            foreach (StreamingChatToolCallUpdate call in update.ToolCallUpdates)
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
        ClientResultException error = await Assert.ThrowsAsync<ClientResultException>(() => Client("openai/v1", "invalid").CompleteChatAsync("hi"));
        Assert.Equal(401, error.Status);
        Assert.Contains("Incorrect API key", error.Message, StringComparison.Ordinal);
    }

    private ChatClient Client(string path, string key = "key") => new(
        "deepseek-ai/DeepSeek-V3",
        new ApiKeyCredential(key),
        new OpenAIClientOptions { Endpoint = new Uri(_server.BaseUri, path), RetryPolicy = new ClientRetryPolicy(0) });
}
