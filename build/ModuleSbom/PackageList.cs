using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text.Json;
using System.Xml.Linq;

namespace ModuleSbom;

/// <summary>A package of others with the files of it that the module ships.</summary>
internal sealed record Library(string Name, string Version, string Sha512, string? License)
{
    internal SortedDictionary<string, string> Files { get; } = new(StringComparer.Ordinal);
}

/// <summary>The packages that the restore chose, by the assemblies they bring.</summary>
internal sealed class PackageList
{
    private readonly Dictionary<string, Library> _byFile = new(StringComparer.OrdinalIgnoreCase);

    internal static PackageList Read(string assets)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(assets));
        JsonElement root = document.RootElement;
        string[] folders = [.. root.GetProperty("packageFolders").EnumerateObject().Select(folder => folder.Name)];
        var list = new PackageList();
        var known = new Dictionary<string, Library>(StringComparer.Ordinal);
        foreach (JsonProperty target in root.GetProperty("targets").EnumerateObject())
        {
            foreach (JsonProperty package in target.Value.EnumerateObject())
            {
                if (package.Value.GetProperty("type").GetString() != "package" || !package.Value.TryGetProperty("runtime", out JsonElement files)) continue;
                if (!known.TryGetValue(package.Name, out Library? library))
                    known[package.Name] = library = LibraryOf(package.Name, root.GetProperty("libraries").GetProperty(package.Name), folders);
                foreach (JsonProperty file in files.EnumerateObject()) list._byFile[$"{target.Name}/{Path.GetFileName(file.Name)}"] = library;
            }
        }

        return list;
    }

    /// <summary>Counts a file of the module to its package; false where there is none.</summary>
    internal bool Add(IDictionary<string, Library> shipped, string file, string name)
    {
        // bin/net472/System.Memory.dll, bin/net8.0/lib/System.Net.ServerSentEvents.dll
        string target = name.Split('/')[1];
        if (!_byFile.TryGetValue($"{target}/{Path.GetFileName(file)}", out Library? library)) return false;
        library.Files[name] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        shipped[library.Name] = library;
        return true;
    }

    private static Library LibraryOf(string id, JsonElement library, string[] folders)
    {
        string[] parts = id.Split('/');
        string sha512 = Convert.ToHexStringLower(Convert.FromBase64String(library.GetProperty("sha512").GetString()!));
        string nuspec = library.GetProperty("files").EnumerateArray().Select(file => file.GetString()!).First(file => file.EndsWith(".nuspec", StringComparison.Ordinal));
        string? folder = folders.FirstOrDefault(candidate => File.Exists(Path.Combine(candidate, library.GetProperty("path").GetString()!, nuspec)));
        string? license = folder is null
            ? null
            : XDocument.Load(Path.Combine(folder, library.GetProperty("path").GetString()!, nuspec)).Descendants()
                .FirstOrDefault(element => element.Name.LocalName == "license" && (string?)element.Attribute("type") == "expression")?.Value;
        return new Library(parts[0], parts[1], sha512, license);
    }
}
