using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>How each provider is asked for an answer that meets a schema.</summary>
public class JsonSchemaBodyTests
{
    private const string Schema = """{"type":"object"}""";
    private const string Instructions =
        """Answer with one JSON value that meets this JSON schema, and with nothing else:\n{\"type\":\"object\"}""";

    [Theory]
    [InlineData("SiliconFlow")]
    [InlineData("OpenAICompatible")]
    public void As_a_response_format_of_its_own(string provider) => Assert.Equal(
        """{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}}}""",
        Written.Body(provider, Request()));

    [Fact]
    public void As_a_json_object_with_instructions() => Assert.Equal(
        $$$"""{"model":"m","messages":[{"role":"system","content":"{{{Instructions}}}"},{"role":"user","content":"Hi"}],"response_format":{"type":"json_object"}}""",
        Written.Body("Cloudsway", Request()));

    [Fact]
    public void As_instructions_alone() => Assert.Equal(
        $$$"""{"model":"m","messages":[{"role":"system","content":"{{{Instructions}}}"},{"role":"user","content":"Hi"}]}""",
        Written.Body("GenStudio", Request()));

    [Fact]
    public void Instructions_join_the_system_message_that_is_there()
    {
        var request = Request();
        request.Messages = [new ChatMessage("system", "Be brief."), .. request.Messages];
        Assert.Equal(
            $$$"""[{"role":"system","content":"Be brief.\n\n{{{Instructions}}}"},{"role":"user","content":"Hi"}]""",
            Written.Field("GenStudio", request, "messages"));
    }

    private static ChatRequest Request()
    {
        var request = TestSession.Ask();
        request.JsonSchema = Schema;
        return request;
    }
}
