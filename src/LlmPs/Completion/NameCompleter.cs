using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using LlmPs.Loading;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Completion;

/// <summary>Completes a parameter from a list of names. Names that begin with the word come first.</summary>
internal abstract class NameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete,
        CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var typed = wordToComplete ?? string.Empty;
        var quote = typed.Length > 0 && typed[0] is '\'' or '"' ? typed[0] : default;
        var word = typed.Trim('\'', '"');
        var line = new TypedLine(commandName, fakeBoundParameters ?? new Hashtable());
        return Matching(Candidates(line, word), word).Select(found => new CompletionResult(
            Quoted(found.Name, quote), found.Name, CompletionResultType.ParameterValue,
            string.IsNullOrEmpty(found.Hint) ? found.Name : PrintableText.Line(found.Hint)));
    }

    internal IEnumerable<string> Names(TypedLine line, string word) => Matching(Candidates(line, word), word).Select(found => found.Name);

    internal abstract IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word);

    private static IEnumerable<(string Name, string Hint)> Matching(IEnumerable<(string Name, string Hint)> candidates, string word)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var usable = candidates.Where(found => found.Name.Length > 0 && PrintableText.IsPlain(found.Name) && seen.Add(found.Name));
        if (WildcardPattern.ContainsWildcardCharacters(word))
        {
            var pattern = new WildcardPattern(word + "*", WildcardOptions.IgnoreCase);
            return usable.Where(candidate => pattern.IsMatch(candidate.Name));
        }

        return usable
            .Where(found => found.Name.IndexOf(word, StringComparison.OrdinalIgnoreCase) >= 0)
            .OrderBy(found => found.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase) ? 0 : 1);
    }

    /// <summary>Returns the name as an argument: in the quotes that were typed, or in single quotes where it needs them.</summary>
    private static string Quoted(string name, char quote)
    {
        if (quote == '"')
            return "\"" + string.Concat(name.Select(c => c is '`' or '$' || IsDoubleQuote(c) ? "`" + c : c.ToString())) + "\"";
        return quote == default && StandsBare(name) ? name : $"'{CodeGeneration.EscapeSingleQuotedStringContent(name)}'";
    }

    private static bool StandsBare(string name) =>
        name[0] != '-' && name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':');

    // PowerShell accepts typographic quotes as well.
    private static bool IsDoubleQuote(char c) => c is '"' or '\u201c' or '\u201d' or '\u201e';
}

/// <summary>The command line that is being typed.</summary>
internal sealed class TypedLine(string command, IDictionary bound)
{
    internal LlmSession? Session
    {
        get
        {
            var given = Value("Session") is IList { Count: > 0 } list ? PlainValue.Unwrap(list[0]) : Value("Session");
            if (given is not null) return given as LlmSession ?? SessionTable.Current.Find(given.ToString()!);
            // Without -Online, models are listed from every catalogue.
            if (command.Equals("Get-LlmModel", StringComparison.OrdinalIgnoreCase) && !bound.Contains("Online")) return null;
            return command.Equals("Connect-LlmProvider", StringComparison.OrdinalIgnoreCase) ? null : SessionTable.Current.Default;
        }
    }

    /// <summary>The possible providers of the command: one, or all.</summary>
    internal IReadOnlyList<ChatProvider> Providers
    {
        get
        {
            if (Text("Provider") is { } name) return ProviderList.Find(name) is { } known ? [known] : [];
            return Session is { } session ? [session.ChatProvider] : ProviderList.All;
        }
    }

    /// <summary>Returns the value of a parameter; null where it is not given or not known yet.</summary>
    internal object? Value(string parameter) => PlainValue.Unwrap(bound[parameter]);

    internal string? Text(string parameter) => Value(parameter) is { } value && value.ToString() is { Length: > 0 } text ? text : null;
}
