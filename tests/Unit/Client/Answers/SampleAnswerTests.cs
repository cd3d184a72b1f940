using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Every field of the documents' sample answers is read.</summary>
public class SampleAnswerTests
{
    [Fact]
    public async Task GenStudios_sample()
    {
        var completion = await TestSession.AnswerOfAsync("GenStudio", SeedDocuments.GenStudioAnswer);
        Assert.Equal("5fe13c4a4ffc4fb884d571195fceab0b", completion.Id);
        Assert.Equal(1757680008, completion.Created!.Value.ToUnixTimeSeconds());
        Assert.Equal("string", completion.Model);
        Assert.Equal("9.11 和 9.8 谁大？", completion.Content);
        Assert.Equal("length", completion.FinishReason);
        Assert.Equal((0L, 0L, 0L), (completion.Usage!.PromptTokens, completion.Usage.CompletionTokens, completion.Usage.TotalTokens));
        Assert.Empty(completion.Usage.PromptTokensDetails!);
        Assert.True(completion.Blocked);
        Assert.Equal(SeedDocuments.GenStudioAnswer, completion.RawJson);
        Assert.Equal("GenStudio", completion.Provider);
        Assert.Equal("nvidia", completion.Chip);
    }

    [Fact]
    public async Task GenStudios_role_user_is_an_answer_of_the_assistant()
    {
        var completion = await TestSession.AnswerOfAsync("GenStudio", SeedDocuments.GenStudioAnswer);
        Assert.Equal("assistant", completion.Message!.Role);
        Assert.Equal(["user", "assistant"], completion.Messages.Select(message => message.Role));
    }

    [Fact]
    public async Task Cloudsways_sample()
    {
        var completion = await TestSession.AnswerOfAsync("Cloudsway", SeedDocuments.CloudswayAnswer);
        Assert.Equal("chatcmpl-lHhTva9flc1dlUBqu4pPADmq", completion.Id);
        Assert.Equal("Hello! How can I help you today?", completion.Content);
        Assert.StartsWith("We are starting a conversation with the user. The user said \"Hi\".", completion.ReasoningContent);
        Assert.EndsWith("Keep it concise and warm.", completion.ReasoningContent);
        Assert.Equal(("stop", "stop"), (completion.FinishReason, completion.NativeFinishReason));
        Assert.Equal(1780299859, completion.Created!.Value.ToUnixTimeSeconds());
        Assert.Equal("MaaS_Deepseek_V4_pro_20260424", completion.Model);
        Assert.Equal("fp_9954b31ca7_prod0820_fp8_kvcache_20260402", completion.SystemFingerprint);
        var usage = completion.Usage!;
        Assert.Equal((10L, 68L, 78L), (usage.PromptTokens, usage.CompletionTokens, usage.TotalTokens));
        Assert.Equal((58L, 0L, 0L, 10L),
            (usage.ReasoningTokens, usage.CachedTokens, usage.PromptCacheHitTokens, usage.PromptCacheMissTokens));
        Assert.Equal(
            ["accepted_prediction_tokens", "audio_tokens", "image_tokens", "reasoning_tokens", "rejected_prediction_tokens"],
            usage.CompletionTokensDetails!.Keys.Order());
        Assert.Equal(["audio_tokens", "cached_tokens", "image_tokens"], usage.PromptTokensDetails!.Keys.Order());
        Assert.Null(completion.Blocked);
        Assert.Equal(SeedDocuments.CloudswayAnswer, completion.RawJson);
    }
}
