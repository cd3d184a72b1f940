using System.Linq;
using System.Management.Automation;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Schema;

/// <summary>Validates answers with Test-Json -Schema, or with the module's simpler check on PowerShell versions without it.</summary>
internal sealed class AnswerCheck
{
    // The full name: the caller may have a function with the short one.
    private const string TestJson = "Microsoft.PowerShell.Utility\\Test-Json";

    private const int LongestProblem = 1000;

    private const string Script = """
        param($Json, $Schema)
        $null = $Json | Microsoft.PowerShell.Utility\Test-Json -Schema $Schema -ErrorAction SilentlyContinue -ErrorVariable problems
        $problems
        """;

    private readonly PSCmdlet _cmdlet;
    private readonly bool _hasTestJson;

    /// <exception cref="PSArgumentException">The schema is not valid; the message says why.</exception>
    internal AnswerCheck(PSCmdlet cmdlet, string schema)
    {
        _cmdlet = cmdlet;
        Schema = schema;
        _hasTestJson = cmdlet.InvokeCommand.GetCommand(TestJson, CommandTypes.Cmdlet) is CmdletInfo command
            && command.Parameters.ContainsKey("Schema");
        if ((SchemaCheck.Flaw(schema) ?? (_hasTestJson ? Flaw() : null)) is { } flaw)
            throw new PSArgumentException($"-JsonSchema is not a valid JSON schema: {PrintableText.Line(flaw, LongestProblem)}");
    }

    internal string Schema { get; }

    /// <summary>Parses the answer. Returns what is wrong with it, or null.</summary>
    internal string? Problem(ChatCompletion completion)
    {
        var (json, unreadable) = StructuredAnswer.Parse(completion, Meets);
        if (unreadable is not null) return unreadable;
        return Problem(json) is { } problem && !StructuredAnswer.Unwrap(completion, json, Meets) ? problem : null;
    }

    internal bool Meets(string json) => Problem(json) is null;

    private string? Problem(string json)
    {
        var problem = _hasTestJson
            ? string.Join("; ", CallerScope.Run(_cmdlet, Script, json, Schema).Select(item => item.ToString()))
            : SchemaCheck.Problem(json, Schema);
        return string.IsNullOrEmpty(problem) ? null : PrintableText.Line(problem!, LongestProblem);
    }

    private string? Flaw()
    {
        var error = CallerScope.Run(_cmdlet, Script, "{}", Schema).Select(item => item.BaseObject).OfType<ErrorRecord>()
            .FirstOrDefault(IsOfSchema);
        return error?.Exception.InnerException?.Message ?? error?.Exception.Message;
    }

    private static bool IsOfSchema(ErrorRecord error) =>
        error.FullyQualifiedErrorId.StartsWith("InvalidJsonSchema,", System.StringComparison.Ordinal);
}
