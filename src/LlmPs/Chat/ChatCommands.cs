using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using LlmPs.Providers;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Chat;

/// <summary>What a line that begins with a slash does in a chat.</summary>
internal sealed class ChatCommands
{
    private readonly PSCmdlet _cmdlet;
    private readonly ChatTalk _talk;
    private readonly AnswerPrinter _printer;
    private readonly Dictionary<string, Command> _commands;

    internal ChatCommands(PSCmdlet cmdlet, ChatTalk talk, AnswerPrinter printer)
    {
        _cmdlet = cmdlet;
        _talk = talk;
        _printer = printer;
        _commands = new Dictionary<string, Command>(StringComparer.OrdinalIgnoreCase)
        {
            ["model"] = new("[id]", "show or change the model", Model),
            ["chip"] = new("[chip]", "show or change the chip (GenStudio)", Chip),
            ["system"] = new("[text]", "show or change the system prompt; - takes it away", System),
            ["thinking"] = new("[on|off|default]", "show or change whether the model thinks", Thinking),
            ["retry"] = new(string.Empty, "ask the last prompt again", Retry),
            ["clear"] = new(string.Empty, "forget what was said, but for the system prompt", Clear),
            ["save"] = new("path", "save the conversation as JSON", Save),
            ["load"] = new("path", "go on from a saved conversation", Load),
            ["usage"] = new(string.Empty, "show the tokens used so far", Usage),
            ["help"] = new(string.Empty, "show this list", Help),
            ["exit"] = new(string.Empty, "leave", _ => IsOver = true),
        };
    }

    /// <summary>Whether the user has left.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Whether a line is a command. Two slashes begin a prompt with one.</summary>
    internal static bool IsCommand(string line) => line.StartsWith("/", StringComparison.Ordinal) && !line.StartsWith("//", StringComparison.Ordinal);

    internal void Run(string line)
    {
        var words = line.Substring(1).Split([' ', '\t', '\n'], 2);
        if (!_commands.TryGetValue(words[0], out var command))
        {
            _printer.Line($"There is no /{words[0]}. There are {string.Join(", ", _commands.Keys.Select(name => "/" + name))}. Begin a prompt with // for a slash.");
            return;
        }

        try
        {
            command.Run(words.Length > 1 ? words[1].Trim() : string.Empty);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ItemNotFoundException or LlmApiException or ArgumentException or NotSupportedException or RuntimeException and not PipelineStoppedException)
        {
            _printer.Line(e.Message);
        }
    }

    private void Model(string id)
    {
        if (id.Length > 0) _talk.Model = id;
        _printer.Line($"Model: {_talk.Model ?? _talk.Session.Model ?? "none; /model id sets one"}");
    }

    private void Chip(string chip)
    {
        if (chip.Length > 0)
        {
            RequestValidator.CheckChip(_talk.Session.ChatProvider, chip);
            _talk.Chip = chip;
        }

        _printer.Line($"Chip: {_talk.Chip ?? _talk.Session.Chip ?? $"{_talk.Session.Provider} has no choice of chips"}");
    }

    private void System(string text)
    {
        if (text.Length > 0) _talk.System = text == "-" ? null : text;
        _printer.Line($"System prompt: {_talk.System ?? "none"}");
    }

    private void Thinking(string word)
    {
        if (word.Length > 0)
            _talk.Thinking = word.ToLowerInvariant() switch
            {
                "on" or "enabled" => ThinkingMode.Enabled,
                "off" or "disabled" => ThinkingMode.Disabled,
                "default" => null,
                _ => throw new ArgumentException($"/thinking takes on, off or default, not '{word}'."),
            };
        _printer.Line($"Thinking: {_talk.Thinking switch { ThinkingMode.Enabled => "on", ThinkingMode.Disabled => "off", _ => "as the model does by default" }}");
    }

    private void Retry(string rest)
    {
        if (!_talk.Retry()) _printer.Line("Nothing was asked yet.");
    }

    private void Clear(string rest)
    {
        _talk.Clear();
        _printer.Line("Cleared.");
    }

    private void Save(string name)
    {
        var path = PathOf(name);
        new ChatFile(_talk.Model ?? _talk.Session.Model, _talk.Chip ?? _talk.Session.Chip, _talk.Messages).Save(path);
        _printer.Line($"Saved {Messages()} to {path}");
    }

    private void Load(string name)
    {
        var path = PathOf(name);
        var file = ChatFile.Load(path);
        _talk.Replace(file.Messages);
        _talk.Model = file.Model ?? _talk.Model;
        // A conversation may go on with another provider, which has no such chip.
        if (_talk.Session.ChatProvider.Chips.Contains(file.Chip)) _talk.Chip = file.Chip;
        _printer.Line($"Loaded {Messages()} from {path}");
        Model(string.Empty);
    }

    private void Usage(string rest) =>
        _printer.Line(string.Format(CultureInfo.CurrentCulture, "{0} answers: {1}", _talk.Answers, AnswerPrinter.UsageText(_talk.Usage)));

    private void Help(string rest)
    {
        foreach (var command in _commands) _printer.Line($"{("/" + command.Key + " " + command.Value.Takes).PadRight(27)}{command.Value.Does}");
        _printer.Line("Ctrl+C ends an answer and clears a line; Ctrl+D leaves. A prompt that begins with a slash is written with two.");
    }

    private string Messages() => string.Format(CultureInfo.CurrentCulture, "{0} messages", _talk.Messages.Count);

    private string PathOf(string name) => name.Length > 0
        ? _cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(name)
        : throw new ArgumentException("Which file? Give a path after the command.");

    private sealed class Command(string takes, string does, Action<string> run)
    {
        internal string Takes { get; } = takes;

        internal string Does { get; } = does;

        internal Action<string> Run { get; } = run;
    }
}
