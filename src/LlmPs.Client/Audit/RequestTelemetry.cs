using System;
#if NET
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Linq;
using LlmPs.Text;
#endif

namespace LlmPs.Audit;

/// <summary>
/// A request in OpenTelemetry's conventions for generative AI (https://github.com/open-telemetry/semantic-conventions-genai): a span with
/// an event for each retry, and metrics of duration and tokens. Without content. HttpTransport turns off the spans of HttpClient and the
/// trace headers. Not available on .NET Framework, where it would need a package.
/// </summary>
internal sealed class RequestTelemetry
{
#if NET
    internal const string SourceName = "LlmPs";

    private const int LongestText = 200;

    private static readonly string? s_version = typeof(RequestTelemetry).Assembly.GetName().Version?.ToString(3);
    private static readonly ActivitySource s_source = new(SourceName, s_version);
    private static readonly Meter s_meter = new(SourceName, s_version);
    private static readonly Histogram<double> s_duration =
        s_meter.CreateHistogram<double>("gen_ai.client.operation.duration", "s", "GenAI operation duration.");
    private static readonly Histogram<long> s_tokens =
        s_meter.CreateHistogram<long>("gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.");

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Activity? _activity;
    private readonly string _operation;
    private readonly string _provider;
    private readonly string? _model;
    private readonly Uri _server;

    private RequestTelemetry(string operation, string provider, ChatRequest request, bool isStream, Uri server)
    {
        _operation = operation;
        _server = server;
        _provider = server.Host.Equals("api.openai.com", StringComparison.OrdinalIgnoreCase) ? "openai" : provider.ToLowerInvariant();
        _model = request.Model is null ? null : PrintableText.Line(request.Model, LongestText);
        if (!s_source.HasListeners()) return;
        // Samplers see only the tags that a span is created with.
        _activity = s_source.StartActivity($"{operation} {_model}".TrimEnd(), ActivityKind.Client, default(ActivityContext), Common());
        if (_activity is { IsAllDataRequested: true }) Describe(_activity, request, isStream);
    }
#endif

    /// <summary>Begins the measurement of a request; returns null where nothing listens.</summary>
    internal static RequestTelemetry? Start(string operation, string provider, ChatRequest request, bool isStream, Uri server)
    {
#if NET
        return s_source.HasListeners() || s_duration.Enabled || s_tokens.Enabled
            ? new RequestTelemetry(operation, provider, request, isStream, server) : null;
#else
        return null;
#endif
    }

#if NET
    /// <summary>Adds an event for a failed attempt that another one follows.</summary>
    internal void Retry(LlmApiException error)
    {
        if (_activity is not { IsAllDataRequested: true }) return;
        var tags = new ActivityTagsCollection { { "error.type", error.Kind.ToString() }, { "llmps.attempt", error.Attempts } };
        if (error.StatusCode is { } status) tags.Add("http.response.status_code", status);
        _activity.AddEvent(new ActivityEvent("llmps.retry", tags: tags));
    }

    /// <summary>Ends the measurement, with the answer or the part of it that arrived.</summary>
    internal void Stop(LlmApiException? error, ChatCompletion? answer)
    {
        var elapsed = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        var model = answer?.Model is { } named ? PrintableText.Line(named, LongestText) : null;
        var tags = new TagList();
        foreach (var tag in Common()) tags.Add(tag);
        if (model is not null) tags.Add("gen_ai.response.model", model);
        Count(answer?.Usage?.PromptTokens, "input", tags);
        Count(answer?.Usage?.CompletionTokens, "output", tags);
        if (error is not null) tags.Add("error.type", error.Kind.ToString());
        s_duration.Record(elapsed, tags);
        if (_activity is null) return;
        if (_activity.IsAllDataRequested) Describe(_activity, error, answer, model);
        _activity.Stop();
    }

    private static void Count(long? tokens, string type, TagList tags)
    {
        if (tokens is not >= 0) return;
        tags.Add("gen_ai.token.type", type);
        s_tokens.Record(tokens.Value, tags);
    }

    private static void Describe(Activity activity, ChatRequest request, bool isStream)
    {
        if (isStream) activity.SetTag("gen_ai.request.stream", true);
        if (request.N is > 1 and var choices) activity.SetTag("gen_ai.request.choice.count", choices);
        activity.SetTag("gen_ai.request.seed", request.Seed);
        activity.SetTag("gen_ai.request.max_tokens", request.MaxTokens);
        activity.SetTag("gen_ai.request.temperature", request.Temperature);
        activity.SetTag("gen_ai.request.top_p", request.TopP);
        activity.SetTag("gen_ai.request.top_k", request.TopK);
        activity.SetTag("gen_ai.request.frequency_penalty", request.FrequencyPenalty);
        activity.SetTag("gen_ai.request.presence_penalty", request.PresencePenalty);
        activity.SetTag("llmps.chip", request.Chip);
    }

    private static void Describe(Activity activity, LlmApiException? error, ChatCompletion? answer, string? model)
    {
        if (answer is not null)
        {
            activity.SetTag("gen_ai.response.id", answer.Id is null ? null : PrintableText.Line(answer.Id, LongestText));
            activity.SetTag("gen_ai.response.model", model);
            activity.SetTag("gen_ai.response.time_to_first_chunk", answer.TimeToFirstToken?.TotalSeconds);
            var reasons = answer.Choices.Where(choice => choice.FinishReason is not null)
                .Select(choice => PrintableText.Line(choice.FinishReason!, LongestText)).ToArray();
            if (reasons.Length > 0) activity.SetTag("gen_ai.response.finish_reasons", reasons);
            activity.SetTag("gen_ai.usage.input_tokens", answer.Usage?.PromptTokens);
            activity.SetTag("gen_ai.usage.output_tokens", answer.Usage?.CompletionTokens);
            activity.SetTag("gen_ai.usage.cache_read.input_tokens", answer.Usage?.CachedTokens);
            activity.SetTag("gen_ai.usage.reasoning.output_tokens", answer.Usage?.ReasoningTokens);
        }

        if (error is null) return;
        activity.SetTag("error.type", error.Kind.ToString());
        if (error.StatusCode is { } status) activity.SetTag("http.response.status_code", status);
        // Without the message, which may quote the prompt.
        activity.SetStatus(ActivityStatusCode.Error);
    }

    // The tags of the span and of each metric.
    private List<KeyValuePair<string, object?>> Common()
    {
        var tags = new List<KeyValuePair<string, object?>>
        {
            new("gen_ai.operation.name", _operation),
            new("gen_ai.provider.name", _provider),
            new("server.address", _server.Host),
            new("server.port", _server.Port),
        };
        if (_model is not null) tags.Add(new("gen_ai.request.model", _model));
        return tags;
    }
#else
    internal void Retry(LlmApiException error) => _ = error;

    internal void Stop(LlmApiException? error, ChatCompletion? answer) => _ = (error, answer);
#endif
}
