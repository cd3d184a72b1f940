namespace LlmPs.Simulator;

/// <summary>The providers that the simulator can imitate.</summary>
public enum SimulatedProvider
{
    /// <summary>Infini-AI GenStudio M×N.</summary>
    GenStudio,

    /// <summary>Cloudsway MaaS DeepSeek.</summary>
    Cloudsway,

    /// <summary>SiliconFlow.</summary>
    SiliconFlow,

    /// <summary>A server with OpenAI's Chat Completions.</summary>
    OpenAICompatible,
}
