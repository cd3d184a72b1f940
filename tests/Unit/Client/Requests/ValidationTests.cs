using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Providers;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>What a provider does not take is told before anything is sent: the parameter, the value, and what is allowed.</summary>
public class ValidationTests
{
    private static readonly Dictionary<string, Action<ChatRequest, double>> s_numbers = new()
    {
        ["Temperature"] = (r, v) => r.Temperature = v,
        ["TopP"] = (r, v) => r.TopP = v,
        ["TopK"] = (r, v) => r.TopK = (int)v,
        ["MinP"] = (r, v) => r.MinP = v,
        ["MaxTokens"] = (r, v) => r.MaxTokens = (int)v,
        ["PresencePenalty"] = (r, v) => r.PresencePenalty = v,
        ["FrequencyPenalty"] = (r, v) => r.FrequencyPenalty = v,
        ["N"] = (r, v) => r.N = (int)v,
        ["TopLogProbs"] = (r, v) => (r.LogProbs, r.TopLogProbs) = (true, (int)v),
        ["ThinkingBudget"] = (r, v) => r.ThinkingBudget = (int)v,
    };

    [Theory]
    [InlineData("GenStudio", "Temperature", 0, 2, "0 to 2")]
    [InlineData("GenStudio", "TopP", 0, 1, "0 to 1")]
    [InlineData("GenStudio", "N", 1, 1, "only 1")]
    [InlineData("GenStudio", "MaxTokens", 1, double.NaN, "1 and above")]
    [InlineData("GenStudio", "PresencePenalty", -2, 2, "-2 to 2")]
    [InlineData("GenStudio", "FrequencyPenalty", -2, 2, "-2 to 2")]
    [InlineData("Cloudsway", "Temperature", 0, 2, "0 to 2")]
    [InlineData("Cloudsway", "MaxTokens", 1, double.NaN, "1 and above")]
    [InlineData("Cloudsway", "TopLogProbs", 0, 20, "0 to 20")]
    [InlineData("SiliconFlow", "Temperature", 0, 2, "0 to 2")]
    [InlineData("SiliconFlow", "TopP", 0, 1, "0 to 1")]
    [InlineData("SiliconFlow", "MinP", 0, 1, "0 to 1")]
    [InlineData("SiliconFlow", "MaxTokens", 1, 16384, "1 to 16384")]
    [InlineData("SiliconFlow", "FrequencyPenalty", -2, 2, "-2 to 2")]
    [InlineData("SiliconFlow", "ThinkingBudget", 128, 32768, "128 to 32768")]
    [InlineData("OpenAICompatible", "N", 1, 128, "1 to 128")]
    public async Task A_number_is_taken_up_to_its_bounds_and_no_further(string provider, string parameter, double min, double max,
        string allowed)
    {
        await TakenAsync(provider, Request(parameter, min));
        var isBounded = !double.IsNaN(max);
        if (isBounded) await TakenAsync(provider, Request(parameter, max));
        var step = parameter is "Temperature" or "TopP" or "MinP" or "PresencePenalty" or "FrequencyPenalty" ? 0.25 : 1;
        foreach (var value in isBounded ? new[] { min - step, max + step } : [min - step])
        {
            var error = await RefusedAsync(provider, Request(parameter, value));
            Assert.Contains(FormattableString.Invariant($"{parameter} {value} is out of range: {provider} accepts {allowed}."),
                error.Message);
        }
    }

    [Fact]
    public async Task Cloudsways_top_p_leaves_out_zero()
    {
        var error = await RefusedAsync("Cloudsway", Request("TopP", 0));
        Assert.Contains("TopP 0 is out of range: Cloudsway accepts above 0 to 1.", error.Message);
        await TakenAsync("Cloudsway", Request("TopP", 0.01));
        await TakenAsync("Cloudsway", Request("TopP", 1));
    }

    [Theory]
    [InlineData("GenStudio", "MinP")]
    [InlineData("GenStudio", "ThinkingBudget")]
    [InlineData("GenStudio", "TopLogProbs")]
    [InlineData("Cloudsway", "TopK")]
    [InlineData("Cloudsway", "MinP")]
    [InlineData("Cloudsway", "N")]
    [InlineData("SiliconFlow", "PresencePenalty")]
    public async Task An_option_without_a_documented_field_is_refused_with_the_known_ones(string provider, string parameter)
    {
        var error = await RefusedAsync(provider, Request(parameter, 1));
        Assert.Contains($"{parameter} 1: {provider} documents no field for it.", error.Message);
        Assert.Contains("Temperature, TopP", error.Message);
    }

    [Fact]
    public async Task Options_that_are_no_numbers_are_held_against_the_documents_too()
    {
        Assert.Contains("Seed 7: SiliconFlow", (await RefusedAsync("SiliconFlow", With(r => r.Seed = 7))).Message);
        Assert.Contains("User 'no spaces!'", (await RefusedAsync("Cloudsway", With(r => r.User = "no spaces!"))).Message);
        Assert.Contains("ReasoningEffort high: GenStudio", (await RefusedAsync("GenStudio", With(r => r.ReasoningEffort = "high")))
            .Message);
        Assert.Contains("ResponseFormat JsonObject: GenStudio",
            (await RefusedAsync("GenStudio", With(r => r.ResponseFormat = ChatResponseFormat.JsonObject))).Message);
        Assert.Contains("ToolChoice auto: GenStudio", (await RefusedAsync("GenStudio", With(r => r.ToolChoice = "auto"))).Message);
        Assert.Contains("Image in a message: Cloudsway",
            (await RefusedAsync("Cloudsway",
                With(r => r.Messages = [new ChatMessage { Parts = [ChatContentPart.FromImage("http://x/y.png")] }]))).Message);
        Assert.Contains("FileId f-1: SiliconFlow",
            (await RefusedAsync("SiliconFlow", With(r => r.Messages = [new ChatMessage { Parts = [ChatContentPart.FromFile("f-1")] }])))
                .Message);
    }

    [Fact]
    public async Task SiliconFlow_takes_four_stop_texts_and_128_tools()
    {
        await TakenAsync("SiliconFlow", With(r => r.Stop = ["1", "2", "3", "4"]));
        Assert.Contains("Stop has 5 stop texts: SiliconFlow accepts at most 4.",
            (await RefusedAsync("SiliconFlow", With(r => r.Stop = ["1", "2", "3", "4", "5"]))).Message);
        var tools = Enumerable.Range(0, 129).Select(i => new ChatTool($"t{i}", null, "{}")).ToArray();
        await TakenAsync("SiliconFlow", With(r => r.Tools = tools[..128]));
        Assert.Contains("Tool has 129 tools: SiliconFlow accepts at most 128.",
            (await RefusedAsync("SiliconFlow", With(r => r.Tools = tools))).Message);
    }

    [Fact]
    public async Task User_ids_of_Cloudsway_have_their_characters_and_length()
    {
        await TakenAsync("Cloudsway", With(r => r.User = new string('a', 512)));
        foreach (var user in new[] { new string('a', 513), "ä", "a b", "a\n", "用户" })
            Assert.Contains("512", (await RefusedAsync("Cloudsway", With(r => r.User = user))).Message);
    }

    [Fact]
    public async Task TopLogProbs_needs_LogProbs()
    {
        Assert.Contains("TopLogProbs 3 needs -LogProbs", (await RefusedAsync("Cloudsway", With(r => r.TopLogProbs = 3))).Message);
        Assert.Contains("TopLogProbs 3 needs -LogProbs",
            (await RefusedAsync("Cloudsway", With(r => (r.LogProbs, r.TopLogProbs) = (false, 3)))).Message);
    }

    [Fact]
    public async Task A_forced_tool_is_refused_while_Cloudsways_model_thinks()
    {
        Assert.Contains("-ToolChoice 'required' cannot be combined with thinking.",
            (await RefusedAsync("Cloudsway", With(r => r.ToolChoice = "required"))).Message);
        Assert.Contains("-ToolChoice 'f' cannot be combined with thinking.",
            (await RefusedAsync("Cloudsway", With(r => r.ToolChoice = "f"))).Message);
        await TakenAsync("Cloudsway", With(r => (r.ToolChoice, r.Thinking) = ("f", ThinkingMode.Disabled)));
    }

    [Fact]
    public async Task A_chip_that_is_not_known_is_refused_with_the_known_ones()
    {
        Assert.Contains(
            "Chip 'chip9' is not known to GenStudio. Known chips: nvidia, amd, chip1, chip2, chip3, chip4, chip5.",
            (await RefusedAsync("GenStudio", With(r => r.Chip = "chip9"))).Message);
        Assert.Contains("Chip 'amd': SiliconFlow has no choice of chips.", (await RefusedAsync("SiliconFlow", With(r => r.Chip = "amd")))
            .Message);
    }

    [Fact]
    public async Task A_role_that_is_not_known_is_refused_with_the_known_ones() =>
        Assert.Contains("Role 'developer' is not known to GenStudio. Known roles: system, user, assistant, tool.",
            (await RefusedAsync("GenStudio", With(r => r.Messages = [new ChatMessage("developer", "x")]))).Message);

    [Fact]
    public async Task What_makes_no_request_is_refused_even_with_SkipValidation()
    {
        Assert.Contains("Model is not set", (await RefusedAsync("SiliconFlow", With(r => (r.Model, r.SkipValidation) = (" ", true))))
            .Message);
        Assert.Contains("Message is empty", (await RefusedAsync("SiliconFlow", With(r => (r.Messages, r.SkipValidation) = ([], true))))
            .Message);
        Assert.Contains("Temperature NaN is not a finite number",
            (await RefusedAsync("SiliconFlow", With(r => (r.Temperature, r.SkipValidation) = (double.NaN, true)))).Message);
        Assert.Contains("TopP Infinity",
            (await RefusedAsync("SiliconFlow", With(r => (r.TopP, r.SkipValidation) = (double.PositiveInfinity, true)))).Message);
        Assert.Contains("needs the ToolCallId",
            (await RefusedAsync("SiliconFlow", With(r => (r.Messages, r.SkipValidation) = ([new ChatMessage("tool", "x")], true))))
                .Message);
        Assert.Contains("cannot set 'stream'",
            (await RefusedAsync("SiliconFlow",
                With(r => (r.ExtraBody, r.SkipValidation) = (new Dictionary<string, string> { ["stream"] = "true" }, true)))).Message);
    }

    [Fact]
    public async Task SkipValidation_sends_values_out_of_range()
    {
        var request = With(r => (r.Temperature, r.Chip, r.SkipValidation) = (9, "chip9", true));
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open("GenStudio", handler);
        await session.CompleteAsync(request);
        Assert.Contains("\"temperature\":9", handler.Sent[0].Body);
        Assert.Contains("/chip9/", handler.Sent[0].Uri.AbsolutePath);
    }

    [Fact]
    public async Task All_problems_are_told_at_once()
    {
        var error = await RefusedAsync("GenStudio", With(r => (r.Temperature, r.N, r.Chip) = (3, 2, "x")));
        Assert.Contains("Temperature 3", error.Message);
        Assert.Contains("N 2", error.Message);
        Assert.Contains("Chip 'x'", error.Message);
        Assert.EndsWith("(-SkipValidation sends it anyway.)", error.Message);
    }

    [Fact]
    public void Penalties_without_effect_are_a_warning()
    {
        var warnings =
            RequestValidator.Validate(ProviderList.Get("Cloudsway"), With(r => (r.PresencePenalty, r.FrequencyPenalty) = (1, 9)));
        Assert.Equal(2, warnings.Count);
        Assert.Contains("PresencePenalty 1", warnings[0]);
        Assert.Contains("without any effect", warnings[1]);
    }

    [Fact]
    public async Task An_unknown_reasoning_effort_is_left_to_the_provider()
    {
        await TakenAsync("SiliconFlow", With(r => r.ReasoningEffort = "enormous"));
        await TakenAsync("Cloudsway", With(r => r.ReasoningEffort = "low"));
    }

    private static ChatRequest Request(string parameter, double value) => With(r => s_numbers[parameter](r, value));

    private static ChatRequest With(Action<ChatRequest> set)
    {
        var request = TestSession.Ask();
        set(request);
        return request;
    }

    private static async Task TakenAsync(string provider, ChatRequest request)
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(provider, handler);
        await session.CompleteAsync(request);
        Assert.Single(handler.Sent);
    }

    /// <summary>Refused plain and streamed, with nothing sent.</summary>
    private static async Task<LlmApiException> RefusedAsync(string provider, ChatRequest request)
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(provider, handler);
        var error = await TestSession.ErrorAsync(session, request);
        var streamed = Assert.Throws<LlmApiException>(() => { session.StreamAsync(request); });
        Assert.Equal(error.Message, streamed.Message);
        Assert.Equal(LlmErrorKind.InvalidRequest, error.Kind);
        Assert.Empty(handler.Sent);
        return error;
    }
}
