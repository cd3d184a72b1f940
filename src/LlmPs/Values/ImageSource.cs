using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>Images as the wire takes them: an address goes as it is, a file becomes a data URI.</summary>
internal static class ImageSource
{
    /// <summary>The largest file, in bytes. The providers name no common limit; what is larger fails there late and dearly.</summary>
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

    /// <exception cref="PSArgumentException">No such file, not an image, too large or unreadable; the message names it.</exception>
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
            throw new PSArgumentException($"Image '{image}' is of an unknown kind. Known kinds: {string.Join(", ", s_mediaTypes.Keys)}.");
        if (file.Length > LargestFile)
            throw new PSArgumentException(
                $"Image '{image}' has {file.Length / (1024 * 1024)} MiB, over the limit of {LargestFile / (1024 * 1024)} MiB. Scale it "
                    + "down, or give an address.");
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
