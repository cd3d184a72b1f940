using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModuleCheck;

/// <summary>THIRD-PARTY-NOTICES.txt names each library of others in the module, and no other.</summary>
internal sealed class NoticeCheck(string module)
{
    private const string Notices = "THIRD-PARTY-NOTICES.txt";

    public IEnumerable<string> Problems()
    {
        var path = Path.Combine(module, Notices);
        if (!File.Exists(path)) return [];
        // The names are the lines that are set in.
        string[] named =
            [.. File.ReadLines(path).Where(line => line.StartsWith("    ", StringComparison.Ordinal)).Select(line => line.Trim())];
        string[] shipped =
        [
            .. Directory.EnumerateFiles(Path.Combine(module, "bin"), "*.dll", SearchOption.AllDirectories)
                .Select(file => Path.GetFileNameWithoutExtension(file))
                .Where(name => !name.StartsWith("LlmPs", StringComparison.Ordinal))
                .Distinct(StringComparer.Ordinal),
        ];
        return shipped.Except(named, StringComparer.Ordinal).Select(name => $"{Notices} does not name {name}, which is shipped")
            .Concat(named.Except(shipped, StringComparer.Ordinal).Select(name => $"{Notices} names {name}, which is not shipped"));
    }
}
