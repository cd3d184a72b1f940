using System;
using System.Linq;
using System.Net.Http;
using LlmPs.Simulator.Batches;

namespace LlmPs.Simulator.Dialects;

internal enum RouteKind
{
    Chat,
    Models,
    Unknown,

    // The kinds from here on are about files and batches.
    UploadFile,
    ListFiles,
    GetFile,
    DeleteFile,
    FileContent,
    CreateBatch,
    ListBatches,
    GetBatch,
    CancelBatch,
}

/// <summary>What an address asks for. The host is ignored; the path decides, after a prefix that names the provider.</summary>
internal readonly struct Route(
    SimulatedProvider provider, RouteKind kind, string? model = null, string? chip = null, string? endpointPath = null, string? id = null)
{
    private static readonly char[] s_slash = ['/'];

    internal SimulatedProvider Provider { get; } = provider;

    internal RouteKind Kind { get; } = kind;

    /// <summary>The model in GenStudio's path.</summary>
    internal string? Model { get; } = model;

    /// <summary>The chip in GenStudio's path.</summary>
    internal string? Chip { get; } = chip;

    /// <summary>The customer's own path at Cloudsway.</summary>
    internal string? EndpointPath { get; } = endpointPath;

    /// <summary>The id of a file or a batch.</summary>
    internal string? Id { get; } = id;

    /// <summary>Whether the request is about files or batches.</summary>
    internal bool IsBatch => Kind >= RouteKind.UploadFile;

    internal static Route Of(Uri address, HttpMethod method, SimulatedProvider? fixedProvider)
    {
        var parts = address.AbsolutePath.Split(s_slash, StringSplitOptions.RemoveEmptyEntries);
        var first = 0;
        var prefix = parts.Length > 0 ? Prefix(parts[0]) : null;
        if (prefix.HasValue) first = 1;
        var provider = prefix ?? fixedProvider ?? Guess(address.Host, parts);

        var isChat = parts.Length - first >= 2 && Ends(parts, "chat", "completions") && method == HttpMethod.Post;
        var isModels = parts.Length > first && Ends(parts, "models") && method == HttpMethod.Get;
        switch (provider)
        {
            case SimulatedProvider.GenStudio when isModels && Ends(parts, "maas", "v1", "models"):
            case SimulatedProvider.Cloudsway or SimulatedProvider.SiliconFlow when isModels && Ends(parts, "v1", "models"):
            case SimulatedProvider.OpenAICompatible when isModels:
                return new Route(provider, RouteKind.Models);
            case SimulatedProvider.GenStudio when isChat && At(parts, 5) == "maas":
                return new Route(provider, RouteKind.Chat, Unescape(At(parts, 4)!), Unescape(At(parts, 3)!));
            case SimulatedProvider.Cloudsway when isChat && At(parts, 5) == "v1" && At(parts, 4) == "ai":
                return new Route(provider, RouteKind.Chat, endpointPath: Unescape(At(parts, 3)!));
            case SimulatedProvider.SiliconFlow when isChat && At(parts, 3) == "v1":
            case SimulatedProvider.OpenAICompatible when isChat:
                return new Route(provider, RouteKind.Chat);
        }

        if (!BatchRules.Has(provider)) return new Route(provider, RouteKind.Unknown);
        var kind = BatchPath.Read(parts, first, needsVersion: provider == SimulatedProvider.SiliconFlow, method, out var id);
        return new Route(provider, kind, id: id);
    }

    private static SimulatedProvider? Prefix(string part) => part.ToLowerInvariant() switch
    {
        "genstudio" => SimulatedProvider.GenStudio,
        "cloudsway" => SimulatedProvider.Cloudsway,
        "siliconflow" => SimulatedProvider.SiliconFlow,
        "openai" => SimulatedProvider.OpenAICompatible,
        _ => null,
    };

    private static SimulatedProvider Guess(string host, string[] parts)
    {
        if (Array.IndexOf(parts, "maas") >= 0) return SimulatedProvider.GenStudio;
        if (At(parts, 5) == "v1" && At(parts, 4) == "ai") return SimulatedProvider.Cloudsway;
        if (host.Contains("siliconflow", StringComparison.OrdinalIgnoreCase)) return SimulatedProvider.SiliconFlow;
        if (host.Contains("cloudsway", StringComparison.OrdinalIgnoreCase)) return SimulatedProvider.Cloudsway;
        if (host.Contains("infini-ai", StringComparison.OrdinalIgnoreCase)) return SimulatedProvider.GenStudio;
        return SimulatedProvider.OpenAICompatible;
    }

    private static string? At(string[] parts, int fromEnd) => parts.Length >= fromEnd ? parts[parts.Length - fromEnd] : null;

    private static bool Ends(string[] parts, params string[] tail) =>
        parts.Length >= tail.Length && parts.Skip(parts.Length - tail.Length).SequenceEqual(tail);

    private static string Unescape(string part) => Uri.UnescapeDataString(part);
}
