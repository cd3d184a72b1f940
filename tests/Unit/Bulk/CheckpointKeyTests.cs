using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class CheckpointKeyTests
{
    [Fact]
    public void Every_change_of_the_request_is_another_key()
    {
        using var elsewhere = Rows.NewSession(with: options => options.BaseUri = new Uri("http://localhost:8081/v1"));
        using var chips = Rows.NewSession("GenStudio");
        using var siliconFlow = Rows.NewSession("SiliconFlow");
        using var cloudsway = Rows.NewSession("Cloudsway", options => options.EndpointPath = "one");
        using var otherPath = Rows.NewSession("Cloudsway", options => options.EndpointPath = "two");
        (LlmSession Session, ChatRequest Request)[] all =
        [
            (Rows.Session, Rows.Request()),
            (Rows.Session, Rows.Request("Hi ")),
            (Rows.Session, Rows.Request(with: request => request.Model = "n")),
            (Rows.Session, Rows.Request(with: request => request.Temperature = 0)),
            (Rows.Session, Rows.Request(with: request => request.ExtraBody = new Dictionary<string, string> { ["a"] = "1" })),
            (Rows.Session,
                Rows.Request(with: request => request.Messages = [new ChatMessage("system", "Be brief."), new ChatMessage("user", "Hi")])),
            (elsewhere, Rows.Request()),
            (siliconFlow, Rows.Request()),
            (cloudsway, Rows.Request()),
            (otherPath, Rows.Request()),
            (chips, Rows.Request(with: request => request.Chip = "amd")),
            (chips, Rows.Request(with: request => request.Chip = "nvidia")),
        ];

        Assert.Equal(all.Length, all.Select(one => Rows.KeyOf(one.Session, one.Request).ToString()).Distinct().Count());
    }

    [Fact]
    public void The_same_request_has_the_same_key_whoever_sends_it()
    {
        using var other = Rows.NewSession(with: options =>
        {
            options.Name = "second";
            options.BaseUri = new Uri("HTTP://LOCALHOST:8080/v1/");
            options.ApiKey = Secret("sk-0123456789");
            options.Headers["X-Team"] = Secret("team-0123456789");
            options.MaxRetryCount = 1;
        });

        Assert.Equal(Rows.KeyOf(Rows.Session, Rows.Request()), Rows.KeyOf(other, Rows.Request()));
    }

    [Fact]
    public void A_chip_has_the_same_key_in_any_case()
    {
        using var session = Rows.NewSession("GenStudio");
        Assert.Equal(Key("amd"), Key("AMD"));

        CheckpointKey Key(string chip) => Rows.KeyOf(session, session.Resolve(Rows.Request(with: request => request.Chip = chip), out _));
    }

    /// <summary>A key that changed from one release to the next would have every row asked again.</summary>
    [Fact]
    public void Keys_stay_as_they_are()
    {
        using var session = new LlmSession(new LlmSessionOptions { Provider = "OpenAICompatible", BaseUri = Rows.Session.BaseUri });
        Assert.Equal("64dc2b37f305a11f40a5000cbc2a6843", Rows.KeyOf(session, Rows.Request()).ToString());
    }

    [Fact]
    public void The_simulator_has_other_keys_than_the_provider_that_it_stands_for()
    {
        using var session = new LlmSession(new LlmSessionOptions { Provider = "OpenAICompatible", BaseUri = Rows.Session.BaseUri });
        Assert.NotEqual(Rows.KeyOf(session, Rows.Request()), Rows.KeyOf(Rows.Session, Rows.Request()));
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"content":"You sent sk-0123456789."}}]}""")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"You sent sk-01\"}}]}\n\ndata: "
        + "{\"choices\":[{\"delta\":{\"content\":\"23456789.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")]
    public async Task No_secret_is_in_the_file(string answer)
    {
        using var folder = new Folder();
        using var session = Rows.NewSession(with: options => options.ApiKey = Secret("sk-0123456789"), answer: answer);
        var completion = await session.CompleteAsync(Rows.Request());

        using (var file = CheckpointFile.Open(folder.File)) await file.AppendAsync(Rows.KeyOf(session, Rows.Request()), 1, completion);

        Assert.DoesNotContain("sk-0123456789", folder.Text(), StringComparison.Ordinal);
        Assert.Contains("You sent ***.", folder.Text(), StringComparison.Ordinal);
    }

    private static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (var character in text) secret.AppendChar(character);
        return secret;
    }
}
