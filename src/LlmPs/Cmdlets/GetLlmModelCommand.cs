using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Models;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Lists models, from the module's catalogue or from the provider.</summary>
[Cmdlet(VerbsCommon.Get, "LlmModel", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(LlmModel))]
public sealed class GetLlmModelCommand : PSCmdlet, IDisposable
{
    private const int MostListed = 12;

    private readonly OnlineModels _online = new();
    private ChipVerification? _verification;
    private ChipChecks? _found;

    /// <summary>The ids of models, or wildcards. Default: all.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = ["*"];

    /// <summary>The provider whose models are listed.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ProviderCompleter))]
    public string? Provider { get; set; }

    /// <summary>The chip on which the models can be requested.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    public string? Chip { get; set; }

    /// <summary>Whether the provider is asked for its list.</summary>
    [Parameter]
    public SwitchParameter Online { get; set; }

    /// <summary>
    /// Whether to test each pair of model and chip with a request of one token, and to store for the account which are served.
    /// </summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>The most requests in flight with -Verify, 1 to 1024. Default 5.</summary>
    [Parameter]
    [ValidateRange(1, 1024)]
    public int ThrottleLimit { get; set; } = 5;

    /// <summary>The session for -Online and -Verify, by name or object.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession? Session { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var provider = ProviderAsked();
        if (Chip is not null) RefuseUnknownChip(provider);
        if (Verify) provider = WithChips(provider);
        var models = Online ? Listed(SessionAsked(provider, "-Online"))
            : provider?.Catalogue ?? ProviderList.All.SelectMany(any => any.Catalogue);
        if (Chip is not null) models = models.Where(model => model.Chips.Contains(Chip, StringComparer.OrdinalIgnoreCase));
        var offered = models.ToList();
        if (Verify && !Verified(SessionAsked(provider, "-Verify"), offered.Where(IsNamed))) return;
        var checks = new Dictionary<string, ChipChecks>(StringComparer.Ordinal);
        var known = string.Join(", ", offered.Take(MostListed).Select(model => model.Id))
            + (offered.Count > MostListed ? $", … ({offered.Count} in all)" : string.Empty);
        this.WriteNamed(Name, offered.Select(model => (model.Id, model.With(ChecksFor(model, checks)))).ToList(),
            name => PrintableText.Line($"No model matches '{name}'. Known models: {known}."), "ModelNotFound");
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        _online.Cancel();
        _verification?.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _verification?.Dispose();
        _online.Dispose();
    }

    private ChatProvider? ProviderAsked()
    {
        try
        {
            return Provider is null ? Session?.ChatProvider : ProviderList.Get(Provider);
        }
        catch (ArgumentException e)
        {
            throw this.Refusal(e, "ProviderNotFound", ErrorCategory.ObjectNotFound, Provider);
        }
    }

    private void RefuseUnknownChip(ChatProvider? provider)
    {
        var known = (provider is null ? ProviderList.All.SelectMany(any => any.Chips) : provider.Chips).ToList();
        if (known.Contains(Chip!, StringComparer.OrdinalIgnoreCase)) return;
        var message = known.Count == 0
            ? $"-Chip '{Chip}' is not possible: {provider!.Name} has no choice of chips."
            : $"No chip is named '{Chip}'. Known chips: {string.Join(", ", known)}.";
        throw this.Refusal(new ItemNotFoundException(message), "ChipNotFound", ErrorCategory.ObjectNotFound, Chip);
    }

    private LlmSession SessionAsked(ChatProvider? provider, string parameter)
    {
        if (Session is not null && Session.ChatProvider != provider)
        {
            var conflict = $"-Session '{Session.Name}' is of {Session.Provider}, not of -Provider {provider!.Name}: leave out one of them.";
            throw this.Refusal(new PSArgumentException(conflict), "InvalidParameter", ErrorCategory.InvalidArgument, Session);
        }

        if (OpenSession(provider) is { } session) return session;
        var message = $"{parameter} needs an open session. Run Connect-LlmProvider {provider?.Name ?? "<provider>"} first.";
        throw this.Refusal(new InvalidOperationException(message), "NoSession", ErrorCategory.ConnectionError);
    }

    private LlmSession? OpenSession(ChatProvider? provider) =>
        Session ?? (provider is null ? SessionTable.Current.Default
            : SessionTable.Current.All.LastOrDefault(open => open.ChatProvider == provider));

    private ChatProvider WithChips(ChatProvider? provider)
    {
        provider ??= SessionTable.Current.Default is { ChatProvider.Chips.Count: > 0 } session ? session.ChatProvider
            : ProviderList.All.First(any => any.Chips.Count > 0);
        if (provider.Chips.Count > 0) return provider;
        var message = $"-Verify is not possible: {provider.Name} has no choice of chips. Get-LlmModel -Online lists its models.";
        throw this.Refusal(new ArgumentException(message), "NothingToVerify", ErrorCategory.InvalidArgument, provider.Name);
    }

    private bool IsNamed(LlmModel model) => Name.Any(name => new WildcardPattern(name, WildcardOptions.IgnoreCase).IsMatch(model.Id));

    /// <summary>Tests the pairs and stores the results; false where the user declines.</summary>
    private bool Verified(LlmSession session, IEnumerable<LlmModel> models)
    {
        var pairs = models.SelectMany(model => Chip is null ? model.Chips.Select(chip => (model.Id, chip)) : [(model.Id, Chip)]).ToArray();
        var asking = $"send {pairs.Length} requests of one token each, one for each pair of model and chip";
        if (pairs.Length == 0 || !ShouldProcess($"{session.Name} ({session.BaseUri})", asking)) return false;

        var checks = ChipCheckFile.Read(session);
        using var verification = _verification = new ChipVerification(this, session, checks, ThrottleLimit);
        var ending = verification.Ask(pairs, () => Stopping);
        _found = checks;
        try
        {
            // Also after an error: the results were paid for.
            ChipCheckFile.Write(session, checks);
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            if (!Stopping) VerboseLine.Warn(this, $"The results could not be stored: {e.Message}");
        }

        if (ending is not null) ThrowTerminatingError(RowError.From(ending, session));
        return !Stopping;
    }

    /// <summary>Returns the results for a model's account: from this call, or from the last -Verify.</summary>
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
            return _online.Of(session);
        }
        catch (LlmApiException e)
        {
            ThrowTerminatingError(RowError.From(e, session));
            throw;
        }
    }
}
