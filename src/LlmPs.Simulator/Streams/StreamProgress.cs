using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Streams;

/// <summary>Adds up tokens as chunks go out, by the same rule as the whole answer, so that the last sum equals it.</summary>
internal struct StreamProgress
{
    private Choice? _choice;
    private DeltaKind _kind;
    private int _toolIndex;
    private int _bytes;
    private int _completion;
    private int _reasoning;

    internal readonly StreamUsage Usage
    {
        get
        {
            var open = TextPieces.Tokens(_bytes);
            return new StreamUsage(_completion + open, _reasoning + (_kind == DeltaKind.Reasoning ? open : 0));
        }
    }

    internal void Add(in Delta delta)
    {
        if (delta.Kind != _kind || delta.Choice != _choice || delta.ToolIndex != _toolIndex || delta.OpensToolCall) CloseText();
        _kind = delta.Kind;
        _choice = delta.Choice;
        _toolIndex = delta.ToolIndex;
        _bytes += TextPieces.Utf8Length(delta.Text, delta.Start, delta.Length);
        if (delta.OpensToolCall) _bytes += TextPieces.Utf8Length(delta.Choice.ToolCalls[delta.ToolIndex].Name);
    }

    private void CloseText()
    {
        var usage = Usage;
        _completion = usage.CompletionTokens;
        _reasoning = usage.ReasoningTokens;
        _bytes = 0;
    }
}
