using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>What the providers refuse, each in its own envelope.</summary>
public class RefusalTests
{
    [Theory]
    [InlineData(Asking.GenStudio, null, 401, """{"code":60000,"msg":"token is empty"}""")]
    [InlineData(Asking.GenStudio, "invalid-1", 401, """{"code":10009,"msg":"invalid api key"}""")]
    [InlineData(Asking.GenStudio, "nobalance", 402, """{"code":40200,"msg":"insufficient balance"}""")]
    [InlineData(Asking.Cloudsway, "invalid", 401, """{"code":401,"message":"Invalid access key"}""")]
    [InlineData(Asking.Cloudsway, "nobalance", 402,
        """{"error":{"message":"Insufficient Balance","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}""")]
    [InlineData(Asking.Cloudsway, "forbidden", 403, """{"code":403,"message":"IP address is not in the allowed list"}""")]
    [InlineData(Asking.SiliconFlow, null, 401, "\"Api key is invalid\"")]
    [InlineData(Asking.SiliconFlow, "nobalance", 403,
        """{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}""")]
    [InlineData(Asking.SiliconFlow, "forbidden", 403, "\"Forbidden\"")]
    [InlineData(Asking.OpenAI, "invalid", 401,
        """{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}""")]
    public async Task A_bad_key_gets_the_providers_own_envelope(string address, string? key, int status, string envelope)
    {
        using var asking = new Asking { Key = key };
        using var response = await asking.SendAsync(address, Asking.Body(address, "hi").ToJsonString());
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(envelope, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task OpenAI_compatible_servers_need_no_key()
    {
        using var asking = new Asking { Key = null };
        Assert.Equal("Echo: hi", (string)(await asking.AnswerAsync(Asking.OpenAI, "hi"))["choices"]![0]!["message"]!["content"]!);
    }

    [Theory]
    [InlineData(Asking.GenStudio, "temperature", "2.1")]
    [InlineData(Asking.GenStudio, "top_p", "1.1")]
    [InlineData(Asking.GenStudio, "n", "2")]
    [InlineData(Asking.GenStudio, "stop", "\"x\"")]
    [InlineData(Asking.GenStudio, "max_tokens", "0")]
    [InlineData(Asking.GenStudio, "presence_penalty", "-2.5")]
    [InlineData(Asking.Cloudsway, "top_p", "0")]
    [InlineData(Asking.Cloudsway, "top_logprobs", "5")]
    [InlineData(Asking.Cloudsway, "user_id", "\"a b\"")]
    [InlineData(Asking.Cloudsway, "thinking", """{"type":"maybe"}""")]
    [InlineData(Asking.SiliconFlow, "max_tokens", "16385")]
    [InlineData(Asking.SiliconFlow, "stop", """["1","2","3","4","5"]""")]
    [InlineData(Asking.SiliconFlow, "min_p", "1.5")]
    [InlineData(Asking.SiliconFlow, "thinking_budget", "127")]
    [InlineData(Asking.OpenAI, "temperature", "\"hot\"")]
    [InlineData(Asking.OpenAI, "messages", "[]")]
    [InlineData(Asking.OpenAI, "messages", """[{"role":"robot","content":"x"}]""")]
    [InlineData(Asking.OpenAI, "messages", """[{"role":"user"}]""")]
    [InlineData(Asking.Cloudsway, "messages", """[{"role":"user","content":[{"type":"image_url"}]}]""")]
    public async Task A_value_outside_the_documents_is_a_400(string address, string field, string value)
    {
        using var asking = new Asking();
        (var status, _) = await asking.AskAsync(address, Asking.Body(address, "hi", false, (field, JsonNode.Parse(value))));
        Assert.Equal(HttpStatusCode.BadRequest, status);
    }

    [Theory]
    [InlineData(Asking.GenStudio, "stop", """["x"]""")]
    [InlineData(Asking.GenStudio, "model", "null")]
    [InlineData(Asking.GenStudio, "max_tokens", "null")]
    [InlineData(Asking.Cloudsway, "top_p", "1")]
    [InlineData(Asking.Cloudsway, "user_id", "\"a-b_9\"")]
    [InlineData(Asking.Cloudsway, "frequency_penalty", "5")]
    [InlineData(Asking.SiliconFlow, "max_tokens", "16384")]
    [InlineData(Asking.SiliconFlow, "enable_thinking", "true")]
    public async Task A_value_within_the_documents_is_answered(string address, string field, string value)
    {
        using var asking = new Asking(("Strict", true));
        (var status, var json) = await asking.AskAsync(address, Asking.Body(address, "hi", false, (field, JsonNode.Parse(value))));
        Assert.True(status == HttpStatusCode.OK, json?.ToJsonString());
    }

    [Fact]
    public async Task SiliconFlow_takes_128_tools_and_no_more()
    {
        using var asking = new Asking();
        static JsonArray Tools(int count) => [.. Enumerable.Range(0, count)
            .Select(i => (JsonNode)new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = "f" + i } })
                .ToArray()];
        Assert.Equal(HttpStatusCode.OK,
            (await asking.AskAsync(Asking.SiliconFlow, Asking.Body(Asking.SiliconFlow, "hi", false, ("tools", Tools(128))))).Status);
        Assert.Equal(HttpStatusCode.BadRequest,
            (await asking.AskAsync(Asking.SiliconFlow, Asking.Body(Asking.SiliconFlow, "hi", false, ("tools", Tools(129))))).Status);
    }

    [Fact]
    public async Task SiliconFlow_refuses_the_thinking_switch_for_models_without_it()
    {
        using var asking = new Asking();
        var body = Asking.Body(Asking.SiliconFlow, "hi", false, ("model", "Qwen/Qwen2.5-7B-Instruct"), ("enable_thinking", false));
        (var status, var json) = await asking.AskAsync(Asking.SiliconFlow, body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(20015, (int)json!["code"]!);
    }

    [Theory]
    [InlineData("http://x.invalid/maas/qwen3-32b/tpu/chat/completions", "qwen3-32b", 400)]
    [InlineData("http://x.invalid/maas/QWEN3-32b/nvidia/chat/completions", "qwen3-32b", 404)]
    [InlineData("http://x.invalid/maas/qwen3-32b/nvidia/chat/completions", "QWEN3-32b", 404)]
    [InlineData("http://x.invalid/maas/qwen3-32b/nvidia/chat/completions", "no-such-model", 404)]
    [InlineData(Asking.SiliconFlow, "no-such-model", 400)]
    [InlineData(Asking.OpenAI, "unknown-model", 404)]
    [InlineData("http://x.invalid/siliconflow/v1/completions", "m", 404)]
    public async Task A_path_or_model_that_is_not_served_is_refused(string address, string model, int status)
    {
        using var asking = new Asking();
        (var actual, _) = await asking.AskAsync(address, Asking.Body(Asking.OpenAI, "hi", false, ("model", model)));
        Assert.Equal(status, (int)actual);
    }

    [Theory]
    [InlineData(Asking.GenStudio, 404)]
    [InlineData(Asking.Cloudsway, 404)]
    [InlineData(Asking.SiliconFlow, 400)]
    [InlineData(Asking.OpenAI, 404)]
    public async Task With_a_list_of_models_any_other_is_refused(string address, int status)
    {
        using var listed = new Asking(("Models", new[] { Asking.Model(address) }));
        (var accepted, _) = await listed.AskAsync(address, Asking.Body(address, "hi", false));
        Assert.Equal(HttpStatusCode.OK, accepted);
        using var other = new Asking(("Models", new[] { "another" }));
        (var refused, _) = await other.AskAsync(address, Asking.Body(address, "hi", false));
        Assert.Equal(status, (int)refused);
    }

    [Fact]
    public async Task GenStudio_passes_on_what_the_model_refuses_with_the_useful_text_in_param()
    {
        using var asking = new Asking();
        (_, var json) = await asking.AskAsync(Asking.GenStudio, Asking.Body(Asking.GenStudio, "hi", false, ("n", 2)));
        Assert.Equal("400", (string)json!["error"]!["code"]!);
        Assert.Contains("n must be", (string)json["error"]!["param"]!, System.StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_no_JSON_is_a_400()
    {
        using var asking = new Asking();
        foreach (var body in new[] { "", "{", "[]", "\"\\ud800\"", """{"model":"\ud800","messages":[]}""" })
        {
            using var response = await asking.SendAsync(Asking.OpenAI, body);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Theory]
    [InlineData(Asking.GenStudio, "thinking", """{"type":"enabled"}""")]
    [InlineData(Asking.GenStudio, "response_format", """{"type":"json_object"}""")]
    [InlineData(Asking.Cloudsway, "enable_thinking", "true")]
    [InlineData(Asking.Cloudsway, "top_k", "1")]
    [InlineData(Asking.SiliconFlow, "thinking", """{"type":"enabled"}""")]
    public async Task Fields_of_another_provider_are_refused_in_strict_mode_alone(string address, string field, string value)
    {
        using var lax = new Asking();
        using var strict = new Asking(("Strict", true));
        var body = Asking.Body(address, "hi", false, (field, JsonNode.Parse(value)));
        Assert.Equal(HttpStatusCode.OK, (await lax.AskAsync(address, body)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await strict.AskAsync(address, body)).Status);
    }

    [Theory]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"r"},{"role":"user","content":"c"}]""", 400)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]""", 200)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":"","tool_calls":[{}]},{"role":"tool","content":"1"}]""",
        400)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":"","reasoning_content":"","tool_calls":[{}]},{"role":"tool","content":"1"}]""", 200)]
    public async Task DeepSeek_wants_earlier_reasoning_back_exactly_where_a_tool_was_called(string messages, int status)
    {
        using var asking = new Asking(("Strict", true));
        (var actual, _) =
            await asking.AskAsync(Asking.Cloudsway, Asking.Body(Asking.Cloudsway, "", false, ("messages", JsonNode.Parse(messages))));
        Assert.Equal(status, (int)actual);
    }
}
