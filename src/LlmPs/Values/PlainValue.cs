using System.Collections;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;

namespace LlmPs.Values;

/// <summary>Removes PowerShell's wrapping from values, at any depth.</summary>
internal static class PlainValue
{
    /// <summary>Returns the value itself; null for the output of a statement without output, which .NET sees as an object.</summary>
    internal static object? Unwrap(object? value) =>
        ReferenceEquals(value, AutomationNull.Value) ? null : value is PSObject wrapped ? wrapped.BaseObject : value;

    /// <exception cref="System.ArgumentException">The value refers to itself, or is nested too deeply.</exception>
    internal static Hashtable Of(IDictionary dictionary) => Of(dictionary, 0);

    private static object? Of(object? value, int level)
    {
        JsonText.RefuseDepth(level);
        return value switch
        {
            PSObject when ReferenceEquals(value, AutomationNull.Value) => null,
            PSObject { BaseObject: PSCustomObject } row => Of(row, level),
            PSObject wrapped => Of(wrapped.BaseObject, level),
            IDictionary dictionary => Of(dictionary, level),
            object[] items => items.Select(item => Of(item, level + 1)).ToArray(),
            _ => value,
        };
    }

    private static Hashtable Of(IDictionary dictionary, int level)
    {
        var plain = new Hashtable(System.StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in dictionary) plain[entry.Key] = Of(entry.Value, level + 1);
        return plain;
    }

    private static Hashtable Of(PSObject row, int level)
    {
        var plain = new Hashtable(System.StringComparer.OrdinalIgnoreCase);
        foreach (var property in row.Properties) plain[property.Name] = Of(property.Value, level + 1);
        return plain;
    }
}
