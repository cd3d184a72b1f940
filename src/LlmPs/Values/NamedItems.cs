using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>The items that a command lists by name.</summary>
internal static class NamedItems
{
    /// <summary>Writes the items whose names match, and an error for each name without wildcards that matches none.</summary>
    internal static void WriteNamed<T>(this PSCmdlet cmdlet, string[] names, IReadOnlyCollection<(string Name, T Item)> items,
        Func<string, string> unknown, string errorId)
    {
        foreach (var name in names)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            var found = items.Where(item => pattern.IsMatch(item.Name)).Select(item => item.Item).ToList();
            cmdlet.WriteObject(found, enumerateCollection: true);
            if (found.Count > 0 || WildcardPattern.ContainsWildcardCharacters(name)) continue;
            cmdlet.WriteError(new ErrorRecord(new ItemNotFoundException(unknown(name)), errorId, ErrorCategory.ObjectNotFound, name));
        }
    }
}
