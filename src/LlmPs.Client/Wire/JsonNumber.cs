using System.Globalization;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>Writes and reads numbers in the same way on both runtimes.</summary>
internal static class JsonNumber
{
#if NETFRAMEWORK
    private static readonly string[] s_precisions = ["G15", "G16", "G17"];
#endif

    /// <summary>Writes the shortest text that is read as the same number.</summary>
    // .NET Framework writes 0.3 as 0.29999999999999999, and then one PowerShell would not recognize the rows of the other's checkpoint.
    internal static void WriteShortest(this Utf8JsonWriter json, double number)
    {
#if NETFRAMEWORK
        if (!double.IsNaN(number) && !double.IsInfinity(number))
        {
            json.WriteRawValue(Shortest(number), skipInputValidation: true);
            return;
        }
#endif
        json.WriteNumberValue(number);
    }

    /// <summary>Returns the number under the reader; infinite if it is too large for double.</summary>
    internal static double? ReadDouble(this ref Utf8JsonReader reader)
    {
        if (reader.TryGetDouble(out var number)) return number;
#if NETFRAMEWORK
        // .NET Framework does not read a number that is too large.
        return reader.HasValueSequence || reader.ValueSpan[0] != (byte)'-' ? double.PositiveInfinity : double.NegativeInfinity;
#else
        return null;
#endif
    }

#if NETFRAMEWORK
    private static string Shortest(double number)
    {
        foreach (var precision in s_precisions)
        {
            var text = number.ToString(precision, CultureInfo.InvariantCulture);
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var read) && read.Equals(number)) return text;
        }

        return number.ToString("G17", CultureInfo.InvariantCulture);
    }
#endif
}
