using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using Xunit;

namespace LlmPs.Unit.Bulk;

public class BulkRunTests
{
    private const string Answer = """{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}""";

    [Fact]
    public void No_more_rows_are_read_ahead_than_are_in_flight()
    {
        using var provider = new HeldAnswers();
        using var session = provider.NewSession();
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 4 });
        Fill(run, session, from: 0, to: 8);
        Assert.True(SpinWait.SpinUntil(() => provider.Held == 4, TimeSpan.FromSeconds(20)), $"{provider.Held} in flight.");
    }

    [Fact]
    public void Rows_behind_a_slow_one_go_on_and_the_reader_is_called_for_more()
    {
        using var provider = new HeldAnswers();
        using var session = provider.NewSession();
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 4 });
        Fill(run, session, from: 0, to: 8);
        // What was said while the run filled up.
        run.TryTake(TimeSpan.Zero, out _);
        provider.Release("Row 1", "Row 2", "Row 3");
        var watch = Stopwatch.StartNew();
        Assert.Equal(Taken.Nothing, run.TryTake(TimeSpan.FromSeconds(30), out _));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
        Fill(run, session, from: 8, to: 11);

        provider.ReleaseAll();
        Assert.Equal(Enumerable.Range(0, 11), Enumerable.Range(0, 11).Select(_ => Next(run)));
        Assert.Equal(Taken.Drained, run.TryTake(TimeSpan.FromSeconds(30), out _));
    }

    private static int Next(BulkRun run)
    {
        Taken taken;
        BulkOutput output;
        while ((taken = run.TryTake(TimeSpan.FromSeconds(30), out output)) == Taken.Nothing) continue;
        Assert.Equal(Taken.Item, taken);
        Assert.IsType<ChatCompletion>(output.Value);
        return (int)output.Row!.InputIndex;
    }

    /// <summary>Adds rows as the run takes them, and sees that it takes no more.</summary>
    private static void Fill(BulkRun run, LlmSession session, int from, int to)
    {
        for (var row = from; row < to; row++)
        {
            Assert.True(SpinWait.SpinUntil(() => !run.IsFull, TimeSpan.FromSeconds(20)), $"No room for row {row}.");
            run.Add(new AnswerContext(session, session.Provider, Rows.Request("Row " + row)) { InputIndex = row });
        }

        Assert.False(SpinWait.SpinUntil(() => !run.IsFull, TimeSpan.FromMilliseconds(300)), $"Room for more than {to} rows.");
    }

    /// <summary>A provider that gives each answer when it is told to.</summary>
    private sealed class HeldAnswers : HttpMessageHandler
    {
        private readonly ConcurrentDictionary<string, TaskCompletionSource<bool>> _held = new();
        private volatile bool _isOpen;

        internal int Held => _held.Count;

        internal LlmSession NewSession() => new(new LlmSessionOptions { Provider = "OpenAICompatible", BaseUri = new Uri("http://localhost:8080/v1") }, this);

        internal void Release(params string[] prompts)
        {
            foreach (var prompt in prompts) Hold(prompt).SetResult(true);
        }

        internal void ReleaseAll()
        {
            _isOpen = true;
            foreach (var held in _held.Values) held.TrySetResult(true);
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsStringAsync(cancellationToken);
            var held = Hold(body.Split('"').Single(text => text.StartsWith("Row ", StringComparison.Ordinal)));
            if (!_isOpen) await held.Task.WaitAsync(cancellationToken);
            return new HttpResponseMessage { Content = new StringContent(Answer, Encoding.UTF8, "application/json") };
        }

        private TaskCompletionSource<bool> Hold(string prompt) => _held.GetOrAdd(prompt, static _ => new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
