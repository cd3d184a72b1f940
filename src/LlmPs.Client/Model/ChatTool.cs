using System;

namespace LlmPs;

/// <summary>A function that the model may call.</summary>
public sealed class ChatTool
{
    /// <summary>Creates a tool.</summary>
    /// <param name="name">The name by which the model calls the tool.</param>
    /// <param name="description">The purpose of the tool, for the model; null for none.</param>
    /// <param name="parameters">The JSON schema of the arguments.</param>
    public ChatTool(string name, string? description, string parameters)
    {
        Name = name ?? throw new ArgumentNullException(nameof(name));
        Description = description;
        Parameters = parameters ?? throw new ArgumentNullException(nameof(parameters));
    }

    /// <summary>The name by which the model calls the tool.</summary>
    public string Name { get; }

    /// <summary>The purpose of the tool, for the model; null for none.</summary>
    public string? Description { get; }

    /// <summary>The JSON schema of the arguments, as JSON text.</summary>
    public string Parameters { get; }

    /// <summary>Whether the provider enforces the schema of the arguments. Default: null, which is not sent.</summary>
    public bool? Strict { get; set; }

    /// <summary>The command or script block that runs when the model calls the tool; null for a tool that is only described.</summary>
    public object? Command { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
