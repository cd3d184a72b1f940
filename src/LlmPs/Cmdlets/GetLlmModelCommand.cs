using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Models;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Models of the documents' catalogue, or as the provider itself lists them.</summary>
[Cmdlet(VerbsCommon.Get, "LlmModel", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(LlmModel))]
public sealed class GetLlmModelCommand : PSCmdlet, IDisposable
{
    private const int MostListed = 12;

    private readonly CancellationTokenSource _stop = new();
    private ChipVerification? _verification;
    private ChipChecks? _found;

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

    /// <summary>
    /// Ask the provider for each pair of model and chip with one token, and remember for the account which are served. Each costs a
    /// request.
    /// </summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>Requests in flight at once while verifying.</summary>
    [Parameter]
    [ValidateRange(1, 1024)]
    public int ThrottleLimit { get; set; } = 5;

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
        // Who is verified has to say which provider, or be the session's own.
        if (Verify) provider = WithChips(provider);
        var models = Online ? Listed(SessionAsked(provider, "-Online")) : Catalogue(provider);
        if (Chip is not null) models = models.Where(model => model.Chips.Contains(Chip, StringComparer.OrdinalIgnoreCase));
        var offered = models.ToList();
        if (Verify && !Verified(SessionAsked(provider, "-Verify"), offered.Where(IsNamed))) return;
        var checks = new Dictionary<string, ChipChecks>(StringComparer.Ordinal);
        foreach (var name in Name)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            var found = offered.Where(model => pattern.IsMatch(model.Id)).ToList();
            WriteObject(found.Select(model => model.With(ChecksFor(model, checks))).ToList(), enumerateCollection: true);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                var known = string.Join(", ", offered.Take(MostListed).Select(model => model.Id))
                    + (offered.Count > MostListed ? $", … ({offered.Count} in all)" : string.Empty);
                WriteError(new ErrorRecord(
                    new ItemNotFoundException(PrintableText.Line($"No model matches '{name}'. Known models: {known}.")), "ModelNotFound",
                        ErrorCategory.ObjectNotFound, name));
            }
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It came to its end meanwhile.
        }

        _verification?.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _verification?.Dispose();
        _stop.Dispose();
    }

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
    private LlmSession SessionAsked(ChatProvider? provider, string parameter)
    {
        if (Session is not null && Session.ChatProvider != provider)
        {
            var conflict =
                $"The session '{Session.Name}' is of {Session.Provider}, and -Provider {provider!.Name} is asked for: leave one "
                    + "of them out.";
            ThrowTerminatingError(
                new ErrorRecord(new PSArgumentException(conflict), "InvalidParameter", ErrorCategory.InvalidArgument, Session));
        }

        if (OpenSession(provider) is { } session) return session;
        var message = $"{parameter} needs an open session: Connect-LlmProvider {provider?.Name ?? "<provider>"}.";
        ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(message), "NoSession", ErrorCategory.ConnectionError, null));
        throw new PipelineStoppedException();
    }

    private LlmSession? OpenSession(ChatProvider? provider) =>
        Session ?? (provider is null ? SessionTable.Current.Default
            : SessionTable.Current.All.LastOrDefault(open => open.ChatProvider == provider));

    /// <summary>The provider whose pairs of model and chip are asked for.</summary>
    private ChatProvider WithChips(ChatProvider? provider)
    {
        provider ??= SessionTable.Current.Default is { ChatProvider.Chips.Count: > 0 } session ? session.ChatProvider
            : ProviderList.All.First(any => any.Chips.Count > 0);
        if (provider.Chips.Count > 0) return provider;
        var message =
            $"{provider.Name} has no choice of chips, so there are no pairs to verify: Get-LlmModel -Online lists what it serves.";
        ThrowTerminatingError(
            new ErrorRecord(new ArgumentException(message), "NothingToVerify", ErrorCategory.InvalidArgument, provider.Name));
        return provider;
    }

    private bool IsNamed(LlmModel model) => Name.Any(name => new WildcardPattern(name, WildcardOptions.IgnoreCase).IsMatch(model.Id));

    /// <summary>Asks for the pairs and keeps what is found; false where the user does not want it.</summary>
    private bool Verified(LlmSession session, IEnumerable<LlmModel> models)
    {
        var pairs = models.SelectMany(model => Chip is null ? model.Chips.Select(chip => (model.Id, chip)) : [(model.Id, Chip)]).ToArray();
        var asking = $"send {pairs.Length} requests of one token each, one for each pair of model and chip";
        if (pairs.Length == 0 || !ShouldProcess($"{session.Name} ({session.BaseUri})", asking)) return false;

        var checks = ChipCheckFile.Read(session);
        using var verification = _verification = new ChipVerification(this, session, checks, ThrottleLimit);
        var ending = verification.Ask(pairs, () => Stopping);
        // What was paid for is kept, whatever ended it.
        _found = checks;
        Keep(session, checks);
        if (ending is not null) ThrowTerminatingError(RowError.From(ending, session));
        return !Stopping;
    }

    private void Keep(LlmSession session, ChipChecks checks)
    {
        try
        {
            ChipCheckFile.Write(session, checks);
        }
        catch (Exception e) when (CacheFile.IsOfFiles(e))
        {
            if (!Stopping) VerboseLine.Warn(this, $"The results could not be stored: {e.Message}");
        }
    }

    /// <summary>What the account behind the session of the model's provider was served: just now, or when it was last asked.</summary>
    private ChipChecks ChecksFor(LlmModel model, Dictionary<string, ChipChecks> known)
    {
        if (_found is not null) return _found;
        if (known.TryGetValue(model.Provider, out var checks)) return checks;
        var provider = ProviderList.Get(model.Provider);
        var session = provider.Chips.Count > 0 ? OpenSession(provider) : null;
        return known[model.Provider] = session is { IsClosed: false } && session.ChatProvider == provider ? ChipCheckFile.Read(session)
            : new ChipChecks();
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
