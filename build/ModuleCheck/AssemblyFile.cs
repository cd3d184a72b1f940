using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ModuleCheck;

/// <summary>What an assembly says of itself and of those it needs, read without loading it.</summary>
internal sealed record AssemblyFile(string Path, AssemblyName Identity, IReadOnlyList<AssemblyName> References)
{
    public string Name => Identity.Name!;

    public static AssemblyFile Read(string path)
    {
        using var image = new PEReader(File.OpenRead(path));
        var metadata = image.GetMetadataReader();
        var references = metadata.AssemblyReferences
            .Select(handle => metadata.GetAssemblyReference(handle).GetAssemblyName())
            .ToArray();
        return new AssemblyFile(path, metadata.GetAssemblyDefinition().GetAssemblyName(), references);
    }

    public static Dictionary<string, AssemblyFile> ReadFolder(string folder, SearchOption depth) =>
        Directory.EnumerateFiles(folder, "*.dll", depth)
            .Where(IsManaged)
            .Select(Read)
            .ToDictionary(file => file.Name, StringComparer.OrdinalIgnoreCase);

    // The reference folder of .NET Framework holds a few files without metadata.
    private static bool IsManaged(string path)
    {
        using var image = new PEReader(File.OpenRead(path));
        return image.HasMetadata && image.GetMetadataReader().IsAssembly;
    }
}
