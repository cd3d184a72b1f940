using System;
using System.Text;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.SimulatorHost;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>What a session is opened with is checked when it is opened, and not by the first row.</summary>
public class ConnectionTests
{
    [Theory]
    [InlineData("http://example.com/v1?api-key=hidden#hidden", "http://example.com/v1")]
    [InlineData("http://example.com/v1/chat/completions?api-key=hidden", "http://example.com/v1/chat/completions")]
    [InlineData("http://example.com/v1#hidden", "http://example.com/v1")]
    [InlineData("ftp://me:hidden@example.com/v1?hidden", "ftp://example.com")]
    [InlineData("me:hidden@example.com/v1", "***")]
    [InlineData("example.com/v1?api-key=hidden", "***")]
    [InlineData("https://example.com/v1/chat/completions", "https://example.com/v1/chat/completions")]
    public void An_address_that_is_refused_is_shown_without_user_query_and_fragment(string address, string shown)
    {
        var error = Assert.Throws<ArgumentException>(() => Open(options => options.BaseUri = new Uri(address, UriKind.RelativeOrAbsolute)));
        Assert.Contains($"BaseUri '{shown}'", error.Message);
        Assert.DoesNotContain("hidden", error.Message);
    }

    [Theory]
    [InlineData("foo", "give it as http://foo")]
    [InlineData("myproxy:8080", "give it as http://myproxy:8080")]
    [InlineData("ftp://me:hidden@proxy.example.com", "Proxy 'ftp://proxy.example.com'")]
    [InlineData("me:hidden@proxy.example.com", "give it as http://proxy.example.com:8080")]
    public void A_proxy_that_is_no_address_is_refused_with_what_would_be(string address, string words)
    {
        var error = Assert.Throws<ArgumentException>(() => Open(options => options.Proxy = new Uri(address, UriKind.RelativeOrAbsolute)));
        Assert.Contains(words, error.Message);
        Assert.DoesNotContain("hidden", error.Message);
    }

    [Theory]
    [InlineData("X-Title", "Zürich", "holds a control character or one that is not ASCII")]
    [InlineData("X-Title", "a\u0007b", "holds a control character or one that is not ASCII")]
    [InlineData("X-Title", "a\r\nb", "holds a line break")]
    [InlineData("Content-Type", "text/plain", "belongs to the body")]
    [InlineData("content-length", "1", "belongs to the body")]
    [InlineData("X:Title", "a", "is not a header name")]
    [InlineData("", "a", "is not a header name")]
    public void A_header_that_could_not_be_sent_is_refused_by_name(string name, string value, string words)
    {
        var error = Assert.Throws<ArgumentException>(() => Open(options => options.Headers[name] = TestSession.Secret(value)));
        Assert.Contains($"eader '{name}' {words}", error.Message);
        if (value.Length > 1) Assert.DoesNotContain(value, error.Message);
    }

    [Theory]
    [InlineData(0, null, "RequestsPerMinute 0")]
    [InlineData(-5, null, "RequestsPerMinute -5")]
    [InlineData(null, 0, "TokensPerMinute 0")]
    public void A_limit_that_lets_nothing_through_is_refused(int? requests, int? tokens, string words)
    {
        var error = Assert.Throws<ArgumentException>(() =>
            Open(options => (options.RequestsPerMinute, options.TokensPerMinute) = (requests, tokens)));
        Assert.Contains(words + " is out of range: 1 and above.", error.Message);
    }

    [Fact]
    public async Task A_blank_key_is_none()
    {
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.ApiKey = TestSession.Secret(""));
        Assert.False(session.HasKey);
        await session.CompleteAsync(TestSession.Ask());
        Assert.DoesNotContain("Authorization", handler.Sent[0].Headers.Keys);
    }

    [Theory]
    [InlineData("http://llm.example.invalid/v1")]
    [InlineData("https://llm.example.invalid/v1")]
    public async Task A_proxy_that_wants_a_password_is_told_as_the_proxy_and_asked_once(string address)
    {
        var refusal =
            Encoding.ASCII.GetBytes(
                "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: "
                    + "0\r\nConnection: close\r\n\r\n");
        using var proxy = new RawServer(new RawReply([refusal], RawEnd.Fin));
        using var session = TestSession.Connect(new Uri("http://localhost/"), options =>
        {
            options.BaseUri = new Uri(address);
            options.Proxy = proxy.BaseUri;
            options.MaxRetryCount = 2;
        });
        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.Unauthorized, 407, 1), (error.Kind, error.StatusCode, error.Attempts));
        Assert.Contains("the proxy asks for a name and password", error.Message);
        Assert.Contains("-ProxyCredential", error.RecommendedAction);
    }

    private static LlmSession Open(Action<LlmSessionOptions> configure) =>
        TestSession.Open("OpenAICompatible", new ScriptedHandler(_ => Reply.Plain()), configure);
}
