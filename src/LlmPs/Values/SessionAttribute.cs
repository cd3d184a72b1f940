using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;
using LlmPs.Loading;

namespace LlmPs.Values;

/// <summary>Takes a session as object or by name, or a list of them.</summary>
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
                "Session is an empty list. Give a session or its name, or leave the parameter out for the default session.");
        return list.Cast<object?>().Select(One).ToArray();
    }

    private static object One(object? given)
    {
        // A variable that was misspelt, or that a Connect-LlmProvider which failed was to fill: the rows are not for whatever session is
        // the default.
        var plain = PlainValue.Unwrap(given)
            ?? throw new ArgumentTransformationMetadataException(
                "Session is null. Give a session or its name, or leave the parameter out for the default session.");
        LiveObjectAttribute.Refuse(given);
        if (plain is not string name) return given!;
        return SessionTable.Current.Find(name) ?? throw new ArgumentTransformationMetadataException(Unknown(name));
    }

    /// <summary>The words for a session that is not open.</summary>
    internal static string Unknown(string name)
    {
        var open = SessionTable.Current.All;
        return open.Count == 0
            ? $"No session '{name}' is open, nor any other. Open one with Connect-LlmProvider."
            : $"No session '{name}' is open. Open sessions: {string.Join(", ", open.Select(session => session.Name))}.";
    }
}
