using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Bulk;
using Xunit;

namespace LlmPs.Unit.Bulk;

public sealed class ShardTests
{
    [Theory]
    [InlineData("0/1", 0, 1)]
    [InlineData("3/4", 3, 4)]
    [InlineData(" 1 / 12 ", 1, 12)]
    public void Reads_its_place(string text, int index, int count)
    {
        var shard = Shard.Parse(text);

        Assert.Equal((index, count), (shard.Index, shard.Count));
    }

    [Fact]
    public void Shards_take_every_row_once()
    {
        var shards = Enumerable.Range(0, 3).Select(i => Shard.Parse(i + "/3")).ToArray();

        Assert.All(Enumerable.Range(0, 100), row => Assert.Single(shards, shard => shard.Takes(row)));
        Assert.True(shards[2].Takes(5_000_000_000L));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("a/b")]
    [InlineData("-1/4")]
    [InlineData("1/4/2")]
    [InlineData("1.0/4")]
    [InlineData("/4")]
    [InlineData("0/0")]
    [InlineData("4/4")]
    [InlineData("0/99999999999")]
    public void Refuses_anything_else(string text)
    {
        var error = Assert.Throws<ArgumentException>(() => Shard.Parse(text));

        Assert.Contains($"-Shard '{text}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("i/n, such as 0/4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4", "2/4")]
    [InlineData("SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_STEP=1",
        "3/4")]
    [InlineData("SLURM_ARRAY_TASK_ID=14 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=2", "2/3")]
    [InlineData("JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=8", "0/8")]
    [InlineData("JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=8 SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=2", "1/2")]
    [InlineData("JOB_COMPLETION_INDEX=5 JOB_COMPLETIONS=8 SLURM_ARRAY_TASK_ID=", "5/8")]
    [InlineData("JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=1", "0/1")]
    public void Auto_reads_the_environment(string environment, string shard) =>
        Assert.Equal(shard, Shard.Parse("auto", From(environment)).ToString());

    [Theory]
    [InlineData("", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", "i/n")]
    [InlineData("SLURM_ARRAY_TASK_ID=2", "SLURM_ARRAY_TASK_COUNT is not set")]
    [InlineData("SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_ID is 'x'")]
    [InlineData("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=2", "7", "--array=0-2")]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=2", "--array=0-2")]
    [InlineData("SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=0", "Auto/n")]
    // One task alone may be one that is submitted again: it would take all rows.
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=2", "only task 2", "Auto/n",
        "Auto/1")]
    [InlineData("SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=1", "only task 0", "Auto/n")]
    // --array=0,1,3
    [InlineData("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_STEP=1",
        "gaps", "3 from 0 to 3", "Auto/n")]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=0", "--array=0-2")]
    [InlineData("JOB_COMPLETION_INDEX=2", "JOB_COMPLETIONS is not set", "Kubernetes")]
    [InlineData("JOB_COMPLETION_INDEX=4 JOB_COMPLETIONS=4", "JOB_COMPLETION_INDEX is 4, and the last of 4 shards is 3")]
    public void Auto_says_what_is_missing(string environment, params string[] words)
    {
        var error = Assert.Throws<ArgumentException>(() => Shard.Parse("Auto", From(environment)));

        Assert.StartsWith("-Shard Auto", error.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=2", "Auto/4", "2/4")]
    [InlineData("SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_STEP=2",
        "auto / 4", "3/4")]
    [InlineData("SLURM_ARRAY_TASK_ID=0", "Auto/1", "0/1")]
    [InlineData("JOB_COMPLETION_INDEX=3", "Auto/4", "3/4")]
    [InlineData("JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=8", "Auto/4", "3/4")]
    public void Auto_takes_the_count_that_is_given(string environment, string text, string shard) =>
        Assert.Equal(shard, Shard.Parse(text, From(environment)).ToString());

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=4", "Auto/4", "-Shard Auto: SLURM_ARRAY_TASK_ID is 4, and the last of 4 shards is 3")]
    [InlineData("JOB_COMPLETION_INDEX=4", "Auto/4", "-Shard Auto: JOB_COMPLETION_INDEX is 4, and the last of 4 shards is 3")]
    [InlineData("SLURM_ARRAY_TASK_ID=x", "Auto/4", "SLURM_ARRAY_TASK_ID is 'x'")]
    [InlineData("", "Auto/4", "finds neither SLURM_ARRAY_TASK_ID")]
    [InlineData("SLURM_ARRAY_TASK_ID=0", "Auto/0", "-Shard 'Auto/0': there is at least one shard")]
    [InlineData("SLURM_ARRAY_TASK_ID=0", "Auto/x", "-Shard 'Auto/x' is not a shard")]
    [InlineData("SLURM_ARRAY_TASK_ID=0", "Auto/", "-Shard 'Auto/' is not a shard")]
    public void Auto_with_a_count_refuses_anything_else(string environment, string text, string words)
    {
        var error = Assert.Throws<ArgumentException>(() => Shard.Parse(text, From(environment)));

        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    private static Func<string, string?> From(string environment)
    {
        var variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return name => variables.GetValueOrDefault(name);
    }
}
