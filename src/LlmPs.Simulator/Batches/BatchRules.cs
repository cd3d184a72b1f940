using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>What a provider's documents say about files and batches (providers.md, Batch).</summary>
internal sealed class BatchRules
{
    private const long Mebibyte = 1024 * 1024;

    private static readonly BatchRules s_openAI = new(maxLines: 50_000, maxBytes: 200 * Mebibyte, leastHours: 24, mostHours: 24);

    private static readonly BatchRules s_siliconFlow = new(maxLines: 5_000, maxBytes: 1024 * Mebibyte, leastHours: 24, mostHours: 336)
    {
        IsSiliconFlow = true,
        Roles = ["system", "user", "assistant"],
    };

    private BatchRules(int maxLines, long maxBytes, int leastHours, int mostHours)
    {
        MaxLines = maxLines;
        MaxBytes = maxBytes;
        LeastHours = leastHours;
        MostHours = mostHours;
    }

    /// <summary>Lines in a file.</summary>
    internal int MaxLines { get; }

    /// <summary>Bytes in a file.</summary>
    internal long MaxBytes { get; }

    /// <summary>The shortest completion window.</summary>
    internal int LeastHours { get; }

    /// <summary>The longest completion window.</summary>
    internal int MostHours { get; }

    /// <summary>
    /// SiliconFlow's own form: answers of /files are wrapped, batches start as in_queue without counts, errors are texts, the list of
    /// batches has no pages, and <c>replace.model</c> overrides the model of the lines.
    /// </summary>
    internal bool IsSiliconFlow { get; private set; }

    /// <summary>The roles of messages, the last of which must be <c>user</c>; null: those of a chat request.</summary>
    internal string[]? Roles { get; private set; }

    internal static bool Has(SimulatedProvider provider) => provider is SimulatedProvider.SiliconFlow or SimulatedProvider.OpenAICompatible;

    internal static BatchRules Of(SimulatedProvider provider) => provider == SimulatedProvider.SiliconFlow ? s_siliconFlow : s_openAI;
}
