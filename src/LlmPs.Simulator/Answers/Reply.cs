using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Answers;

/// <summary>Builds HTTP answers.</summary>
internal static class Reply
{
    internal const string JsonType = "application/json";

    internal static HttpResponseMessage Of(HttpRequestMessage request, WireReply reply) =>
        With(request, reply.Status, new ByteArrayContent(reply.Body.Array, reply.Body.Start, reply.Body.Unread), reply.MediaType);

    internal static HttpResponseMessage Html(HttpRequestMessage request, int status, string title) =>
        With(request, status, new ByteArrayContent(Encoding.UTF8.GetBytes(
            $"<!DOCTYPE html>\r\n<html><head><title>{title}</title></head>\r\n"
                + $"<body><center><h1>{title}</h1></center><hr><center>nginx</center></body></html>\r\n")), "text/html");

    internal static HttpResponseMessage Body(HttpRequestMessage request, StreamBody body, string mediaType) =>
        With(request, 200, new StreamBodyContent(body), mediaType);

    internal static HttpResponseMessage With(HttpRequestMessage request, int status, HttpContent content, string mediaType)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return new HttpResponseMessage((HttpStatusCode)status) { RequestMessage = request, Content = content };
    }
}
