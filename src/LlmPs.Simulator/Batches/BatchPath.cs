using System.Net.Http;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>Reads the addresses of files and batches: the segments after the provider's base path.</summary>
internal static class BatchPath
{
    /// <summary>Returns what the path asks for, and the id in it; <see cref="RouteKind.Unknown"/> for any other path.</summary>
    internal static RouteKind Read(string[] parts, int first, bool needsVersion, HttpMethod method, out string? id)
    {
        id = null;
        for (var length = 1; length <= 3 && parts.Length - length >= first; length++)
        {
            var at = parts.Length - length;
            if (parts[at] is not ("files" or "batches")) continue;
            if (needsVersion && (at == first || parts[at - 1] != "v1")) continue;
            if (length > 1) id = System.Uri.UnescapeDataString(parts[at + 1]);
            return Kind(parts[at], length, length == 3 ? parts[at + 2] : null, method.Method);
        }

        return RouteKind.Unknown;
    }

    private static RouteKind Kind(string kind, int length, string? action, string method) => (kind, length, action, method) switch
    {
        ("files", 1, _, "POST") => RouteKind.UploadFile,
        ("files", 1, _, "GET") => RouteKind.ListFiles,
        ("files", 2, _, "GET") => RouteKind.GetFile,
        ("files", 2, _, "DELETE") => RouteKind.DeleteFile,
        ("files", 3, "content", "GET") => RouteKind.FileContent,
        ("batches", 1, _, "POST") => RouteKind.CreateBatch,
        ("batches", 1, _, "GET") => RouteKind.ListBatches,
        ("batches", 2, _, "GET") => RouteKind.GetBatch,
        ("batches", 3, "cancel", "POST") => RouteKind.CancelBatch,
        _ => RouteKind.Unknown,
    };
}
