using System;
using System.Globalization;

namespace LlmPs.Bulk;

/// <summary>The share of the rows that this machine handles: every n-th, from the i-th on.</summary>
internal sealed class Shard
{
    private const string Form = "give i/n, such as 0/4, with i from 0 to n - 1";
    private const string Again =
        "Give Auto/n with the number of shards of the whole run, such as Auto/4, where its array began at 0 (Auto/1 for all "
            + "rows); else i/n.";

    private Shard(int index, int count) => (Index, Count) = (index, count);

    /// <summary>The shard's number, from 0.</summary>
    internal int Index { get; }

    internal int Count { get; }

    /// <summary>
    /// Parses the value of <c>-Shard</c>: <c>i/n</c>, <c>Auto</c> for the index and count of a Slurm array or a Kubernetes indexed job, or
    /// <c>Auto/n</c> for the index from there and a given count.
    /// </summary>
    /// <param name="text">i/n, Auto or Auto/n.</param>
    /// <param name="environment">Returns a variable of the environment; null for the process's own.</param>
    /// <exception cref="ArgumentException">The text has none of these forms; the message says what to give.</exception>
    internal static Shard Parse(string text, Func<string, string?>? environment = null)
    {
        var slash = text.IndexOf('/');
        var place = slash < 0 ? text : text.Substring(0, slash);
        var isAuto = string.Equals(place.Trim(), "Auto", StringComparison.OrdinalIgnoreCase);
        if (isAuto && slash < 0) return FromEnvironment(environment ?? Environment.GetEnvironmentVariable, null);
        if (slash < 0 || Number(text.Substring(slash + 1)) is not { } count) throw NoShard();
        if (count < 1) throw new ArgumentException($"-Shard '{text}': there is at least one shard; {Form}.");
        if (isAuto) return FromEnvironment(environment ?? Environment.GetEnvironmentVariable, count);
        if (Number(place) is not { } index) throw NoShard();
        if (index >= count)
            throw new ArgumentException(
                $"-Shard '{text}': the first shard is 0 and the last of {count} is {count - 1}; {Form}.");
        return new Shard(index, count);

        ArgumentException NoShard() => new($"-Shard '{text}' is not a shard: {Form}, or Auto.");
    }

    internal bool Takes(long inputIndex) => inputIndex % Count == Index;

    public override string ToString() => $"{Index}/{Count}";

    private static Shard FromEnvironment(Func<string, string?> environment, int? given)
    {
        // A Slurm node may be a pod itself: then the array counts.
        if (Given("SLURM_ARRAY_TASK_ID") is not null) return given is { } count ? Of("SLURM_ARRAY_TASK_ID", count) : OfArray();
        if (Given("JOB_COMPLETION_INDEX") is not null)
            return Of("JOB_COMPLETION_INDEX", given
                ?? Required("JOB_COMPLETIONS",
                    " Kubernetes does not set it: put it into the pod's env, with the number of the job's completions, or give Auto/n."));
        throw new ArgumentException(
            "-Shard Auto finds neither SLURM_ARRAY_TASK_ID (with SLURM_ARRAY_TASK_COUNT) nor JOB_COMPLETION_INDEX (with "
                + $"JOB_COMPLETIONS) in the environment: run as a Slurm array or a Kubernetes indexed job, or {Form}.");

        Shard Of(string name, int count)
        {
            var index = Required(name);
            return index < count ? new Shard(index, count)
                : throw new ArgumentException(
                    $"-Shard Auto: {name} is {index}, and the last of {count} shards is {count - 1}; {Form}.");
        }

        Shard OfArray()
        {
            var id = Required("SLURM_ARRAY_TASK_ID");
            var count = Required("SLURM_ARRAY_TASK_COUNT");
            // Slurm reports this submission only: tasks that are submitted again would share all rows between them.
            if (count < 2)
                throw new ArgumentException(
                    $"-Shard Auto: the Slurm array has only task {id}, as when one task of a run is submitted again. {Again}");
            var first = Given("SLURM_ARRAY_TASK_MIN") is null ? 0 : Required("SLURM_ARRAY_TASK_MIN");
            var step = Given("SLURM_ARRAY_TASK_STEP") is null ? 1 : Required("SLURM_ARRAY_TASK_STEP");
            var index = step > 0 && (id - first) % step == 0 ? (id - first) / step : -1;
            if (index < 0 || index >= count)
                throw new ArgumentException(
                    $"-Shard Auto: SLURM_ARRAY_TASK_ID {id} is not one of {count} from {first} in steps of "
                        + $"{step}. Submit the array as --array=0-{count - 1}. {Again}");
            if (Given("SLURM_ARRAY_TASK_MAX") is not null && Required("SLURM_ARRAY_TASK_MAX") is var last
                && (last - first) / step + 1 != count)
                throw new ArgumentException(
                    $"-Shard Auto: the Slurm array has gaps: its tasks are {count} from {first} to {last}. {Again}");
            return new Shard(index, count);
        }

        string? Given(string name) => environment(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value : null;

        int Required(string name, string hint = "")
        {
            if (Given(name) is not { } value)
                throw new ArgumentException($"-Shard Auto: the environment variable {name} is not set.{hint}");
            return Number(value)
                ?? throw new ArgumentException(
                    $"-Shard Auto: the environment variable {name} is '{value}', which is not a whole number from 0.");
        }
    }

    private static int? Number(string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
