using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModuleCheck;

/// <summary>The module holds exactly the files of a committed list, so that nothing is shipped or left out unseen.</summary>
internal sealed class FileListCheck(string module, string list)
{
    public IEnumerable<string> Problems()
    {
        string[] wanted = [.. File.ReadLines(list).Select(line => line.Trim()).Where(line => line.Length > 0)];
        string[] found =
        [
            .. Directory.EnumerateFiles(module, "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(module, file).Replace('\\', '/')),
        ];
        var name = Path.GetFileName(list);
        return found.Except(wanted, StringComparer.Ordinal).Select(file => $"{file} is not on the list build/{name}")
            .Concat(wanted.Except(found, StringComparer.Ordinal).Select(file => $"{file} is on the list build/{name} but missing"));
    }
}
