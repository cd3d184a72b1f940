using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Streams;

/// <summary>Adds up tokens as chunks are sent, by the rule for the whole answer, so that the last sum equals it.</summary>
internal struct StreamProgress
{
    private Choice? _choice;
    private DeltaKind _kind;
    private int _toolIndex;
    private int _bytes;
    private int _completion;
    private int _reasoning;

    internal readonly int CompletionTokens => _completion + TextPieces.Tokens(_bytes);

    internal readonly int ReasoningTokens => _reasoning + (_kind == DeltaKind.Reasoning ? TextPieces.Tokens(_bytes) : 0);

    internal void Add(in Delta delta)
    {
        if (delta.Kind != _kind || delta.Choice != _choice || delta.ToolIndex != _toolIndex || delta.OpensToolCall)
        {
            (_completion, _reasoning) = (CompletionTokens, ReasoningTokens);
            _bytes = 0;
        }

        _kind = delta.Kind;
        _choice = delta.Choice;
        _toolIndex = delta.ToolIndex;
        _bytes += TextPieces.Utf8Length(delta.Text, delta.Start, delta.Length);
        if (delta.OpensToolCall) _bytes += TextPieces.Utf8Length(delta.Choice.ToolCalls[delta.ToolIndex].Name);
    }
}
