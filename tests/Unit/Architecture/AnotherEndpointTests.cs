using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Transport;
using LlmPs.Unit.Bulk;
using LlmPs.Unit.Client;
using LlmPs.Wire;
using Xunit;

namespace LlmPs.Unit.Architecture;

/// <summary>What another endpoint takes: a ticket and an exchange. Run, checkpoint, pacing and transport stay as they are.</summary>
public sealed class AnotherEndpointTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Embeddings_go_through_run_retries_pacing_and_checkpoint()
    {
        var handler = new ScriptedHandler(n => n == 2
            ? Reply.Status(429, """{"message":"Request was rejected due to rate limiting."}""", ("Retry-After", "0"))
            : Reply.Json($$$"""{"data":[{"embedding":[{{{n}}},0.5]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"""));
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 2);

        var first = Run(session, "a", "b", "c");
        var again = Run(session, "a", "b", "c", "d");

        Assert.Equal([1f, 3f, 4f, 5f], again.Vectors.Select(vector => vector[0]));
        Assert.Equal(first.Vectors, again.Vectors.Take(3));
        Assert.Equal((9, 3), (first.Tokens, again.Tokens));
        Assert.Equal(5, handler.Sent.Count);
        Assert.All(handler.Sent, sent => Assert.EndsWith("/embeddings", sent.Uri.AbsolutePath, StringComparison.Ordinal));
        Assert.NotNull(session.Pacing().RatePerMinute);
    }

    private (List<float[]> Vectors, long Tokens) Run(LlmSession session, params string[] texts)
    {
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 1, Checkpoint = checkpoint });
        for (var i = 0; i < texts.Length; i++) run.Add(new EmbeddingTicket(session, i, texts[i]));
        var vectors = new List<float[]>();
        while (run.TryTake(TimeSpan.FromSeconds(10), out var output) is var taken && taken != Taken.Drained)
            if (taken == Taken.Item && output.Row is not null) vectors.Add(Assert.IsType<Embedding>(output.Value).Vector);
        return (vectors, run.Counts.Tokens);
    }

    private sealed record Embedding(float[] Vector, TokenUsage? Usage);

    private sealed class EmbeddingTicket(LlmSession session, long index, string text) : RowTicket(session, index, text)
    {
        internal override Uri Uri => Session.Connection.Address.Of("/embeddings");

        internal override string Model => "embedder";

        internal override async Task<object> SendAsync(Func<IReadOnlyList<object>, Task>? emit, RequestLog log,
            CancellationToken cancellationToken) =>
            await new EmbeddingExchange(Session, Uri, Body, Session.Gate(Model).NewPass(EstimateRequest(), maxTokens: 0), log)
                .GetAsync(cancellationToken);

        internal override TokenUsage? UsageOf(object answer) => ((Embedding)answer).Usage;

        internal override long EstimateRequest() => TokenEstimate.Of(text);

        internal override byte[] Keep(int n, object answer) =>
            CheckpointLine.Write(Key, n, json => json.WriteString("vector", string.Join(' ', ((Embedding)answer).Vector)));

        internal override object? Restore(byte[] line)
        {
            using var json = JsonDocument.Parse(line);
            return new Embedding([.. json.RootElement.GetProperty("vector").GetString()!.Split(' ').Select(float.Parse)], null);
        }

        protected override byte[] WriteBody() => JsonSerializer.SerializeToUtf8Bytes(new { model = Model, input = text });
    }

    private sealed class EmbeddingExchange(LlmSession session, Uri uri, byte[] body, GatePass pass, RequestLog log)
        : Exchange(session.Connection, new AnswerContext(session.Identity, new ChatRequest()), uri, log)
    {
        internal override GatePass Pass => pass;

        protected override HttpMethod Method => HttpMethod.Post;

        protected override byte[] Body => body;

        internal Task<Embedding> GetAsync(CancellationToken cancellationToken) => AttemptAsync(
            async clock =>
            {
                await pass.EnterAsync(clock.Token);
                var (response, stream) = await SendAsync(clock);
                using (response)
                using (stream)
                {
                    pass.Accepted();
                    await stream.PeekAsync();
                    using var json = JsonDocument.Parse(await stream.ReadToEndAsync(1 << 20));
                    var usage = new TokenUsage { TotalTokens = json.RootElement.GetProperty("usage").GetProperty("total_tokens")
                        .GetInt32() };
                    pass.Succeeded(usage);
                    clock.Dispose();
                    var numbers = json.RootElement.GetProperty("data")[0].GetProperty("embedding").EnumerateArray();
                    return new Embedding([.. numbers.Select(number => number.GetSingle())], usage);
                }
            },
            cancellationToken);
    }
}
