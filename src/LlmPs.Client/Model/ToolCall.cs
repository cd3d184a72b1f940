namespace LlmPs;

/// <summary>A call that the model asks for.</summary>
public sealed class ToolCall
{
    /// <summary>A call by its parts.</summary>
    /// <param name="id">The id that the answer must name.</param>
    /// <param name="name">The tool's name.</param>
    /// <param name="arguments">The arguments as JSON text.</param>
    public ToolCall(string id, string name, string arguments)
    {
        Id = id;
        Name = name;
        Arguments = arguments;
    }

    /// <summary>The id that the answering tool message names.</summary>
    public string Id { get; }

    /// <summary>The tool's name.</summary>
    public string Name { get; }

    /// <summary>The arguments as the model wrote them: JSON text, not always valid.</summary>
    public string Arguments { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}({Arguments})";
}

/// <summary>A piece of a tool call in a stream. Pieces of one call share an index, or an id where the provider gives no index.</summary>
public sealed class ToolCallFragment
{
    internal ToolCallFragment(int? index, string? id, string? name, string? arguments)
    {
        Index = index;
        Id = id;
        Name = name;
        Arguments = arguments;
    }

    /// <summary>The call's place among the calls of the choice, from 0.</summary>
    public int? Index { get; }

    /// <summary>The call's id; on the first piece only.</summary>
    public string? Id { get; }

    /// <summary>The tool's name; on the first piece only.</summary>
    public string? Name { get; }

    /// <summary>The next piece of the arguments' JSON text.</summary>
    public string? Arguments { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}{Arguments}";
}
