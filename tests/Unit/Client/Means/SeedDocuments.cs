using LlmPs.Providers;

namespace LlmPs.Unit.Client;

/// <summary>What the three providers' documents say, word for word.</summary>
internal static class SeedDocuments
{
    /// <summary>GenStudio: the allowed values of chiptype.</summary>
    internal const string GenStudioChips =
        """
        nvidia
        amd
        chip1
        chip2
        chip3
        chip4
        chip5
        """;

    /// <summary>GenStudio: the allowed values of model.</summary>
    internal const string GenStudioModels =
        """
        deepseek-r1-distill-qwen-32b
        deepseek-r1
        deepseek-v3
        deepseek-v3.1
        deepseek-v3.1-terminus
        deepseek-v3.2-exp
        glm-4.5
        glm-4.6
        glm-4.5-air
        glm-4.5v
        megrez-3b-instruct
        kimi-k2-instruct
        qwen3-8b
        qwen3-14b
        qwen3-32b
        qwen3-30b-a3b
        qwen3-235b-a22b
        qwen3-235b-a22b-instruct-2507
        qwen3-vl-235b-a22b-instruct
        qwen3-vl-235b-a22b-thinking
        qwen3-coder-480b-a35b-instruct
        qwen3-next-80b-a3b-instruct
        qwen3-next-80b-a3b-thinking
        ernie-4.5-21b-a3b
        ernie-4.5-300b-a47b
        qwen2.5-7b-instruct
        qwen2.5-14b-instruct
        qwen2.5-32b-instruct
        qwen2.5-72b-instruct
        qwen2.5-vl-7b-instruct
        qwen2.5-vl-72b-instruct
        qwq-32b
        step3
        """;

    /// <summary>GenStudio: the sample request.</summary>
    internal const string GenStudioRequest =
        """
        {
          "model": "kimi-k2-instruct",
          "messages": [
            {
              "role": "user",
              "content": "9.11 和 9.8 谁大？"
            }
          ],
          "tools": [
            {
              "type": "function",
              "function": {
                "name": "string",
                "description": "string",
                "parameters": {
                  "type": "string",
                  "properties": {},
                  "required": [
                    "string"
                  ],
                  "additionalProperties": true
                },
                "strict": true
              }
            }
          ],
          "stream": false,
          "enable_thinking": true,
          "temperature": 0.7,
          "top_p": 1,
          "top_k": -1,
          "n": 1,
          "max_tokens": null,
          "stop": null,
          "presence_penalty": 0,
          "frequency_penalty": 0
        }
        """;

    /// <summary>GenStudio: the sample answer.</summary>
    internal const string GenStudioAnswer =
        """
        {
          "id": "5fe13c4a4ffc4fb884d571195fceab0b",
          "object": "chat.completion",
          "created": 1757680008,
          "model": "string",
          "choices": [
            {
              "index": 0,
              "message": {
                "role": "user",
                "content": "9.11 和 9.8 谁大？"
              },
              "finish_reason": "length"
            }
          ],
          "usage": {
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "total_tokens": 0,
            "prompt_tokens_details": {}
          },
          "blocked": true
        }
        """;

    /// <summary>Cloudsway: the sample request.</summary>
    internal const string CloudswayRequest =
        """
        {
        "messages": [
        {
        "content": "You are a helpful assistant",
        "role": "system"
        },
        {
        "content": "Hi",
        "role": "user"
        }
        ],
        "model": "MaaS_Deepseek_V4_pro_20260424",
        "thinking": {
        "type": "enabled"
        },
        "reasoning_effort": "high",
        "max_tokens": 4096,
        "response_format": {
        "type": "text"
        },
        "stop": null,
        "stream": false,
        "stream_options": null,
        "temperature": 1,
        "top_p": 1,
        "tools": null,
        "tool_choice": "none",
        "logprobs": false,
        "top_logprobs": null
        }
        """;

    /// <summary>Cloudsway: the sample answer.</summary>
    internal const string CloudswayAnswer =
        """
        {
        "id": "chatcmpl-lHhTva9flc1dlUBqu4pPADmq",
        "choices": [
        {
        "index": 0,
        "message": {
        "role": "assistant",
        "content": "Hello! How can I help you today?",
        "reasoning_content": "We are starting a conversation with the user. The user said \"Hi\". I should respond in a friendly and helpful manner, keeping in mind that the system prompt says \"You are a helpful assistant\". I need to introduce myself and ask how I can help. Keep it concise and warm."
        },
        "finish_reason": "stop",
        "native_finish_reason": "stop"
        }
        ],
        "created": 1780299859,
        "model": "MaaS_Deepseek_V4_pro_20260424",
        "object": "chat.completion",
        "system_fingerprint": "fp_9954b31ca7_prod0820_fp8_kvcache_20260402",
        "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 68,
        "total_tokens": 78,
        "completion_tokens_details": {
        "accepted_prediction_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 0,
        "reasoning_tokens": 58,
        "rejected_prediction_tokens": 0
        },
        "prompt_tokens_details": {
        "audio_tokens": 0,
        "cached_tokens": 0,
        "image_tokens": 0
        },
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": 10
        }
        }
        """;

    /// <summary>SiliconFlow: the models, as the page lists them.</summary>
    internal const string SiliconFlowModels =
        """
        Qwen/QwQ-32B
        , Pro/deepseek-ai/DeepSeek-R1
        , Pro/deepseek-ai/DeepSeek-V3
        , deepseek-ai/DeepSeek-R1
        , deepseek-ai/DeepSeek-V3
        , deepseek-ai/DeepSeek-R1-Distill-Qwen-32B
        , deepseek-ai/DeepSeek-R1-Distill-Qwen-14B
        , deepseek-ai/DeepSeek-R1-Distill-Qwen-7B
        , deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B
        , Pro/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B
        , Pro/deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B
        , deepseek-ai/DeepSeek-V2.5
        , Qwen/Qwen2.5-72B-Instruct-128K
        , Qwen/Qwen2.5-72B-Instruct
        , Qwen/Qwen2.5-32B-Instruct
        , Qwen/Qwen2.5-14B-Instruct
        , Qwen/Qwen2.5-7B-Instruct
        , Qwen/Qwen2.5-Coder-32B-Instruct
        , Qwen/Qwen2.5-Coder-7B-Instruct
        , Qwen/Qwen2-7B-Instruct
        , Qwen/Qwen2-1.5B-Instruct
        , Qwen/QwQ-32B-Preview
        , TeleAI/TeleChat2
        , THUDM/glm-4-9b-chat
        , Vendor-A/Qwen/Qwen2.5-72B-Instruct
        , internlm/internlm2_5-7b-chat
        , internlm/internlm2_5-20b-chat
        , Pro/Qwen/Qwen2.5-7B-Instruct
        , Pro/Qwen/Qwen2-7B-Instruct
        , Pro/Qwen/Qwen2-1.5B-Instruct
        , Pro/THUDM/chatglm3-6b
        , Pro/THUDM/glm-4-9b-chat
        """;
}
