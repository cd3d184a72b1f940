using System;

namespace LlmPs;

/// <summary>A function that the model may call.</summary>
public sealed class ChatTool
{
    /// <summary>A tool by its parts.</summary>
    /// <param name="name">The name that the model calls it by.</param>
    /// <param name="description">What it does, for the model.</param>
    /// <param name="parameters">The JSON schema of its arguments.</param>
    public ChatTool(string name, string? description, string parameters)
    {
        Name = name ?? throw new ArgumentNullException(nameof(name));
        Description = description;
        Parameters = parameters ?? throw new ArgumentNullException(nameof(parameters));
    }

    /// <summary>The name that the model calls it by.</summary>
    public string Name { get; }

    /// <summary>What it does, for the model.</summary>
    public string? Description { get; }

    /// <summary>The JSON schema of its arguments.</summary>
    public string Parameters { get; }

    /// <summary>Whether the provider should hold the arguments to the schema; null sends nothing.</summary>
    public bool? Strict { get; set; }

    /// <summary>
    /// What runs when the tool is called, in the terms of the host that made the tool; null for a tool that is only described.
    /// </summary>
    public object? Command { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
