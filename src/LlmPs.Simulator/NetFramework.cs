#if NETFRAMEWORK
using System;

namespace LlmPs.Simulator;

/// <summary>A method of newer runtimes that .NET Framework 4.7.2 lacks.</summary>
internal static class NetFramework
{
    internal static bool Contains(this string text, string value, StringComparison comparison) => text.IndexOf(value, comparison) >= 0;
}
#endif
