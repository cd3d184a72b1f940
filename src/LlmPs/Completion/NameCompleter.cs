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

/// <summary>
/// Completes a parameter from a list of names, quoted where the language needs it. Names that begin with the word come first.
/// </summary>
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
        return Matching(Candidates(line, word), word)
            .Select(found =>
                new CompletionResult(Quoted(found.Name, quote), found.Name, CompletionResultType.ParameterValue,
                    string.IsNullOrEmpty(found.Hint) ? found.Name : PrintableText.Line(found.Hint)));
    }

    /// <summary>The names that match a word, as they are.</summary>
    internal IEnumerable<string> Names(TypedLine line, string word) => Matching(Candidates(line, word), word).Select(found => found.Name);

    /// <summary>The names with a hint each.</summary>
    internal abstract IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word);

    private static IEnumerable<(string Name, string Hint)> Matching(IEnumerable<(string Name, string Hint)> candidates, string word)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var usable =
            candidates.Where(candidate => candidate.Name.Length > 0 && PrintableText.IsPlain(candidate.Name) && seen.Add(candidate.Name));
        if (WildcardPattern.ContainsWildcardCharacters(word))
        {
            var pattern = new WildcardPattern(word + "*", WildcardOptions.IgnoreCase);
            return usable.Where(candidate => pattern.IsMatch(candidate.Name));
        }

        return usable
            .Select(candidate => (Candidate: candidate, At: candidate.Name.IndexOf(word, StringComparison.OrdinalIgnoreCase)))
            .Where(match => match.At >= 0)
            .OrderBy(match => match.At == 0 ? 0 : 1)
            .Select(match => match.Candidate);
    }

    /// <summary>The name as an argument: in the quotes that were typed, or in single quotes where it would not stand bare.</summary>
    private static string Quoted(string name, char quote)
    {
        if (quote == '"')
            return "\"" + string.Concat(name.Select(c => c is '`' or '$' || IsDoubleQuote(c) ? "`" + c : c.ToString())) + "\"";
        return quote == default && StandsBare(name) ? name : $"'{CodeGeneration.EscapeSingleQuotedStringContent(name)}'";
    }

    private static bool StandsBare(string name) =>
        name[0] != '-' && name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':');

    /// <summary>PowerShell takes the typographic ones for quotes, too.</summary>
    private static bool IsDoubleQuote(char c) => c is '"' or '\u201c' or '\u201d' or '\u201e';
}

/// <summary>The command line so far, as far as it can be told.</summary>
internal sealed class TypedLine
{
    private readonly string _command;
    private readonly IDictionary _bound;

    internal TypedLine(string command, IDictionary bound)
    {
        _command = command;
        _bound = bound;
    }

    /// <summary>The session that the line means.</summary>
    internal LlmSession? Session
    {
        get
        {
            var given = Value("Session") is IList { Count: > 0 } list ? PlainValue.Unwrap(list[0]) : Value("Session");
            if (given is not null) return given as LlmSession ?? SessionTable.Current.Find(given.ToString()!);
            // Without -Online, models are listed from every catalogue.
            if (_command.Equals("Get-LlmModel", StringComparison.OrdinalIgnoreCase) && !_bound.Contains("Online")) return null;
            return _command.Equals("Connect-LlmProvider", StringComparison.OrdinalIgnoreCase) ? null : SessionTable.Current.Default;
        }
    }

    /// <summary>The providers that the line can mean: one, or all.</summary>
    internal IReadOnlyList<ChatProvider> Providers
    {
        get
        {
            if (Text("Provider") is { } name) return ProviderList.Find(name) is { } known ? [known] : [];
            return Session is { } session ? [session.ChatProvider] : ProviderList.All;
        }
    }

    /// <summary>What is bound to a parameter; null where nothing is or it cannot be told yet.</summary>
    internal object? Value(string parameter) => PlainValue.Unwrap(_bound[parameter]);

    internal string? Text(string parameter) => Value(parameter) is { } value && value.ToString() is { Length: > 0 } text ? text : null;
}
