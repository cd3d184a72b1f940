using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.Specialized;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Tools;

/// <summary>
/// Runs the calls of a model: only tools that were offered, each after a question to the user, on the pipeline's thread and in the caller's
/// scope. Errors are sent to the model, which can correct its call.
/// </summary>
internal sealed class ToolRunner(PSCmdlet cmdlet, IReadOnlyList<ChatTool> tools)
{
    internal const int LargestResult = 64 * 1024;

    private const int LongestShown = 4000;

    private const string Script = "param($LlmPsCommand, $LlmPsArguments) & $LlmPsCommand @LlmPsArguments 2>&1";

    /// <summary>Whether a call is for a tool without a command. Then the caller answers all calls.</summary>
    internal bool IsForCaller(IReadOnlyList<ToolCall> calls) => calls.Any(call => Find(call) is { Command: null });

    internal ChatMessage Answer(ToolCall call, long row)
    {
        var (content, outcome) = Run(call, row);
        var shown = PrintableText.Escaped(call.ToString(), LongestShown);
        VerboseLine.Write(cmdlet, $"Row {row}: tool {shown}: {PrintableText.Line(outcome, LongestShown)}");
        return new ChatMessage(ChatRole.Tool, content) { ToolCallId = call.Id };
    }

    private (string Content, string Outcome) Run(ToolCall call, long row)
    {
        if (Find(call) is not { } tool)
            return Error($"There is no tool '{call.Name}'. The tools are: {string.Join(", ", tools.Select(known => known.Name))}.");
        Hashtable arguments;
        try
        {
            arguments = ToolArguments.Read(tool, call.Arguments);
        }
        catch (Exception e) when (e is ArgumentException or JsonException or InvalidOperationException)
        {
            return Error(e.Message);
        }

        return IsWanted(tool, call, row) ? Invoke((CommandInfo)tool.Command!, arguments) : Error("Declined by the user.");
    }

    // Models may change the case of a name. A tool with the exact name comes first.
    private ChatTool? Find(ToolCall call) =>
        tools.FirstOrDefault(tool => tool.Name == call.Name)
        ?? tools.FirstOrDefault(tool => tool.Name.Equals(call.Name, StringComparison.OrdinalIgnoreCase));

    private bool IsWanted(ChatTool tool, ToolCall call, long row)
    {
        // Escaped: the model's text must not hide or imitate a part of the question.
        var arguments = PrintableText.Escaped(call.Arguments, LongestShown);
        var running = $"Row {row}: run tool {tool.Name} with {arguments}";
        try
        {
            return cmdlet.ShouldProcess(running, running + "?", "The model asks for a tool");
        }
        catch (Exception e)
            when (e is PSInvalidOperationException or System.Management.Automation.Host.HostException or NotImplementedException)
        {
            var message = "-InvokeTool asks before each call, but this PowerShell is not interactive. To run the tools without a question, "
                + $"give -Confirm:$false. ({e.Message})";
            throw cmdlet.Refusal(new InvalidOperationException(message, e), "NotInteractive", ErrorCategory.InvalidOperation, call);
        }
    }

    private (string Content, string Outcome) Invoke(CommandInfo command, Hashtable arguments)
    {
        try
        {
            var output = CallerScope.Run(cmdlet, Script, command, arguments);
            var errors = output.Select(item => item?.BaseObject).OfType<ErrorRecord>().Select(error => error.ToString()).ToList();
            var values = output.Where(item => item is not { BaseObject: ErrorRecord }).ToList();
            if (errors.Count == 0) return Result(values.Count == 1 ? values[0] : values.Count == 0 ? null : values);
            if (values.Count == 0) return Error(string.Join("\n", errors));
            return Result(new OrderedDictionary { ["output"] = values, ["errors"] = errors });
        }
        catch (Exception e)
            when (CallerScope.IsJump(e) || e is not (FlowControlException or PipelineStoppedException or OutOfMemoryException))
        {
            return Error(CallerScope.IsJump(e) ? "The tool left by break, continue or exit." : e.Message);
        }
    }

    // A text stays as it is, because it may be JSON already. Other values become JSON.
    private static (string Content, string Outcome) Result(object? value)
    {
        var isCut = false;
        var content = PlainValue.Unwrap(value) is string text ? PrintableText.Head(text, LargestResult, out isCut)
            : JsonText.From(value, LargestResult, out isCut);
        if (isCut) content += $"… (cut at {LargestResult} characters)";
        return (content, $"{content.Length} characters");
    }

    private static (string Content, string Outcome) Error(string message) =>
        (JsonText.From(new OrderedDictionary { ["error"] = message }), message);
}
