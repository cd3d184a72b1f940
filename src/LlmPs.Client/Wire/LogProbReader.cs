using System.Collections.Generic;
using System.Text.Json;
using static LlmPs.Wire.WireValue;

namespace LlmPs.Wire;

/// <summary>Reads the log probabilities of tokens.</summary>
internal static class LogProbReader
{
    /// <param name="reader">On the field's name.</param>
    /// <param name="left">How many tokens the limit still allows.</param>
    /// <exception cref="LlmApiException">InvalidResponse: more tokens than the limit.</exception>
    internal static List<TokenLogProb>? Read(ref Utf8JsonReader reader, ref int left)
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
            if (reader.ValueTextEquals("content"u8)) ReadTokens(ref reader, ref tokens, isReasoning: false, ref left);
            else if (reader.ValueTextEquals("reasoning_content"u8)) ReadTokens(ref reader, ref tokens, isReasoning: true, ref left);
            else SkipValue(ref reader);
        }

        return tokens;
    }

    private static void ReadTokens(ref Utf8JsonReader reader, ref List<TokenLogProb>? tokens, bool isReasoning, ref int left)
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

            if (--left < 0) throw AnswerReader.OverLimit($"{AnswerReader.MostLogProbs} log probabilities");
            string? token = null;
            double logProb = 0;
            List<TokenLogProb>? top = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                // No token goes on in the next: one that is half a character stays alone.
                if (reader.ValueTextEquals("token"u8)) token = Word(ref reader);
                else if (reader.ValueTextEquals("logprob"u8)) logProb = ReadNumber(ref reader) ?? 0;
                else if (reader.ValueTextEquals("top_logprobs"u8)) ReadTokens(ref reader, ref top, isReasoning, ref left);
                else SkipValue(ref reader);
            }

            (tokens ??= []).Add(new TokenLogProb(token ?? string.Empty, logProb, top, isReasoning));
        }
    }
}
