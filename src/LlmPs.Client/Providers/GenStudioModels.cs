namespace LlmPs.Providers;

/// <summary>The 33 models of the M×N chat completions document.</summary>
internal static class GenStudioModels
{
    internal static readonly string[] Ids =
    [
        "deepseek-r1-distill-qwen-32b", "deepseek-r1", "deepseek-v3", "deepseek-v3.1", "deepseek-v3.1-terminus", "deepseek-v3.2-exp",
        "glm-4.5", "glm-4.6", "glm-4.5-air", "glm-4.5v",
        "megrez-3b-instruct", "kimi-k2-instruct",
        "qwen3-8b", "qwen3-14b", "qwen3-32b", "qwen3-30b-a3b", "qwen3-235b-a22b", "qwen3-235b-a22b-instruct-2507",
        "qwen3-vl-235b-a22b-instruct", "qwen3-vl-235b-a22b-thinking", "qwen3-coder-480b-a35b-instruct",
        "qwen3-next-80b-a3b-instruct", "qwen3-next-80b-a3b-thinking",
        "ernie-4.5-21b-a3b", "ernie-4.5-300b-a47b",
        "qwen2.5-7b-instruct", "qwen2.5-14b-instruct", "qwen2.5-32b-instruct", "qwen2.5-72b-instruct",
        "qwen2.5-vl-7b-instruct", "qwen2.5-vl-72b-instruct",
        "qwq-32b", "step3",
    ];
}
