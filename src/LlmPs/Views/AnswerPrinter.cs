using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Rows;
using LlmPs.Text;

namespace LlmPs.Views;

/// <summary>
/// Prints answers to the host as they arrive: the dimmed reasoning, the answer, the calls, the usage. Text from outside passes
/// <see cref="PrintableText"/>.
/// </summary>
internal sealed class AnswerPrinter(PSCmdlet cmdlet, bool showsReasoning, bool hasHeadings)
{
    private const int LongestPrompt = 60;
    private const int LongestArguments = 200;

    private static readonly string[] s_hostTag = ["PSHOST"];

    private readonly TerminalStyle _style = TerminalStyle.Of(cmdlet);
    private long? _row;
    private object? _input;
    private int _choice;
    private Part _part;

    // The last character of the text so far: the next piece may begin inside a character.
    private int _before;
    private bool _isAtLineStart = true;

    private enum Part
    {
        Nothing,
        Reasoning,
        Answer,
    }

    internal void Print(ChatCompletionDelta delta)
    {
        if (string.IsNullOrEmpty(delta.Content) && (!showsReasoning || string.IsNullOrEmpty(delta.ReasoningContent))) return;
        Begin(delta.InputIndex, delta.InputObject, delta.Index);
        Text(delta.ReasoningContent, delta.Content);
    }

    internal void Print(ChatCompletion completion)
    {
        PrintText(completion);
        End(completion);
    }

    internal void PrintText(ChatCompletion completion)
    {
        foreach (var choice in completion.Choices)
        {
            Begin(completion.InputIndex, completion.InputObject, choice.Index);
            Text(choice.Message.ReasoningContent, choice.Message.Content);
        }
    }

    /// <summary>Prints the lines below an answer: its calls, why it ended if it is incomplete, its usage.</summary>
    internal void End(ChatCompletion completion)
    {
        Begin(completion.InputIndex, completion.InputObject, _choice);
        EndLine();
        foreach (var call in completion.ToolCalls ?? [])
            Write(_style.Bold($"> {PrintableText.Line(call.Name)}") + " "
                + _style.Dim(PrintableText.Escaped(call.Arguments, LongestArguments)) + "\n");
        Write(_style.Dim($"[{Footer(completion)}]") + "\n");
        _part = Part.Nothing;
    }

    /// <summary>Prints a line of the module, which may have names from outside.</summary>
    internal void Line(string text) => Write(PrintableText.Lines(text) + "\n");

    internal void EndLine()
    {
        if (!_isAtLineStart) Write("\n");
        _part = Part.Nothing;
    }

    private static string Footer(ChatCompletion completion)
    {
        var parts = new List<string>();
        if (completion.FinishReason is { } reason and not FinishReasons.Stop and not FinishReasons.ToolCalls)
            parts.Add("ended by " + PrintableText.Line(reason));
        if (completion.Blocked == true) parts.Add("blocked by moderation");
        parts.Add(UsageText(completion.Usage));
        if (completion.Cost is { } cost) parts.Add("cost " + MoneyText.Of(cost));
        if (completion.Duration is { } duration) parts.Add($"{duration.TotalSeconds:0.0} s");
        return string.Join(", ", parts);
    }

    internal static string UsageText(TokenUsage? usage)
    {
        if (usage is null) return "tokens unknown";
        var text = $"{Figure(usage.PromptTokens)} + {Figure(usage.CompletionTokens)} = {Figure(usage.TotalTokens)} tokens";
        return usage.ReasoningTokens > 0 ? $"{text}, {usage.ReasoningTokens} of them reasoning" : text;
    }

    private static string Figure(long? tokens) => tokens?.ToString(CultureInfo.CurrentCulture) ?? "?";

    /// <summary>Prints a heading where another row or choice begins. The rounds of a row with tools have one heading.</summary>
    private void Begin(long index, object? input, int choice)
    {
        if (!hasHeadings) return;
        var isFirst = _row is null;
        var isSame = isFirst ? index == 0 && choice == 0 : _row == index && ReferenceEquals(input, _input) && choice == _choice;
        (_row, _input, _choice) = (index, input, choice);
        if (isSame) return;
        EndLine();
        if (!isFirst) Write("\n");
        var heading = choice == 0 ? $"--- {index}" : $"--- {index}, choice {choice}";
        if (input is not null) heading += ": " + Prompt(input);
        Write(_style.Bold(heading) + "\n");
    }

    private static string Prompt(object input)
    {
        var text = input is PSObject { BaseObject: PSCustomObject } row
            ? row.Properties["Prompt"]?.Value?.ToString() ?? InputRow.ColumnsOf(row)
            : input.ToString() ?? string.Empty;
        return PrintableText.Line(text, LongestPrompt);
    }

    private void Text(string? reasoning, string? answer)
    {
        if (showsReasoning && !string.IsNullOrEmpty(reasoning))
        {
            if (_part != Part.Reasoning)
            {
                EndLine();
                if (_style.IsPlain) Line("Reasoning:");
                _before = 0;
            }

            _part = Part.Reasoning;
            Write(Lines(PrintableText.Lines(reasoning, ref _before)));
        }

        if (string.IsNullOrEmpty(answer)) return;
        if (_part == Part.Reasoning)
        {
            EndLine();
            Line(_style.IsPlain ? "Answer:" : string.Empty);
        }

        if (_part != Part.Answer) _before = 0;
        _part = Part.Answer;
        Write(PrintableText.Lines(answer, ref _before));
    }

    // Line by line, so that a pager or a scrolled screen shows each line dimmed.
    private string Lines(string text) => _style.IsPlain ? text : string.Join("\n", text.Split('\n').Select(_style.Dim));

    // Like Write-Host, so that it can be redirected.
    private void Write(string text)
    {
        if (text.Length == 0) return;
        _isAtLineStart = text[text.Length - 1] == '\n';
        cmdlet.WriteInformation(new HostInformationMessage { Message = text.Replace("\n", Environment.NewLine), NoNewLine = true },
            s_hostTag);
    }
}
