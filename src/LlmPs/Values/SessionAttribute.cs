using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;
using LlmPs.Loading;

namespace LlmPs.Values;

/// <summary>Converts names of sessions to sessions.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SessionAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var plain = PlainValue.Unwrap(inputData);
        if (plain is not IList list) return One(inputData);
        if (list.Count == 0)
            throw new ArgumentTransformationMetadataException(
                "-Session is an empty list. Give a session or its name, or leave the parameter out for the default session.");
        return list.Cast<object?>().Select(One).ToArray();
    }

    private static object One(object? given)
    {
        // A misspelt variable, or a failed Connect-LlmProvider: the rows must not go to the default session.
        var plain = PlainValue.Unwrap(given)
            ?? throw new ArgumentTransformationMetadataException(
                "-Session is null. Give a session or its name, or leave the parameter out for the default session.");
        LiveObjectAttribute.Refuse(given);
        if (plain is not string name) return given!;
        return SessionTable.Current.Find(name) ?? throw new ArgumentTransformationMetadataException(Unknown(name));
    }

    internal static string Unknown(string name)
    {
        var open = SessionTable.Current.All;
        return open.Count == 0
            ? $"No session '{name}' is open. There are no open sessions: run Connect-LlmProvider first."
            : $"No session '{name}' is open. Open sessions: {string.Join(", ", open.Select(session => session.Name))}.";
    }
}
