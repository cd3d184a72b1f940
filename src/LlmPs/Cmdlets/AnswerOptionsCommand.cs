using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Schema;
using LlmPs.Tools;

namespace LlmPs.Cmdlets;

/// <summary>What is asked of an answer beyond words: tools to call on the way to it, and a schema to meet.</summary>
public abstract class AnswerOptionsCommand : ChatOptionsCommand
{
    /// <summary>The JSON schema of the answer, as hashtable, JSON text or file. The parsed answer is in <c>Data</c>.</summary>
    [Parameter]
    [ValidateNotNull]
    public object? JsonSchema { get; set; }

    /// <summary>How often an answer that breaks the schema is sent back to be mended. With <c>-Stream</c> never.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int MaxRepair { get; set; } = 1;

    /// <summary>What the model may call: tools of New-ChatTool, commands by name or object, script blocks with a param block.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ToolCompleter))]
    [ValidateNotNullOrEmpty]
    public object[]? Tool { get; set; }

    /// <summary>auto, none, required, or the name of the tool to call.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ToolChoiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? ToolChoice { get; set; }

    /// <summary>Run the calls, each after a question to the user, and go on until the model answers.</summary>
    [Parameter]
    public SwitchParameter InvokeTool { get; set; }

    /// <summary>How often a row's calls are run and answered at most.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int MaxToolRound { get; set; } = 8;

    /// <summary>Reads these options, which hold for all rows; ends the command where one is amiss.</summary>
    private protected AnswerReviewer NewReviewer(bool stream)
    {
        var reviewer = new AnswerReviewer { MaxToolRound = MaxToolRound, MaxRepair = stream ? 0 : MaxRepair };
        try
        {
            if (Tool is not null) Template.Tools = ToolSource.Read(this, Tool);
            if (JsonSchema is not null)
                reviewer.Check =
                    new AnswerCheck(this, Template.JsonSchema = SchemaText.Read(nameof(JsonSchema), JsonSchema, SessionState.Path));
            if (InvokeTool)
                reviewer.Tools =
                    new ToolRunner(this, Template.Tools
                        ?? throw new PSArgumentException("InvokeTool needs -Tool: only what is offered there is run."));
            Template.ToolChoice = Choice(Template.Tools);
        }
        catch (Exception e) when (e is PSArgumentException or ArgumentException or ItemNotFoundException)
        {
            ThrowTerminatingError(new ErrorRecord(e, "InvalidParameter", ErrorCategory.InvalidArgument, null));
        }

        return reviewer;
    }

    private string? Choice(IReadOnlyList<ChatTool>? tools)
    {
        if (ToolChoice is null) return null;
        if (tools is null) throw new PSArgumentException($"ToolChoice '{ToolChoice}' needs -Tool.");
        var known = ToolChoiceCompleter.Words.Concat(tools.Select(tool => tool.Name)).ToList();
        return known.FirstOrDefault(word => word.Equals(ToolChoice, StringComparison.OrdinalIgnoreCase))
            ?? throw new PSArgumentException(
                $"ToolChoice '{ToolChoice}' is neither a word nor a tool. It takes: {string.Join(", ", known)}.");
    }
}
