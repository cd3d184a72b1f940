using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace LlmPs.Rows;

/// <summary>
/// The columns that a script block cannot do without: those that it reads as <c>$_.Name</c> on every way through it. PowerShell gives
/// nothing for a column that is not there, so a mistyped one would be sent as a prompt about nothing. What a condition reads, or only one
/// of its branches, may be missing.
/// </summary>
internal static class BlockReads
{
    // What any object has in PowerShell, as a member or not.
    private static readonly string[] s_everywhere = ["Count", "Length", "psobject", "psbase", "psadapted", "psextended", "pstypenames"];

    // Newer types among them are not in the assembly that this is compiled against.
    private static readonly HashSet<string> s_conditional =
    [
        nameof(IfStatementAst), nameof(SwitchStatementAst), nameof(ForStatementAst), nameof(WhileStatementAst), nameof(DoWhileStatementAst),
        nameof(DoUntilStatementAst), nameof(ForEachStatementAst), nameof(TryStatementAst), nameof(TrapStatementAst),
        nameof(FunctionDefinitionAst), nameof(ParamBlockAst), nameof(ErrorStatementAst),
        "TernaryExpressionAst", "PipelineChainAst",
    ];

    private static readonly HashSet<string> s_tests =
        new(StringComparer.OrdinalIgnoreCase) { "And", "Or", "Xor", "QuestionQuestion", "QuestionQuestionEquals" };

    /// <summary>The names, in the order of the block.</summary>
    internal static IReadOnlyList<string> Of(ScriptBlock block)
    {
        if (block.Ast is not ScriptBlockAst root || MayReplaceRow(root)) return [];
        var reads = root.FindAll(node => NameOf(node) is not null, searchNestedScriptBlocks: false).ToList();
        if (reads.Count == 0 || reads.Any(read => NameOf(read)!.Equals("psobject", StringComparison.OrdinalIgnoreCase))) return [];
        var end = FirstWayOut(root);
        var maybe = reads.Where(read => read.Extent.StartOffset > end || IsConditional(read, root)).Select(read => NameOf(read)!);
        var optional = new HashSet<string>(maybe.Concat(s_everywhere), StringComparer.OrdinalIgnoreCase);
        return reads.Select(read => NameOf(read)!).Where(name => !optional.Contains(name)).Distinct(StringComparer.OrdinalIgnoreCase)
            .ToList();
    }

    /// <summary>The name that <c>$_.Name</c> or <c>$PSItem.Name</c> reads; null of anything else.</summary>
    private static string? NameOf(Ast node) =>
        node is MemberExpressionAst { Static: false, Expression: VariableExpressionAst row, Member: StringConstantExpressionAst name }
        && node is not InvokeMemberExpressionAst && IsRow(row) ? name.Value : null;

    private static bool IsRow(VariableExpressionAst variable) => variable.VariablePath.UserPath.ToUpperInvariant() is "_" or "PSITEM";

    /// <summary>Whether <c>$_</c> may be something else than the row in part of the block.</summary>
    private static bool MayReplaceRow(ScriptBlockAst root) => root.Find(
        node => (node is AssignmentStatementAst set
            && set.Left.Find(part => part is VariableExpressionAst variable && IsRow(variable), true) is not null)
            || (node is ForEachStatementAst loop && IsRow(loop.Variable)),
        searchNestedScriptBlocks: false) is not null;

    /// <summary>Where the block may first be left early.</summary>
    private static int FirstWayOut(ScriptBlockAst root) =>
        root.FindAll(node =>
            node is ReturnStatementAst or ExitStatementAst or ThrowStatementAst or BreakStatementAst or ContinueStatementAst,
                searchNestedScriptBlocks: false)
            .Where(node => IsConditional(node, root))
            .Select(node => node.Extent.EndOffset)
            .DefaultIfEmpty(int.MaxValue)
            .Min();

    /// <summary>Whether what stands there is not always evaluated, or asks whether the column is there.</summary>
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

    /// <summary>Whether a method is one as string.IsNullOrEmpty.</summary>
    private static bool IsNullTest(string method) => method.StartsWith("IsNull", StringComparison.OrdinalIgnoreCase);
}
