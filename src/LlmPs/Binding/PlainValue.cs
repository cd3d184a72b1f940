using System.Collections;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>PowerShell values without their wrapping, however deep, for code that knows nothing of PowerShell.</summary>
internal static class PlainValue
{
    internal static object? Of(object? value) => value switch
    {
        PSObject { BaseObject: PSCustomObject } row => Of(row),
        PSObject wrapped => Of(wrapped.BaseObject),
        IDictionary dictionary => Of(dictionary),
        object[] items => items.Select(Of).ToArray(),
        _ => value,
    };

    internal static Hashtable Of(IDictionary dictionary)
    {
        var plain = new Hashtable(System.StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in dictionary) plain[entry.Key] = Of(entry.Value);
        return plain;
    }

    private static Hashtable Of(PSObject row)
    {
        var plain = new Hashtable(System.StringComparer.OrdinalIgnoreCase);
        foreach (var property in row.Properties) plain[property.Name] = Of(property.Value);
        return plain;
    }
}
