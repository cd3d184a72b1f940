using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using HelpBuilder;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: HelpBuilder DOCS-FOLDER OUTPUT-FOLDER MANIFEST");
    return 2;
}

string[] pages = [.. Directory.EnumerateFiles(args[0], "*.md").Order(StringComparer.Ordinal)];
var commands = new List<CommandHelp>();
var abouts = new List<AboutHelp>();
var problems = 0;
foreach (var path in pages)
{
    try
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var lines = File.ReadAllLines(path);
        if (name.StartsWith("about_", StringComparison.Ordinal)) abouts.Add(AboutHelp.Read(name, lines));
        // A name in lower case is a guide, which Get-Help does not show.
        else if (char.IsUpper(name[0])) commands.Add(CommandHelp.Read(name, lines));
    }
    catch (PageException e)
    {
        problems++;
        Console.Error.WriteLine($"{path}({e.Line}): error LLMPS002: {e.Message}");
    }
}

if (commands.Count == 0)
{
    problems++;
    Console.Error.WriteLine($"HelpBuilder : error LLMPS002: {args[0]} holds no page of a cmdlet");
}

if (problems > 0) return 1;

// An address of the project in the manifest makes Get-Help -Online work: each cmdlet links to its page.
var project = Regex.Match(File.ReadAllText(args[2]), @"^\s*ProjectUri\s*=\s*'(?<address>[^']+)'", RegexOptions.Multiline).Groups["address"].Value;
var culture = Path.GetFileName(Path.TrimEndingDirectorySeparator(args[0]));
var online = project.Length == 0 ? string.Empty : $"{project.TrimEnd('/')}/blob/main/docs/{culture}/";

// From nothing each time: the page of a topic that is gone must not ship.
Directory.CreateDirectory(args[1]);
foreach (var old in Directory.EnumerateFiles(args[1], "*-Help.xml").Concat(Directory.EnumerateFiles(args[1], "*.help.txt")).ToArray())
    File.Delete(old);
foreach (var file in commands.GroupBy(command => command.HelpFile, StringComparer.Ordinal))
    Maml.Write(Path.Combine(args[1], file.Key), file, online);
// With a mark: Windows PowerShell takes a text file without one for ANSI.
foreach (var about in abouts)
    File.WriteAllText(Path.Combine(args[1], about.Name + ".help.txt"), about.Text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));

Console.WriteLine($"HelpBuilder: {commands.Count} cmdlets, {abouts.Count} topics -> {args[1]}");
return 0;
