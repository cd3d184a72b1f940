using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Linq;
using System.Net.Http;
using System.Threading.Tasks;
using LlmPs.Audit;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Audit;

/// <summary>Listeners are of the process: what other tests send meanwhile is told apart by its model.</summary>
public sealed class TelemetryTests
{
    private const string Answer =
        """{"id":"a1","model":"m-2026","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":2}}}""";

    private readonly string _model = "telemetry-" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task A_request_is_a_span_with_the_names_of_the_convention_and_no_content()
    {
        var span = Assert.Single(await SpansAsync(_ => Reply.Json(Answer), session => session.CompleteAsync(Ask("PROMPT"))));
        Assert.Equal(($"chat {_model}", ActivityKind.Client, ActivityStatusCode.Unset), (span.DisplayName, span.Kind, span.Status));
        var tags = span.TagObjects.ToDictionary(tag => tag.Key, tag => tag.Value);
        Assert.Equal("chat", tags["gen_ai.operation.name"]);
        Assert.Equal("siliconflow", tags["gen_ai.provider.name"]);
        Assert.Equal(_model, tags["gen_ai.request.model"]);
        Assert.Equal(0.5, tags["gen_ai.request.temperature"]);
        Assert.Equal("m-2026", tags["gen_ai.response.model"]);
        Assert.Equal("a1", tags["gen_ai.response.id"]);
        Assert.Equal(new[] { "stop" }, tags["gen_ai.response.finish_reasons"]);
        Assert.Equal((3L, 4L, 2L),
            (tags["gen_ai.usage.input_tokens"], tags["gen_ai.usage.output_tokens"], tags["gen_ai.usage.reasoning.output_tokens"]));
        Assert.Equal(("api.siliconflow.cn", 443), (tags["server.address"], tags["server.port"]));
        Assert.DoesNotContain(tags.Values, value =>
            value is string text && (text.Contains("PROMPT") || text.Contains("Hello") || text.Contains(TestSession.Key)));
    }

    [Fact]
    public async Task Retries_are_events_of_one_span()
    {
        var span = Assert.Single(
            await SpansAsync(n => n == 1 ? Reply.Status(503, "{}") : Reply.Json(Answer), session => session.CompleteAsync(Ask())));
        var retry = Assert.Single(span.Events);
        Assert.Equal("llmps.retry", retry.Name);
        Assert.Equal("ServiceUnavailable", retry.Tags.First(tag => tag.Key == "error.type").Value);
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
    }

    [Fact]
    public async Task A_failed_request_has_its_kind_as_error_type()
    {
        var span = Assert.Single(
            await SpansAsync(_ => Reply.Status(401, """{"message":"PROMPT"}"""), session => TestSession.ErrorAsync(session, Ask())));
        Assert.Equal((ActivityStatusCode.Error, null, "Unauthorized"),
            (span.Status, span.StatusDescription, span.GetTagItem("error.type")));
    }

    [Fact]
    public async Task A_stream_is_measured_to_its_end_and_one_that_is_left_as_canceled()
    {
        var events = Sse.Content("Hel") + Sse.Content("lo") + Sse.Finish() + Sse.Done;
        var whole = Assert.Single(await SpansAsync(_ => Reply.Events(events), session => StreamOutcome.OfAsync(session, Ask())));
        Assert.Equal((true, null), (whole.GetTagItem("gen_ai.request.stream"), whole.GetTagItem("error.type")));
        Assert.IsType<double>(whole.GetTagItem("gen_ai.response.time_to_first_chunk"));

        var left = Assert.Single(
            await SpansAsync(_ =>
                Reply.Pieces([Sse.Bytes(Sse.Content("Hel")), null, Sse.Bytes(Sse.Content("lo"))], BodyEnd.Stall), async session =>
        {
            await foreach (var delta in session.StreamAsync(Ask()))
                if (delta.Content is not null) break;
        }));
        Assert.Equal("Canceled", left.GetTagItem("error.type"));
    }

    [Fact]
    public async Task The_span_is_a_child_of_the_callers_and_does_not_become_current_there()
    {
        using var outer = new Activity("outer").Start();
        var span = Assert.Single(await SpansAsync(_ => Reply.Json(Answer), session => session.CompleteAsync(Ask())));
        Assert.Equal(outer.SpanId, span.ParentSpanId);
        Assert.Same(outer, Activity.Current);
    }

    [Fact]
    public async Task Duration_and_tokens_are_measured()
    {
        var seen = new List<(string Name, double Value, Dictionary<string, object?> Tags)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, own) =>
            {
                if (instrument.Meter.Name == "LlmPs") own.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        using (var session = TestSession.Open(new ScriptedHandler(n => n == 1 ? Reply.Json(Answer) : Reply.Status(404, "{}"))))
        {
            await session.CompleteAsync(Ask());
            await TestSession.ErrorAsync(session, Ask());
        }

        Assert.Equal(
            ["gen_ai.client.operation.duration", "gen_ai.client.operation.duration", "gen_ai.client.token.usage",
                "gen_ai.client.token.usage"],
            seen.Select(one => one.Name).Order());
        Assert.Equal([3.0, 4.0], seen.Where(one => one.Tags.ContainsKey("gen_ai.token.type"))
            .OrderByDescending(one => (string)one.Tags["gen_ai.token.type"]! == "input").Select(one => one.Value));
        Assert.Equal("NotFound", Assert.Single(seen, one => one.Tags.ContainsKey("error.type")).Tags["error.type"]);

        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var named = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
            if (!Equals(named["gen_ai.request.model"], _model)) return;
            lock (seen) seen.Add((instrument.Name, value, named));
        }
    }

    [Fact]
    public void Where_nobody_listens_nothing_is_allocated()
    {
        var (request, server) = (Ask(), new Uri("https://api.siliconflow.cn/v1"));
        // Other tests may listen for a moment, so one round without is enough.
        for (var round = 0; round < 100; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var n = 0; n < 100; n++) RequestTelemetry.Start("chat", "SiliconFlow", request, isStream: false, server)?.Stop(null, null);
            if (GC.GetAllocatedBytesForCurrentThread() == before) return;
            System.Threading.Thread.Sleep(50);
        }

        Assert.Fail("Each round has allocated.");
    }

    private ChatRequest Ask(string prompt = "Hi") =>
        new() { Model = _model, Temperature = 0.5, Messages = [new ChatMessage("user", prompt)] };

    private async Task<List<Activity>> SpansAsync(Func<int, HttpResponseMessage> reply, Func<LlmSession, Task> ask)
    {
        var stopped = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LlmPs",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (!Equals(activity.GetTagItem("gen_ai.request.model"), _model)) return;
                lock (stopped) stopped.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        using (var session = TestSession.Open(new ScriptedHandler(reply), options => options.MaxRetryCount = 2)) await ask(session);
        return stopped;
    }
}
