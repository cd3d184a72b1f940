using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;

namespace LlmPs.Rows;

/// <summary>
/// The columns of a row, to look for options and texts in. PowerShell makes five hidden sets of members for an object whose properties are
/// listed, and leaves them on it: with 100,000 rows 0.6 s, and 150 MB where the caller holds them. So a custom object, as Import-Csv makes
/// them, is asked for its own members alone. What holds those is not public; of a PowerShell that has it otherwise, and of any other
/// object, the properties are listed.
/// </summary>
internal static class RowColumns
{
    private const string AdaptedMembers = "psadapted";
    private const string MarkInAnsi = "\u00EF\u00BB\u00BF";

    private static readonly char[] s_mark = ['\uFEFF', .. MarkInAnsi];

    private static readonly Func<PSObject,
        PSMemberInfoCollection<PSMemberInfo>>? s_own = Getter<PSMemberInfoCollection<PSMemberInfo>>("InstanceMembers");

    // Out of a file or a job an object of any class is a custom one, and the properties of its class are not its own.
    private static readonly Func<PSObject, bool>? s_isDeserialized = Getter<bool>("IsDeserialized");

    /// <summary>
    /// Its columns, and perhaps its methods. Without what PowerShell adds to all objects of a type, such as the User that owns a file: that
    /// is no word about the request.
    /// </summary>
    internal static IEnumerable<PSMemberInfo> Of(PSObject row) =>
        (IEnumerable<PSMemberInfo>?)OwnOf(row) ?? DataOf(row).Where(column => column.IsInstance || column is PSProperty);

    /// <summary>
    /// The properties that are data. An object that PowerShell adapts, such as a DataRow, a DataRowView or an XML element, shows the
    /// members of its .NET class beside its columns: RowError, Table, InnerXml. Those are left out; of an object that is not adapted they
    /// are the columns.
    /// </summary>
    internal static IEnumerable<PSPropertyInfo> DataOf(PSObject row)
    {
        if (row.BaseObject is PSCustomObject || row.Members[AdaptedMembers] is not PSMemberSet adapted) return row.Properties;
        var columns = new HashSet<string>(adapted.Properties.Select(column => column.Name), StringComparer.OrdinalIgnoreCase);
        return row.Properties.Where(column => column is not PSProperty || columns.Contains(column.Name));
    }

    /// <summary>Whether the row has a member of that name, also one that PowerShell adds to its type.</summary>
    internal static bool HasMember(PSObject row, string name) => row.Properties[name] is not null || row.Members[name] is not null;

    /// <summary>
    /// The name without a byte order mark, which a file that is read in the wrong encoding has before its first header, and without its
    /// quotes.
    /// </summary>
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
