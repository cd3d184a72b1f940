using System.Management.Automation;

namespace LlmPs.Loading;

/// <summary>What happens when the module comes and goes.</summary>
public sealed class ModuleLifetime : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnImport()
    {
#if NET
        LibraryResolver.Attach();
#endif
    }

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        SessionTable.Close();
#if NET
        LibraryResolver.Detach();
#endif
    }
}
