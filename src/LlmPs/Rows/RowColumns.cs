using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;

namespace LlmPs.Rows;

/// <summary>
/// The columns of a row. When the properties of an object are listed, PowerShell adds five hidden sets of members to it: for 100,000 rows
/// 0.6 s, and 150 MB where the caller keeps the rows. So of a custom object, as Import-Csv creates them, only its own members are read. The
/// collection that holds them is not public; on PowerShell versions without it, and of other objects, the properties are listed.
/// </summary>
internal static class RowColumns
{
    private const string AdaptedMembers = "psadapted";
    private const string MarkInAnsi = "\u00EF\u00BB\u00BF";

    private static readonly char[] s_mark = ['\uFEFF', .. MarkInAnsi];

    private static readonly Func<PSObject, PSMemberInfoCollection<PSMemberInfo>>? s_own =
        Getter<PSMemberInfoCollection<PSMemberInfo>>("InstanceMembers");

    // A copy from a file or a job is a custom object, but the properties of its class are not its own members.
    private static readonly Func<PSObject, bool>? s_isDeserialized = Getter<bool>("IsDeserialized");

    /// <summary>Returns the columns, and possibly methods, without what PowerShell adds to a type, such as the User of a file.</summary>
    internal static IEnumerable<PSMemberInfo> Of(PSObject row) =>
        (IEnumerable<PSMemberInfo>?)OwnOf(row) ?? DataOf(row).Where(column => column.IsInstance || column is PSProperty);

    /// <summary>
    /// Returns the properties that are data. An object that PowerShell adapts, such as a DataRow or an XML element, also shows the members
    /// of its .NET class, such as RowError, Table, InnerXml. Those are left out.
    /// </summary>
    internal static IEnumerable<PSPropertyInfo> DataOf(PSObject row)
    {
        if (row.BaseObject is PSCustomObject || row.Members[AdaptedMembers] is not PSMemberSet adapted) return row.Properties;
        var columns = new HashSet<string>(adapted.Properties.Select(column => column.Name), StringComparer.OrdinalIgnoreCase);
        return row.Properties.Where(column => column is not PSProperty || columns.Contains(column.Name));
    }

    /// <summary>Reads a property; false where its getter throws.</summary>
    internal static bool TryRead(PSPropertyInfo property, out object? value)
    {
        try
        {
            value = property.Value;
            return true;
        }
        catch (GetValueException)
        {
            value = null;
            return false;
        }
    }

    /// <summary>Whether the row has a member of that name, or PowerShell adds one to its type.</summary>
    internal static bool HasMember(PSObject row, string name) => row.Properties[name] is not null || row.Members[name] is not null;

    /// <summary>Returns the name without a byte order mark and quotes, which the wrong encoding leaves at the first header.</summary>
    internal static string NameOf(string column)
    {
        if (!HasMark(column)) return column;
        var name = column.TrimStart(s_mark);
        return name.Length > 1 && name[0] == '"' && name[name.Length - 1] == '"' ? name.Substring(1, name.Length - 2) : name;
    }

    /// <summary>Whether a byte order mark stands before the name: itself, or its three bytes read as ANSI.</summary>
    internal static bool HasMark(string column) =>
        column.Length > 0 && (column[0] == s_mark[0] || column.StartsWith(MarkInAnsi, StringComparison.Ordinal));

    private static PSMemberInfoCollection<PSMemberInfo>? OwnOf(PSObject row) =>
        s_own is not null && s_isDeserialized?.Invoke(row) == false && row.BaseObject is PSCustomObject ? s_own(row) : null;

    private static Func<PSObject, T>? Getter<T>(string property) =>
        typeof(PSObject).GetProperty(property, BindingFlags.Instance | BindingFlags.NonPublic)?.GetGetMethod(nonPublic: true) is { } getter
            ? (Func<PSObject, T>?)Delegate.CreateDelegate(typeof(Func<PSObject, T>), getter, throwOnBindFailure: false)
            : null;
}
