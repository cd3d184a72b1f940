using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Providers;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Chat;

/// <summary>The commands of a chat: lines that begin with a slash.</summary>
internal sealed class ChatCommands
{
    private const string Slashes = "To send a prompt that begins with a slash, type two slashes.";

    private static readonly string[] s_thinking = ["on", "off", "default"];

    private readonly PSCmdlet _cmdlet;
    private readonly ChatTalk _talk;
    private readonly AnswerPrinter _printer;
    private readonly Dictionary<string, (string Takes, string Does, Action<string> Run, Func<string, IEnumerable<string>>? Values)> _known;

    internal ChatCommands(PSCmdlet cmdlet, ChatTalk talk, AnswerPrinter printer)
    {
        _cmdlet = cmdlet;
        _talk = talk;
        _printer = printer;
        _known = new(StringComparer.OrdinalIgnoreCase)
        {
            ["model"] = ("[id]", "show or change the model", Model, word => new ModelCompleter().Names(Typed(), word)),
            ["chip"] = ("[chip]", "show or change the chip (GenStudio)", Chip, word => new ChipCompleter().Names(Typed(), word)),
            ["system"] = ("[text]", "show or change the system prompt; - removes it", System, null),
            ["thinking"] = ("[on|off|default]", "show or change whether the model thinks", Thinking, ThinkingWords),
            ["retry"] = (string.Empty, "ask the last prompt again", Retry, null),
            ["clear"] = (string.Empty, "forget the conversation, except the system prompt", Clear, null),
            ["save"] = ("path", "save the conversation as JSON", Save, null),
            ["load"] = ("path", "continue a saved conversation", Load, null),
            ["usage"] = (string.Empty, "show the tokens used so far", Usage, null),
            ["help"] = (string.Empty, "show this list", Help, null),
            ["exit"] = (string.Empty, "leave, as do exit and quit without a slash", _ => IsOver = true, null),
            ["quit"] = (string.Empty, "leave", _ => IsOver = true, null),
        };
    }

    internal bool IsOver { get; private set; }

    /// <summary>Whether a line is a command. Two slashes begin a prompt.</summary>
    internal static bool IsCommand(string line) =>
        line.StartsWith("/", StringComparison.Ordinal) && !line.StartsWith("//", StringComparison.Ordinal);

    /// <summary>Whether a line is the word exit or quit. With a space before it, the word is a prompt.</summary>
    internal static bool IsFarewell(string line) => line.TrimEnd().ToUpperInvariant() is "EXIT" or "QUIT";

    /// <summary>Returns the completions of a command, best first; null where the text is not a command.</summary>
    internal IReadOnlyList<string>? Complete(string typed)
    {
        if (!IsCommand(typed)) return null;
        var end = typed.IndexOf(' ');
        if (end < 0)
        {
            var commands = _known.Select(one => one.Value.Takes.Length > 0 ? $"/{one.Key} " : $"/{one.Key}");
            return commands.Where(one => Begins(one, typed)).ToList();
        }

        var name = typed.Substring(1, end - 1);
        if (!_known.TryGetValue(name, out var command) || command.Values is null) return [];
        return command.Values(typed.Substring(end).Trim()).Select(value => $"/{name} {value}").ToList();
    }

    internal void Run(string line)
    {
        var words = line.Substring(1).Split([' ', '\t', '\n'], 2);
        if (!_known.TryGetValue(words[0], out var command))
        {
            var commands = string.Join(", ", _known.Keys.Select(name => "/" + name));
            _printer.Line($"/{words[0]} is not a command. The commands are {commands}. {Slashes}");
            return;
        }

        try
        {
            command.Run(words.Length > 1 ? words[1].Trim() : string.Empty);
        }
        catch (Exception e) when (FilePath.IsOfFiles(e) || e is LlmApiException || (e is RuntimeException and not PipelineStoppedException))
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
                _ => throw new ArgumentException($"/thinking '{word}' is not valid: give on, off or default."),
            };
        var shown = _talk.Thinking switch
        {
            ThinkingMode.Enabled => "on",
            ThinkingMode.Disabled => "off",
            _ => "as the model does by default",
        };
        _printer.Line($"Thinking: {shown}");
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
        new ChatFile(_talk.Messages)
        {
            Provider = _talk.Session.Provider,
            Model = _talk.Model ?? _talk.Session.Model,
            Chip = _talk.Chip ?? _talk.Session.Chip,
            FinishReason = _talk.FinishReason,
        }.Save(path);
        _printer.Line($"Saved {Messages()} to {path}");
    }

    private void Load(string name)
    {
        var path = PathOf(name);
        var file = ChatFile.Load(path);
        _talk.Replace(file.Messages, file.FinishReason);
        _talk.Model = file.Model ?? _talk.Model;
        // A conversation may be continued with another provider, which has other chips.
        if (_talk.Session.ChatProvider.Chips.Contains(file.Chip)) _talk.Chip = file.Chip;
        _printer.Line($"Loaded {Messages()} from {path}");
        Model(string.Empty);
    }

    private void Usage(string rest) =>
        _printer.Line($"{_talk.Answers} {(_talk.Answers == 1 ? "answer" : "answers")}: {AnswerPrinter.UsageText(_talk.Usage)}");

    private void Help(string rest)
    {
        foreach (var command in _known)
            _printer.Line($"{("/" + command.Key + " " + command.Value.Takes).PadRight(27)}{command.Value.Does}");
        _printer.Line("Tab completes a command, a model or a chip. Tab again shows the next one.");
        _printer.Line("Ctrl+C ends an answer or clears the line. Ctrl+D leaves the chat.");
        _printer.Line($"{Slashes} To send the word exit or quit, type a space before it.");
    }

    private string Messages() => _talk.Messages.Count == 1 ? "1 message" : $"{_talk.Messages.Count} messages";

    private string PathOf(string name) => name.Length > 0
        ? _cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(name)
        : throw new ArgumentException("Give the path of a file after the command, for example: /save chat.json");

    private static IEnumerable<string> ThinkingWords(string word) => s_thinking.Where(value => Begins(value, word));

    private TypedLine Typed() =>
        new("Enter-ChatSession", new Hashtable { ["Session"] = _talk.Session, ["Model"] = _talk.Model ?? _talk.Session.Model });

    private static bool Begins(string word, string with) => word.StartsWith(with, StringComparison.OrdinalIgnoreCase);
}
