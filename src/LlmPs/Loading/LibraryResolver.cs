#if NET
using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.Loader;
using System.Threading;

namespace LlmPs.Loading;

/// <summary>
/// Loads the libraries of others that the module ships into a context of their own, so that another module's copy of the same library
/// never meets ours. Asked only for what the running PowerShell does not have itself.
/// </summary>
internal static class LibraryResolver
{
    private static readonly string s_folder = Path.Combine(Path.GetDirectoryName(typeof(LibraryResolver).Assembly.Location)!, "lib");
    private static readonly AssemblyLoadContext s_context = new("LlmPs libraries");
    private static readonly Dictionary<string, Assembly> s_loaded = new(StringComparer.OrdinalIgnoreCase);
    private static int s_imports;

    /// <summary>Each runspace that imports the module counts; the first one attaches.</summary>
    internal static void Attach()
    {
        if (Interlocked.Increment(ref s_imports) == 1) AssemblyLoadContext.Default.Resolving += Resolve;
    }

    internal static void Detach()
    {
        if (Interlocked.Decrement(ref s_imports) == 0) AssemblyLoadContext.Default.Resolving -= Resolve;
    }

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name)
    {
        if (name.Name is null) return null;
        lock (s_loaded)
        {
            if (!s_loaded.TryGetValue(name.Name, out var assembly))
            {
                var path = Path.Combine(s_folder, name.Name + ".dll");
                if (!File.Exists(path)) return null;
                // Another module's wish for another version is not ours to grant.
                if (AssemblyName.GetAssemblyName(path).Version != name.Version) return null;
                s_loaded.Add(name.Name, assembly = s_context.LoadFromAssemblyPath(path));
            }

            return assembly.GetName().Version == name.Version ? assembly : null;
        }
    }
}
#endif
