using System;
using System.Collections;
using System.Linq;
using LlmPs.Simulator;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;
using Xunit;

namespace LlmPs.Unit.Simulator;

public class SimulatorOptionTests
{
    [Fact]
    public void Keys_and_names_take_any_case_and_values_any_plain_type()
    {
        var options = Asking.Options(
            ("provider", "siliconflow"), ("LATENCYMS", "15"), ("Strict", 1), ("answer", "one"), ("Seed", 7.0),
            ("faults", new object[] { "reset", new Hashtable { ["fault"] = "RateLimit", ["rate"] = 0.1, ["on"] = new[] { 1, 3 } } }));
        Assert.Equal(SimulatedProvider.SiliconFlow, options.Provider);
        Assert.Equal(15, options.LatencyMs);
        Assert.True(options.Strict);
        Assert.Equal(["one"], options.Answer!);
        Assert.Equal(7, options.Seed);
        Assert.Equal([FaultKind.Reset, FaultKind.RateLimit], options.Faults.Select(fault => fault.Kind));
        Assert.Equal([1L, 3L], options.Faults[1].On!.Order());
    }

    [Theory]
    [InlineData("Latencyms2", 1, "Latencyms2", "LatencyMs")]
    [InlineData("Faults", "Explode", "Explode", "CutStream")]
    [InlineData("LatencyMs", "soon", "LatencyMs", "whole number")]
    [InlineData("LatencyMs", -1, "LatencyMs", "from 0")]
    [InlineData("Strict", "perhaps", "Strict", "true or false")]
    [InlineData("Provider", "3", "Provider", "Cloudsway")]
    public void What_is_wrong_is_named_with_what_is_known(string key, object value, string named, string known)
    {
        var error = Assert.Throws<ArgumentException>(() => Asking.Options((key, value)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains(known, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_with_an_unknown_key_or_none_is_refused()
    {
        Assert.Contains("'Chance'", Assert.Throws<ArgumentException>(() =>
            Asking.Options(("Faults", new Hashtable { ["Fault"] = "Reset", ["Chance"] = 1 }))).Message, StringComparison.Ordinal);
        Assert.Contains("no key 'Fault'", Assert.Throws<ArgumentException>(() =>
            Asking.Options(("Faults", new Hashtable { ["Rate"] = 1 }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_property_has_its_key()
    {
        string[] properties =
            [.. typeof(SimulatorOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)];
        Assert.Equal(properties.Order(), SimulatorOptions.KnownKeys.Order());
    }
}
