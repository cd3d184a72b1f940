namespace LlmPs.Options;

/// <summary>The kind of an option's value: how it is shown, written and read from a cell.</summary>
internal enum OptionKind
{
    /// <summary>The model or the chip, which are not validated by a provider's rules.</summary>
    Target,

    /// <summary>A number with a fraction.</summary>
    Number,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>True, or unset.</summary>
    Flag,

    /// <summary>A text.</summary>
    Text,

    /// <summary>A list of texts.</summary>
    Texts,

    /// <summary>A <see cref="ThinkingMode"/>; its form differs between providers.</summary>
    Thinking,

    /// <summary>A <see cref="ChatResponseFormat"/>.</summary>
    Format,

    /// <summary>A JSON schema; sent in the response format or in the instructions.</summary>
    Schema,

    /// <summary>A list of tools.</summary>
    Tools,

    /// <summary>A word, or the name of a tool.</summary>
    ToolChoice,

    /// <summary>A part of a message, which is not a property of the request.</summary>
    Part,
}
