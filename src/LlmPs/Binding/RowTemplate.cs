using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace LlmPs.Binding;

/// <summary>
/// A script block that does no more than name a column, <c>{ $_.Subject }</c>, or put columns into a text, <c>{ "Classify: $($_.Subject)" }</c>. To run one
/// PowerShell makes a scope with variables for each row, 0.5 s of 100,000. Where the columns are texts, as those of Import-Csv are, it would give the
/// very text that this puts together.
/// </summary>
internal sealed class RowTemplate
{
    // What ends a text, or stands for something else in it. A here-string has some as well.
    private static readonly char[] s_marks = ['`', '"', '\u201C', '\u201D', '\u201E'];

    // A column without a name is the row itself.
    private readonly List<(string? Text, bool IsColumn)> _pieces;

    private RowTemplate(List<(string? Text, bool IsColumn)> pieces) => _pieces = pieces;

    /// <summary>The script block as a template; null where it does anything else.</summary>
    internal static RowTemplate? Of(ScriptBlock block)
    {
        var expression = Only((block.Ast as ScriptBlockAst)?.EndBlock?.Statements, block.Ast);
        if (ColumnOf(expression) is { } column) return new RowTemplate([(column, true)]);
        return expression is ExpandableStringExpressionAst text && PiecesOf(text) is { } pieces ? new RowTemplate(pieces) : null;
    }

    /// <summary>What the script block gives for the row; null where it is to be run to know.</summary>
    internal string? Fill(PSObject? row)
    {
        if (row is null) return null;
        var filled = new string[_pieces.Count];
        for (var i = 0; i < filled.Length; i++)
        {
            var (text, isColumn) = _pieces[i];
            if (isColumn) text = text is null ? row.BaseObject as string : RowColumns.TextOf(row, text);
            if (text is null) return null;
            filled[i] = text;
        }

        return filled.Length == 1 ? filled[0] : string.Concat(filled);
    }

    private static List<(string? Text, bool IsColumn)>? PiecesOf(ExpandableStringExpressionAst text)
    {
        var source = text.Extent.Text;
        var pieces = new List<(string? Text, bool IsColumn)>();
        var at = 1;
        foreach (var nested in text.NestedExpressions)
        {
            var start = nested.Extent.StartOffset - text.Extent.StartOffset;
            pieces.Add((source.Substring(at, start - at), false));
            at = start + nested.Extent.Text.Length;
            if (IsRow(nested)) pieces.Add((null, true));
            else if (nested is SubExpressionAst { SubExpression.Statements: var statements } && ColumnOf(Only(statements, nested)) is { } column) pieces.Add((column, true));
            else return null;
        }

        pieces.Add((source.Substring(at, source.Length - 1 - at), false));
        return pieces.Any(piece => !piece.IsColumn && piece.Text!.IndexOfAny(s_marks) >= 0) ? null : pieces;
    }

    /// <summary>The expression that stands there alone; null where there is anything else, be it a comment.</summary>
    private static ExpressionAst? Only(ReadOnlyCollection<StatementAst>? statements, Ast whole)
    {
        if (statements?.FirstOrDefault() is not PipelineAst pipeline || pipeline.PipelineElements[0] is not CommandExpressionAst { Expression: var expression }) return null;
        var source = whole.Extent.Text;
        var start = expression.Extent.StartOffset - whole.Extent.StartOffset;
        return source.Substring(0, start).Trim() is "" or "{" or "$(" && source.Substring(start + expression.Extent.Text.Length).Trim() is "" or "}" or ")" ? expression : null;
    }

    private static string? ColumnOf(ExpressionAst? expression) =>
        expression is MemberExpressionAst { Static: false, Member: StringConstantExpressionAst { Value: { } name } } member and not InvokeMemberExpressionAst && IsRow(member.Expression) ? name : null;

    private static bool IsRow(ExpressionAst expression) =>
        expression is VariableExpressionAst { VariablePath.UserPath: var name } && (name == "_" || name.Equals("PSItem", StringComparison.OrdinalIgnoreCase));
}
