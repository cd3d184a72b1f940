using System;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Security;

namespace LlmPs.Values;

/// <summary>Converts texts to secrets, and reads secrets from SecretManagement.</summary>
internal static class SecretValue
{
    internal static SecureString Of(string? text) => new NetworkCredential(string.Empty, text).SecurePassword;

    /// <exception cref="ArgumentException">The secret cannot be read; the message says why.</exception>
    internal static SecureString? FromVault(string name, string? vault)
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddCommand("Get-Secret").AddParameter("Name", name).AddParameter("ErrorAction", ActionPreference.Stop);
        if (vault is not null) shell.AddParameter("Vault", vault);
        try
        {
            return shell.Invoke().FirstOrDefault()?.BaseObject switch
            {
                SecureString secret => secret.Copy(),
                string text => Of(text),
                PSCredential credential => credential.Password?.Copy(),
                _ => throw new ArgumentException($"-SecretName '{name}' must be a text, a SecureString or a credential."),
            };
        }
        catch (CommandNotFoundException e)
        {
            throw new ArgumentException($"-SecretName '{name}' needs the module Microsoft.PowerShell.SecretManagement. Install it.", e);
        }
        catch (RuntimeException e)
        {
            throw new ArgumentException($"-SecretName '{name}' could not be read: {e.Message}", e);
        }
    }
}
