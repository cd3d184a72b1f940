using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace LlmPs.Unit.Architecture;

/// <summary>Which rooms of the client each room may know. docs/ARCHITECTURE.md shows the same table.</summary>
public class RoomTests
{
    private static readonly Dictionary<string, string[]> s_arrows = new()
    {
        ["Text"] = [],
        ["Files"] = [],
        ["Model"] = ["Text"],
        ["Options"] = ["Model"],
        ["Providers"] = ["Model", "Options", "Text"],
        ["Wire"] = ["Model", "Options", "Providers", "Text"],
        ["Pacing"] = ["Model"],
        ["Audit"] = ["Model", "Files", "Text"],
        ["Transport"] = ["Model", "Options", "Providers", "Wire", "Pacing", "Audit", "Text"],
        ["Checkpoint"] = ["Model", "Wire", "Files", "Text"],
        ["Session"] = ["Model", "Options", "Providers", "Wire", "Pacing", "Audit", "Transport", "Checkpoint", "Text"],
        ["Bulk"] = ["Model", "Options", "Providers", "Wire", "Pacing", "Transport", "Checkpoint", "Session", "Text"],
        ["Batch"] = ["Model", "Options", "Providers", "Wire", "Pacing", "Audit", "Transport", "Checkpoint", "Session", "Bulk", "Text"],
    };

    private static readonly Regex s_type =
        new(@"^(?:public|internal)\s+(?:(?:sealed|static|abstract|readonly|partial|ref)\s+)*(?:class|struct|enum|interface)\s+(\w+)",
            RegexOptions.Multiline);

    // Comments, texts and the list of namespaces say nothing about what the code uses.
    private static readonly Regex s_prose = new("""//[^\n]*|"(?:\\.|[^"\\\n])*"|^using [^\n]*""", RegexOptions.Multiline);

    [Fact]
    public void No_file_uses_a_room_that_its_own_may_not_know()
    {
        var arrows = Arrows();
        Assert.True(arrows.Count > 100, $"Only {arrows.Count} uses were found.");
        Assert.Empty(arrows.Where(arrow => !s_arrows[arrow.From].Contains(arrow.To)).Select(arrow => arrow.Text).Distinct().Order());
    }

    [Fact]
    public void The_rooms_form_no_circle()
    {
        var left = s_arrows.ToDictionary(room => room.Key, room => room.Value.ToHashSet());
        while (left.Values.FirstOrDefault(known => known.Count == 0) is { } done)
        {
            var room = left.First(one => one.Value == done).Key;
            left.Remove(room);
            foreach (var known in left.Values) known.Remove(room);
        }

        Assert.Empty(left.Keys);
    }

    [Fact]
    public void A_room_has_a_namespace_of_its_name_and_public_types_have_that_of_the_client()
    {
        foreach (var (path, room, text) in Files())
        {
            var isPublic = Regex.IsMatch(text, "^public ", RegexOptions.Multiline);
            var isModel = room is "Model" or "Session";
            Assert.True(("\n" + text)
                .Contains($"\nnamespace LlmPs{(isPublic || isModel ? string.Empty : "." + room)};\n"), $"{path} has another namespace.");
        }
    }

    [Fact]
    public void The_folder_of_cmdlets_has_cmdlets_only()
    {
        var cmdlets = Path.Combine(Root(), "src", "LlmPs", "Cmdlets");
        Assert.All(Directory.GetFiles(cmdlets), file => Assert.EndsWith("Command.cs", file, StringComparison.Ordinal));
    }

    private static List<(string From, string To, string Text)> Arrows()
    {
        var files = Files().ToList();
        var roomOf = files.SelectMany(file => s_type.Matches(file.Text).Select(match => (Type: match.Groups[1].Value, file.Room)))
            .ToDictionary(type => type.Type, type => type.Room);
        return
        [
            .. from file in files
               from word in Regex.Matches(s_prose.Replace(file.Text, string.Empty), @"\b[A-Z]\w+").Select(match => match.Value).Distinct()
               where roomOf.TryGetValue(word, out var room) && room != file.Room
               select (file.Room, roomOf[word], $"{file.Path} -> {roomOf[word]}.{word}"),
        ];
    }

    private static IEnumerable<(string Path, string Room, string Text)> Files()
    {
        var client = Path.Combine(Root(), "src", "LlmPs.Client");
        foreach (var file in Directory.EnumerateFiles(client, "*.cs", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(client, file).Replace('\\', '/');
            var room = path.Contains('/') ? path[..path.IndexOf('/')] : "Session";
            if (room is not ("bin" or "obj")) yield return (path, room, File.ReadAllText(file).Replace("\r\n", "\n"));
        }
    }

    internal static string Root()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "LlmPs.psd1"))) root = root.Parent;
        return root!.FullName;
    }
}
