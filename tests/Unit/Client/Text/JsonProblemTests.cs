using System;
using System.Text.Json;
using LlmPs.Text;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Issue 27, point 1: .NET's own words about JSON do not reach a user.</summary>
public sealed class JsonProblemTests
{
    [Theory]
    [InlineData("{\"a\":\n  x}", "'x' is an invalid start of a value (line 2, byte 3)")]
    [InlineData("[1,]", "The JSON array contains a trailing comma at the end (line 1, byte 4)")]
    [InlineData("", "The input does not contain any JSON tokens. Expected the input to start with a valid JSON token (line 1, byte 1)")]
    public void The_reason_comes_with_line_and_byte(string json, string words) => Assert.Equal(words, JsonProblem.Of(ProblemOf(json)));

    [Theory]
    [InlineData("{")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\":1} /* note */")]
    [InlineData("{\"a\":truu}")]
    [InlineData("{\"a\":01}")]
    [InlineData("\"a\nb\"")]
    public void No_word_is_for_programmers(string json)
    {
        var words = JsonProblem.Of(ProblemOf(json));
        foreach (var jargon in (string[])["LineNumber", "BytePosition", "reader options", "isFinalBlock", "mode", "Path:"])
            Assert.DoesNotContain(jargon, words, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("(line 1, byte", words.Replace("line 2", "line 1"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_problem_without_a_place_is_its_reason() =>
        Assert.Equal("A part is of the unknown type 'x'", JsonProblem.Of(new JsonException("A part is of the unknown type 'x'.")));

    private static JsonException ProblemOf(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            return e;
        }

        throw new InvalidOperationException("It is valid.");
    }
}
