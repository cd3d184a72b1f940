using System;
using System.Collections.Generic;
using System.Linq;

namespace LlmPs.Values;

/// <summary>
/// The names that the members of a JSON object have as properties. PowerShell has no property without a name, none named as one of its own
/// member sets, and no two that differ in case only: such a member is named <c>_</c>, <c>psobject_</c> or <c>name_2</c>.
/// </summary>
internal static class PropertyNames
{
    private static readonly HashSet<string> s_reserved =
        new(StringComparer.OrdinalIgnoreCase) { string.Empty, "psobject", "psbase", "pstypenames", "psadapted", "psextended" };

    /// <summary>The name where PowerShell can have it, else the name with an underscore behind it.</summary>
    internal static string Usable(string name) => s_reserved.Contains(name) ? name + "_" : name;

    /// <summary>The property's name for each name of an object. Their order does not matter, so that all rows have the same.</summary>
    internal static Dictionary<string, string> Of(IEnumerable<string> names)
    {
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var changes = false;
        foreach (var name in names)
        {
            if (properties.ContainsKey(name)) continue;
            properties.Add(name, name);
            changes |= s_reserved.Contains(name) || !taken.Add(name);
        }

        return changes ? Distinct(properties.Keys) : properties;
    }

    private static Dictionary<string, string> Distinct(ICollection<string> names)
    {
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        // How often each name was asked for.
        var taken = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var name in names.OrderBy(s_reserved.Contains).ThenBy(name => name, StringComparer.Ordinal))
        {
            var property = Usable(name);
            if (taken.TryGetValue(property, out var count))
            {
                var numbered = property;
                do numbered = $"{property}_{++count}";
                while (taken.ContainsKey(numbered));
                taken[property] = count;
                property = numbered;
            }

            taken.Add(property, 1);
            properties.Add(name, property);
        }

        return properties;
    }
}
