using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace ModuleCheck;

/// <summary>
/// Every reference of every assembly in a folder is satisfied by the folder, by the framework or by PowerShell itself.
/// </summary>
/// <remarks>
/// Within the folder the versions must be equal: Windows PowerShell has no binding redirects, and the module's load context on .NET
/// hands out only what it ships. Against the framework, major and minor decide: .NET Framework directs a reference to one of its own
/// assemblies to the version it has, for any build and revision (System.Text.Json 10 asks for System.ValueTuple
/// 4.0.5.0, which 4.7.2 has as 4.0.2.0: dotnet/maintenance-packages issue 243).
/// </remarks>
internal sealed class ReferenceCheck(string folder, string framework)
{
    private const string PowerShell = "System.Management.Automation";

    // Neither the client nor the simulator knows PowerShell.
    private const string Cmdlets = "LlmPs";

    private readonly string _where = $"bin/{Path.GetFileName(folder)}";
    private readonly Dictionary<string, AssemblyFile> _shipped = AssemblyFile.ReadFolder(folder, SearchOption.AllDirectories);
    private readonly Dictionary<string, AssemblyFile> _framework = ReadFramework(framework);

    public int Count => _shipped.Values.Sum(file => file.References.Count);

    public IEnumerable<string> Problems()
    {
        foreach (var file in _shipped.Values)
        {
            if (_framework.ContainsKey(file.Name))
                yield return $"{_where}: {file.Name} is part of the framework; a second copy must not be shipped";

            foreach (var reference in file.References)
            {
                if (Problem(file, reference) is { } problem)
                    yield return $"{_where}: {file.Name} {file.Identity.Version} references {reference.Name} "
                        + $"{reference.Version}, {problem}";
            }
        }
    }

    private string? Problem(AssemblyFile file, AssemblyName reference)
    {
        if (reference.Name == PowerShell)
            return file.Name == Cmdlets ? null : $"which only {Cmdlets} may";

        if (_shipped.TryGetValue(reference.Name!, out var shipped))
        {
            if (shipped.Identity.Version != reference.Version)
                return $"but the file shipped is {shipped.Identity.Version}";
            return SameKey(shipped.Identity, reference) ? null : "but the file shipped has another public key";
        }

        if (!_framework.TryGetValue(reference.Name!, out var own))
            return "which is neither shipped nor part of the framework";
        return Unifies(own.Identity.Version!, reference.Version!) ? null : $"but the framework has {own.Identity.Version}";
    }

    private static bool Unifies(Version own, Version asked) =>
        (asked.Major, asked.Minor).CompareTo((own.Major, own.Minor)) <= 0;

    private static bool SameKey(AssemblyName left, AssemblyName right) =>
        left.GetPublicKeyToken().AsSpan().SequenceEqual(right.GetPublicKeyToken());

    private static Dictionary<string, AssemblyFile> ReadFramework(string framework)
    {
        var assemblies = AssemblyFile.ReadFolder(framework, SearchOption.TopDirectoryOnly);
        var facades = Path.Combine(framework, "Facades");
        if (Directory.Exists(facades))
        {
            foreach ((var name, var facade) in AssemblyFile.ReadFolder(facades, SearchOption.TopDirectoryOnly))
                assemblies.TryAdd(name, facade);
        }

        return assemblies;
    }
}
