using System;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using LlmPs.Providers;
using LlmPs.Wire;
using Xunit;

namespace LlmPs.Unit.Contributing;

/// <summary>The provider that CONTRIBUTING.md adds step by step: its text is this folder's file, and it does what the text says.</summary>
public sealed class ContributingTests
{
    private static readonly ExampleCloudProvider s_provider = new();

    [Fact]
    public void The_text_is_the_code()
    {
        var block = Regex.Match(Read("../../../CONTRIBUTING.md"), "^```csharp\n(.*?)^```",
            RegexOptions.Singleline | RegexOptions.Multiline);
        Assert.Equal(Read("ExampleCloudProvider.cs"), block.Groups[1].Value);
    }

    [Fact]
    public void An_option_is_written_as_the_field_that_its_rule_names()
    {
        var body = Encoding.UTF8.GetString(RequestWriter.Write(s_provider, Request(r => (r.MaxTokens, r.Temperature) = (100, 0.3))));
        Assert.Contains("\"max_output_tokens\":100", body, StringComparison.Ordinal);
        Assert.Contains("\"temperature\":0.3", body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_out_of_range_and_an_option_without_a_rule_are_refused()
    {
        Assert.Contains("Temperature", Refusal(r => r.Temperature = 1.6), StringComparison.Ordinal);
        Assert.Contains("Seed", Refusal(r => r.Seed = 1), StringComparison.Ordinal);
        Assert.NotEmpty(RequestValidator.Validate(s_provider, Request(r => r.PresencePenalty = 1)));
    }

    [Fact]
    public void Its_own_error_code_is_known()
    {
        Assert.Equal(LlmErrorKind.InsufficientBalance, s_provider.KindOf("quota_exceeded"));
        Assert.Null(s_provider.KindOf(null));
    }

    private static string Refusal(Action<ChatRequest> change) =>
        Assert.Throws<LlmApiException>(() => RequestValidator.Validate(s_provider, Request(change))).Message;

    private static ChatRequest Request(Action<ChatRequest> change)
    {
        var request = new ChatRequest { Model = "example-small", Messages = [new ChatMessage(ChatRole.User, "Hi")] };
        change(request);
        return request;
    }

    // The repository is found from the tests' own folder up.
    private static string Read(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "LlmPs.psd1"))) folder = folder.Parent;
        return File.ReadAllText(Path.Combine(folder!.FullName, "tests/Unit/Contributing", name)).Replace("\r\n", "\n");
    }
}
