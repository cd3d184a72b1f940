using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ModuleSbom;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: ModuleSbom MODULE VERSION PROJECT-ASSETS");
    return 2;
}

string bin = Path.Combine(args[0], "bin");
PackageList packages = PackageList.Read(args[2]);
var shipped = new SortedDictionary<string, Library>(StringComparer.Ordinal);
string[] unknown =
[
    .. Directory.EnumerateFiles(bin, "*.dll", SearchOption.AllDirectories)
        .Where(file => !Path.GetFileName(file).StartsWith("LlmPs", StringComparison.Ordinal))
        .Where(file => !packages.Add(shipped, file, Path.GetRelativePath(args[0], file).Replace('\\', '/')))
        .Order(StringComparer.Ordinal),
];
foreach (string file in unknown) Console.Error.WriteLine($"ModuleSbom : error LLMPS002: {file} comes from no package of {args[2]}");
if (unknown.Length > 0) return 1;

File.WriteAllText(Path.Combine(args[0], "sbom.cdx.json"), Document.Write(args[1], shipped.Values));
Console.WriteLine($"ModuleSbom: {shipped.Count} packages of others in the module");
return 0;
