using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Security;
using LlmPs.Audit;
using LlmPs.Completion;
using LlmPs.Loading;
using LlmPs.Models;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Usage;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Opens a named session with a provider. Nothing is sent, except with -Test.</summary>
[Cmdlet(VerbsCommunications.Connect, "LlmProvider")]
[OutputType(typeof(LlmSession))]
public sealed class ConnectLlmProviderCommand : PSCmdlet, IDisposable
{
    private readonly OnlineModels _models = new();
    private string _keySource = "no key";
    private bool _isOpenAIKeyOfEnvironment;

    /// <summary>The provider's name, for example SiliconFlow.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ArgumentCompleter(typeof(ProviderCompleter))]
    public string Provider { get; set; } = string.Empty;

    /// <summary>The session's name. Default: the provider's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The API key, as SecureString or text.</summary>
    [Parameter]
    [SecretText]
    [ValidateNotNull]
    public SecureString? ApiKey { get; set; }

    /// <summary>A credential whose password is the key.</summary>
    [Parameter]
    [ValidateNotNull]
    public PSCredential? Credential { get; set; }

    /// <summary>The name of a secret in SecretManagement that is the key.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SecretName { get; set; }

    /// <summary>The SecretManagement vault of the secret. Default: the default vault.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SecretVault { get; set; }

    /// <summary>The provider's address without its paths. Default: the provider's own.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? BaseUri { get; set; }

    /// <summary>Cloudsway: the path of your endpoint.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? EndpointPath { get; set; }

    /// <summary>GenStudio: the default chip.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Chip { get; set; }

    /// <summary>The default model.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Model { get; set; }

    /// <summary>The longest time of one attempt, in seconds. Default 600.</summary>
    [Parameter]
    [ValidateRange(0.001, 2147483)]
    public double TimeoutSec { get; set; } = 600;

    /// <summary>The longest time until the connection is open, in seconds. Default 30.</summary>
    [Parameter]
    [ValidateRange(0.001, 2147483)]
    public double ConnectTimeoutSec { get; set; } = 30;

    /// <summary>The longest time between two pieces of an answer, in seconds. Default 120; five times that before the first.</summary>
    [Parameter]
    [ValidateRange(0.001, 429496)]
    public double IdleTimeoutSec { get; set; } = 120;

    /// <summary>The most retries of a request, 0 to 100. Default 4.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int MaxRetryCount { get; set; } = 4;

    /// <summary>The longest time between two attempts, in seconds. Default 60.</summary>
    [Parameter]
    [ValidateRange(0, 86400)]
    public double MaxRetryDelaySec { get; set; } = 60;

    /// <summary>The account's limit of requests per minute.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? RequestsPerMinute { get; set; }

    /// <summary>The account's limit of tokens per minute.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? TokensPerMinute { get; set; }

    /// <summary>Prices per million tokens by model: a hashtable, a CSV file or a JSON file. Answers then have a Cost.</summary>
    [Parameter]
    [ValidateNotNull]
    public object? Price { get; set; }

    /// <summary>The address of the proxy.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? Proxy { get; set; }

    /// <summary>The credential for the proxy.</summary>
    [Parameter]
    [ValidateNotNull]
    public PSCredential? ProxyCredential { get; set; }

    /// <summary>Additional headers of every request.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? Header { get; set; }

    /// <summary>The audit log: a file to which each attempt adds a line of JSON.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    /// <summary>Whether the audit log has the requests and answers as well.</summary>
    [Parameter]
    public SwitchParameter LogContent { get; set; }

    /// <summary>Whether to keep the current default session.</summary>
    [Parameter]
    public SwitchParameter NoDefault { get; set; }

    /// <summary>Whether to test the connection with the provider's list of models, which is free.</summary>
    [Parameter]
    public SwitchParameter Test { get; set; }

    /// <summary>Whether the simulator in this process answers instead of the provider.</summary>
    [Parameter]
    public SwitchParameter Simulate { get; set; }

    /// <summary>The options of the simulator: latency, faults, scripted answers.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? SimulatorOption { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            var session = new LlmSession(Options(), Handler());
            if (session.Connection.IsCredentialInTheClear)
                VerboseLine.Warn(this, $"The {(session.HasKey ? "key" : "credential of -Header")} is sent to {session.BaseUri.Host} over "
                    + "http, where others can read it. Use https.");
            if (_isOpenAIKeyOfEnvironment && !IsForOpenAIKey(session))
                VerboseLine.Warn(this, $"The key in $env:OPENAI_API_KEY is sent to {session.BaseUri.Host}. If it is not meant for this "
                    + "host, give the key of this host as -ApiKey.");
            if (HiddenNames.Warning(this) is { } hidden) VerboseLine.Warn(this, hidden);
            if (Test) TestOrClose(session);
            SessionTable.Current.Add(session, mayBeDefault: !NoDefault);
            WriteObject(session);
        }
        catch (AuditException e)
        {
            throw this.Refusal(e, "LogFailed", ErrorCategory.OpenError, LogPath);
        }
        catch (ArgumentException e)
        {
            throw this.Refusal(e, "InvalidConnection", ErrorCategory.InvalidArgument, Provider);
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => _models.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _models.Dispose();

    /// <summary>Tests a session before it is opened, so that one of the same name stays open if the test fails.</summary>
    private void TestOrClose(LlmSession session)
    {
        var isAccepted = false;
        try
        {
            var models = _models.Of(session);
            isAccepted = true;
            VerboseLine.Write(this, $"Tested: {Tried(session)} lists {models.Count} models.");
        }
        catch (LlmApiException e)
        {
            if (Stopping) throw new PipelineStoppedException();
            ThrowTerminatingError(RowError.From(TestFailed(session, e), Provider));
        }
        finally
        {
            if (!isAccepted) session.Dispose();
        }
    }

    private string Tried(LlmSession session)
    {
        var address = session.BaseUri.GetLeftPart(UriPartial.Path).TrimEnd('/') + session.ChatProvider.ModelsPath;
        return $"GET {session.Connection.Shown(new Uri(address))} with {_keySource}";
    }

    private LlmApiException TestFailed(LlmSession session, LlmApiException e)
    {
        // A server without a list of models, or a wrong address.
        var wayOut = e.StatusCode is 404 or 405 or 501
            ? " The server has no list of models at this address. Check -BaseUri. If it is right, this server cannot be tested "
                + "without a paid request: connect without -Test and send a short prompt."
            : string.Empty;
        var tried = $"The connection test failed, and no session was opened. Tried {Tried(session)}.";
        return RowError.Reworded(e, $"{tried} {e.Message.TrimEnd('.')}.{wayOut}");
    }

    // Other hosts get OpenAI's key only with a warning.
    private bool IsForOpenAIKey(LlmSession session) =>
        session.IsSimulated || session.BaseUri.IsLoopback
            || session.BaseUri.Host.Equals("api.openai.com", StringComparison.OrdinalIgnoreCase)
        || session.HeaderNames.Contains("Authorization", StringComparer.OrdinalIgnoreCase);

    private LlmSessionOptions Options()
    {
        var provider = ProviderList.Get(Provider);
        var options = new LlmSessionOptions
        {
            Provider = provider.Name,
            Name = Name,
            ApiKey = Key(provider),
            BaseUri = BaseUri,
            EndpointPath = EndpointPath,
            Chip = Chip,
            Model = Model,
            Timeout = TimeSpan.FromSeconds(TimeoutSec),
            ConnectTimeout = TimeSpan.FromSeconds(ConnectTimeoutSec),
            IdleTimeout = TimeSpan.FromSeconds(IdleTimeoutSec),
            MaxRetryCount = MaxRetryCount,
            MaxRetryDelay = TimeSpan.FromSeconds(MaxRetryDelaySec),
            RequestsPerMinute = RequestsPerMinute,
            TokensPerMinute = TokensPerMinute,
            Prices = Price is null ? null : PriceReader.Read(this, Price),
            Proxy = Proxy,
            ProxyCredential = ProxyCredential?.GetNetworkCredential(),
            LogPath = LogFile(),
            LogContent = LogContent,
        };
        foreach (DictionaryEntry header in Header ?? new Hashtable())
            AddHeader(options, Convert.ToString(header.Key, CultureInfo.InvariantCulture)!, header.Value);
        return options;
    }

    private string? LogFile()
    {
        if (LogPath is null) return null;
        try
        {
            return FilePath.Literal(SessionState.Path, LogPath);
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            throw new AuditException(LogPath, e);
        }
    }

    private static void AddHeader(LlmSessionOptions options, string name, object? given)
    {
        var value = PlainValue.Unwrap(given);
        if (value is SecureString secret)
        {
            options.Headers[name] = secret.Copy();
            return;
        }

        if (value is IEnumerable and not string)
            throw new ArgumentException($"-Header '{name}' is of type {value.GetType().Name}: give one text.");
        options.Headers[name] = SecretValue.Of(Convert.ToString(value, CultureInfo.InvariantCulture));
        options.TextHeaders.Add(name);
    }

    private Simulator.SimulatorHandler? Handler()
    {
        if (!Simulate) return SimulatorOption is null ? null : throw new ArgumentException("-SimulatorOption needs -Simulate.");
        var given = PlainValue.Of(SimulatorOption ?? new Hashtable());
        // The simulator answers as OpenAI for a provider that it does not know.
        var name = ProviderList.Get(Provider).Name;
        if (!given.ContainsKey("Provider"))
            given["Provider"] = Enum.IsDefined(typeof(Simulator.SimulatedProvider), name) ? name
                : nameof(Simulator.SimulatedProvider.OpenAICompatible);
        if (!given.ContainsKey("RequireKey")) given["RequireKey"] = false;
        return new Simulator.SimulatorHandler(Simulator.SimulatorOptions.FromDictionary(given));
    }

    /// <summary>Returns the first credential that is given, as a copy, because the session disposes it.</summary>
    private SecureString? Key(ChatProvider provider)
    {
        if (SecretVault is not null && SecretName is null)
            throw new ArgumentException($"-SecretVault '{SecretVault}' needs -SecretName, the name of the secret in it.");
        if (ApiKey is not null) return From("the key of -ApiKey", ApiKey.Copy());
        // PSCredential.Empty has no password at all.
        if (Credential is not null) return From("the key of -Credential", Credential.Password?.Copy());
        if (SecretName is not null) return From($"the key of -SecretName '{SecretName}'", SecretValue.FromVault(SecretName, SecretVault));
        if (Environment.GetEnvironmentVariable(provider.KeyVariable) is not { } key || string.IsNullOrWhiteSpace(key)) return null;
        _isOpenAIKeyOfEnvironment = provider.KeyVariable == "OPENAI_API_KEY";
        return From($"the key of $env:{provider.KeyVariable}", SecretValue.Of(key.Trim()));
    }

    private SecureString? From(string source, SecureString? key)
    {
        if (key is { Length: > 0 }) _keySource = source;
        return key;
    }
}
