using System;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>
/// Converts copies from Import-Clixml, Receive-Job and remoting to completions, messages and usage. PowerShell calls it because of
/// LlmPs.Types.ps1xml.
/// </summary>
public sealed class LiveObjectConverter : PSTypeConverter
{
    /// <inheritdoc/>
    public override bool CanConvertFrom(object sourceValue, Type destinationType) =>
        sourceValue is not null && destinationType is not null && LiveObject.TypeOf(sourceValue) == destinationType;

    /// <inheritdoc/>
    public override bool CanConvertFrom(PSObject sourceValue, Type destinationType) => CanConvertFrom((object)sourceValue, destinationType);

    /// <inheritdoc/>
    public override object ConvertFrom(object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        // If this fails, PowerShell keeps the copy.
        LiveObject.Of(sourceValue) ?? throw new PSInvalidCastException($"The copy does not hold all of a {destinationType?.Name}.");

    /// <inheritdoc/>
    public override object ConvertFrom(PSObject sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        ConvertFrom((object)sourceValue, destinationType, formatProvider, ignoreCase);

    /// <inheritdoc/>
    public override bool CanConvertTo(object sourceValue, Type destinationType) => false;

    /// <inheritdoc/>
    public override bool CanConvertTo(PSObject sourceValue, Type destinationType) => false;

    /// <inheritdoc/>
    public override object ConvertTo(object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public override object ConvertTo(PSObject sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        throw new NotSupportedException();
}
