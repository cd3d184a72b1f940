using System.Globalization;
using System.Text.RegularExpressions;
using LlmPs.Options;

namespace LlmPs.Providers;

/// <summary>What a provider documents of one option: the field's name and the values it takes.</summary>
internal sealed class OptionRule
{
    internal OptionRule(ChatOption option, string field)
    {
        Option = option;
        Field = field;
    }

    internal ChatOption Option { get; }

    /// <summary>The field of the body; for what has no field of its own, the part of the message.</summary>
    internal string Field { get; }

    internal double? Min { get; set; }

    internal double? Max { get; set; }

    /// <summary>Whether the smallest value is itself left out, as in Cloudsway's top_p (0, 1].</summary>
    internal bool MinIsExclusive { get; set; }

    /// <summary>The most entries of a list.</summary>
    internal int? MaxCount { get; set; }

    /// <summary>The whole of a text.</summary>
    internal Regex? Pattern { get; set; }

    internal int? MaxLength { get; set; }

    /// <summary>Accepted by the provider without any effect; why, as a warning.</summary>
    internal string? Warning { get; set; }

    /// <summary>What the provider allows, in words.</summary>
    internal string Allowed
    {
        get
        {
            if (Pattern is not null) return $"{Pattern} and at most {MaxLength} characters";
            if (MaxCount is { } count) return $"at most {count.ToString(CultureInfo.InvariantCulture)}";
            if (Min is null && Max is null) return Warning is null ? "any" : "accepted without effect";
            if (Min == Max) return "only " + Text(Min);
            if (Max is null) return Text(Min) + " and above";
            return $"{(MinIsExclusive ? "above " : string.Empty)}{Text(Min)} to {Text(Max)}";
        }
    }

    internal bool Takes(double value) =>
        (Min is not { } min || (MinIsExclusive ? value > min : value >= min)) && (Max is not { } max || value <= max);

    private static string? Text(double? value) => value?.ToString(CultureInfo.InvariantCulture);
}
