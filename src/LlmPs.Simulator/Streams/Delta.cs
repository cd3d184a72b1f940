using System.Collections.Generic;
using System.Linq;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Streams;

internal enum DeltaKind
{
    Role,
    Reasoning,
    Content,
    ToolCall,
    Finish,
    Usage,
}

/// <summary>One chunk of a stream, before a dialect writes it.</summary>
internal readonly struct Delta(DeltaKind kind, Choice choice, string text = "", int start = 0, int length = 0, int toolIndex = 0)
{
    internal DeltaKind Kind { get; } = kind;

    internal Choice Choice { get; } = choice;

    internal string Text { get; } = text;

    internal int Start { get; } = start;

    internal int Length { get; } = length;

    internal int ToolIndex { get; } = toolIndex;

    /// <summary>Whether this fragment opens a tool call.</summary>
    internal bool OpensToolCall => Kind == DeltaKind.ToolCall && Start == 0;

    /// <summary>Whether this fragment has the first half of a tool's name and no arguments.</summary>
    internal bool OpensName => OpensToolCall && Length == 0;

    /// <summary>Returns all chunks of an answer. Several choices take turns, as they do on the wire.</summary>
    internal static IEnumerable<Delta> All(Answer answer, bool roleChunk, bool usageChunk)
    {
        List<IEnumerator<Delta>> turns = [.. answer.Choices.Select(choice => OfChoice(answer, choice, roleChunk).GetEnumerator())];
        while (turns.Count > 0)
        {
            for (var i = 0; i < turns.Count; i++)
            {
                if (turns[i].MoveNext()) yield return turns[i].Current;
                else turns.RemoveAt(i--);
            }
        }

        if (usageChunk) yield return new Delta(DeltaKind.Usage, answer.Choices[0]);
    }

    private static IEnumerable<Delta> OfChoice(Answer answer, Choice choice, bool roleChunk)
    {
        if (roleChunk) yield return new Delta(DeltaKind.Role, choice);
        if (choice.Reasoning is not null)
            foreach (var delta in Pieces(answer, DeltaKind.Reasoning, choice, choice.Reasoning, 0)) yield return delta;
        foreach (var delta in Pieces(answer, DeltaKind.Content, choice, choice.Content, 0)) yield return delta;
        for (var i = 0; i < choice.ToolCalls.Length; i++)
        {
            var arguments = answer.Arguments(choice.ToolCalls[i]);
            if (answer.Has(StreamQuirks.NameInPieces)) yield return new Delta(DeltaKind.ToolCall, choice, arguments, 0, 0, i);
            foreach (var delta in Pieces(answer, DeltaKind.ToolCall, choice, arguments, i)) yield return delta;
            if (answer.Has(StreamQuirks.RepeatedArguments))
                yield return new Delta(DeltaKind.ToolCall, choice, arguments, 0, arguments.Length, i);
        }

        yield return new Delta(DeltaKind.Finish, choice);
    }

    private static IEnumerable<Delta> Pieces(Answer answer, DeltaKind kind, Choice choice, string text, int toolIndex)
    {
        var size = answer.PieceSize(text);
        for (var start = 0; start < text.Length;)
        {
            var end = TextPieces.End(text, start, size);
            yield return new Delta(kind, choice, text, start, end - start, toolIndex);
            start = end;
        }
    }
}
