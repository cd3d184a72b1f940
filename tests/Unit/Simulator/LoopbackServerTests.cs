using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.SimulatorHost;
using Xunit;

namespace LlmPs.Unit.Simulator;

/// <summary>The simulator behind a real socket, with a plain HttpClient before it.</summary>
public sealed class LoopbackServerTests : IDisposable
{
    private readonly HttpClient _client =
        new() { DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", "key") } };

    public void Dispose() => _client.Dispose();

    [Theory]
    [InlineData("genstudio/maas/kimi-k2-instruct/nvidia/chat/completions")]
    [InlineData("cloudsway/v1/ai/endpoint/chat/completions")]
    [InlineData("siliconflow/v1/chat/completions")]
    [InlineData("openai/v1/chat/completions")]
    public async Task Plain_and_streamed_answers_are_the_handlers_own(string path)
    {
        using var server = new LoopbackServer();
        using var asking = new Asking();
        foreach (var stream in new[] { false, true })
        {
            var body = Asking.Body(Asking.GenStudio, "你好 👍🏽", stream);
            var expected = await asking.TextAsync("http://simulated.invalid/" + path, body);
            Assert.Equal(expected, await PostAsync(server, path, body));
        }

        Assert.Equal(1, server.OpenConnections);
        Assert.Equal(0, server.InFlight);
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task A_chunked_request_body_is_read()
    {
        using var server = new LoopbackServer();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.BaseUri, "openai/v1/chat/completions"))
        {
            Content = new StringContent(Asking.Body(Asking.OpenAI, new string('x', 100_000)).ToJsonString()),
        };
        request.Headers.TransferEncodingChunked = true;
        request.Headers.ExpectContinue = true;
        using var response = await _client.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode);
        Assert.Contains("Echo: xxx", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_are_sent_as_they_come()
    {
        using var server = new LoopbackServer(Asking.Options(("TokenDelayMs", 10_000)));
        using var response = await SendAsync(server, stream: true);
        var buffer = new byte[4096];
        var body = await response.Content.ReadAsStreamAsync();
        var read = await body.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.StartsWith("data: {", Encoding.UTF8.GetString(buffer, 0, read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reset_is_a_reset()
    {
        using var server = new LoopbackServer(Asking.Options(("Faults", "Reset")));
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(server, stream: false));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(error.GetBaseException()).SocketErrorCode);
    }

    [Theory]
    [InlineData("Rst", true)]
    [InlineData("Fin", true)]
    [InlineData("Rst", false)]
    [InlineData("Fin", false)]
    public async Task A_cut_answer_is_cut_by_what_was_asked_for(string by, bool stream)
    {
        // Time for the first chunks to be read before the break: a reset drops what still lies in the client's socket.
        using var server = new LoopbackServer(Asking.Options(("TokenDelayMs", 20), ("Faults", Asking.Fault("CutStream", ("CutBy", by)))));
        using var response = await SendAsync(server, stream);
        var error = await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            var body = await response.Content.ReadAsStreamAsync();
            await body.CopyToAsync(Stream.Null);
        });
        Assert.Equal(by == "Rst", error.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionReset });
        await Until(() => server.InFlight == 0 && server.OpenConnections == 0);
    }

    [Theory]
    [InlineData("Stall", true)]
    [InlineData("StallBeforeHeaders", true)]
    [InlineData("StallBeforeHeaders", false)]
    [InlineData("KeepAliveOnly", true)]
    public async Task A_client_that_leaves_ends_its_request(string fault, bool stream)
    {
        using var server = new LoopbackServer(Asking.Options(("Faults", fault)));
        using var cancel = new CancellationTokenSource();
        Task[] asked = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            using var response = await SendAsync(server, stream, cancel.Token);
            var body = await response.Content.ReadAsStreamAsync(cancel.Token);
            await body.CopyToAsync(Stream.Null, cancel.Token);
        }))];
        await Until(() => server.InFlight == 8);
        Assert.Equal(8, server.MaxInFlight);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(asked));
        await Until(() => server.InFlight == 0 && server.OpenConnections == 0);
    }

    [Fact]
    public async Task The_control_paths_steer_and_question()
    {
        using var server = new LoopbackServer();
        var stats = await Control(HttpMethod.Post, server, "_sim/options",
            """{"countBodies":true,"answer":["scripted"],"faults":[{"fault":"RateLimit","on":2}]}""");
        Assert.Equal(0, (int)stats["requests"]!);
        var body = Asking.Body(Asking.OpenAI, "hi");
        Assert.Contains("scripted", await PostAsync(server, "openai/v1/chat/completions", body), StringComparison.Ordinal);
        await PostAsync(server, "openai/v1/chat/completions", body);
        await PostAsync(server, "openai/v1/chat/completions", Asking.Body(Asking.OpenAI, "other"));

        stats = await Control(HttpMethod.Get, server, "_sim/stats");
        Assert.Equal((3, 2, 1), ((int)stats["requests"]!, (int)stats["distinctBodies"]!, (int)stats["faulted"]!));
        Assert.Equal(3, (int)Assert.Single(stats["perKey"]!.AsObject()).Value!);
        Assert.Equal([1, 2], (await Control(HttpMethod.Get, server, "_sim/bodies")).AsObject().Select(count => (int)count.Value!).Order());
        var requests = (await Control(HttpMethod.Get, server, "_sim/requests")).AsArray();
        Assert.Equal("/openai/v1/chat/completions", (string)requests[2]!["path"]!);
        Assert.Contains("other", (string)requests[2]!["body"]!, StringComparison.Ordinal);
        Assert.StartsWith("hash ", (string)requests[2]!["headers"]!["Authorization"]!, StringComparison.Ordinal);
        Assert.Equal(0, (int)(await Control(HttpMethod.Post, server, "_sim/reset"))["requests"]!);
        Assert.Contains("nonsense", (string)(await Control(HttpMethod.Post, server, "_sim/options", """{"nonsense":1}"""))["error"]!,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_stays_for_other_clients_and_other_options_until_the_reset()
    {
        using var server = new LoopbackServer(Asking.Options(("BatchLatencyMs", 600_000)));
        using var lines = new BatchAsking(BatchAsking.OpenAI);
        using var uploaded = await _client.PostAsync(new Uri(server.BaseUri, "openai/v1/files"), BatchAsking.Form(lines.Lines(3)));
        var file = (string)JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!["id"]!;
        var id = (string)JsonNode.Parse(await PostAsync(server, "openai/v1/batches", BatchAsking.Request(file)))!["id"]!;

        await Control(HttpMethod.Post, server, "_sim/options", """{"latencyMs":1}""");
        using var other = new HttpClient { DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", "key") } };
        var batch = JsonNode.Parse(await other.GetStringAsync(new Uri(server.BaseUri, "openai/v1/batches/" + id)))!;
        Assert.Equal("validating", (string)batch["status"]!);
        var stats = await Control(HttpMethod.Get, server, "_sim/stats");
        Assert.Equal((1, 1, 0, 1), ((int)stats["files"]!, (int)stats["batches"]!, (int)stats["batchLines"]!, (int)stats["batchRequests"]!));

        stats = await Control(HttpMethod.Post, server, "_sim/reset");
        Assert.Equal((0, 0), ((int)stats["files"]!, (int)stats["batches"]!));
        using var gone = await other.GetAsync(new Uri(server.BaseUri, "openai/v1/batches/" + id));
        Assert.Equal(404, (int)gone.StatusCode);
    }

    [Fact]
    public async Task The_counts_include_batches_that_nobody_has_polled()
    {
        using var server = new LoopbackServer(Asking.Options(("CountBodies", true)));
        using var lines = new BatchAsking(BatchAsking.SiliconFlow);
        using var uploaded = await _client.PostAsync(new Uri(server.BaseUri, "siliconflow/v1/files"), BatchAsking.Form(lines.Lines(3)));
        var file = (string)JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!["data"]!["id"]!;
        for (var i = 0; i < 2; i++) await PostAsync(server, "siliconflow/v1/batches", BatchAsking.Request(file));
        Assert.Equal([2, 2, 2], (await Control(HttpMethod.Get, server, "_sim/bodies")).AsObject().Select(count => (int)count.Value!));
        var stats = await Control(HttpMethod.Get, server, "_sim/stats");
        Assert.Equal((6, 3, 0), ((int)stats["batchLines"]!, (int)stats["distinctBodies"]!, (int)stats["requests"]!));
    }

    [Fact]
    public async Task A_large_chunked_upload_comes_back_whole()
    {
        using var server = new LoopbackServer();
        string text = new('x', 30_000_000);
        using var form = BatchAsking.Form(text);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.BaseUri, "openai/v1/files")) { Content = form };
        request.Headers.TransferEncodingChunked = true;
        request.Headers.ExpectContinue = true;
        using var uploaded = await _client.SendAsync(request);
        var file = (string)JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!["id"]!;
        var content = await _client.GetByteArrayAsync(new Uri(server.BaseUri, $"openai/v1/files/{file}/content"));
        Assert.True(content.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public async Task A_download_that_is_cut_is_cut_on_the_socket()
    {
        var cut = Asking.Fault("CutStream", ("Path", "/content"), ("AfterBytes", 100_000), ("Times", 1));
        using var server = new LoopbackServer(Asking.Options(("Faults", cut)));
        using var uploaded =
            await _client.PostAsync(new Uri(server.BaseUri, "openai/v1/files"), BatchAsking.Form(new string('x', 200_000)));
        var file = (string)JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!["id"]!;
        var address = new Uri(server.BaseUri, $"openai/v1/files/{file}/content");
        using var response = await _client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200_000, response.Content.Headers.ContentLength);
        await Assert.ThrowsAnyAsync<Exception>(async () => await (await response.Content.ReadAsStreamAsync()).CopyToAsync(Stream.Null));
        Assert.Equal(200_000, (await _client.GetByteArrayAsync(address)).Length);
    }

    [Fact]
    public async Task The_raw_path_answers_byte_for_byte()
    {
        using var server = new LoopbackServer();
        var piece = Convert.ToBase64String("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"u8);
        await Control(HttpMethod.Post, server, "_sim/raw",
            $$"""{"pieces":["{{piece}}","{{Convert.ToBase64String("bytes"u8)}}"],"delayMs":5,"end":"fin"}""");
        Assert.Equal("bytes", await PostAsync(server, "raw/v1/chat/completions", Asking.Body(Asking.OpenAI, "hi")));
    }

    [Fact]
    public async Task A_raw_server_writes_what_it_is_given_and_ends_as_told()
    {
        var text = Encoding.UTF8.GetBytes("data: 👍\n\n");
        using var server = new RawServer(ordinal => ordinal switch
        {
            1 => RawReply.EventStream(RawEnd.Fin, 5, text[..8], text[8..]),
            2 => RawReply.EventStream(RawEnd.Rst, 100, text, []),
            _ => RawReply.EventStream(RawEnd.Hold, 0, text),
        });
        async Task<string> Get()
        {
            using var cancel = new CancellationTokenSource(1000);
            using var response = await _client.GetAsync(server.BaseUri, HttpCompletionOption.ResponseHeadersRead, cancel.Token);
            var read = new MemoryStream();
            try
            {
                await (await response.Content.ReadAsStreamAsync(cancel.Token)).CopyToAsync(read, cancel.Token);
                return Encoding.UTF8.GetString(read.ToArray());
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                return Encoding.UTF8.GetString(read.ToArray()) + error.GetBaseException().GetType().Name;
            }
        }

        Assert.Equal("data: 👍\n\n", await Get());
        Assert.Equal("data: 👍\n\nSocketException", await Get());
        Assert.Matches("^data: 👍\n\n(Task|Operation)CanceledException$", await Get());
        await Until(() => server.OpenConnections == 0);
        Assert.Equal((3, 3), (server.Accepted, server.Requests));
        Assert.StartsWith("GET / HTTP/1.1\r\n", server.Received[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_full_of_faults_leaves_nothing_behind()
    {
        using var server = new LoopbackServer(Asking.Options(("CountBodies", true), ("Faults", new object[]
        {
            Asking.Fault("RateLimit", ("Rate", 0.1)), Asking.Fault("Reset", ("Rate", 0.05)), Asking.Fault("CutStream", ("Rate", 0.05)),
            Asking.Fault("CutStream", ("Rate", 0.05), ("CutBy", "Fin")), Asking.Fault("Stall", ("On", new[] { 100, 101, 102 })),
        })));
        var row = 0;
        var whole = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref row)) <= 1600;)
            {
                using var cancel = new CancellationTokenSource(4000);
                try
                {
                    using var response = await _client.PostAsync(
                        new Uri(server.BaseUri, "openai/v1/chat/completions"),
                        new StringContent(Asking.Body(Asking.OpenAI, "row " + i, i % 2 == 0).ToJsonString()),
                        cancel.Token);
                    if (response.IsSuccessStatusCode) Interlocked.Increment(ref whole);
                }
                catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
                {
                    // One of the faults.
                }
            }
        })));

        await Until(() => server.InFlight == 0);
        Assert.Equal(1600, server.Requests);
        Assert.Equal(1600, server.Handler.Log.DistinctBodies);
        Assert.Equal(1600 - whole, server.Handler.Counters.Faulted);
        _client.Dispose();
        await Until(() => server.OpenConnections == 0);
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var i = 0; i < 500 && !condition(); i++) await Task.Delay(10);
        Assert.True(condition());
    }

    private async Task<JsonNode> Control(HttpMethod method, LoopbackServer server, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(server.BaseUri, path));
        if (body is not null) request.Content = new StringContent(body);
        using var response = await _client.SendAsync(request);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private async Task<string> PostAsync(LoopbackServer server, string path, JsonObject body)
    {
        using var response = await _client.PostAsync(new Uri(server.BaseUri, path), new StringContent(body.ToJsonString()));
        return await response.Content.ReadAsStringAsync();
    }

    private Task<HttpResponseMessage> SendAsync(LoopbackServer server, bool stream, CancellationToken cancellationToken = default) =>
        _client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, new Uri(server.BaseUri, "openai/v1/chat/completions"))
        {
            Content = new StringContent(Asking.Body(Asking.OpenAI, "hi", stream).ToJsonString()),
        },
        HttpCompletionOption.ResponseHeadersRead,
        cancellationToken);
}
