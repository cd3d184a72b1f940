using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>Plain answers, field by field against the samples of the seed documents.</summary>
public class AnswerShapeTests
{
    private const string GenStudioSample = """
        {"id":"5fe13c4a4ffc4fb884d571195fceab0b","object":"chat.completion","created":1757680008,"model":"string",
         "choices":[{"index":0,"message":{"role":"user","content":"9.11 和 9.8 谁大？"},"finish_reason":"length"}],
         "usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{}},"blocked":true}
        """;

    private const string CloudswaySample = """
        {"id":"chatcmpl-lHhTva9flc1dlUBqu4pPADmq","choices":[{"index":0,"message":{"role":"assistant","content":"Hello! How can I help you today?",
         "reasoning_content":"We are starting a conversation with the user."},"finish_reason":"stop","native_finish_reason":"stop"}],
         "created":1780299859,"model":"MaaS_Deepseek_V4_pro_20260424","object":"chat.completion",
         "system_fingerprint":"fp_9954b31ca7_prod0820_fp8_kvcache_20260402",
         "usage":{"prompt_tokens":10,"completion_tokens":68,"total_tokens":78,
         "completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"image_tokens":0,"reasoning_tokens":58,"rejected_prediction_tokens":0},
         "prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0,"image_tokens":0},"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":10}}
        """;

    [Fact]
    public async Task GenStudio_answers_with_the_fields_of_its_sample()
    {
        using var asking = new Asking();
        var answer = await asking.AnswerAsync(Asking.GenStudio, "9.11 和 9.8 谁大？ [[blocked]]");
        var sample = JsonNode.Parse(GenStudioSample)!;
        Assert.Equal(Asking.Fields(sample), Asking.Fields(answer));
        Assert.Equal(Asking.Fields(sample["choices"]![0]), Asking.Fields(answer["choices"]![0]));
        Assert.Equal(Asking.Fields(sample["choices"]![0]!["message"]), Asking.Fields(answer["choices"]![0]!["message"]));
        Assert.Equal(Asking.Fields(sample["usage"]), Asking.Fields(answer["usage"]));
        Assert.Matches("^[0-9a-f]{32}$", (string)answer["id"]!);
        Assert.Equal("user", (string)answer["choices"]![0]!["message"]!["role"]!);
        Assert.True((bool)answer["blocked"]!);
    }

    [Fact]
    public async Task GenStudio_shows_blocked_only_where_moderation_hit()
    {
        using var asking = new Asking();
        Assert.Null((await asking.AnswerAsync(Asking.GenStudio, "hi"))["blocked"]);
    }

    [Fact]
    public async Task Cloudsway_answers_with_the_fields_of_its_sample()
    {
        using var asking = new Asking();
        var answer = await asking.AnswerAsync(Asking.Cloudsway, "Hi");
        SameShape(JsonNode.Parse(CloudswaySample)!, answer, "$");
        Assert.Matches("^chatcmpl-[A-Za-z0-9]{24}$", (string)answer["id"]!);
        Assert.Equal((int)answer["usage"]!["prompt_tokens"]!, (int)answer["usage"]!["prompt_cache_miss_tokens"]!);
    }

    [Fact]
    public async Task SiliconFlow_carries_its_trace_header()
    {
        using var asking = new Asking();
        using var response = await asking.SendAsync(Asking.SiliconFlow, Asking.Body(Asking.SiliconFlow, "hi").ToJsonString());
        Assert.True(response.Headers.Contains("x-siliconcloud-trace-id"));
    }

    [Theory]
    [InlineData("http://127.0.0.1/maas/qwen3-32b/amd/chat/completions", "^[0-9a-f]{32}$")]
    [InlineData("https://genaiapi.cloudsway.net/v1/ai/mine/chat/completions", "^chatcmpl-[A-Za-z0-9]{24}$")]
    [InlineData("https://api.siliconflow.cn/v1/chat/completions", "^[0-9a-f]{32}$")]
    [InlineData("http://localhost:8080/v1/chat/completions", "^chatcmpl-[0-9a-f]{24}$")]
    public async Task The_provider_follows_from_path_and_host(string address, string id)
    {
        using var asking = new Asking();
        (_, var answer) = await asking.AskAsync(address, Asking.Body(Asking.GenStudio, "hi"));
        Assert.Matches(id, (string)answer!["id"]!);
    }

    [Fact]
    public async Task The_same_request_gets_the_same_answer_in_every_simulator()
    {
        using var one = new Asking();
        using var other = new Asking();
        var body = Asking.Body(Asking.Cloudsway, "again");
        Assert.Equal(await one.TextAsync(Asking.Cloudsway, body), await other.TextAsync(Asking.Cloudsway, body));
    }

    [Fact]
    public async Task The_three_listings_have_their_shapes()
    {
        using var asking = new Asking();
        async Task<JsonNode> List(string path) =>
            JsonNode.Parse(await (await asking.GetAsync("http://simulated.invalid/" + path)).Content.ReadAsStringAsync())!;

        var genStudio = (await List("genstudio/maas/v1/models"))["data"]!.AsArray();
        Assert.Equal((string)genStudio[0]!["id"]!, (string)genStudio[^1]!["id"]!);
        Assert.NotNull(genStudio[0]!["context_length"]);
        Assert.Equal("1780299859", (string)(await List("cloudsway/v1/models"))["data"]![0]!["created"]!);
        Assert.NotNull((await List("siliconflow/v1/models?type=text&sub_type=chat"))["data"]![0]!["owned_by"]);

        using var nested = new Asking(("NestedModels", true));
        using var response = await nested.GetAsync("http://simulated.invalid/genstudio/maas/v1/models");
        Assert.NotNull(JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]!["data"]);
    }

    private static void SameShape(JsonNode sample, JsonNode actual, string path)
    {
        Assert.Equal(sample.GetValueKind(), actual.GetValueKind());
        if (sample is JsonArray items)
        {
            SameShape(items[0]!, actual[0]!, path + "[0]");
        }
        else if (sample is JsonObject fields)
        {
            Assert.Equal(fields.Select(field => field.Key).Order(), actual.AsObject().Select(field => field.Key).Order());
            foreach (var field in fields) SameShape(field.Value!, actual[field.Key]!, path + "." + field.Key);
        }
    }
}
