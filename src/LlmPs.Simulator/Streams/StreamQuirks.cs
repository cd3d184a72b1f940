using System;

namespace LlmPs.Simulator;

/// <summary>Oddities of real streams that broke other clients, which can be combined.</summary>
[Flags]
public enum StreamQuirks
{
    /// <summary>No oddity.</summary>
    None = 0,

    /// <summary>Lines end with CR LF.</summary>
    Crlf = 1 << 0,

    /// <summary>No space after <c>data:</c>.</summary>
    NoSpace = 1 << 1,

    /// <summary>The stream begins with a byte order mark.</summary>
    Bom = 1 << 2,

    /// <summary>Events <c>data: : keepalive</c> between the chunks.</summary>
    DataKeepAlive = 1 << 3,

    /// <summary>Comments and empty events between the chunks.</summary>
    Comments = 1 << 4,

    /// <summary>The reasoning field is named <c>reasoning</c>.</summary>
    ReasoningField = 1 << 5,

    /// <summary><c>reasoning_content</c> beside the delta instead of in it.</summary>
    ChoiceReasoning = 1 << 6,

    /// <summary><c>role: null</c> in every delta but the first.</summary>
    NullRole = 1 << 7,

    /// <summary><c>finish_reason: ""</c> before the end.</summary>
    EmptyFinish = 1 << 8,

    /// <summary>The finish chunk has no <c>delta</c>.</summary>
    FinishWithoutDelta = 1 << 9,

    /// <summary>Later tool fragments have <c>id: ""</c> and <c>name: ""</c>.</summary>
    EmptyToolIds = 1 << 10,

    /// <summary>Tool fragments have no <c>index</c>.</summary>
    NoToolIndex = 1 << 11,

    /// <summary><c>tool_calls: []</c> on deltas without tool calls.</summary>
    EmptyToolCalls = 1 << 12,

    /// <summary>Content and reasoning come as lists of parts, in a plain answer too.</summary>
    ContentParts = 1 << 13,

    /// <summary>
    /// The reasoning is before the answer, closed by <c>&lt;/think&gt;</c> without an opening tag; in a plain answer too.
    /// </summary>
    UnopenedThink = 1 << 14,

    /// <summary>The whole answer is reasoning, and the content is empty; in a plain answer too.</summary>
    ReasoningOnly = 1 << 15,

    /// <summary>Each delta repeats all text so far.</summary>
    CumulativeText = 1 << 16,

    /// <summary>Each event holds the whole <c>message</c> so far beside its <c>delta</c>.</summary>
    MessageBesideDelta = 1 << 17,

    /// <summary>Tool arguments come again as a whole after their pieces.</summary>
    RepeatedArguments = 1 << 18,

    /// <summary>Tool arguments are JSON in a JSON string; in a plain answer too.</summary>
    TwiceEncodedArguments = 1 << 19,

    /// <summary>The name of a tool comes in two pieces.</summary>
    NameInPieces = 1 << 20,
}
