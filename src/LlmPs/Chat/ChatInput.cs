using System;
using System.Collections.Generic;
using System.Management.Automation.Host;

namespace LlmPs.Chat;

/// <summary>Reads the prompts of a chat, with the module's line editor where the terminal allows it, or else from the host.</summary>
internal sealed class ChatInput
{
    private const string Prompt = "> ";

    private readonly PSHost _host;
    private readonly LineEditor? _editor;

    internal ChatInput(PSHost host)
    {
        _host = host;
        if (host.Name == "ConsoleHost" && host.UI.SupportsVirtualTerminal && Environment.GetEnvironmentVariable("TERM") != "dumb"
            && !Console.IsOutputRedirected)
            _editor = new LineEditor(Prompt, TypedAhead);
    }

    internal Queue<ConsoleKeyInfo> TypedAhead { get; } = new();

    /// <summary>Returns the completions of a text, best first; null where it cannot be completed.</summary>
    internal Func<string, IReadOnlyList<string>?>? Completer { set => _editor?.Completer = value; }

    /// <summary>Whether the input is redirected, or PowerShell was started with -NonInteractive.</summary>
    internal static bool IsMissing
    {
        get
        {
            if (Console.IsInputRedirected || !Environment.UserInteractive) return true;
            var arguments = Environment.GetCommandLineArgs();
            for (var i = 1; i < arguments.Length; i++)
            {
                if (arguments[i].Length < 2 || arguments[i][0] is not ('-' or '/')) continue;
                var name = arguments[i].TrimStart('-', '/');
                if (name.Length >= 4 && Begins("NonInteractive", name)) return true;
                // The arguments after these belong to the script.
                if (name.Length > 0 && (Begins("Command", name) || Begins("File", name))) return false;
            }

            return false;
        }
    }

    internal string? Read()
    {
        if (_editor is not null) return _editor.Read();
        _host.UI.Write(Prompt);
        return _host.UI.ReadLine();
    }

    private static bool Begins(string name, string abbreviation) => name.StartsWith(abbreviation, StringComparison.OrdinalIgnoreCase);
}
