using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>A row is finished if any member of its pool finished it.</summary>
public sealed class SessionPoolCheckpointTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_row_that_any_member_finished_is_not_asked_again_and_the_line_says_who()
    {
        Assert.Equal(["a 2", "b 1"], Run(["x"], _ => Reply.Status(503, "{}"), Answer("b")).Sent);
        Assert.Contains("\"session\":\"b\"", _folder.Text(), StringComparison.Ordinal);
        var (sent, answers) = Run(["x"], Answer("a"), Answer("b"));
        Assert.Equal(["a 0", "b 0"], sent);
        Assert.Equal(["b"], answers);
    }

    [Fact]
    public void A_session_that_is_added_asks_nothing_again()
    {
        Run(["x", "y", "x"], Answer("a"));
        var (sent, answers) = Run(["x", "y", "x", "z"], Answer("a"), Answer("b"), Answer("c"));
        Assert.Equal(["a 1", "b 0", "c 0"], sent);
        Assert.Equal(["a", "a", "a", "a"], answers);
    }

    [Fact]
    public void Equal_rows_that_different_members_answered_are_each_found_again()
    {
        var n = 0;
        Func<int, HttpResponseMessage> now = _ =>
            ++n is 2 ? Reply.Status(404, "{}") : Reply.Json(Reply.PlainAnswer.Replace("Hello", $"a{n}", StringComparison.Ordinal));
        var first = Run(["x", "x", "x"], now, Answer("b"));
        Assert.Equal(["a1", "b", "b"], first.Answers);
        var second = Run(["x", "x", "x", "x"], Answer("new"), Answer("b"));
        Assert.Equal(["a1", "b", "b", "new"], second.Answers);
        Assert.Equal(["a 1", "b 0"], second.Sent);
    }

    [Fact]
    public void Accounts_with_one_address_count_a_row_once()
    {
        void OneAddress(LlmSessionOptions options) => options.BaseUri = new Uri("http://one.test/v1");
        Assert.Equal(["a 2", "b 0"], Run(["x", "x"], OneAddress, Answer("a"), Answer("b")).Sent);
        Assert.Equal(2, _folder.Lines().Count(line => line.Contains("\"completion\"", StringComparison.Ordinal)));
        Assert.Equal(["a 1", "b 0"], Run(["x", "x", "x"], OneAddress, Answer("a"), Answer("b")).Sent);
    }

    [Fact]
    public void Equal_rows_in_flight_are_sent_once_also_where_the_first_member_fails()
    {
        using var run = new PoolRun(_ => Reply.Status(503, "{}"), Answer("b"))
            .With(options => (options.Deduplicate, options.ThrottleLimit) = (true, 4));
        for (var i = 0; i < 4; i++) run.Run.Add(run.Row("x"));
        Assert.Equal(["b", "b", "b", "b"], run.TakeAll().OfType<ChatCompletion>().Select(completion => completion.Content));
        Assert.InRange(run.Handlers[1].Sent.Count, 1, 4);
    }

    private static Func<int, HttpResponseMessage> Answer(string text) =>
        _ => Reply.Json(Reply.PlainAnswer.Replace("Hello", text, StringComparison.Ordinal));

    private (string[] Sent, string[] Answers) Run(string[] prompts, params Func<int, HttpResponseMessage>[] replies) =>
        Run(prompts, null, replies);

    private (string[] Sent, string[] Answers) Run(string[] prompts, Action<LlmSessionOptions>? with, params Func<int,
        HttpResponseMessage>[] replies)
    {
        using var checkpoint = CheckpointFile.Open(_folder.File);
        using var run = new PoolRun().With(options => options.Checkpoint = checkpoint);
        foreach (var reply in replies) run.Open(new ScriptedHandler(reply), with);
        foreach (var prompt in prompts) run.Run.Add(run.Row(prompt));
        var answers = run.TakeAll().OfType<ChatCompletion>().Select(completion => completion.Content!).ToArray();
        return (run.Sent, answers);
    }
}
