using System.Collections.Generic;
using System.Linq;
using LlmPs.Wire;
using Xunit;
using static LlmPs.Unit.Client.Sse;

namespace LlmPs.Unit.Client;

/// <summary>What has broken other clients, each a stream. The tests of each case, of splits and of cuts share them.</summary>
public static class StreamCases
{
    internal const string UsageOnEveryChunk =
        """
        data: {"id":"s1","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}

        data: {"id":"s1","choices":[{"index":0,"delta":{"role":"assistant","content":"lo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

        data: [DONE]


        """;

    internal static readonly string EmptyChoices =
        Event("""{"id":"s1","choices":[]}""") + Content("Hello") + Finish()
            + Event("""{"id":"s1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}""") + Done;

    internal static readonly string FinishWithoutDelta = Content("Hello")
        + Event("""{"id":"s1","choices":[{"index":0,"finish_reason":"stop"}]}""") + Done;

    internal static readonly string NullRole = Delta("\"role\":null,\"content\":\"Hello\"") + Finish() + Done;

    internal static readonly string EmptyFinishReason = Delta("\"content\":\"Hel\"", "\"\"") + Delta("\"content\":\"lo\"", "\"\"")
        + Finish() + Done;

    internal static readonly string ToolFragmentsWithEmptyNames =
        Delta("""
            "tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"get_weather","arguments":""}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":"{\"city\":"}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":"\"Paris\"}"}}]
            """.Trim())
        + Finish("tool_calls") + Done;

    internal static readonly string ToolFragmentsWithoutIndex =
        Delta("""
            "tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":""}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"function":{"arguments":"{\"city\":"}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"id":"","function":{"arguments":"\"Paris\"}"}}]
            """.Trim())
        + Finish("tool_calls") + Done;

    internal static readonly string EmptyToolCallsOnReasoning =
        Delta("\"content\":null,\"reasoning_content\":\"Hm\",\"tool_calls\":[]") + Delta("\"content\":\"Hello\",\"tool_calls\":[]")
            + Finish() + Done;

    internal static readonly string UsageOmittedLater =
        Event("""{"choices":[{"index":0,"delta":{"content":"Hello"}}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}""") + Finish()
        + Event("""{"choices":[],"usage":null}""") + Done;

    internal static readonly string KeepAliveComments = ": keep-alive\n\n" + Content("Hel") + ": keep-alive\n\n: keep-alive\n"
        + Content("lo") + Finish() + ": bye\n\n" + Done;

    internal static readonly string KeepAliveInData = Event(": keepalive") + Content("Hello") + Event(": keepalive") + Finish() + Done;

    internal static readonly string EmptyEventAfterComment = ": ping\n\ndata:\n\n" + Content("Hello") + ": ping\n\ndata: \n\n" + Finish()
        + Done;

    internal static readonly string NotAscii = Reasoning("想一想") + Content("你好，") + Content("世界 👩‍🚀🌍") + Finish() + Done;

    internal static readonly string Crlf = (": ok\n\n" + Content("Hello") + Finish() + Done).Replace("\n", "\r\n");

    internal static readonly string Cr = (": ok\n\n" + Content("Hello") + Finish() + Done).Replace("\n", "\r");

    internal static readonly string NoSpaceAfterData = (Content("Hello") + Finish() + Done).Replace("data: ", "data:");

    internal static readonly string ByteOrderMark = "\uFEFF" + Content("Hello") + Finish() + Done;

    internal static readonly string FieldNamedReasoning = Delta("\"content\":\"\",\"reasoning\":\"Hm\"") + Content("Hello") + Finish()
        + Done;

    internal static readonly string InlineThinking = Content("<th") + Content("ink>H") + Content("m</thi") + Content("nk>\\n\\nHel")
        + Content("lo") + Finish() + Done;

    internal static readonly string ChoiceLevelReasoning =
        Event("""{"choices":[{"index":0,"delta":{"content":null},"reasoning_content":"Hm"}]}""") + Content("Hello") + Finish() + Done;

    internal static readonly string WithoutDone = Content("Hello") + Finish();

    internal static readonly string WithoutFinishReason = Content("Hello") + Done;

    internal static readonly string LastBlankLineMissing = Content("Hello") + Finish().TrimEnd('\n');

    internal static readonly string DataOverSeveralLines =
        "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"Hello\"}}]}\n\n" + Finish() + Done;

    internal static readonly string DataOverManyLines =
        string.Concat("{|\"choices\"|:[{\"index\":|0,\"delta\":{\"content\":\"data:\"|}}]}".Split('|')
            .Select(line => "data:" + line + "\r\n")) + "\r\n" + Finish() + Done;

    internal static readonly string TwoChoices =
        Event("""{"choices":[{"index":0,"delta":{"content":"Hel"}},{"index":1,"delta":{"content":"B"}}]}""")
        + Event("""{"choices":[{"index":1,"delta":{"content":"ye"},"finish_reason":"stop"}]}""")
        + Event("""{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"length"}]}""") + Done;

    internal static readonly string ContentInParts =
        Delta("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm\"}]}]")
            + Delta("\"content\":[{\"type\":\"text\",\"text\":\"Hello\"}]") + Finish() + Done;

    internal static readonly string UnopenedThinking = Content("H") + Content("m</thi") + Content("nk>\\n\\nHel") + Content("lo")
        + Finish() + Done;

    internal static readonly string MessageBesideDelta =
        Event("""{"choices":[{"index":0,"delta":{"content":"Hel"},"message":{"content":"Hel"}}]}""")
        + Event("""{"choices":[{"index":0,"message":{"content":"Hello"},"delta":{"content":"lo"}}]}""")
        + Event("""{"choices":[{"index":0,"message":{"content":"Hello"},"finish_reason":"stop"}]}""") + Done;

    internal static readonly string CumulativeDeltas = string.Concat(new[] { "H", "He", "Hel", "Hell", "Hello", "Hello" }.Select(Content))
        + Finish() + Done;

    internal static readonly string ToolArgumentsTwice =
        Delta("""
            "tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"get_","arguments":"{}"}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"index":0,"id":"c1","function":{"name":"get_weather","arguments":"{\"city\":"}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"index":0,"function":{"arguments":"\"Paris\"}"}}]
            """.Trim())
        + Delta("""
            "tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Paris\"}"}}]
            """.Trim())
        + Finish("tool_calls") + Done;

    internal static readonly string LinesOfNoEvent = "x-served-by: 7\n" + Content("Hel") + "note\n\n" + Event("ping") + Content("lo")
        + Finish() + "error: late\n\n" + Done;

    /// <summary>Those that answer "Hello" or a tool call, whole.</summary>
    internal static IReadOnlyDictionary<string, string> Whole { get; } = new Dictionary<string, string>
    {
        [nameof(UsageOnEveryChunk)] = UsageOnEveryChunk,
        [nameof(EmptyChoices)] = EmptyChoices,
        [nameof(FinishWithoutDelta)] = FinishWithoutDelta,
        [nameof(NullRole)] = NullRole,
        [nameof(EmptyFinishReason)] = EmptyFinishReason,
        [nameof(ToolFragmentsWithEmptyNames)] = ToolFragmentsWithEmptyNames,
        [nameof(ToolFragmentsWithoutIndex)] = ToolFragmentsWithoutIndex,
        [nameof(EmptyToolCallsOnReasoning)] = EmptyToolCallsOnReasoning,
        [nameof(UsageOmittedLater)] = UsageOmittedLater,
        [nameof(KeepAliveComments)] = KeepAliveComments,
        [nameof(KeepAliveInData)] = KeepAliveInData,
        [nameof(EmptyEventAfterComment)] = EmptyEventAfterComment,
        [nameof(NotAscii)] = NotAscii,
        [nameof(Crlf)] = Crlf,
        [nameof(Cr)] = Cr,
        [nameof(NoSpaceAfterData)] = NoSpaceAfterData,
        [nameof(ByteOrderMark)] = ByteOrderMark,
        [nameof(FieldNamedReasoning)] = FieldNamedReasoning,
        [nameof(InlineThinking)] = InlineThinking,
        [nameof(ChoiceLevelReasoning)] = ChoiceLevelReasoning,
        [nameof(WithoutDone)] = WithoutDone,
        [nameof(WithoutFinishReason)] = WithoutFinishReason,
        [nameof(LastBlankLineMissing)] = LastBlankLineMissing,
        [nameof(DataOverSeveralLines)] = DataOverSeveralLines,
        [nameof(DataOverManyLines)] = DataOverManyLines,
        [nameof(TwoChoices)] = TwoChoices,
        [nameof(ContentInParts)] = ContentInParts,
        [nameof(MessageBesideDelta)] = MessageBesideDelta,
        [nameof(ToolArgumentsTwice)] = ToolArgumentsTwice,
    };

    /// <summary>Those that end in an error, those whose deltas the joined answer corrects, and plain answers to a stream request.</summary>
    internal static IReadOnlyDictionary<string, string> Others { get; } = new Dictionary<string, string>
    {
        [nameof(UnopenedThinking)] = UnopenedThinking,
        [nameof(CumulativeDeltas)] = CumulativeDeltas,
        [nameof(LinesOfNoEvent)] = LinesOfNoEvent,
        ["NoFinishAndNoDone"] = Content("Hello"),
        ["OnlyDone"] = Done,
        ["OnlyComments"] = ": keep-alive\n\n: keep-alive\n\n",
        ["ErrorObject"] = Content("Hel") + Event("""{"error":{"message":"engine failed","code":"500"}}"""),
        ["ErrorCodeAndMessage"] = Content("Hel") + Event("""{"code":50505,"message":"overloaded","data":null}"""),
        ["ErrorCodeAndMsg"] = Content("Hel") + Event("""{"code":70001,"msg":"boom"}"""),
        ["ErrorInChoice"] = Content("Hel")
            + Event("""{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"upstream died"}}]}"""),
        ["ErrorDetail"] = Content("Hel") + Event("""{"detail":"worker died"}"""),
        ["ErrorEvent"] = Content("Hel") + "event: error\ndata: out of memory\n\n",
        ["ErrorField"] = Content("Hel") + "error: {\"code\":500,\"message\":\"died\"}\n\n" + Done,
        ["ErrorFieldFirst"] = "error: {\"code\":400,\"message\":\"too long\"}\n\n" + Done,
        ["ErrorInList"] = Event("""[{"error":{"code":503,"message":"loading"}}]""") + Done,
        ["ErrorBaseResponse"] = Content("Hel") + Event("""{"choices":null,"base_resp":{"status_code":1000,"status_msg":"died"}}""") + Done,
        ["ErrorMessage"] = Content("Hel") + Event("""{"object":"x","message":"died"}""") + Done,
        ["ErrorText"] = Content("Hel") + "Internal Server Error\n\n" + Done,
        ["GivenUp"] = Content("Hel") + Finish("network_error") + Done,
        ["Glued"] = Content("Hel")
            + Event("""{"choices":[{"index":0,"delta":{"content":"l"}}]}data: {"choices":[{"index":0,"delta":{"content":"o"}}]}"""),
        ["NotJson"] = Content("Hel") + Event("not json"),
        ["TornEvent"] = Content("Hel") + "data: {\"choices\":[{\"ind",
        ["Plain"] = Reply.PlainAnswer,
        ["PlainAfterBlankLines"] = "\n\n\r\n  \n" + Reply.PlainAnswer,
        ["PlainWithByteOrderMark"] = "\uFEFF" + Reply.PlainAnswer,
        ["Html"] = "\n <html><head><title>Bad &amp; broken</title></head><body>gateway</body></html>",
        ["PlainError"] = """{"code":20012,"message":"no such model","data":null}""",
    };

    public static TheoryData<string> WholeNames() => [.. Whole.Keys];

    public static TheoryData<string> AllNames() => [.. Whole.Keys.Concat(Others.Keys)];

    internal static byte[] Bytes(string name) => Sse.Bytes(Whole.TryGetValue(name, out var text) ? text : Others[name]);
}
