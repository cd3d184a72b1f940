using System.Collections.Generic;
using LlmPs.Providers;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Fields that are sent as they are.</summary>
public class ExtraBodyTests
{
    [Fact]
    public void Extra_fields_stand_last_in_the_order_of_their_names() =>
        Assert.Equal("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"top_k":1,"A":{"x":[1, 2]},"b":{"y":null},"z":"1"}""",
            Body(
            topK: 1, ("z", "\"1\""), ("b", """{"y":null}"""), ("A", """{"x":[1, 2]}""")));

    [Fact]
    public void An_extra_field_takes_the_place_of_the_options_own() =>
        Assert.Equal("""{"messages":[{"role":"user","content":"Hi"}],"model":"other","top_k":-1}""",
            Body(topK: 1, ("top_k", "-1"), ("model", "\"other\"")));

    [Theory]
    [InlineData("null")]
    [InlineData(" null\n")]
    [InlineData(null)]
    public void KindE_a_field_of_null_is_left_out_also_one_that_an_option_sets(string? json) =>
        Assert.Equal("""{"model":"m","messages":[{"role":"user","content":"Hi"}]}""", Body(topK: 1, ("top_k", json!), ("x", json!)));

    [Fact]
    public void KindE_a_field_that_the_module_adds_can_be_left_out() =>
        Assert.Equal("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}""", Written.Body(
            "GenStudio",
                new ChatRequest { Model = "m", Messages = TestSession.Ask()
                    .Messages, ExtraBody = new Dictionary<string, string> { ["stream_options"] = "null" } }, stream: true));

    [Fact]
    public void Stream_options_can_be_replaced() =>
        Assert.Equal("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream_options":{"x":1},"stream":true}""", Written.Body(
            "GenStudio",
                new ChatRequest { Model = "m", Messages = TestSession.Ask()
                    .Messages, ExtraBody = new Dictionary<string, string> { ["stream_options"] = """{"x":1}""" } }, stream: true));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{\"a\":")]
    [InlineData("1 2")]
    [InlineData("")]
    public void A_value_that_is_not_json_is_refused_by_name(string json) => Refused(json);

    [Fact]
    public void A_value_with_half_an_emoji_is_refused_by_name() => Refused("\"" + "👍"[0] + "\"");

    [Fact]
    public void A_schema_and_a_tool_that_are_not_json_are_refused_by_name()
    {
        var request = TestSession.Ask();
        request.JsonSchema = "{";
        request.Tools = [new ChatTool("my_tool", null, "type: object")];
        var error = Assert.Throws<LlmApiException>(() => RequestValidator.Validate(ProviderList.Get("SiliconFlow"), request));
        Assert.Contains("JsonSchema is not valid JSON", error.Message);
        Assert.Contains("Tool 'my_tool'", error.Message);
    }

    private static void Refused(string json)
    {
        var request = TestSession.Ask();
        request.SkipValidation = true;
        request.ExtraBody = new Dictionary<string, string> { ["my_field"] = json };
        var error = Assert.Throws<LlmApiException>(() => RequestValidator.Validate(ProviderList.Get("SiliconFlow"), request));
        Assert.Equal(LlmErrorKind.InvalidRequest, error.Kind);
        Assert.Contains("ExtraBody 'my_field' is not valid JSON", error.Message);
    }

    private static string Body(int topK, params (string Name, string Json)[] fields)
    {
        var extra = new Dictionary<string, string>();
        foreach (var (name, json) in fields) extra[name] = json;
        return Written.Body("SiliconFlow",
            new ChatRequest { Model = "m", Messages = TestSession.Ask().Messages, TopK = topK, ExtraBody = extra });
    }
}
