namespace LlmPs.Simulator.Batches;

/// <summary>What a provider documents about files and batches (providers.md, Batch).</summary>
internal sealed class BatchRules
{
    private const long Mebibyte = 1024 * 1024;

    private static readonly BatchRules s_openAI = new();

    private static readonly BatchRules s_siliconFlow = new()
    {
        MaxLines = 5_000,
        MaxBytes = 1024 * Mebibyte,
        MostHours = 336,
        IsSiliconFlow = true,
        Roles = ["system", "user", "assistant"],
    };

    /// <summary>The most lines in a file.</summary>
    internal int MaxLines { get; private set; } = 50_000;

    /// <summary>The most bytes in a file.</summary>
    internal long MaxBytes { get; private set; } = 200 * Mebibyte;

    /// <summary>The shortest completion window.</summary>
    internal int LeastHours { get; } = 24;

    /// <summary>The longest completion window.</summary>
    internal int MostHours { get; private set; } = 24;

    /// <summary>
    /// SiliconFlow's own form: answers of /files are wrapped, batches start as in_queue without counts, errors are texts, the list of
    /// batches has no pages, and <c>replace.model</c> overrides the model of the lines.
    /// </summary>
    internal bool IsSiliconFlow { get; private set; }

    /// <summary>The roles of messages, the last of which must be <c>user</c>; null for those of a chat request.</summary>
    internal string[]? Roles { get; private set; }

    internal static bool Has(SimulatedProvider provider) => provider is SimulatedProvider.SiliconFlow or SimulatedProvider.OpenAICompatible;

    internal static BatchRules Of(SimulatedProvider provider) => provider == SimulatedProvider.SiliconFlow ? s_siliconFlow : s_openAI;
}
