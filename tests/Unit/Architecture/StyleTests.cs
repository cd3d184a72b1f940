using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace LlmPs.Unit.Architecture;

/// <summary>What the compiler cannot hold of the style: lengths of lines and names of tests.</summary>
public class StyleTests
{
    private const int LongestLine = 140;

    [Fact]
    public void Lines_have_at_most_140_characters()
    {
        var source = Path.Combine(RoomTests.Root(), "src");
        var long_ = from file in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
                    where !file.Contains(Path.DirectorySeparatorChar + "obj" + Path.DirectorySeparatorChar, StringComparison.Ordinal)
                    from line in File.ReadLines(file)
                    // A pattern is one text.
                    where line.Length > LongestLine && !line.Contains("@\"", StringComparison.Ordinal)
                    select Path.GetFileName(file) + ": " + line.Trim();
        Assert.Empty(long_);
    }

    [Fact]
    public void Tests_are_named_as_sentences()
    {
        var names = from type in typeof(StyleTests).Assembly.GetTypes()
                    from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                    where method.GetCustomAttributes<FactAttribute>().Any()
                    where !method.Name.Contains('_', StringComparison.Ordinal) && Regex.IsMatch(method.Name, "[a-z0-9][A-Z]")
                    select method.Name;
        Assert.Empty(names);
    }
}
