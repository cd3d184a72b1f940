using System;
using System.Net.Http;
using System.Threading.Tasks;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>Issue 21, A: under status 200, the words of an error reach the user, and a final error is not sent again.</summary>
public class KindA_words_of_an_error
{
    private const string Words = "request exceeds the available context size";

    [Theory]
    [InlineData("error: {\"code\":400,\"message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("error: {\"error\":{\"code\":400,\"message\":\"request exceeds the available context size\"}}\n\n")]
    [InlineData("error:request exceeds the available context size\r\n\r\n")]
    [InlineData("error: {\"message\":\"request exceeds the available context size\"}\n")]
    [InlineData(": ping\n\nerror: {\"code\":400,\"message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("{\"code\":400,\"message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"object\":\"error\",\"message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"message\":\"request exceeds the available context size\",\"code\":null}\n\n")]
    [InlineData("data: {\"base_resp\":{\"status_code\":2013,\"status_msg\":\"request exceeds the available context size\"}}\n\n")]
    [InlineData("data: {\"choices\":null,\"base_resp\":{\"status_msg\":\"request exceeds the available context "
        + "size\",\"status_code\":2013}}\n\n")]
    [InlineData("data: {\"error_code\":336003,\"error_msg\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"detail\":[{\"msg\":\"request exceeds the available context size\"}]}\n\n")]
    [InlineData("data: {\"success\":false,\"msg\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: [{\"error\":{\"code\":400,\"message\":\"request exceeds the available context size\"}}]\n\n")]
    [InlineData("data: request exceeds the available context size\n\n")]
    [InlineData("data: \"request exceeds the available context size\"\n\n")]
    [InlineData("event: message\nrequest exceeds the available context size\n\n")]
    public async Task In_a_stream_they_are_quoted(string stream)
    {
        foreach (var tail in new[] { string.Empty, Done })
        {
            // Raw JSON is read as a plain answer, which nothing may follow.
            if (stream[0] == '{' && tail.Length > 0) continue;
            var error = await ErrorOfAsync(() => Reply.Events(stream + tail));
            Assert.Contains(Words, error.Message);
            Assert.NotEqual(LlmErrorKind.StreamInterrupted, error.Kind);
        }
    }

    [Theory]
    [InlineData("error: {\"code\":400,\"message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: [{\"error\":{\"code\":400,\"message\":\"request exceeds the available context size\"}}]\n\n")]
    [InlineData("data: {\"error_code\":400,\"error_msg\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: request exceeds the available context size\n\n")]
    [InlineData("request exceeds the available context size\n\n")]
    public async Task A_final_error_in_a_stream_costs_one_request(string stream)
    {
        var handler = new ScriptedHandler(_ => Reply.Events(stream + Done));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Contains(Words, (await TestSession.ErrorAsync(session)).Message);
        Assert.Contains(Words, (await StreamOutcome.OfAsync(session)).Error!.Message);
        Assert.Equal(2, handler.Sent.Count);
    }

    [Theory]
    [InlineData("error: {\"code\":503,\"message\":\"loading model\"}\n\n")]
    [InlineData("error: {\"error\":{\"code\":429,\"message\":\"slow down\"}}\n\n")]
    [InlineData("data: [{\"error\":{\"code\":503,\"message\":\"loading model\"}}]\n\n")]
    public async Task A_transient_error_in_a_stream_is_sent_again(string stream)
    {
        var handler = new ScriptedHandler(n => Reply.Events(n == 1 ? stream + Done : StreamCases.UsageOnEveryChunk));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask())).Content);
        Assert.Equal(2, handler.Sent.Count);
    }

    [Theory]
    [InlineData("error: {\"code\":500,\"message\":\"the worker died\"}\n\n", "the worker died")]
    [InlineData("data: {\"object\":\"error\",\"message\":\"the worker died\"}\n\n", "the worker died")]
    [InlineData("data: {\"message\":\"the worker died\"}\n\n", "the worker died")]
    [InlineData("data: Internal Server Error\n\n", "Internal Server Error")]
    [InlineData("Internal Server Error\n\n", "Internal Server Error")]
    public async Task In_the_middle_of_an_answer_they_come_with_the_partial_answer(string stream, string words)
    {
        foreach (var tail in new[] { string.Empty, Done })
        {
            var outcome = await StreamOutcome.OfEventsAsync(Content("Hel") + stream + tail);
            Assert.Null(outcome.Completion);
            Assert.Contains(words, outcome.Error!.Message);
            Assert.Equal("Hel", outcome.Error.PartialCompletion!.Content);
        }
    }

    [Theory]
    [InlineData("data: {\"type\":\"ping\"}\n\n")]
    [InlineData("data: {\"status\":\"queued\",\"message\":\"place 3 in the queue\"}\n\n")]
    [InlineData("data: ping\n\n")]
    [InlineData("x-served-by: 7\n")]
    [InlineData("note: this is no field\n\n")]
    [InlineData("data: {\"base_resp\":{\"status_code\":0,\"status_msg\":\"\"}}\n\n")]
    [InlineData("data: {\"error_code\":0,\"error_msg\":\"\"}\n\n")]
    public async Task What_is_no_error_takes_nothing_from_an_answer(string notice)
    {
        var outcome =
            await StreamOutcome.OfEventsAsync(notice + Content("Hel") + notice + Content("lo") + notice + Finish() + notice + Done);
        Assert.Null(outcome.Error);
        Assert.Equal("Hello", outcome.Completion!.Content);
        // Without a finish reason, what came before the last text is no reason for its end.
        Assert.Equal("Hello", (await StreamOutcome.OfEventsAsync(notice + Content("Hello") + Done)).Completion!.Content);
    }

    [Fact]
    public async Task An_error_behind_the_finish_reason_takes_nothing_from_an_answer()
    {
        var outcome =
            await StreamOutcome.OfEventsAsync(Content("Hello") + Finish() + "error: {\"code\":500,\"message\":\"late\"}\n\n" + Done);
        Assert.Equal("Hello", outcome.Completion!.Content);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_quotes_what_was_not_understood()
    {
        var error = await ErrorOfAsync(() => Reply.Events("data: {\"kind\":\"loading\"}\n\n"));
        Assert.Equal(LlmErrorKind.StreamInterrupted, error.Kind);
        Assert.Contains("'{\"kind\":\"loading\"}'", error.Message);
    }

    [Theory]
    [InlineData("{\"object\":\"error\",\"message\":\"request exceeds the available context size\"}")]
    [InlineData("{\"message\":\"request exceeds the available context size\"}")]
    [InlineData("{\"base_resp\":{\"status_code\":2013,\"status_msg\":\"request exceeds the available context "
        + "size\"},\"choices\":null,\"usage\":{\"total_tokens\":0}}")]
    [InlineData("{\"error_code\":336003,\"error_msg\":\"request exceeds the available context size\"}")]
    [InlineData("{\"detail\":\"request exceeds the available context size\"}")]
    [InlineData("{\"errors\":[{\"message\":\"request exceeds the available context size\"}]}")]
    [InlineData("[{\"error\":{\"code\":400,\"message\":\"request exceeds the available context size\"}}]")]
    [InlineData("\"request exceeds the available context size\"")]
    [InlineData("request exceeds the available context size")]
    public async Task In_a_plain_answer_they_are_quoted_and_cost_one_request(string body)
    {
        var handler = new ScriptedHandler(_ => Reply.Json(body));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Contains(Words, (await TestSession.ErrorAsync(session)).Message);
        Assert.Single(handler.Sent);
    }

    [Theory]
    [InlineData("{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"m\"}}", "1008")]
    [InlineData("{\"error_code\":17,\"error_msg\":\"m\"}", "17")]
    [InlineData("[{\"error\":{\"code\":\"x1\",\"message\":\"m\"}}]", "x1")]
    public async Task The_code_is_read_from_each_shape(string body, string code)
    {
        Assert.Equal(code, (await ErrorOfAsync(() => Reply.Json(body))).ProviderCode);
        Assert.Equal(code, (await ErrorOfAsync(() => Reply.Events(Event(body)))).ProviderCode);
    }

    [Fact]
    public async Task A_plain_error_of_a_transient_kind_is_sent_again()
    {
        var handler =
            new ScriptedHandler(n => n == 1 ? Reply.Json("""[{"error":{"code":503,"message":"loading model"}}]""") : Reply.Plain());
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        Assert.Equal(2, (await session.CompleteAsync(TestSession.Ask())).Attempts);
    }

    [Fact]
    public async Task A_key_in_the_words_is_redacted()
    {
        foreach (var stream in new[] { $"error: bad key {TestSession.Key}\n\n", $"data: {{\"kind\":\"{TestSession.Key}\"}}\n\n",
            $"bad key {TestSession.Key}\n" })
            Assert.DoesNotContain("sk-test", (await ErrorOfAsync(() => Reply.Events(stream))).Message);
    }

    [Fact]
    public async Task A_line_that_is_not_understood_is_read_the_same_however_it_is_split()
    {
        foreach (var stream in new[]
        {
            Content("Hel") + "error: {\"code\":500,\"message\":\"died\"}\n\n" + Content("lo") + Finish() + Done,
            Content("Hello") + "note: x\n" + Done + "error: late\n\n",
            "no field\r\r" + Content("Hello") + Finish() + "error: late",
            Content("Hel") + "error: died",
        })
        {
            var bytes = Bytes(stream);
            var whole = (await StreamOutcome.OfAsync(Reply.Pieces([bytes]))).Text;
            for (var at = 1; at < bytes.Length; at++)
                Assert.Equal(whole, (await StreamOutcome.OfAsync(Reply.Pieces(Split(bytes, at)))).Text);
            Assert.Equal(whole, (await StreamOutcome.OfAsync(Reply.Pieces(ByteByByte(bytes)))).Text);
        }
    }

    /// <summary>Errors without an HTTP status in them, and errors that stand deeper than usual. No repetition helps.</summary>
    [Theory]
    [InlineData("event: error\ndata: request exceeds the available context size\n\n")]
    [InlineData("data: {\"error\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"error\":{\"error\":{\"code\":400,\"message\":\"request exceeds the available context size\"}}}\n\n")]
    [InlineData("data: {\"errors\":[\"request exceeds the available context size\"]}\n\n")]
    [InlineData("data: {\"errors\":[{\"code\":400,\"message\":\"request exceeds the available context size\"}]}\n\n")]
    [InlineData("data: {\"status\":\"failed\",\"error_message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"Error\":{\"Code\":\"InvalidParameter\",\"Message\":\"request exceeds the available context size\"}}\n\n")]
    [InlineData("data: {\"Code\":\"InvalidParameter\",\"Message\":\"request exceeds the available context size\"}\n\n")]
    [InlineData("data: {\"Response\":{\"Error\":{\"Code\":\"x\",\"Message\":\"request exceeds the available context size\"}}}\n\n")]
    [InlineData("data: {\"data\":{\"error\":{\"message\":\"request exceeds the available context size\"}}}\n\n")]
    [InlineData("data: {\"fault\":{\"faultstring\":\"request exceeds the available context size\"}}\n\n")]
    [InlineData("data: [[{\"error\":{\"code\":400,\"message\":\"request exceeds the available context size\"}}]]\n\n")]
    [InlineData("data: [\"request exceeds the available context size\"]\n\n")]
    [InlineData("data: [ERROR] request exceeds the available context size\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"error\":{\"message\":\"request exceeds the available context size\"}}}]}\n\n")]
    [InlineData("Error: request exceeds the available context size\n\n")]
    [InlineData("data: {\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"request exceeds the available "
        + "context size\"}\n\n")]
    public async Task A_final_error_of_any_shape_costs_one_request(string stream)
    {
        var handler = new ScriptedHandler(_ => Reply.Events(stream + Done));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.InvalidRequest, 1), (error.Kind, handler.Sent.Count));
        Assert.EndsWith(Words, error.Message.Replace(" (code 400)", string.Empty, StringComparison.Ordinal)
            .Replace(" (code InvalidParameter)", string.Empty, StringComparison.Ordinal)
                .Replace(" (code x)", string.Empty, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
        LlmErrorKind.ServiceUnavailable)]
    [InlineData("event: error\ndata: {\"type\":\"rate_limit_error\",\"message\":\"x\"}\n\n", LlmErrorKind.RateLimited)]
    [InlineData("error: 503 Service Unavailable\n\n", LlmErrorKind.ServiceUnavailable)]
    [InlineData("data: <html><title>502 Bad Gateway</title></html>\n\n", LlmErrorKind.ServiceUnavailable)]
    [InlineData("{\"timestamp\":1,\"status\":500,\"error\":\"Internal Server Error\"}", LlmErrorKind.ServerError)]
    public async Task An_error_that_passes_is_sent_again_without_a_status(string body, LlmErrorKind kind)
    {
        var handler = new ScriptedHandler(_ => Reply.Events(body));
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 1);
        Assert.Equal((kind, 2), ((await TestSession.ErrorAsync(session)).Kind, handler.Sent.Count));
    }

    [Theory]
    [InlineData("{\"error\":{\"message\":\"Incorrect API key provided\"}}", LlmErrorKind.Unauthorized)]
    [InlineData("{\"error\":{\"type\":\"authentication_error\",\"code\":\"invalid_request_error\",\"message\":\"x\"}}",
        LlmErrorKind.Unauthorized)]
    [InlineData("{\"error\":{\"code\":\"model_not_found\",\"message\":\"x\"}}", LlmErrorKind.NotFound)]
    public async Task The_kind_is_judged_by_type_and_words_where_there_is_no_status(string json, LlmErrorKind kind)
    {
        Assert.Equal(kind, (await ErrorOfAsync(() => Reply.Json(json))).Kind);
        Assert.Equal(kind, (await ErrorOfAsync(() => Reply.Events(Event(json)))).Kind);
    }

    [Theory]
    [InlineData("{\"error\":{},\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}")]
    [InlineData("{\"error\":{\"code\":0,\"message\":\"\"},\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}")]
    [InlineData("{\"error\":[],\"choices\":[{\"delta\":{\"content\":\"Hel\",\"error\":false}}]}")]
    public async Task An_empty_error_beside_an_answer_is_none(string json) =>
        Assert.Equal("Hello", (await StreamOutcome.OfEventsAsync(Event(json) + Content("lo") + Finish() + Done)).Completion!.Content);

    [Theory]
    [InlineData("{\"code\":0,\"message\":\"success\"}")]
    [InlineData("{\"code\":200,\"msg\":\"processing\"}")]
    [InlineData("{\"code\":\"success\",\"message\":\"queued\"}")]
    public async Task A_code_of_success_is_no_error(string json)
    {
        Assert.Equal("Hello", (await StreamOutcome.OfEventsAsync(Event(json) + Content("Hello") + Finish() + Done)).Completion!.Content);
        Assert.Equal(LlmErrorKind.InvalidResponse, (await ErrorOfAsync(() => Reply.Events(Event(json) + Done))).Kind);
    }

    [Fact]
    public async Task Data_that_names_its_field_twice_is_not_dropped()
    {
        var outcome = await StreamOutcome.OfEventsAsync("data: " + Content("Hel") + Content("lo") + Finish() + Done);
        Assert.Equal("Hello", outcome.Completion!.Content);
    }

    private static async Task<LlmApiException> ErrorOfAsync(Func<HttpResponseMessage> reply)
    {
        using var session = TestSession.Open("OpenAICompatible", new ScriptedHandler(_ => reply()));
        return await TestSession.ErrorAsync(session);
    }
}
