using System;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Options;
using LlmPs.Providers;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>
/// Each line of the option table, with each provider: sent under its documented field, or refused before anything is sent.
/// </summary>
public class OptionTableTests
{
    // Properties of a request that are no options.
    private static readonly string[] s_others =
        [nameof(ChatRequest.Messages), nameof(ChatRequest.ExtraBody), nameof(ChatRequest.SkipValidation)];

    public static TheoryData<string, string> OptionsOfProviders()
    {
        var data = new TheoryData<string, string>();
        foreach (var provider in ProviderList.All)
            foreach (var option in ChatOption.All.Where(IsSent)) data.Add(provider.Name, option.Name);
        return data;
    }

    [Theory]
    [MemberData(nameof(OptionsOfProviders))]
    public async Task An_option_is_sent_under_its_documented_field_or_refused(string provider, string name)
    {
        var (option, rules) = (Option(name), ProviderList.Get(provider));
        var request = Asking(rules, option);
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = TestSession.Open(provider, handler);
        if (rules.Rule(option) is null)
        {
            var error = await TestSession.ErrorAsync(session, request);
            Assert.Equal(LlmErrorKind.InvalidRequest, error.Kind);
            Assert.Contains($"{name} ", error.Message, StringComparison.Ordinal);
            Assert.Empty(handler.Sent);

            request.SkipValidation = true;
        }

        await session.CompleteAsync(request);
        Assert.Single(handler.Sent);
        var field = rules.Rule(option)?.Field ?? option.Field;
        if (field.StartsWith("messages", StringComparison.Ordinal))
            Assert.NotEqual(Written.Body(provider, TestSession.Ask()), Written.Body(provider, request));
        else if (option.Kind == OptionKind.Schema && rules.SchemaForm == SchemaForm.Instructions)
            Assert.Contains("schema", Written.Field(provider, request, "messages"), StringComparison.Ordinal);
        else Assert.Equal([field], Added(provider, request, option));
    }

    [Fact]
    public void Each_property_of_a_request_is_one_line_of_the_table()
    {
        var properties = typeof(ChatRequest).GetProperties().Where(property => !s_others.Contains(property.Name)).ToList();
        foreach (var option in ChatOption.All.Where(option => option.Kind != OptionKind.Part))
        {
            var (request, sample) = (new ChatRequest(), Sample(option));
            option.Set(request, sample);
            var property = Assert.Single(properties, property => property.GetValue(request) is not null);
            Assert.Equal(sample, option.Get(request));
            Assert.StartsWith(option.Name, property.Name, StringComparison.Ordinal);
            Assert.True(properties.Remove(property));
            option.Set(request, null);
            Assert.Null(property.GetValue(request));
        }

        Assert.Empty(properties.Select(property => property.Name));
    }

    [Fact]
    public void An_unset_option_is_null() =>
        Assert.All(ChatOption.All, option => Assert.Null(option.Get(new ChatRequest { Stop = [], Tools = [] })));

    [Fact]
    public void Each_rule_of_a_provider_is_for_a_line_that_is_sent() =>
        Assert.All(ProviderList.All.SelectMany(provider => provider.Rules), rule => Assert.True(IsSent(rule.Option), rule.Option.Name));

    [Fact]
    public void The_names_are_unique_in_any_case() =>
        Assert.Equal(ChatOption.All.Count, ChatOption.All.Select(option => option.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());

    private static bool IsSent(ChatOption option) => option.Kind != OptionKind.Target;

    private static ChatOption Option(string name) => ChatOption.All.Single(option => option.Name == name);

    private static ChatRequest Asking(ChatProvider rules, ChatOption option)
    {
        var request = TestSession.Ask();
        // Documented together.
        if (option == ChatOption.TopLogProbs && rules.Rule(ChatOption.LogProbs) is not null) request.LogProbs = true;
        if (option.Kind == OptionKind.Part)
        {
            var part = option == ChatOption.Image ? ChatContentPart.FromImage("https://x/y.png") : ChatContentPart.FromFile("file-1");
            request.Messages = [new ChatMessage { Role = ChatRole.User, Parts = [ChatContentPart.FromText("Hi"), part] }];
        }
        else
        {
            option.Set(request, Sample(option, rules.Rule(option)));
        }

        return request;
    }

    /// <summary>A value of the option's kind, within the rule.</summary>
    private static object Sample(ChatOption option, OptionRule? rule = null) => option.Kind switch
    {
        OptionKind.Number => rule?.Max ?? 0.5,
        OptionKind.Integer => option.Cell == typeof(long) ? 7L : (object)(int)(rule?.Min ?? 7),
        OptionKind.Flag => true,
        OptionKind.Texts => new[] { "END" },
        OptionKind.Thinking => ThinkingMode.Enabled,
        OptionKind.Format => ChatResponseFormat.JsonObject,
        OptionKind.Schema => """{"type":"object"}""",
        OptionKind.Tools => new[] { new ChatTool("f", null, "{}") },
        OptionKind.ToolChoice => "auto",
        OptionKind.Text or OptionKind.Target => "word",
        _ => throw new ArgumentOutOfRangeException(nameof(option), option.Kind, "This kind has no sample."),
    };

    /// <summary>The fields of the body that are there because of the option.</summary>
    private static string[] Added(string provider, ChatRequest request, ChatOption option)
    {
        using var body = JsonDocument.Parse(Written.Body(provider, request));
        option.Set(request, null);
        using var without = JsonDocument.Parse(Written.Body(provider, request));
        var known = without.RootElement.EnumerateObject().Select(field => field.Name).ToHashSet();
        return [.. body.RootElement.EnumerateObject().Select(field => field.Name).Where(field => !known.Contains(field))];
    }
}
