using System.Linq;

namespace LlmPs.Pacing;

/// <summary>
/// An estimate of the tokens of a prompt, for pacing and -WhatIf, since each model counts differently: one token for four ASCII characters
/// or for one other character, a few for each message, and a fixed number for an image or a file.
/// </summary>
internal static class TokenEstimate
{
    private const int PerMessage = 4;
    private const int PerAttachment = 800;
    private const int AsciiPerToken = 4;

    internal static long Of(ChatRequest request)
    {
        long tokens = 0;
        foreach (var message in request.Messages)
        {
            tokens += PerMessage + Of(message.Content) + Of(message.ReasoningContent);
            foreach (var part in message.Parts ?? []) tokens += part.Text is { } text ? Of(text) : PerAttachment;
            foreach (var call in message.ToolCalls ?? []) tokens += Of(call.Name) + Of(call.Arguments);
        }

        foreach (var tool in request.Tools ?? []) tokens += Of(tool.Name) + Of(tool.Description) + Of(tool.Parameters);
        return tokens + Of(request.JsonSchema);
    }

    internal static long Of(ChatCompletion answer) =>
        answer.Choices.Sum(choice => Of(choice.Message.Content) + Of(choice.Message.ReasoningContent));

    internal static long Of(string? text)
    {
        if (text is null) return 0;
        long ascii = 0;
        foreach (var c in text)
            if (c < 128) ascii++;
        return ((ascii + AsciiPerToken - 1) / AsciiPerToken) + (text.Length - ascii);
    }
}
