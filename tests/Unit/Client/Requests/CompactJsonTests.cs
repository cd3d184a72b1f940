using System;
using System.Text;
using System.Text.Json;
using LlmPs.Wire;
using Xunit;

namespace LlmPs.Unit.Client.Requests;

public class CompactJsonTests
{
    [Fact]
    public void What_broke_off_leaves_nothing_in_the_next()
    {
        Assert.Throws<FormatException>(() => CompactJson.Write(0, static (json, _) =>
        {
            json.WriteStartObject();
            json.WriteString("broken", "off");
            json.Flush();
            throw new FormatException();
        }));
        Assert.Equal("[1]", Text(1));
    }

    [Fact]
    public void One_written_within_another_is_whole()
    {
        var inner = string.Empty;
        var outer = CompactJson.Write(0, (json, _) =>
        {
            json.WriteStartArray();
            inner = Text(2);
            json.WriteEndArray();
        });
        Assert.Equal(("[2]", "[]", "[3]"), (inner, Encoding.UTF8.GetString(outer), Text(3)));
    }

    [Fact]
    public void A_short_one_follows_a_long_one()
    {
        foreach (var length in new[] { 100, 20_000, 1_000_000, 10 })
            Assert.Equal(length
                + 2, CompactJson.Write(length, static (json, length) => json.WriteStringValue(new string('x', length))).Length);
        Assert.Equal("[4]\n", Encoding.UTF8.GetString(CompactJson.Write(4, Write, asLine: true)));
        Assert.Equal("[5]", Text(5));
    }

    private static string Text(int number) => Encoding.UTF8.GetString(CompactJson.Write(number, Write));

    private static void Write(Utf8JsonWriter json, int number)
    {
        json.WriteStartArray();
        json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
