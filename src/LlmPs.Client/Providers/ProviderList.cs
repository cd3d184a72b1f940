using System;
using System.Collections.Generic;
using System.Linq;

namespace LlmPs.Providers;

/// <summary>The providers that the module knows.</summary>
internal static class ProviderList
{
    internal static IReadOnlyList<ChatProvider> All { get; } =
        [new GenStudioProvider(), new CloudswayProvider(), new SiliconFlowProvider(), new OpenAICompatibleProvider()];

    internal static IEnumerable<string> Names => All.Select(provider => provider.Name);

    internal static ChatProvider? Find(string? name) =>
        All.FirstOrDefault(provider => string.Equals(provider.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <exception cref="ArgumentException">There is no provider with this name; the message lists the known ones.</exception>
    internal static ChatProvider Get(string? name) =>
        Find(name) ?? throw new ArgumentException($"Provider '{name}' is not known. Known providers: {string.Join(", ", Names)}.");
}
