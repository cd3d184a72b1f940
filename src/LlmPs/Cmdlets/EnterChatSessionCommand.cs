using System;
using System.Management.Automation;
using System.Management.Automation.Host;
using LlmPs.Chat;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>A chat in the terminal. Ctrl+C ends an answer; exit ends the chat.</summary>
[Cmdlet(VerbsCommon.Enter, "ChatSession")]
public sealed class EnterChatSessionCommand : ChatOptionsCommand
{
    /// <summary>The completion whose conversation is continued.</summary>
    [Parameter(ValueFromPipeline = true)]
    [LiveObject]
    public ChatCompletion? History { get; set; }

    /// <summary>Whether to leave out the reasoning.</summary>
    [Parameter]
    public SwitchParameter NoReasoning { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        RefusePool();
        if (ChatInput.IsMissing) throw NotInteractive(null);
        RefuseBlocks("give a value");
        var session = SessionFor(History);
        // Another provider has other models and chips.
        var earlier = History?.Provider == session.Provider ? History : null;
        var printer = new AnswerPrinter(this, showsReasoning: !NoReasoning, hasHeadings: false);
        var input = new ChatInput(Host);
        var talk = new ChatTalk(this, printer, session, messages => NewRequest().WithMessages(messages), input.TypedAhead)
        {
            Model = Model ?? earlier?.Context?.Request.Model,
            Chip = Template.Chip ?? earlier?.Chip,
            Thinking = Thinking,
        };
        if (History is not null) talk.Replace(History.Messages, History.FinishReason);
        if (System is not null) talk.System = System;

        var model = talk.Model ?? session.Model ?? "no model yet (/model id)";
        printer.Line($"Chat with {model} at {session.Name}. /help lists the commands, exit leaves.");
        var commands = new ChatCommands(this, talk, printer);
        input.Completer = commands.Complete;
        Talk(input, talk, commands, printer);
    }

    private void Talk(ChatInput input, ChatTalk talk, ChatCommands commands, AnswerPrinter printer)
    {
        while (!commands.IsOver && Read(input) is { } line && !Stopping)
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (ChatCommands.IsFarewell(line)) return;
            if (ChatCommands.IsCommand(line)) commands.Run(line.TrimEnd());
            else talk.Ask(PromptOf(line));
            if (!commands.IsOver) printer.Line(string.Empty);
        }
    }

    /// <summary>Returns the line without the slash or space that keeps it from being a command.</summary>
    private static string PromptOf(string line)
    {
        if (line.StartsWith("//", StringComparison.Ordinal)) return line.Substring(1);
        var word = line.Trim();
        return ChatCommands.IsFarewell(word) ? word : line;
    }

    private string? Read(ChatInput input)
    {
        try
        {
            return input.Read();
        }
        catch (Exception e) when (e is PSInvalidOperationException or HostException or NotImplementedException)
        {
            throw NotInteractive(e);
        }
    }

    private Exception NotInteractive(Exception? cause)
    {
        const string Message = "Enter-ChatSession needs an interactive terminal, but the input is redirected or PowerShell runs with "
            + "-NonInteractive. Use Invoke-ChatCompletion in scripts.";
        return this.Refusal(new InvalidOperationException(Message, cause), "NotInteractive", ErrorCategory.InvalidOperation);
    }
}
