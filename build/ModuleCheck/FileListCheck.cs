using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModuleCheck;

/// <summary>A folder holds exactly the files of a committed list.</summary>
internal sealed class FileListCheck(string folder, string list)
{
    private readonly string _where = $"bin/{Path.GetFileName(folder)}";

    public IEnumerable<string> Problems()
    {
        string[] wanted = [.. File.ReadLines(list).Select(line => line.Trim()).Where(line => line.Length > 0)];
        string[] found =
        [
            .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')),
        ];
        string name = Path.GetFileName(list);
        return found.Except(wanted, StringComparer.Ordinal).Select(file => $"{_where}: {file} is not on the list build/{name}")
            .Concat(wanted.Except(found, StringComparer.Ordinal).Select(file => $"{_where}: {file} is on the list build/{name} but missing"));
    }
}
