using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Http;
using System.Security;
using System.Threading.Tasks;

namespace LlmPs.Unit.Client;

/// <summary>Sessions and requests as the tests use them.</summary>
internal static class TestSession
{
    /// <summary>With characters that JSON and addresses write in other ways.</summary>
    internal const string Key = "sk-test/0123+abc=DEF&xyz";

    /// <summary>A session over a handler; no retries, and short waits where a test asks for retries.</summary>
    internal static LlmSession Open(string provider, HttpMessageHandler? handler, Action<LlmSessionOptions>? configure = null)
    {
        var options = new LlmSessionOptions
        {
            Provider = provider,
            ApiKey = Secret(Key),
            EndpointPath = provider == "Cloudsway" ? "my-endpoint" : null,
            MaxRetryCount = 0,
            MaxRetryDelay = TimeSpan.FromMilliseconds(1),
            Timeout = TimeSpan.FromSeconds(60),
            IdleTimeout = TimeSpan.FromSeconds(30),
        };
        if (provider == "OpenAICompatible") options.BaseUri = new Uri("http://localhost:8080/v1");
        configure?.Invoke(options);
        return new LlmSession(options, handler);
    }

    internal static LlmSession Open(HttpMessageHandler? handler, Action<LlmSessionOptions>? configure = null) =>
        Open("SiliconFlow", handler, configure);

    /// <summary>A session over a real socket.</summary>
    internal static LlmSession Connect(Uri server, Action<LlmSessionOptions>? configure = null) => Open("OpenAICompatible", null, options =>
    {
        options.BaseUri = new Uri(server, "v1");
        configure?.Invoke(options);
    });

    internal static ChatRequest Ask(string prompt = "Hi") => new() { Model = "m", Messages = [new ChatMessage("user", prompt)] };

    internal static SecureString Secret(string text) => new NetworkCredential(string.Empty, text).SecurePassword;

    /// <summary>The error of a plain request.</summary>
    internal static async Task<LlmApiException> ErrorAsync(LlmSession session, ChatRequest? request = null)
    {
        try
        {
            await session.CompleteAsync(request ?? Ask());
        }
        catch (LlmApiException e)
        {
            return e;
        }

        throw new InvalidOperationException("The request was answered.");
    }

    /// <summary>The error that a response leads to.</summary>
    internal static async Task<LlmApiException> ErrorOfAsync(string provider, HttpResponseMessage response)
    {
        using var session = Open(provider, new ScriptedHandler(_ => response));
        return await ErrorAsync(session);
    }

    /// <summary>The completion of a plain request that gets this body.</summary>
    internal static async Task<ChatCompletion> AnswerOfAsync(string provider, string body, ChatRequest? request = null)
    {
        using var session = Open(provider, new ScriptedHandler(_ => Reply.Json(body)));
        return await session.CompleteAsync(request ?? Ask());
    }
}
