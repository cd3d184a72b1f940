using System;
using System.Management.Automation.Host;

namespace LlmPs.Views;

/// <summary>The line after Ctrl+C. A cmdlet that is stopped can write only to the host.</summary>
internal static class StopLine
{
    internal static void Show(PSHost host, string text)
    {
        try
        {
            host.UI?.WriteLine($"Stopped. {text}");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The host is closing, or shows nothing.
        }
    }
}
