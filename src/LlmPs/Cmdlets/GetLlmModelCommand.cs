using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using LlmPs.Binding;
using LlmPs.Loading;
using LlmPs.Providers;

namespace LlmPs.Cmdlets;

/// <summary>Models of the documents' catalogue, or as the provider itself lists them.</summary>
[Cmdlet(VerbsCommon.Get, "LlmModel")]
[OutputType(typeof(LlmModel))]
public sealed class GetLlmModelCommand : PSCmdlet, IDisposable
{
    private const int MostListed = 12;

    private readonly CancellationTokenSource _stop = new();

    /// <summary>Ids or wildcards.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = ["*"];

    /// <summary>Only this provider's models.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ProviderCompleter))]
    public string? Provider { get; set; }

    /// <summary>Only models that can be asked for on this chip.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    public string? Chip { get; set; }

    /// <summary>Ask the provider.</summary>
    [Parameter]
    public SwitchParameter Online { get; set; }

    /// <summary>The session to ask through, by name or object.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession? Session { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var provider = ProviderAsked();
        if (Chip is not null) RefuseUnknownChip(provider);
        var models = Online ? Listed(SessionAsked(provider)) : Catalogue(provider);
        if (Chip is not null) models = models.Where(model => model.Chips.Contains(Chip, StringComparer.OrdinalIgnoreCase));
        var offered = models.ToList();
        foreach (var name in Name)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            var found = offered.Where(model => pattern.IsMatch(model.Id)).ToList();
            WriteObject(found, enumerateCollection: true);
            if (found.Count == 0 && name != "*")
            {
                var known = string.Join(", ", offered.Take(MostListed).Select(model => model.Id)) + (offered.Count > MostListed ? $", … ({offered.Count} in all)" : string.Empty);
                WriteError(new ErrorRecord(new ItemNotFoundException($"No model matches '{name}'. Known models: {known}."), "ModelNotFound", ErrorCategory.ObjectNotFound, name));
            }
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => _stop.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private ChatProvider? ProviderAsked()
    {
        try
        {
            return Provider is null ? Session?.ChatProvider : ProviderList.Get(Provider);
        }
        catch (ArgumentException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "ProviderNotFound", ErrorCategory.ObjectNotFound, Provider));
            throw;
        }
    }

    private void RefuseUnknownChip(ChatProvider? provider)
    {
        var known = (provider is null ? ProviderList.All.SelectMany(any => any.Chips) : provider.Chips).ToList();
        if (known.Contains(Chip!, StringComparer.OrdinalIgnoreCase)) return;
        var message = known.Count == 0
            ? $"Chip '{Chip}': {provider!.Name} has no choice of chips."
            : $"No chip is named '{Chip}'. Known chips: {string.Join(", ", known)}.";
        ThrowTerminatingError(new ErrorRecord(new ItemNotFoundException(message), "ChipNotFound", ErrorCategory.ObjectNotFound, Chip));
    }

    private static IEnumerable<LlmModel> Catalogue(ChatProvider? provider) =>
        provider is null ? ProviderList.All.SelectMany(any => any.Catalogue) : provider.Catalogue;

    /// <summary>The session given, the newest one open for the provider given, or the default.</summary>
    private LlmSession SessionAsked(ChatProvider? provider)
    {
        var session = Session
            ?? (provider is null ? SessionTable.Current.Default : SessionTable.Current.All.LastOrDefault(open => open.ChatProvider == provider));
        if (session is not null) return session;
        var message = $"-Online needs an open session: Connect-LlmProvider {provider?.Name ?? "<provider>"}.";
        ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(message), "NoSession", ErrorCategory.ConnectionError, null));
        throw new PipelineStoppedException();
    }

    private IEnumerable<LlmModel> Listed(LlmSession session)
    {
        try
        {
            // The list is one request, and the pipeline has nothing else to do meanwhile.
            var models = session.GetModelsAsync(_stop.Token).GetAwaiter().GetResult();
            ModelCache.Write(session, models);
            return models;
        }
        catch (LlmApiException e)
        {
            ThrowTerminatingError(RowError.From(e, session));
            throw;
        }
    }
}
