using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Providers;
using LlmPs.Values;

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
        var providers = ProviderList.All.Select(provider => (provider.Name, provider.Info)).ToList();
        var known = string.Join(", ", ProviderList.Names);
        this.WriteNamed(Name, providers, name => $"No provider is named '{name}'. Known providers: {known}.", "ProviderNotFound");
    }
}
