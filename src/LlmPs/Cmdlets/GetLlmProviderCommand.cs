using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Providers;

namespace LlmPs.Cmdlets;

/// <summary>The providers that the module knows.</summary>
[Cmdlet(VerbsCommon.Get, "LlmProvider")]
[OutputType(typeof(LlmProvider))]
public sealed class GetLlmProviderCommand : PSCmdlet
{
    /// <summary>Names or wildcards.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(ProviderCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            var found = ProviderList.All.Where(provider => pattern.IsMatch(provider.Name)).Select(provider => provider.Info).ToList();
            WriteObject(found, enumerateCollection: true);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                var message = $"No provider is named '{name}'. Known providers: {string.Join(", ", ProviderList.Names)}.";
                WriteError(new ErrorRecord(new ItemNotFoundException(message), "ProviderNotFound", ErrorCategory.ObjectNotFound, name));
            }
        }
    }
}
