using System.Collections.Generic;
using System.Net;
using System.Net.Http;
using System.Text;

namespace LlmPs.Unit.Client;

/// <summary>Responses for a <see cref="ScriptedHandler"/>.</summary>
internal static class Reply
{
    /// <summary>The shortest whole plain answer.</summary>
    internal const string PlainAnswer =
        """{"id":"a1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}""";

    internal static HttpResponseMessage Plain() => Json(PlainAnswer);

    internal static HttpResponseMessage Json(string body) => Status(200, body);

    internal static HttpResponseMessage Status(int status, string body, params (string Name, string Value)[] headers)
    {
        var response =
            new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers) response.Headers.TryAddWithoutValidation(name, value);
        return response;
    }

    internal static HttpResponseMessage Events(string text) => Body(new ScriptedStream([Encoding.UTF8.GetBytes(text)]));

    internal static HttpResponseMessage Pieces(IEnumerable<byte[]?> pieces, BodyEnd end = BodyEnd.Eof) =>
        Body(new ScriptedStream(pieces, end));

    internal static HttpResponseMessage Body(ScriptedStream body)
    {
        var content = new StreamContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", "text/event-stream");
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }
}
