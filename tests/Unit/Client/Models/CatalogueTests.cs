using System;
using System.Linq;
using LlmPs.Providers;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>The catalogue holds the documents' lists, no more and no less.</summary>
public class CatalogueTests
{
    [Fact]
    public void GenStudio_has_the_documents_33_models_each_on_7_chips()
    {
        var listed = SeedDocuments.GenStudioModels.Split('\n', StringSplitOptions.TrimEntries);
        var chips = SeedDocuments.GenStudioChips.Split('\n', StringSplitOptions.TrimEntries);
        var models = ProviderList.Get("GenStudio").Catalogue;
        Assert.Equal(33, models.Count);
        Assert.Equal(listed, models.Select(model => model.Id));
        Assert.Equal(7, chips.Length);
        Assert.All(models, model => Assert.Equal(chips, model.Chips));
        Assert.Equal("nvidia", ProviderList.Get("GenStudio").DefaultChip);
    }

    [Fact]
    public void SiliconFlow_has_the_documents_32_models()
    {
        var listed = SeedDocuments.SiliconFlowModels.Split('\n').Select(line => line.TrimStart(',', ' ').Trim());
        var models = ProviderList.Get("SiliconFlow").Catalogue;
        Assert.Equal(32, models.Count);
        Assert.Equal(listed, models.Select(model => model.Id));
        Assert.All(models, model => Assert.Empty(model.Chips));
    }

    [Fact]
    public void Cloudsway_has_the_model_of_its_sample() =>
        Assert.Equal(["MaaS_Deepseek_V4_pro_20260424"], ProviderList.Get("Cloudsway").Catalogue.Select(model => model.Id));

    [Fact]
    public void Every_entry_says_its_provider_and_where_it_comes_from() => Assert.All(
        ProviderList.All.SelectMany(provider => provider.Catalogue.Select(model => (provider, model))),
        entry =>
        {
            Assert.Equal(entry.provider.Name, entry.model.Provider);
            Assert.Contains("document", entry.model.Source);
            Assert.Contains("chat", entry.model.Capabilities);
        });

    [Theory]
    [InlineData("GenStudio", "deepseek-r1", "reasoning")]
    [InlineData("GenStudio", "qwen3-vl-235b-a22b-thinking", "reasoning")]
    [InlineData("GenStudio", "qwen3-vl-235b-a22b-thinking", "vision")]
    [InlineData("GenStudio", "glm-4.5v", "vision")]
    [InlineData("SiliconFlow", "Qwen/QwQ-32B", "reasoning")]
    public void What_a_models_name_tells_is_a_capability(string provider, string id, string capability) =>
        Assert.Contains(capability, ProviderList.Get(provider).Catalogue.Single(model => model.Id == id).Capabilities);

    [Fact]
    public void A_provider_is_found_in_any_case_and_an_unknown_one_is_told_with_the_known_ones()
    {
        Assert.Equal("GenStudio", ProviderList.Get("genstudio").Name);
        var error = Assert.Throws<ArgumentException>(() => ProviderList.Get("Nowhere"));
        Assert.Contains("'Nowhere' is not known. Known providers: GenStudio, Cloudsway, SiliconFlow, OpenAICompatible.", error.Message);
    }
}
