using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace LlmPs.Providers;

/// <summary>What a provider documents about batch jobs: paths, limits and the messages of a line.</summary>
internal sealed class BatchLimits
{
    internal string FilesPath { get; set; } = "/files";

    internal string BatchesPath { get; set; } = "/batches";

    /// <summary>The endpoint that a batch and each of its lines name.</summary>
    internal string Endpoint { get; set; } = "/v1/chat/completions";

    /// <summary>The most lines of a file.</summary>
    internal int MaxLines { get; set; }

    /// <summary>The most bytes of a file.</summary>
    internal long MaxBytes { get; set; }

    /// <summary>The shortest completion window in hours, which is the default.</summary>
    internal int MinHours { get; set; }

    /// <summary>The longest completion window in hours.</summary>
    internal int MaxHours { get; set; }

    /// <summary>The roles that messages may have; empty for all.</summary>
    internal IReadOnlyList<string> Roles { get; set; } = [];

    /// <summary>Whether the last message must have the role user.</summary>
    internal bool EndsWithUser { get; set; }

    /// <summary>Returns the completion window as the provider accepts it.</summary>
    /// <param name="provider">The provider's name.</param>
    /// <param name="hours">The hours; null for the default.</param>
    /// <exception cref="ArgumentException">The provider does not accept it; the message names the parameter and the range.</exception>
    internal string Window(string provider, int? hours)
    {
        if (hours is { } given && (given < MinHours || given > MaxHours))
        {
            var range = MinHours == MaxHours ? $"only {Text(MinHours)}h" : $"{Text(MinHours)}h to {Text(MaxHours)}h";
            throw new ArgumentException($"-CompletionWindow {Text(given)}h is out of range: {provider} accepts {range}.");
        }

        return Text(hours ?? MinHours) + "h";
    }

    /// <summary>Returns why a request cannot be in a batch; null if it can.</summary>
    internal string? Problem(string provider, ChatRequest request)
    {
        if (Roles.Count > 0 && request.Messages.FirstOrDefault(message => !Roles.Contains(message.Role)) is { } other)
            return $"A message has the role '{other.Role}'. A batch of {provider} accepts the roles {string.Join(", ", Roles)}. "
                + "Send this row with Invoke-ChatCompletion.";
        if (EndsWithUser && (request.Messages.Count == 0 || request.Messages[request.Messages.Count - 1].Role != ChatRole.User))
            return $"In a batch of {provider} the last message must have the role user. Add a prompt, or send this row with "
                + "Invoke-ChatCompletion.";
        if (request.ExtraBody?.TryGetValue("stream", out var stream) == true && stream.Trim() == "true")
            return "-ExtraBody has stream = $true, but a batch cannot be streamed. Remove the field.";
        return null;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
