using System;
using System.Collections.Generic;
using System.Linq;

namespace LlmPs.Values;

/// <summary>
/// Property names for the members of a JSON object. In PowerShell a property needs a name that is not one of its member sets and differs
/// from the others in more than case. Other members are named <c>_</c>, <c>psobject_</c> or <c>name_2</c>.
/// </summary>
internal static class PropertyNames
{
    private static readonly HashSet<string> s_reserved =
        new(StringComparer.OrdinalIgnoreCase) { string.Empty, "psobject", "psbase", "pstypenames", "psadapted", "psextended" };

    /// <summary>Returns the name, with an underscore after it where PowerShell reserves it.</summary>
    internal static string Usable(string name) => s_reserved.Contains(name) ? name + "_" : name;

    /// <summary>Returns the property name for each member. It does not depend on their order, so that all rows have the same.</summary>
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
        // How often each name was used.
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
