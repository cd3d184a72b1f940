using System.Collections.Generic;
using System.Text.Json;
using static LlmPs.WireValue;

namespace LlmPs;

/// <summary>Reads the log probabilities of tokens.</summary>
internal static class LogProbReader
{
    internal static List<TokenLogProb>? Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        List<TokenLogProb>? tokens = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) ReadTokens(ref reader, ref tokens, isReasoning: false);
            else if (reader.ValueTextEquals("reasoning_content"u8)) ReadTokens(ref reader, ref tokens, isReasoning: true);
            else SkipValue(ref reader);
        }

        return tokens;
    }

    private static void ReadTokens(ref Utf8JsonReader reader, ref List<TokenLogProb>? tokens, bool isReasoning)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            string? token = null;
            double logProb = 0;
            List<TokenLogProb>? top = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                // No token goes on in the next: one that is half a character stays alone.
                if (reader.ValueTextEquals("token"u8)) token = Word(ref reader);
                else if (reader.ValueTextEquals("logprob"u8)) logProb = ReadNumber(ref reader) ?? 0;
                else if (reader.ValueTextEquals("top_logprobs"u8)) ReadTokens(ref reader, ref top, isReasoning);
                else SkipValue(ref reader);
            }

            (tokens ??= []).Add(new TokenLogProb(token ?? string.Empty, logProb, top, isReasoning));
        }
    }
}
