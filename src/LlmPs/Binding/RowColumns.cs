using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;

namespace LlmPs.Binding;

/// <summary>
/// The columns of a row, to look for options and texts in. PowerShell makes five hidden sets of members for an object whose properties are listed, and leaves
/// them on it: with 100,000 rows 0.6 s, and 150 MB where the caller holds them. So a custom object, as Import-Csv makes them, is asked for its own
/// members alone. What holds those is not public; of a PowerShell that has it otherwise, and of any other object, the properties are listed.
/// </summary>
internal static class RowColumns
{
    private static readonly Func<PSObject, PSMemberInfoCollection<PSMemberInfo>>? s_own = Getter<PSMemberInfoCollection<PSMemberInfo>>("InstanceMembers");

    // Out of a file or a job an object of any class is a custom one, and the properties of its class are not its own.
    private static readonly Func<PSObject, bool>? s_isDeserialized = Getter<bool>("IsDeserialized");

    /// <summary>Its columns, and perhaps its methods. Without what PowerShell adds to all objects of a type, such as the User that owns a file: that is no word about the request.</summary>
    internal static IEnumerable<PSMemberInfo> Of(PSObject row) =>
        (IEnumerable<PSMemberInfo>?)OwnOf(row) ?? row.Properties.Where(column => column.IsInstance || column is PSProperty);

    private static PSMemberInfoCollection<PSMemberInfo>? OwnOf(PSObject row) =>
        s_own is not null && s_isDeserialized?.Invoke(row) == false && row.BaseObject is PSCustomObject ? s_own(row) : null;

    private static Func<PSObject, T>? Getter<T>(string property) =>
        typeof(PSObject).GetProperty(property, BindingFlags.Instance | BindingFlags.NonPublic)?.GetGetMethod(nonPublic: true) is { } getter
            ? (Func<PSObject, T>?)Delegate.CreateDelegate(typeof(Func<PSObject, T>), getter, throwOnBindFailure: false)
            : null;
}
