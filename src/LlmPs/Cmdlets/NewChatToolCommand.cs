using System;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Schema;
using LlmPs.Tools;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Creates a tool from a command, a script block with a param block, or a JSON schema.</summary>
[Cmdlet(VerbsCommon.New, "ChatTool", DefaultParameterSetName = "Command")]
[OutputType(typeof(ChatTool))]
public sealed class NewChatToolCommand : PSCmdlet
{
    /// <summary>A command, by name or as an object of Get-Command.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = "Command")]
    [ArgumentCompleter(typeof(ToolCompleter))]
    [ValidateNotNull]
    public PSObject? Command { get; set; }

    /// <summary>A script block with a param block.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "ScriptBlock")]
    [ValidateNotNull]
    public ScriptBlock? ScriptBlock { get; set; }

    /// <summary>The JSON schema of the arguments, as hashtable, JSON text or file. Such a tool is not run by the module.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Schema")]
    [ValidateNotNull]
    public object? Schema { get; set; }

    /// <summary>The tool's name for the model. Default: the command's name.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    [Parameter(Mandatory = true, ParameterSetName = "Schema")]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The description for the model. Default: from the command's help.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Description { get; set; }

    /// <summary>The parameters that the model can use. Default: all.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "ScriptBlock")]
    [ValidateNotNullOrEmpty]
    public string[]? Parameter { get; set; }

    /// <summary>The parameter set that the model can use. Default: the command's default set.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "ScriptBlock")]
    [ValidateNotNullOrEmpty]
    public string? ParameterSet { get; set; }

    /// <summary>Whether the provider makes the arguments follow the schema.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            WriteObject(Tool());
        }
        catch (Exception e) when (e is PSArgumentException or ItemNotFoundException)
        {
            throw this.Refusal(e, "InvalidTool", ErrorCategory.InvalidArgument, Command ?? (object?)ScriptBlock ?? Schema);
        }
    }

    private ChatTool Tool()
    {
        bool? strict = Strict.IsPresent ? Strict.ToBool() : null;
        if (Schema is not null)
        {
            ToolSource.CheckName(Name!);
            return new ChatTool(Name!, Description, SchemaText.Read(nameof(Schema), Schema, SessionState.Path)) { Strict = strict };
        }

        var change = new ToolChange
        {
            Name = Name,
            Description = Description,
            Strict = strict,
            ParameterSet = ParameterSet,
            Parameters = Parameter,
        };
        if (ScriptBlock is not null) return ToolSource.FromBlock(this, ScriptBlock, Name!, change);
        var command = Command!.BaseObject switch
        {
            CommandInfo known => known,
            string name => ToolSource.Find(this, name),
            var other => throw new PSArgumentException(
                $"-Command '{other}' is not a command: give a name, or an object of Get-Command. Give a script block as -ScriptBlock."),
        };
        return ToolSource.FromCommand(this, command, change);
    }
}
