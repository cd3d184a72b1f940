using System.Collections.Generic;
using System.Text.Json;
using static LlmPs.Wire.WireValue;

namespace LlmPs.Wire;

/// <summary>Reads the log probabilities of tokens.</summary>
internal static class LogProbReader
{
    /// <param name="reader">The reader at the field's name.</param>
    /// <param name="left">The number of tokens that are still allowed.</param>
    /// <exception cref="LlmApiException">InvalidResponse: there are more tokens than allowed.</exception>
    internal static List<TokenLogProb>? Read(ref Utf8JsonReader reader, ref int left)
    {
        if (!Begins(ref reader, JsonTokenType.StartObject)) return null;
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
        if (!Begins(ref reader, JsonTokenType.StartArray)) return;
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
                // A token does not continue in the next one, even if it is half a character.
                if (reader.ValueTextEquals("token"u8)) token = Word(ref reader);
                else if (reader.ValueTextEquals("logprob"u8)) logProb = ReadNumber(ref reader) ?? 0;
                else if (reader.ValueTextEquals("top_logprobs"u8)) ReadTokens(ref reader, ref top, isReasoning, ref left);
                else SkipValue(ref reader);
            }

            (tokens ??= []).Add(new TokenLogProb(token ?? string.Empty, logProb, top, isReasoning));
        }
    }
}
