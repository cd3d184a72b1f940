using System.Collections.Generic;
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
internal readonly struct Delta
{
    internal Delta(DeltaKind kind, Choice choice, string text, int start, int length, int toolIndex)
    {
        Kind = kind;
        Choice = choice;
        Text = text;
        Start = start;
        Length = length;
        ToolIndex = toolIndex;
    }

    internal DeltaKind Kind { get; }

    internal Choice Choice { get; }

    internal string Text { get; }

    internal int Start { get; }

    internal int Length { get; }

    internal int ToolIndex { get; }

    /// <summary>The fragment that opens a tool call.</summary>
    internal bool OpensToolCall => Kind == DeltaKind.ToolCall && Start == 0;

    /// <summary>The fragment before it that holds half of the name.</summary>
    internal bool OpensName => OpensToolCall && Length == 0;

    /// <summary>All of an answer's chunks. Several choices take turns, as they do on the wire.</summary>
    internal static IEnumerable<Delta> All(Answer answer, bool roleChunk, bool usageChunk)
    {
        if (answer.Choices.Length == 1)
        {
            foreach (var delta in OfChoice(answer, answer.Choices[0], roleChunk)) yield return delta;
        }
        else
        {
            var turns = new List<IEnumerator<Delta>>(answer.Choices.Length);
            foreach (var choice in answer.Choices) turns.Add(OfChoice(answer, choice, roleChunk).GetEnumerator());
            while (turns.Count > 0)
            {
                for (var i = 0; i < turns.Count; i++)
                {
                    if (turns[i].MoveNext()) yield return turns[i].Current;
                    else turns.RemoveAt(i--);
                }
            }
        }

        if (usageChunk) yield return new Delta(DeltaKind.Usage, answer.Choices[0], string.Empty, 0, 0, 0);
    }

    private static IEnumerable<Delta> OfChoice(Answer answer, Choice choice, bool roleChunk)
    {
        if (roleChunk) yield return new Delta(DeltaKind.Role, choice, string.Empty, 0, 0, 0);
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

        yield return new Delta(DeltaKind.Finish, choice, string.Empty, 0, 0, 0);
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
