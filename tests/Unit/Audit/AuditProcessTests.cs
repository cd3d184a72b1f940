using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Xunit;

namespace LlmPs.Unit.Audit;

public sealed class AuditProcessTests : IDisposable
{
    private readonly LogFile _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Processes_that_write_at_once_tear_no_line_and_lose_none()
    {
        var names = new[] { "one", "two", "three" };
        var children = names.Select(name => new AuditChild(_log.Path, name, 300)).ToList();
        foreach (var child in children)
        {
            while (child.Next() is not null)
            {
            }

            child.Dispose();
        }

        var lines = _log.Lines();
        Assert.Equal(900, lines.Count);
        foreach (var name in names)
        {
            var own = lines.Where(line => line.Text("session") == name).ToList();
            Assert.Equal(Enumerable.Range(1, 300)
                .Select(AuditChild.Prompt),
                    own.Select(line => line.Json.GetProperty("request").GetProperty("messages")[0].GetProperty("content").GetString()));
            Assert.Single(own.Select(line => line.Number("pid")).Distinct());
        }
    }

    [Fact]
    public void A_killed_process_has_logged_each_answer_that_it_has_handed_over()
    {
        var answered = 0;
        using (var child = new AuditChild(_log.Path, "killed", 0))
        {
            for (var n = 0; n < 50; n++) answered = Number(child.Next());
            child.Kill();
            while (child.Next() is { } line) answered = Number(line);
        }

        Assert.InRange(_log.Lines().Count, answered, answered + 1);
    }

    private static int Number(string? line) => int.Parse(line!, CultureInfo.InvariantCulture);
}
