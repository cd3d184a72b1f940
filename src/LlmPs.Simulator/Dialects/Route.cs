using System;
using System.Net.Http;
using LlmPs.Simulator.Batches;

namespace LlmPs.Simulator.Dialects;

internal enum RouteKind
{
    Chat,
    Models,
    Unknown,

    // From here on: files and batches.
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

/// <summary>What an address asks for. The host may be any; the path decides, after a prefix that names the provider.</summary>
internal readonly struct Route
{
    private static readonly char[] s_slash = ['/'];

    private Route(
        SimulatedProvider provider, RouteKind kind, string? model = null, string? chip = null, string? endpointPath = null,
            string? id = null)
    {
        Provider = provider;
        Kind = kind;
        Model = model;
        Chip = chip;
        EndpointPath = endpointPath;
        Id = id;
    }

    internal SimulatedProvider Provider { get; }

    internal RouteKind Kind { get; }

    /// <summary>GenStudio's model in the path.</summary>
    internal string? Model { get; }

    internal string? Chip { get; }

    /// <summary>Cloudsway's own path of the customer.</summary>
    internal string? EndpointPath { get; }

    /// <summary>The id of a file or a batch.</summary>
    internal string? Id { get; }

    /// <summary>Whether it is about files or batches.</summary>
    internal bool IsBatch => Kind >= RouteKind.UploadFile;

    /// <summary>The route of a chat request that stands in a batch.</summary>
    internal static Route Chat(SimulatedProvider provider) => new(provider, RouteKind.Chat);

    internal static Route Of(Uri address, HttpMethod method, SimulatedProvider? fixedProvider)
    {
        var parts = address.AbsolutePath.Split(s_slash, StringSplitOptions.RemoveEmptyEntries);
        var first = 0;
        var prefix = parts.Length > 0 ? Prefix(parts[0]) : null;
        if (prefix.HasValue) first = 1;
        var provider = prefix ?? fixedProvider ?? Guess(address.Host, parts);

        var isChat = parts.Length - first >= 2 && Ends(parts, "chat", "completions") && method == HttpMethod.Post;
        var isModels = parts.Length > first && parts[parts.Length - 1] == "models" && method == HttpMethod.Get;
        switch (provider)
        {
            case SimulatedProvider.GenStudio:
                if (isModels && Ends(parts, "maas", "v1", "models")) return new Route(provider, RouteKind.Models);
                if (isChat && At(parts, 5) == "maas")
                    return new Route(provider, RouteKind.Chat, Unescape(At(parts, 4)!), Unescape(At(parts, 3)!));
                break;
            case SimulatedProvider.Cloudsway:
                if (isModels && Ends(parts, "v1", "models")) return new Route(provider, RouteKind.Models);
                if (isChat && At(parts, 5) == "v1" && At(parts, 4) == "ai")
                    return new Route(provider, RouteKind.Chat, endpointPath: Unescape(At(parts, 3)!));
                break;
            case SimulatedProvider.SiliconFlow:
                if (isModels && Ends(parts, "v1", "models")) return new Route(provider, RouteKind.Models);
                if (isChat && At(parts, 3) == "v1") return new Route(provider, RouteKind.Chat);
                break;
            default:
                // Servers in general: what stands before is theirs to choose.
                if (isModels) return new Route(provider, RouteKind.Models);
                if (isChat) return new Route(provider, RouteKind.Chat);
                break;
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

    private static bool Ends(string[] parts, params string[] tail)
    {
        if (parts.Length < tail.Length) return false;
        for (var i = 0; i < tail.Length; i++)
            if (parts[parts.Length - tail.Length + i] != tail[i]) return false;
        return true;
    }

    private static string Unescape(string part) => Uri.UnescapeDataString(part);
}
