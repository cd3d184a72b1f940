namespace LlmPs.Simulator;

/// <summary>The wire dialects that the simulator speaks.</summary>
public enum SimulatedProvider
{
    /// <summary>GenStudio M×N (GenStudio document).</summary>
    GenStudio,

    /// <summary>Cloudsway MaaS DeepSeek.</summary>
    Cloudsway,

    /// <summary>SiliconFlow.</summary>
    SiliconFlow,

    /// <summary>Servers that follow OpenAI's Chat Completions in general.</summary>
    OpenAICompatible,
}
