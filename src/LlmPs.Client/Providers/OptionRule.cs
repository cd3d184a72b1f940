using System.Globalization;
using System.Text.RegularExpressions;
using LlmPs.Options;

namespace LlmPs.Providers;

/// <summary>What a provider documents about one option: the name of the field and the values that it accepts.</summary>
internal sealed class OptionRule(ChatOption option, string field)
{
    internal ChatOption Option { get; } = option;

    /// <summary>The field of the body; for an image or a file, the part of the message.</summary>
    internal string Field { get; } = field;

    internal double? Min { get; set; }

    internal double? Max { get; set; }

    /// <summary>Whether <see cref="Min"/> itself is not accepted, as in Cloudsway's top_p (0, 1].</summary>
    internal bool MinIsExclusive { get; set; }

    /// <summary>The most entries of a list.</summary>
    internal int? MaxCount { get; set; }

    /// <summary>The pattern that a whole text must match.</summary>
    internal Regex? Pattern { get; set; }

    internal int? MaxLength { get; set; }

    /// <summary>The warning for an option that the provider accepts without effect; null for others.</summary>
    internal string? Warning { get; set; }

    /// <summary>The values that the provider accepts, in words.</summary>
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
