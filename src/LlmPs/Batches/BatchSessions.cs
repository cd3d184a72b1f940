using System;
using System.Linq;
using LlmPs.Batch;
using LlmPs.Loading;

namespace LlmPs.Batches;

/// <summary>Finds the session that a batch belongs to.</summary>
internal static class BatchSessions
{
    /// <summary>
    /// Returns the session given, or the one of the batch's name, or any open one of its provider and address; null if there is none.
    /// </summary>
    /// <param name="given">The session of <c>-Session</c>.</param>
    /// <param name="provider">The provider; null where it is not known.</param>
    /// <param name="address">The address; null where it is not known.</param>
    /// <param name="name">The name of the session that made the batch; null where it is not known.</param>
    internal static LlmSession? Find(LlmSession? given, string? provider, string? address, string? name)
    {
        if (given is not null) return given;
        var open = SessionTable.Current.All.Where(session => Fits(session, provider, address)).ToList();
        var @default = SessionTable.Current.Default;
        return open.Find(session => session.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? open.Find(session => session == @default)
            ?? (provider is null ? @default : open.LastOrDefault());
    }

    /// <exception cref="LlmApiException">No session is open that could have made the batch, or the one given could not.</exception>
    internal static LlmSession Of(BatchPlan plan, LlmSession? given)
    {
        var session = Find(given, plan.Provider, plan.Address, plan.Session);
        if (session is null)
        {
            throw new LlmApiException(LlmErrorKind.InvalidRequest,
                $"No session of {plan.Provider} at {plan.Address} is open. The batch belongs to it. Run Connect-LlmProvider "
                    + $"{plan.Provider} first, or give its session as -Session.");
        }

        return session.Provider == plan.Provider ? session : throw new LlmApiException(
            LlmErrorKind.InvalidRequest,
            $"-Session '{session.Name}' is a session of {session.Provider}, but the batch belongs to {plan.Provider}. Give a session "
                + $"of {plan.Provider}.");
    }

    /// <exception cref="LlmApiException">No session is open that could have made the batch.</exception>
    internal static LlmSession Of(ChatBatch batch, LlmSession? given) =>
        Find(given, batch.Provider, null, batch.Session) ?? throw new LlmApiException(
        LlmErrorKind.InvalidRequest,
            $"No session is open{(batch.Id.Length == 0 ? string.Empty : $" for the batch '{batch.Id}'")}. Run Connect-LlmProvider "
                + "first, or give its session as -Session.");

    private static bool Fits(LlmSession session, string? provider, string? address) =>
        (provider is null || session.Provider == provider) && (address is null || session.BaseUri.AbsoluteUri == address);
}
