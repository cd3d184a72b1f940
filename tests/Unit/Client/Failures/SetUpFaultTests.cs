using System;
using System.Linq;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading.Tasks;
using LlmPs.SimulatorHost;
using Xunit;
#if NET
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlmPs.Transport;
#endif

namespace LlmPs.Unit.Client;

/// <summary>A session that was set up wrongly fails at once, with advice that fits.</summary>
public class SetUpFaultTests
{
    private const string BadGateway =
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 44\r\nConnection: close\r\n\r\n<html><title>squid: no "
            + "route</title></html>\n";

#if NET
    // Mono cannot make certificates.
    [Fact]
    public async Task KindF_an_untrusted_certificate_is_final_at_once()
    {
        using var server = TlsServer();
        var error = await FailAsync($"https://localhost:{server.Port}/v1");
        Assert.Equal((LlmErrorKind.ConnectionFailed, 1, 1), (error.Kind, error.Attempts, server.Accepted));
        Assert.Contains($"The connection to localhost:{server.Port} failed: the certificate of the server is not trusted.", error.Message);
        Assert.Contains("certification authority", error.RecommendedAction);
    }

    [Fact]
    public async Task KindF_http_to_a_port_of_https_is_final_at_once()
    {
        using var server = TlsServer();
        var error = await FailAsync($"http://localhost:{server.Port}/v1");
        // The second connection finds out that the server speaks TLS. It carries no request.
        Assert.Equal((LlmErrorKind.ConnectionFailed, 1, 2), (error.Kind, error.Attempts, server.Accepted));
        Assert.Contains("does not answer plain http", error.Message);
        Assert.Contains($"https://localhost:{server.Port}", error.RecommendedAction);
    }

    [Fact]
    public async Task KindF_http_to_a_port_of_https_is_final_for_every_row()
    {
        using var server = TlsServer();
        using var session = Open($"http://localhost:{server.Port}/v1");
        var errors = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => TestSession.ErrorAsync(session)));
        Assert.All(errors, error => Assert.Equal((LlmErrorKind.ConnectionFailed, 1), (error.Kind, error.Attempts)));
        Assert.Equal(9, server.Accepted);
    }

    [Fact]
    public async Task Point12_a_host_whose_first_address_does_not_answer_is_reached_by_the_next()
    {
        using var server = new SocketServer(_ => Task.Delay(1000));
        using var silent = new SilentAddress(server.Port);
        using var socket = await AddressRace.ConnectAsync([silent.Address, IPAddress.Loopback], server.Port, default)
            .WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)socket.RemoteEndPoint!).Address);
    }

    [Fact]
    public async Task Point12_an_address_that_refuses_is_followed_by_the_next_without_a_wait()
    {
        using var server = new SocketServer(_ => Task.Delay(1000));
        using var socket =
            await AddressRace.ConnectAsync([IPAddress.Parse("127.0.0.3"), IPAddress.IPv6Loopback, IPAddress.Loopback], server.Port,
                default);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)socket.RemoteEndPoint!).Address);
        await Assert.ThrowsAnyAsync<SocketException>(() =>
            AddressRace.ConnectAsync([IPAddress.Parse("127.0.0.3"), IPAddress.Parse("127.0.0.4")], server.Port, default));
    }

    [Fact]
    public async Task Point12_no_address_that_answers_ends_with_the_connect_timeout()
    {
        using var server = new SocketServer(_ => Task.CompletedTask);
        using var silent = new SilentAddress(server.Port);
        using var limit = new System.Threading.CancellationTokenSource(600);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            AddressRace.ConnectAsync([silent.Address, silent.Address], server.Port, limit.Token));
    }
#endif

    [Fact]
    public async Task KindF_https_to_a_port_of_http_is_final_at_once()
    {
        using var server = new SocketServer(async socket =>
        {
            await SocketServer.ReadAsync(socket);
            await SocketServer.WriteAsync(socket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            await Task.Delay(100);
        });
        var error = await FailAsync($"https://localhost:{server.Port}/v1");
        Assert.Equal((LlmErrorKind.ConnectionFailed, 1, 1), (error.Kind, error.Attempts, server.Accepted));
        Assert.Contains("does not speak TLS", error.Message);
        Assert.Contains("http instead of https", error.RecommendedAction);
    }

    [Theory]
    // llama.cpp waits for the end of a line that never comes; others give up and close.
    [InlineData(true)]
    [InlineData(false)]
    public async Task KindF_https_to_a_port_of_http_that_does_not_answer_the_handshake_is_final_at_once(bool waits)
    {
        using var server = new SocketServer(async socket =>
        {
            if (await IsPlainAsync(socket))
            {
                await SocketServer.WriteAsync(socket, "HTTP/1.1 404 Not Found\r\nServer: llama.cpp\r\nContent-Length: 0\r\n\r\n");
                return;
            }

            if (waits) await Task.Delay(3000);
        });
        using var session = TestSession.Open("OpenAICompatible", null, options =>
        {
            options.BaseUri = new Uri($"https://localhost:{server.Port}/v1");
            options.ConnectTimeout = TimeSpan.FromSeconds(0.5);
            // .NET Framework has no limit of its own for the connection.
            options.Timeout = TimeSpan.FromSeconds(1);
            options.MaxRetryCount = 2;
        });
        var error = await TestSession.ErrorAsync(session);
        // The second connection finds out that the server speaks plain http. It carries no key.
        Assert.Equal((LlmErrorKind.ConnectionFailed, 1, 2), (error.Kind, error.Attempts, server.Accepted));
        Assert.Contains("does not speak TLS", error.Message);
        Assert.Contains($"http://localhost:{server.Port}", error.RecommendedAction);
    }

    [Fact]
    public async Task KindF_a_server_of_https_that_does_not_answer_the_handshake_is_tried_again()
    {
        using var server = new SocketServer(async socket =>
        {
            if (await IsPlainAsync(socket))
                await SocketServer.WriteAsync(socket,
                    "HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\n\r\nThe plain HTTP request was sent to HTTPS port...");
        });
        var error = await FailAsync($"https://localhost:{server.Port}/v1");
        Assert.Equal(3, error.Attempts);
    }

#if NET
    // Mono has other exceptions for it than .NET Framework.
    [Theory]
    // An alert of TLS, and another protocol.
    [InlineData("\u0015\u0003\u0003\u0000\u0002\u0002\u0046")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    public async Task KindF_a_server_that_does_not_speak_http_is_final_at_once(string words)
    {
        using var server = new SocketServer(async socket =>
        {
            await SocketServer.ReadAsync(socket);
            await SocketServer.WriteAsync(socket, words);
        });
        var error = await FailAsync($"http://localhost:{server.Port}/v1");
        Assert.Equal((LlmErrorKind.ConnectionFailed, 1), (error.Kind, error.Attempts));
        Assert.Contains("https://localhost", error.RecommendedAction);
    }
#endif

    [Fact]
    public async Task KindF_a_page_that_asks_for_https_leads_to_advice()
    {
        var error = await TestSession.ErrorOfAsync("OpenAICompatible",
            Reply.Status(400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"));
        Assert.Equal((LlmErrorKind.InvalidRequest, 1), (error.Kind, error.Attempts));
        Assert.Contains("https://localhost:8080", error.RecommendedAction);
    }

    [Fact]
    public async Task KindF_a_server_that_closes_without_a_word_is_tried_again()
    {
        using var server = new SocketServer(async socket => await SocketServer.ReadAsync(socket));
        var error = await FailAsync($"http://localhost:{server.Port}/v1");
        Assert.Equal((LlmErrorKind.ConnectionFailed, 3), (error.Kind, error.Attempts));
    }

#if NET
    // .NET Framework never goes through a proxy to its own computer.
    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task KindF_a_proxy_that_answers_for_this_computer_is_final_and_named(string scheme)
    {
        foreach (var reply in new[] { BadGateway, BadGateway.Replace("502", "403"),
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" })
        {
            using var proxy = new RawServer(RawReply.Text(RawEnd.Fin, reply));
            var error = await FailAsync($"{scheme}://localhost:1/v1", proxy.BaseUri);
            Assert.Equal((LlmErrorKind.ConnectionFailed, 1, 1), (error.Kind, error.Attempts, proxy.Requests));
            Assert.Contains($"localhost:1 through the proxy 127.0.0.1:{proxy.Port}", error.Message);
            Assert.Contains("no_proxy", error.RecommendedAction);
        }
    }

    [Fact]
    public async Task KindF_a_proxy_that_does_not_run_is_final_for_this_computer_only()
    {
        foreach (var (host, attempts) in new[] { ("localhost", 1), ("llm.example.invalid", 3) })
        {
            var error = await FailAsync($"http://{host}:1/v1", new Uri("http://127.0.0.1:1"));
            Assert.Equal((LlmErrorKind.ConnectionFailed, attempts), (error.Kind, error.Attempts));
            Assert.Contains($"{host}:1 through the proxy 127.0.0.1:1 failed", error.Message);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", Reply.PlainAnswer, null)]
    [InlineData("HTTP/1.1 503 Loading\r\nContent-Type: application/json\r\n", "{\"error\":{\"message\":\"Loading model\"}}",
        LlmErrorKind.ServiceUnavailable)]
    public async Task KindF_a_proxy_that_passes_the_answer_of_this_computer_on_is_no_fault(string head, string body, LlmErrorKind? kind)
    {
        using var proxy =
            new RawServer(RawReply.Text(RawEnd.Fin, $"{head}Content-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        using var session = Open("http://localhost:1/v1", proxy.BaseUri);
        if (kind is null)
        {
            Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask())).Content);
            return;
        }

        var error = await TestSession.ErrorAsync(session);
        Assert.Equal((kind, 3), (error.Kind, error.Attempts));
    }
#endif

    [Theory]
    [InlineData("http", BadGateway, LlmErrorKind.ServerError, 3)]
#if NET
    // .NET Framework takes the refusal of a tunnel for an answer.
    [InlineData("https", BadGateway, LlmErrorKind.ConnectionFailed, 3)]
    [InlineData("https", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", LlmErrorKind.ConnectionFailed, 1)]
#endif
    [InlineData("http",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: "
            + "close\r\n\r\n", LlmErrorKind.Unauthorized, 1)]
    [InlineData("https",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: "
            + "close\r\n\r\n", LlmErrorKind.Unauthorized, 1)]
    [InlineData("http",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 28\r\nConnection: close\r\n\r\n<html><title>Log in</title>\n",
            LlmErrorKind.InvalidResponse, 1)]
    public async Task KindF_the_proxy_is_named_in_every_error_that_came_through_it(string scheme, string reply, LlmErrorKind kind,
        int attempts)
    {
        using var proxy = new RawServer(RawReply.Text(RawEnd.Fin, reply));
        var error = await FailAsync($"{scheme}://llm.example.invalid/v1", proxy.BaseUri);
        Assert.Equal((kind, attempts), (error.Kind, error.Attempts));
        Assert.Contains($"the proxy 127.0.0.1:{proxy.Port}", error.Message);
    }

    [Fact]
    public async Task KindF_a_host_that_is_not_known_is_final_at_once()
    {
        var error = new HttpRequestException("outer", new SocketException((int)SocketError.HostNotFound));
        var handler = new ScriptedHandler(HttpResponseMessage (int _) => throw error);
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        var told = await TestSession.ErrorAsync(session);
        Assert.Equal((LlmErrorKind.ConnectionFailed, 1), (told.Kind, told.Attempts));
        Assert.Contains("the host name is not known", told.Message);
        Assert.Contains("-BaseUri", told.RecommendedAction);
    }

    [Fact]
    public async Task KindF_a_host_that_was_reached_before_is_tried_again_when_its_name_is_not_found()
    {
        var handler =
            new ScriptedHandler(n =>
                n == 2 ? throw new HttpRequestException("x", new SocketException((int)SocketError.HostNotFound)) : Reply.Plain());
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 3);
        await session.CompleteAsync(TestSession.Ask());
        Assert.Equal(2, (await session.CompleteAsync(TestSession.Ask())).Attempts);
    }

    [Theory]
    [InlineData("http://localhost:8080", 404, "404 page not found", "http://localhost:8080/chat/completions", true)]
    [InlineData("http://localhost:8080/", 405, "", "http://localhost:8080/chat/completions", true)]
    [InlineData("http://localhost:8080/api", 404, """{"detail":"Not Found"}""", "http://localhost:8080/api/chat/completions", true)]
    [InlineData("http://localhost:8080/v1", 404, "404 page not found", "http://localhost:8080/v1/chat/completions", false)]
    [InlineData("http://localhost:8080", 404, """{"error":{"message":"model 'm' not found"}}""", "http://localhost:8080/chat/completions",
        false)]
    public async Task KindF_an_address_that_is_not_found_is_shown_with_advice(string baseUri, int status, string body, string address,
        bool advises)
    {
        var handler = new ScriptedHandler(_ => Reply.Status(status, body));
        using var session =
            TestSession.Open("OpenAICompatible", handler, options => (options.BaseUri, options.MaxRetryCount) = (new Uri(baseUri), 3));
        var error = await TestSession.ErrorAsync(session);
        Assert.EndsWith($"The address was {address}.", error.Message);
        Assert.Equal(advises, error.RecommendedAction?.Contains("/v1") == true);
        Assert.Single(handler.Sent);
    }

    [Fact]
    public async Task KindF_a_page_of_an_address_without_a_version_leads_to_advice()
    {
        using var session =
            TestSession.Open("OpenAICompatible", new ScriptedHandler(_ => Reply.Status(200, "<html><title>Chat</title></html>")),
                options => options.BaseUri = new Uri("http://localhost:8080"));
        Assert.Contains("http://localhost:8080/v1", (await TestSession.ErrorAsync(session)).RecommendedAction);
    }

    [Theory]
    [InlineData(520)]
    [InlineData(522)]
    [InlineData(525)]
    [InlineData(529)]
    public async Task Point12_520_to_529_are_tried_again_as_503_is(int status)
    {
        var handler =
            new ScriptedHandler(n => n == 1 ? Reply.Status(status, "<html><title>Web server is down</title></html>") : Reply.Plain());
        using var session = TestSession.Open("OpenAICompatible", handler, options => options.MaxRetryCount = 2);
        Assert.Equal(2, (await session.CompleteAsync(TestSession.Ask())).Attempts);
        Assert.Equal(LlmErrorKind.ServiceUnavailable, (await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(status, ""))).Kind);
    }

    [Theory]
    [InlineData(519)]
    [InlineData(530)]
    [InlineData(505)]
    public async Task Point12_the_statuses_beside_are_not(int status) =>
        Assert.Equal(LlmErrorKind.ServerError, (await TestSession.ErrorOfAsync("SiliconFlow", Reply.Status(status, ""))).Kind);

#if NET
    // Mono has another exception for it than .NET Framework.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Point12_headers_over_64_KB_are_final(bool inOne)
    {
        var headers = inOne ? "X-Long: " + new string('a', 70_000) + "\r\n"
            : string.Concat(Enumerable.Range(0, 700).Select(i => $"X-Long-{i}: {new string('a', 100)}\r\n"));
        using var server = new RawServer(RawReply.Text(RawEnd.Fin, $"HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\n\r\n{{}}"));
        var error = await FailAsync(new Uri(server.BaseUri, "v1").AbsoluteUri);
        Assert.Equal((LlmErrorKind.InvalidResponse, 1, 1), (error.Kind, error.Attempts, server.Requests));
        Assert.Contains("over the limit of 64 KB", error.Message);
    }
#endif

    [Theory]
    [InlineData(8)]
    [InlineData(40)]
    public async Task Point12_a_413_that_comes_while_the_request_is_sent_is_final(int megabytes)
    {
        using var server = new SocketServer(async socket =>
        {
            await SocketServer.ReadAsync(socket);
            await SocketServer.WriteAsync(socket,
                "HTTP/1.1 413 Payload Too Large\r\nContent-Type: application/json\r\nContent-Length: 35\r\nConnection: "
                    + "close\r\n\r\n{\"error\":{\"message\":\"at most 1 MB\"}}");
            // What was not read makes closing a reset.
            await Task.Delay(50);
        });
        using var session = Open($"http://localhost:{server.Port}/v1");
        var error = await TestSession.ErrorAsync(session, TestSession.Ask(new string('x', megabytes * 1024 * 1024)));
        Assert.Equal((LlmErrorKind.RequestTooLarge, 413, 1, 1), (error.Kind, error.StatusCode, error.Attempts, server.Accepted));
    }

    [Fact]
    public async Task Point12_a_connection_that_breaks_while_the_request_is_sent_is_tried_again()
    {
        using var server = new SocketServer(async socket =>
        {
            await SocketServer.ReadAsync(socket);
            await Task.Delay(20);
        });
        using var session = Open($"http://localhost:{server.Port}/v1");
        var error = await TestSession.ErrorAsync(session, TestSession.Ask(new string('x', 8 * 1024 * 1024)));
        Assert.Equal((LlmErrorKind.ConnectionFailed, 3), (error.Kind, error.Attempts));
    }

    private static LlmSession Open(string address, Uri? proxy = null) => TestSession.Open("OpenAICompatible", null, options =>
    {
        options.BaseUri = new Uri(address);
        options.Proxy = proxy;
        options.MaxRetryCount = 2;
    });

    private static async Task<bool> IsPlainAsync(Socket socket)
    {
        var bytes = new byte[4096];
        return await new NetworkStream(socket).ReadAsync(bytes, 0, bytes.Length) > 4 && bytes[0] == (byte)'H' && bytes[1] == (byte)'E';
    }

    private static async Task<LlmApiException> FailAsync(string address, Uri? proxy = null)
    {
        using var session = Open(address, proxy);
        return await TestSession.ErrorAsync(session);
    }

#if NET
    private static SocketServer TlsServer()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return new SocketServer(async socket =>
        {
            using var tls = new SslStream(new NetworkStream(socket));
            await tls.AuthenticateAsServerAsync(certificate);
            await Task.Delay(1000);
        });
    }

    /// <summary>An address that answers no attempt to connect: the queue of its listener is full.</summary>
    private sealed class SilentAddress : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly System.Collections.Generic.List<Socket> _waiting = [];

        internal SilentAddress(int port)
        {
            _listener.Bind(new IPEndPoint(Address, port));
            _listener.Listen(0);
            for (var i = 0; i < 64; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _waiting.Add(socket);
                try
                {
                    socket.Connect(Address, port);
                }
                catch (SocketException)
                {
                    // It is under way.
                }
            }
        }

        internal IPAddress Address { get; } = IPAddress.Parse("127.0.0.2");

        public void Dispose()
        {
            foreach (var socket in _waiting) socket.Dispose();
            _listener.Dispose();
        }
    }
#endif
}
