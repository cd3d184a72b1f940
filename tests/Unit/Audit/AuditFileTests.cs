using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using LlmPs.Audit;
using LlmPs.Bulk;
using LlmPs.Unit.Client;
using Xunit;

namespace LlmPs.Unit.Audit;

public sealed class AuditFileTests : IDisposable
{
    private readonly LogFile _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void A_log_in_a_folder_that_is_not_there_is_refused_when_the_session_is_opened()
    {
        var error = Assert.Throws<AuditException>(() => Open(_log.Under("none/audit.jsonl")));
        Assert.Contains("none", error.Message, StringComparison.Ordinal);
        Assert.Contains("-LogPath", error.Message, StringComparison.Ordinal);
        Assert.Contains("Give a file in a folder that exists", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_log()
    {
        Directory.CreateDirectory(_log.Under("folder"));
        Assert.Throws<AuditException>(() => Open(_log.Under("folder")));
    }

    [Fact]
    public void LogContent_without_a_path_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => TestSession.Open(null, options => options.LogContent = true));
        Assert.Equal("LogContent needs -LogPath as well, the file that the texts are written to.", error.Message);
    }

    [Fact]
    public async Task A_renamed_file_stays_as_it_is_and_the_next_line_begins_another()
    {
        using var session = Open(_log.Path);
        await session.CompleteAsync(TestSession.Ask());
        File.Move(_log.Path, _log.Under("old.jsonl"));
        await session.CompleteAsync(TestSession.Ask());
        await session.CompleteAsync(TestSession.Ask());

        Assert.Single(_log.Lines(_log.Under("old.jsonl")));
        Assert.Equal(2, _log.Lines().Count);
    }

    [Fact]
    public async Task No_line_is_lost_while_the_file_is_renamed_again_and_again()
    {
        var old = 0;
        using (var session = Open(_log.Path))
        {
            var asked = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                for (var n = 0; n < 250; n++) await session.CompleteAsync(TestSession.Ask());
            })));
            while (!asked.IsCompleted)
            {
                if (File.Exists(_log.Path)) File.Move(_log.Path, _log.Under($"old-{++old}.jsonl"));
                await Task.Delay(1);
            }

            await asked;
        }

        Assert.Equal(1000, Enumerable.Range(1, old).Sum(n => _log.Lines(_log.Under($"old-{n}.jsonl")).Count)
            + (File.Exists(_log.Path) ? _log.Lines().Count : 0));
    }

    [Fact]
    public async Task A_torn_last_line_is_not_joined_with_the_next()
    {
        File.WriteAllText(_log.Path, "{\"v\":1}\n{\"v\":1,\"ti");
        using (var session = Open(_log.Path)) await session.CompleteAsync(TestSession.Ask());

        var lines = File.ReadAllLines(_log.Path);
        Assert.Equal(3, lines.Length);
        Assert.Equal("chat", new LogLine(lines[2]).Text("operation"));
    }

    [Fact]
    public async Task Sessions_of_one_process_write_to_one_file()
    {
        using var one = Open(_log.Path);
        using var other = Open(_log.Path);
        await Task.WhenAll(Enumerable.Range(0, 200)
            .Select(n => Task.Run(() => (n % 2 == 0 ? one : other).CompleteAsync(TestSession.Ask(new string('x', n * 50))))));
        Assert.Equal(200, _log.Lines().Count);
    }

    [Fact]
    public async Task An_answer_is_handed_over_though_its_line_cannot_be_written_and_nothing_is_sent_until_it_can()
    {
        var folder = Directory.CreateDirectory(_log.Under("share")).FullName;
        var path = Path.Combine(folder, "audit.jsonl");
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = Open(path, handler);
        Directory.Delete(folder, recursive: true);

        Assert.Equal("Hello", (await session.CompleteAsync(TestSession.Ask())).Content);
        var error = await TestSession.ErrorAsync(session);
        Assert.Single(handler.Sent);
        Assert.Equal((LlmErrorKind.Canceled, true, 0), (error.Kind, error.EndsRun, error.Attempts));
        Assert.Contains("Nothing is sent until it can be written", error.Message, StringComparison.Ordinal);

        Directory.CreateDirectory(folder);
        await session.CompleteAsync(TestSession.Ask());
        Assert.Equal(2, _log.Lines(path).Count);
    }

    [Fact]
    public void A_run_on_a_full_disk_keeps_the_answers_that_came_and_stops_with_the_reason()
    {
        // Mono takes no device for a file.
        if (!File.Exists("/dev/full") || Type.GetType("Mono.Runtime") is not null) return;
        var handler = new ScriptedHandler(_ => Reply.Plain());
        using var session = Open("/dev/full", handler);
        using var run = new BulkRun(new BulkRunOptions { ThrottleLimit = 1 });
        for (var row = 0; row < 3; row++)
            run.Add(new ChatTicket(session, new AnswerContext(session.Identity, TestSession.Ask()) { InputIndex = row }));
        var (answers, errors, warnings) = (0, 0, 0);
        while (run.TryTake(TimeSpan.FromSeconds(10), out var output) is var taken && taken != Taken.Drained)
        {
            if (taken != Taken.Item) continue;
            if (output.Value is ChatCompletion) answers++;
            else if (output.Value is LlmApiException or RunEnding) errors++;
            else warnings++;
        }

        Assert.Equal((1, 2, 1), (answers, errors, warnings));
        Assert.Single(handler.Sent);
        Assert.Contains("No space left", run.Ending!.Error.Message, StringComparison.Ordinal);
    }

    private static LlmSession Open(string path, ScriptedHandler? handler = null) =>
        TestSession.Open(handler ?? new ScriptedHandler(_ => Reply.Plain()), options => options.LogPath = path);
}
