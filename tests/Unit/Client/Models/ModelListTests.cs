using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>The providers' own lists of models, in the shapes that were seen.</summary>
public class ModelListTests
{
    [Fact]
    public async Task GenStudios_list_is_read_with_type_and_context_and_without_repeated_rows()
    {
        var (session, handler) = Open("GenStudio", """
            {"object":"list","data":[{"id":"qwen3-8b","model_type":"LLM","context_length":32768},{"id":"glm-4.5v","model_type":"VLM","context_length":65536},{"id":"qwen3-8b","model_type":"LLM"}]}
            """);
        using (session)
        {
            var models = await session.GetModelsAsync();
            Assert.Equal(["qwen3-8b", "glm-4.5v"], models.Select(model => model.Id));
            Assert.Equal(("LLM", 32768L), (models[0].Type, models[0].ContextLength));
            Assert.Contains("vision", models[1].Capabilities);
            Assert.Equal("https://cloud.infini-ai.com/maas/v1/models", handler.Sent[0].Uri.AbsoluteUri);
            Assert.Equal("GET", handler.Sent[0].Method);
            Assert.Equal("https://cloud.infini-ai.com/maas/v1/models", models[0].Source);
        }
    }

    [Theory]
    // llama.cpp, and vLLM.
    [InlineData("""{"models":[{"name":"m.gguf"}],"object":"list","data":[{"id":"m.gguf","object":"model","owned_by":"llamacpp","meta":{"n_vocab":151936,"n_ctx":1024,"n_ctx_train":4096}}]}""", 1024L)]
    [InlineData("""{"object":"list","data":[{"id":"m","object":"model","owned_by":"vllm","root":"m","max_model_len":8192}]}""", 8192L)]
    [InlineData("""{"data":[{"id":"m","meta":null}]}""", null)]
    [InlineData("""{"data":[{"id":"m","meta":{"n_ctx":null}}]}""", null)]
    public async Task The_context_of_a_local_server_is_read(string body, long? length)
    {
        var (session, _) = Open("OpenAICompatible", body);
        using (session) Assert.Equal(length, Assert.Single(await session.GetModelsAsync()).ContextLength);
    }

    [Theory]
    [InlineData("""{"data":{"data":[{"id":"a"},{"id":"b"}]}}""")]
    [InlineData("""[{"id":"a"},{"id":"b"}]""")]
    [InlineData("\uFEFF{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}")]
    [InlineData("""{"data":[{"id":"a"},{"id":""},{"no":1},7,null,{"id":"b","created":"x","context_length":null}]}""")]
    public async Task Other_shapes_and_rows_without_an_id_are_read(string json)
    {
        var (session, _) = Open("GenStudio", json);
        using (session) Assert.Equal(["a", "b"], (await session.GetModelsAsync()).Select(model => model.Id));
    }

    [Theory]
    [InlineData("""{"object":"list","data":null}""")]
    [InlineData("""{"data":{"data":null}}""")]
    [InlineData("""{"object":"list","data":[],"error":null}""")]
    [InlineData("""{"code":20000,"message":"OK","data":null}""")]
    [InlineData("""{"code":0,"msg":"success","data":null}""")]
    public async Task KindM_a_list_of_null_holds_no_models(string json)
    {
        var (session, handler) = Open("SiliconFlow", json);
        using (session) Assert.Empty(await session.GetModelsAsync());
        Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData("""{"code":20012,"message":"no list today","data":null}""")]
    [InlineData("""{"error":{"message":"no list today"},"data":null}""")]
    [InlineData("""{"message":"no list today","data":null}""")]
    public async Task KindM_an_error_with_a_list_of_null_is_an_error(string json)
    {
        var (session, _) = Open("SiliconFlow", json);
        using (session) Assert.Contains("no list today", (await Assert.ThrowsAsync<LlmApiException>(() => session.GetModelsAsync()))
            .Message);
    }

    [Fact]
    public async Task Cloudsways_times_are_strings()
    {
        var (session, handler) =
            Open("Cloudsway",
                """{"object":"list","data":[{"id":"MaaS_x","object":"model","created":"1780299859","owned_by":"cloudsway"}]}""");
        using (session)
        {
            var model = Assert.Single(await session.GetModelsAsync());
            Assert.Equal(1780299859, model.Created!.Value.ToUnixTimeSeconds());
            Assert.Equal("cloudsway", model.OwnedBy);
            Assert.Equal("https://genaiapi.cloudsway.net/v1/models", handler.Sent[0].Uri.AbsoluteUri);
        }
    }

    [Fact]
    public async Task SiliconFlow_is_asked_for_its_chat_models()
    {
        var (session, handler) =
            Open("SiliconFlow", """{"object":"list","data":[{"id":"Qwen/QwQ-32B","object":"model","created":0,"owned_by":""}]}""");
        using (session)
        {
            var model = Assert.Single(await session.GetModelsAsync());
            Assert.Equal("Qwen/QwQ-32B", model.Id);
            Assert.Null(model.Created);
            Assert.Equal("https://api.siliconflow.cn/v1/models?type=text&sub_type=chat", handler.Sent[0].Uri.AbsoluteUri);
        }
    }

    [Theory]
    [InlineData("""{"object":"list"}""", "list")]
    [InlineData("""{"code":7,"msg":"no list today"}""", "no list today")]
    [InlineData("<html><head><title>Login</title></head></html>", "'Login'")]
    [InlineData("", "no message")]
    public async Task What_is_no_list_is_told_in_the_providers_words(string body, string words)
    {
        var (session, _) = Open("GenStudio", body);
        using (session)
        {
            var error = await Assert.ThrowsAsync<LlmApiException>(() => session.GetModelsAsync());
            Assert.Equal(LlmErrorKind.InvalidResponse, error.Kind);
            Assert.Contains(words, error.Message);
        }
    }

    [Fact]
    public async Task A_list_is_asked_for_again_where_that_may_help()
    {
        var handler = new ScriptedHandler(n => n == 1 ? Reply.Status(503, "busy") : Reply.Json("""{"data":[{"id":"a"}]}"""));
        using var session = TestSession.Open("SiliconFlow", handler, options => options.MaxRetryCount = 2);
        Assert.Single(await session.GetModelsAsync());
        Assert.Equal(2, handler.Sent.Count);
    }

    private static (LlmSession Session, ScriptedHandler Handler) Open(string provider, string json)
    {
        var handler = new ScriptedHandler(_ => Reply.Json(json));
        return (TestSession.Open(provider, handler), handler);
    }
}
