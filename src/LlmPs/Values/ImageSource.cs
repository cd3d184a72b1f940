using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>Reads images: an address is sent unchanged, a file becomes a data URI.</summary>
internal static class ImageSource
{
    /// <summary>The largest file, in bytes. The providers document no common limit, and a larger request fails late.</summary>
    internal const long LargestFile = 20 * 1024 * 1024;

    private static readonly Dictionary<string, string> s_mediaTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        [".png"] = "image/png",
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".gif"] = "image/gif",
        [".webp"] = "image/webp",
        [".bmp"] = "image/bmp",
    };

    /// <exception cref="PSArgumentException">The image cannot be read; the message names it.</exception>
    internal static ChatContentPart Read(string image, PathIntrinsics paths)
    {
        if (image.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
            || image.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            || image.StartsWith("https://", StringComparison.OrdinalIgnoreCase)) return ChatContentPart.FromImage(image);

        var path = paths.GetUnresolvedProviderPathFromPSPath(image, out var provider, out _);
        if (provider.Name != "FileSystem") throw new PSArgumentException($"Image '{image}' is not in the file system.");
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new PSArgumentException($"Image '{image}' was not found. Give a file, an http or https address, or a data URI.");
        if (!s_mediaTypes.TryGetValue(file.Extension, out var mediaType))
            throw new PSArgumentException($"Image '{image}' has an unknown type. Known types: {string.Join(", ", s_mediaTypes.Keys)}.");
        if (file.Length > LargestFile)
            throw new PSArgumentException($"Image '{image}' has {file.Length / (1024 * 1024)} MiB, over the limit of "
                + $"{LargestFile / (1024 * 1024)} MiB. Make it smaller, or give an address.");
        try
        {
            return ChatContentPart.FromImage($"data:{mediaType};base64,{Convert.ToBase64String(File.ReadAllBytes(path))}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PSArgumentException($"Image '{image}' can't be read: {e.Message}", e);
        }
    }
}
