namespace LlmPs;

/// <summary>A call of a tool that the model requests.</summary>
public sealed class ToolCall
{
    /// <summary>Creates a call.</summary>
    /// <param name="id">The id that the answering tool message must name.</param>
    /// <param name="name">The tool's name.</param>
    /// <param name="arguments">The arguments as JSON text.</param>
    public ToolCall(string id, string name, string arguments)
    {
        Id = id;
        Name = name;
        Arguments = arguments;
    }

    /// <summary>The id that the answering tool message must name.</summary>
    public string Id { get; }

    /// <summary>The tool's name.</summary>
    public string Name { get; }

    /// <summary>The arguments as the model wrote them: JSON text, which may be invalid.</summary>
    public string Arguments { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}({Arguments})";
}

/// <summary>A piece of a tool call in a stream. Pieces of one call have the same index, or the same id if there is no index.</summary>
public sealed class ToolCallFragment
{
    internal ToolCallFragment(int? index, string? id, string? name, string? arguments)
    {
        Index = index;
        Id = id;
        Name = name;
        Arguments = arguments;
    }

    /// <summary>The place of the call in its choice, from 0; null if the provider gives none.</summary>
    public int? Index { get; }

    /// <summary>The id of the call, usually only on its first piece; otherwise null.</summary>
    public string? Id { get; }

    /// <summary>The name of the tool, usually only on the first piece; otherwise null.</summary>
    public string? Name { get; }

    /// <summary>The next piece of the arguments' JSON text; null if there is none.</summary>
    public string? Arguments { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}{Arguments}";
}
