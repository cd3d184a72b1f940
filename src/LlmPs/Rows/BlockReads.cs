using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace LlmPs.Rows;

/// <summary>
/// The columns that a script block needs: those that it reads as <c>$_.Name</c> on every path. PowerShell returns nothing for a missing
/// column, so that a typing error would send a prompt without it. A column that only a condition or one branch reads may be missing.
/// </summary>
internal static class BlockReads
{
    // Every object has these in PowerShell.
    private static readonly string[] s_everywhere = ["Count", "Length", "psobject", "psbase", "psadapted", "psextended", "pstypenames"];

    // By name: the reference assembly lacks the newer types.
    private static readonly HashSet<string> s_conditional =
    [
        nameof(IfStatementAst), nameof(SwitchStatementAst), nameof(ForStatementAst), nameof(WhileStatementAst), nameof(DoWhileStatementAst),
        nameof(DoUntilStatementAst), nameof(ForEachStatementAst), nameof(TryStatementAst), nameof(TrapStatementAst),
        nameof(FunctionDefinitionAst), nameof(ParamBlockAst), nameof(ErrorStatementAst),
        "TernaryExpressionAst", "PipelineChainAst",
    ];

    private static readonly HashSet<string> s_tests =
        new(StringComparer.OrdinalIgnoreCase) { "And", "Or", "Xor", "QuestionQuestion", "QuestionQuestionEquals" };

    internal static IReadOnlyList<string> Of(ScriptBlock block)
    {
        if (block.Ast is not ScriptBlockAst root || MayReplaceRow(root)) return [];
        var reads = root.FindAll(node => NameOf(node) is not null, searchNestedScriptBlocks: false).ToList();
        if (reads.Count == 0 || reads.Any(read => NameOf(read)!.Equals("psobject", StringComparison.OrdinalIgnoreCase))) return [];
        var end = FirstWayOut(root);
        var maybe = reads.Where(read => read.Extent.StartOffset > end || IsConditional(read, root)).Select(read => NameOf(read)!);
        var optional = new HashSet<string>(maybe.Concat(s_everywhere), StringComparer.OrdinalIgnoreCase);
        return [.. reads.Select(read => NameOf(read)!).Where(name => !optional.Contains(name)).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>Returns the name that <c>$_.Name</c> or <c>$PSItem.Name</c> reads; null for any other node.</summary>
    private static string? NameOf(Ast node) =>
        node is MemberExpressionAst { Static: false, Expression: VariableExpressionAst row, Member: StringConstantExpressionAst name }
        && node is not InvokeMemberExpressionAst && IsRow(row) ? name.Value : null;

    private static bool IsRow(VariableExpressionAst variable) => variable.VariablePath.UserPath.ToUpperInvariant() is "_" or "PSITEM";

    private static bool MayReplaceRow(ScriptBlockAst root) => root.Find(
        node => (node is AssignmentStatementAst set
            && set.Left.Find(part => part is VariableExpressionAst variable && IsRow(variable), true) is not null)
            || (node is ForEachStatementAst loop && IsRow(loop.Variable)),
        searchNestedScriptBlocks: false) is not null;

    private static int FirstWayOut(ScriptBlockAst root) =>
        root.FindAll(node =>
            node is ReturnStatementAst or ExitStatementAst or ThrowStatementAst or BreakStatementAst or ContinueStatementAst,
                searchNestedScriptBlocks: false)
            .Where(node => IsConditional(node, root))
            .Select(node => node.Extent.EndOffset)
            .DefaultIfEmpty(int.MaxValue)
            .Min();

    /// <summary>Whether a node is not always evaluated, or tests whether the column exists.</summary>
    private static bool IsConditional(Ast node, ScriptBlockAst root)
    {
        for (Ast child = node, parent = node.Parent; parent is not null && child != root; child = parent, parent = parent.Parent)
        {
            if (parent is ForEachStatementAst loop && loop.Condition == child) continue;
            if (s_conditional.Contains(parent.GetType().Name)) return true;
            switch (parent)
            {
                case BinaryExpressionAst pair when s_tests.Contains(pair.Operator.ToString()) || IsNull(pair.Left) || IsNull(pair.Right):
                case UnaryExpressionAst { TokenKind: TokenKind.Not or TokenKind.Exclaim }:
                case ConvertExpressionAst cast when cast.Type.TypeName.GetReflectionType() == typeof(bool):
                case InvokeMemberExpressionAst { Static: true, Member: StringConstantExpressionAst method } when IsNullTest(method.Value):
                    return true;
            }
        }

        return false;
    }

    private static bool IsNull(ExpressionAst value) =>
        value is VariableExpressionAst { VariablePath.UserPath: var name } && name.Equals("null", StringComparison.OrdinalIgnoreCase);

    // Such as string.IsNullOrEmpty.
    private static bool IsNullTest(string method) => method.StartsWith("IsNull", StringComparison.OrdinalIgnoreCase);
}
