using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using LlmPs.Providers;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Each option is sent as the field that the provider documents, with its value, and only when set.</summary>
public class OptionFieldTests
{
    private static readonly Dictionary<string, Action<ChatRequest>> s_set = new()
    {
        ["Temperature"] = r => r.Temperature = 0.3,
        ["TopP"] = r => r.TopP = 0.9,
        ["TopK"] = r => r.TopK = 40,
        ["MinP"] = r => r.MinP = 0.05,
        ["MaxTokens"] = r => r.MaxTokens = 256,
        ["Stop"] = r => r.Stop = ["END", "\n"],
        ["PresencePenalty"] = r => r.PresencePenalty = -0.5,
        ["FrequencyPenalty"] = r => r.FrequencyPenalty = 0.5,
        ["N"] = r => r.N = 1,
        ["Seed"] = r => r.Seed = 9007199254740993,
        ["LogProbs"] = r => r.LogProbs = true,
        ["TopLogProbs"] = r => r.TopLogProbs = 5,
        ["User"] = r => r.User = "u-1_A",
        ["Thinking"] = r => r.Thinking = ThinkingMode.Enabled,
        ["ThinkingBudget"] = r => r.ThinkingBudget = 1024,
        ["ReasoningEffort"] = r => r.ReasoningEffort = "high",
        ["ResponseFormat"] = r => r.ResponseFormat = ChatResponseFormat.JsonObject,
        ["Tool"] = r => r.Tools = [new ChatTool("f", null, "{}")],
        ["ToolChoice"] = r => r.ToolChoice = "auto",
    };

    private const string Tools = """[{"type":"function","function":{"name":"f","parameters":{}}}]""";

    [Theory]
    [InlineData("GenStudio", "Temperature", "temperature", "0.3")]
    [InlineData("GenStudio", "TopP", "top_p", "0.9")]
    [InlineData("GenStudio", "TopK", "top_k", "40")]
    [InlineData("GenStudio", "N", "n", "1")]
    [InlineData("GenStudio", "MaxTokens", "max_tokens", "256")]
    [InlineData("GenStudio", "Stop", "stop", """["END","\n"]""")]
    [InlineData("GenStudio", "PresencePenalty", "presence_penalty", "-0.5")]
    [InlineData("GenStudio", "FrequencyPenalty", "frequency_penalty", "0.5")]
    [InlineData("GenStudio", "Thinking", "enable_thinking", "true")]
    [InlineData("GenStudio", "Tool", "tools", Tools)]
    [InlineData("Cloudsway", "Temperature", "temperature", "0.3")]
    [InlineData("Cloudsway", "TopP", "top_p", "0.9")]
    [InlineData("Cloudsway", "MaxTokens", "max_tokens", "256")]
    [InlineData("Cloudsway", "Stop", "stop", """["END","\n"]""")]
    [InlineData("Cloudsway", "PresencePenalty", "presence_penalty", "-0.5")]
    [InlineData("Cloudsway", "FrequencyPenalty", "frequency_penalty", "0.5")]
    [InlineData("Cloudsway", "LogProbs", "logprobs", "true")]
    [InlineData("Cloudsway", "TopLogProbs", "top_logprobs", "5")]
    [InlineData("Cloudsway", "User", "user_id", "\"u-1_A\"")]
    [InlineData("Cloudsway", "Thinking", "thinking", """{"type":"enabled"}""")]
    [InlineData("Cloudsway", "ReasoningEffort", "reasoning_effort", "\"high\"")]
    [InlineData("Cloudsway", "ResponseFormat", "response_format", """{"type":"json_object"}""")]
    [InlineData("Cloudsway", "Tool", "tools", Tools)]
    [InlineData("Cloudsway", "ToolChoice", "tool_choice", "\"auto\"")]
    [InlineData("SiliconFlow", "Temperature", "temperature", "0.3")]
    [InlineData("SiliconFlow", "TopP", "top_p", "0.9")]
    [InlineData("SiliconFlow", "TopK", "top_k", "40")]
    [InlineData("SiliconFlow", "MinP", "min_p", "0.05")]
    [InlineData("SiliconFlow", "MaxTokens", "max_tokens", "256")]
    [InlineData("SiliconFlow", "Stop", "stop", """["END","\n"]""")]
    [InlineData("SiliconFlow", "FrequencyPenalty", "frequency_penalty", "0.5")]
    [InlineData("SiliconFlow", "N", "n", "1")]
    [InlineData("SiliconFlow", "Thinking", "enable_thinking", "true")]
    [InlineData("SiliconFlow", "ThinkingBudget", "thinking_budget", "1024")]
    [InlineData("SiliconFlow", "ReasoningEffort", "reasoning_effort", "\"high\"")]
    [InlineData("SiliconFlow", "ResponseFormat", "response_format", """{"type":"json_object"}""")]
    [InlineData("SiliconFlow", "Tool", "tools", Tools)]
    [InlineData("SiliconFlow", "ToolChoice", "tool_choice", "\"auto\"")]
    [InlineData("OpenAICompatible", "Seed", "seed", "9007199254740993")]
    [InlineData("OpenAICompatible", "MinP", "min_p", "0.05")]
    [InlineData("OpenAICompatible", "User", "user", "\"u-1_A\"")]
    [InlineData("OpenAICompatible", "LogProbs", "logprobs", "true")]
    [InlineData("OpenAICompatible", "TopLogProbs", "top_logprobs", "5")]
    [InlineData("OpenAICompatible", "ReasoningEffort", "reasoning_effort", "\"high\"")]
    public void An_option_is_its_documented_field(string provider, string option, string field, string json)
    {
        var request = TestSession.Ask();
        s_set[option](request);
        Assert.Equal(json, Written.Field(provider, request, field));
        Assert.Null(Written.Field(provider, TestSession.Ask(), field));
    }

    [Theory]
    [InlineData("GenStudio")]
    [InlineData("Cloudsway")]
    [InlineData("SiliconFlow")]
    [InlineData("OpenAICompatible")]
    public void Nothing_unset_is_sent(string provider) =>
        Assert.Equal("""{"model":"m","messages":[{"role":"user","content":"Hi"}]}""", Written.Body(provider, TestSession.Ask()));

    [Theory]
    [InlineData("GenStudio", "enable_thinking", "false")]
    [InlineData("SiliconFlow", "enable_thinking", "false")]
    [InlineData("Cloudsway", "thinking", """{"type":"disabled"}""")]
    public void Thinking_is_turned_off_in_the_providers_form(string provider, string field, string json)
    {
        var request = TestSession.Ask();
        request.Thinking = ThinkingMode.Disabled;
        Assert.Equal(json, Written.Field(provider, request, field));
    }

    [Fact]
    public void Empty_lists_are_unset()
    {
        var request = TestSession.Ask();
        request.Stop = [];
        request.Tools = [];
        Assert.Equal("""{"model":"m","messages":[{"role":"user","content":"Hi"}]}""", Written.Body("SiliconFlow", request));
    }

    [Fact]
    public void Zero_is_a_value()
    {
        var request = TestSession.Ask();
        request.Temperature = 0;
        request.LogProbs = false;
        Assert.Equal("0", Written.Field("Cloudsway", request, "temperature"));
        Assert.Equal("false", Written.Field("Cloudsway", request, "logprobs"));
    }

    [Theory]
    [InlineData("auto", "\"auto\"")]
    [InlineData("none", "\"none\"")]
    [InlineData("required", "\"required\"")]
    [InlineData("get_weather", """{"type":"function","function":{"name":"get_weather"}}""")]
    public void Tool_choice_is_a_word_or_a_function(string choice, string json)
    {
        var request = TestSession.Ask();
        request.ToolChoice = choice;
        Assert.Equal(json, Written.Field("SiliconFlow", request, "tool_choice"));
    }

    [Fact]
    public void A_tool_is_sent_with_all_that_it_has()
    {
        var request = TestSession.Ask();
        request.Tools = [new ChatTool("f", "天气", """{"type":"object","properties":{}}""") { Strict = true }];
        Assert.Equal(
            """[{"type":"function","function":{"name":"f","description":"天气","parameters":{"type":"object","properties":{}},"strict":true}}]""",
            Written.Field("GenStudio", request, "tools"));
    }

    [Fact]
    public void SkipValidation_sends_what_the_provider_does_not_document_under_OpenAIs_name()
    {
        var request = TestSession.Ask();
        request.SkipValidation = true;
        request.Seed = 7;
        request.ToolChoice = "auto";
        request.ThinkingBudget = 1;
        request.MinP = 3;
        Assert.Empty(RequestValidator.Validate(ProviderList.Get("GenStudio"), request));
        Assert.Equal(
            """{"model":"m","messages":[{"role":"user","content":"Hi"}],"min_p":3,"seed":7,"thinking_budget":1,"tool_choice":"auto"}""",
            Written.Body("GenStudio", request));
    }

    [Fact]
    public void Every_field_of_GenStudios_sample_request_can_be_said()
    {
        var request = new ChatRequest
        {
            Model = "kimi-k2-instruct",
            Messages = [new ChatMessage("user", "9.11 和 9.8 谁大？")],
            Tools = [new ChatTool("string", "string",
                """{"type":"string","properties":{},"required":["string"],"additionalProperties":true}""") { Strict = true }],
            Thinking = ThinkingMode.Enabled,
            Temperature = 0.7,
            TopP = 1,
            TopK = -1,
            N = 1,
            PresencePenalty = 0,
            FrequencyPenalty = 0,
        };
        Assert.Empty(RequestValidator.Validate(ProviderList.Get("GenStudio"), request));
        Assert.Equal(SetFields(SeedDocuments.GenStudioRequest), SetFields(Written.Body("GenStudio", request)));
    }

    [Fact]
    public void Every_field_of_Cloudsways_sample_request_can_be_said()
    {
        var request = new ChatRequest
        {
            Model = "MaaS_Deepseek_V4_pro_20260424",
            Messages = [new ChatMessage("system", "You are a helpful assistant"), new ChatMessage("user", "Hi")],
            Thinking = ThinkingMode.Enabled,
            ReasoningEffort = "high",
            MaxTokens = 4096,
            ResponseFormat = ChatResponseFormat.Text,
            Temperature = 1,
            TopP = 1,
            ToolChoice = "none",
            LogProbs = false,
        };
        Assert.Empty(RequestValidator.Validate(ProviderList.Get("Cloudsway"), request));
        Assert.Equal(SetFields(SeedDocuments.CloudswayRequest), SetFields(Written.Body("Cloudsway", request)));
    }

    /// <summary>The fields that say something, by name, each in one spelling.</summary>
    private static string[] SetFields(string json)
    {
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.EnumerateObject()
            .Where(field => field.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False) || field.Name == "logprobs")
            .OrderBy(field => field.Name, StringComparer.Ordinal)
            .Select(field => $"{field.Name}: {Sorted(field.Value)}")];
    }

    private static string Sorted(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object =>
            "{" + string.Join(",", value.EnumerateObject().OrderBy(field => field.Name, StringComparer.Ordinal)
                .Select(field => field.Name + ":" + Sorted(field.Value))) + "}",
        JsonValueKind.Array => "[" + string.Join(",", value.EnumerateArray().Select(Sorted)) + "]",
        _ => value.GetRawText(),
    };
}
