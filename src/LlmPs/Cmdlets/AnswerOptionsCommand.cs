using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Schema;
using LlmPs.Tools;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Tools that the model can call, and the schema of its answer.</summary>
public abstract class AnswerOptionsCommand : ChatOptionsCommand
{
    /// <summary>The JSON schema of the answer, as hashtable, JSON text or file. The parsed answer is in <c>Data</c>.</summary>
    [Parameter]
    [ValidateNotNull]
    public object? JsonSchema { get; set; }

    /// <summary>The most repairs of an answer that does not meet the schema, 0 to 100. Default 1; with <c>-Stream</c> 0.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int MaxRepair { get; set; } = 1;

    /// <summary>The tools: objects of New-ChatTool, commands by name or object, script blocks with a param block.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ToolCompleter))]
    [ValidateNotNullOrEmpty]
    public object[]? Tool { get; set; }

    /// <summary>auto, none, required, or the name of the tool to call.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ToolChoiceCompleter))]
    [ValidateNotNullOrEmpty]
    public string? ToolChoice { get; set; }

    /// <summary>Whether to run the calls, each after a question to the user, until the model answers.</summary>
    [Parameter]
    public SwitchParameter InvokeTool { get; set; }

    /// <summary>The most rounds of tool calls for a row, 1 to 1000. Default 8.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int MaxToolRound { get; set; } = 8;

    /// <summary>Reads these options, which are the same for all rows; ends the command where one is invalid.</summary>
    private protected AnswerReviewer NewReviewer(bool stream)
    {
        var reviewer = new AnswerReviewer { MaxToolRound = MaxToolRound, MaxRepair = stream ? 0 : MaxRepair };
        try
        {
            if (Tool is not null) Template.Tools = ToolSource.Read(this, Tool);
            if (JsonSchema is not null)
            {
                Template.JsonSchema = SchemaText.Read(nameof(JsonSchema), JsonSchema, SessionState.Path);
                reviewer.Check = new AnswerCheck(this, Template.JsonSchema);
            }

            if (InvokeTool)
            {
                if (Template.Tools is null) throw new PSArgumentException("-InvokeTool needs -Tool: only the tools in -Tool are run.");
                reviewer.Tools = new ToolRunner(this, Template.Tools);
            }

            Template.ToolChoice = Choice(Template.Tools);
        }
        catch (Exception e) when (e is ArgumentException or ItemNotFoundException)
        {
            throw this.Refusal(e, "InvalidParameter", ErrorCategory.InvalidArgument);
        }

        return reviewer;
    }

    private string? Choice(IReadOnlyList<ChatTool>? tools)
    {
        if (ToolChoice is null) return null;
        if (tools is null) throw new PSArgumentException($"-ToolChoice '{ToolChoice}' needs -Tool.");
        var known = ToolChoiceCompleter.Words.Concat(tools.Select(tool => tool.Name)).ToList();
        return known.FirstOrDefault(word => word.Equals(ToolChoice, StringComparison.OrdinalIgnoreCase))
            ?? throw new PSArgumentException($"-ToolChoice '{ToolChoice}' is not valid. Valid values: {string.Join(", ", known)}.");
    }
}
