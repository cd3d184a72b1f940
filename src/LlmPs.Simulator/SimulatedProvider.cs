namespace LlmPs.Simulator;

/// <summary>The wire dialects that the simulator speaks.</summary>
public enum SimulatedProvider
{
    /// <summary>GenStudio M×N (seed 000).</summary>
    GenStudio,

    /// <summary>Cloudsway MaaS DeepSeek (seed 001).</summary>
    Cloudsway,

    /// <summary>SiliconFlow (seed 002).</summary>
    SiliconFlow,

    /// <summary>Servers that follow OpenAI's Chat Completions in general.</summary>
    OpenAICompatible,
}
