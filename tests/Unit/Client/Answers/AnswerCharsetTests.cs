using System.Net.Http;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Answers that are not in UTF-8, and those that only say so.</summary>
public class AnswerCharsetTests
{
    private const string Text = "Größe: 5 µm";

    private static readonly string s_plain = Reply.PlainAnswer.Replace("Hello", Text);
    private static readonly string s_events = Sse.Content(Text) + Sse.Finish() + Sse.Done;

    [Theory]
    [InlineData("iso-8859-1", "iso-8859-1")]
    [InlineData("\"ISO-8859-1\"", "iso-8859-1")]
    [InlineData("iso-8859-1", "utf-8")]
    [InlineData("utf-16", "utf-8")]
    [InlineData("utf-8", "utf-8")]
    [InlineData("no-such-charset", "utf-8")]
    public async Task An_answer_is_read_in_its_charset(string said, string written)
    {
        foreach (var (body, type) in new[] { (s_plain, "application/json"), (s_events, "text/event-stream"),
            (s_plain, "text/event-stream") })
        {
            using var session = TestSession.Open(new ScriptedHandler(_ => Answer(200, body, type, said, written)));
            Assert.Equal(Text, (await session.CompleteAsync(TestSession.Ask())).Content);
        }
    }

    [Fact]
    public async Task An_error_is_read_in_its_charset()
    {
        var error = await TestSession.ErrorOfAsync("SiliconFlow",
            Answer(400, $$"""{"message":"{{Text}}"}""", "application/json", "iso-8859-1", "iso-8859-1"));
        Assert.Contains(Text, error.Message);
    }

    private static HttpResponseMessage Answer(int status, string body, string type, string said, string written)
    {
        var content = new ByteArrayContent(Encoding.GetEncoding(written).GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", $"{type}; charset={said}");
        return new HttpResponseMessage((System.Net.HttpStatusCode)status) { Content = content };
    }
}
