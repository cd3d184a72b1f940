using System.Globalization;

namespace LlmPs.Views;

/// <summary>Money as text, in the currency of the price table, which has no name.</summary>
internal static class MoneyText
{
    /// <summary>Returns an amount to six decimal places: a single answer may cost less than a hundredth.</summary>
    internal static string Of(decimal amount) => amount.ToString("0.######", CultureInfo.InvariantCulture);
}
