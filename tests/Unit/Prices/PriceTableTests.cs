using System.Threading.Tasks;
using LlmPs.Unit.Bulk;
using Xunit;

namespace LlmPs.Unit.Prices;

public class PriceTableTests
{
    private static readonly TokenPrice s_price = Price(1);

    [Theory]
    [InlineData(null, "Qwen/QwQ-32B", null)]
    [InlineData(null, "qwen/qwq-32b", null)]
    [InlineData("siliconflow", "Qwen/QwQ-32B", null)]
    [InlineData(null, "SiliconFlow/Qwen/QwQ-32B", null)]
    [InlineData("nightly", "Qwen/QwQ-32B", null)]
    [InlineData(null, "nightly/Qwen/QwQ-32B", null)]
    [InlineData(null, "Qwen/QwQ-32B", "AMD")]
    public void A_price_is_found_by_model_and_by_what_else_it_names(string? provider, string model, string? chip)
    {
        var table = new PriceTable();
        table.Add(provider, model, chip, s_price);

        Assert.Same(s_price, table.Find("SiliconFlow", "nightly", "Qwen/QwQ-32B", "amd"));
    }

    [Theory]
    [InlineData("GenStudio", "Qwen/QwQ-32B", null)]
    [InlineData(null, "GenStudio/Qwen/QwQ-32B", null)]
    [InlineData(null, "QwQ-32B", null)]
    [InlineData(null, "Qwen/QwQ-32B", "nvidia")]
    public void A_price_of_another_provider_model_or_chip_is_not_taken(string? provider, string model, string? chip)
    {
        var table = new PriceTable();
        table.Add(provider, model, chip, s_price);

        Assert.Null(table.Find("SiliconFlow", "nightly", "Qwen/QwQ-32B", "amd"));
        Assert.Null(table.Find("SiliconFlow", "nightly", null, "amd"));
    }

    [Fact]
    public void The_price_that_says_most_comes_first()
    {
        var table = new PriceTable();
        table.Add(null, "m", null, Price(1));
        table.Add(null, "m", "amd", Price(2));
        table.Add(null, "p/m", null, Price(3));
        table.Add("p", "m", "amd", Price(4));
        table.Add("s", "m", null, Price(5));

        Assert.Equal([5, 5, 4, 3, 2, 1], new[]
        {
            table.Find("p", "s", "m", "amd")!.Of(1_000_000, 0), table.Find("p", "s", "m", null)!.Of(1_000_000, 0),
                table.Find("p", "p", "m", "amd")!.Of(1_000_000, 0),
            table.Find("p", "p", "m", "nvidia")!.Of(1_000_000, 0), table.Find("q", "q", "m", "amd")!.Of(1_000_000, 0),
                table.Find("q", "q", "m", null)!.Of(1_000_000, 0),
        });
    }

    [Theory]
    [InlineData(100, 50, null, null, null, 400)]
    [InlineData(100, 50, 40, null, null, 380)]
    [InlineData(100, 50, null, 40, null, 380)]
    [InlineData(100, 50, null, null, 20, 500)]
    [InlineData(100, 50, 400, null, 400, 600)]
    [InlineData(100, 0, null, null, null, 200)]
    public void Cached_and_reasoning_tokens_have_their_own_prices(int prompt, int completion, int? cached, int? hit, int? reasoning,
        int cost)
    {
        var price = new TokenPrice(2_000_000, 1_500_000, 4_000_000, 9_000_000);
        var usage = new TokenUsage { PromptTokens = prompt, CompletionTokens = completion, CachedTokens = cached,
            PromptCacheHitTokens = hit, ReasoningTokens = reasoning };

        Assert.Equal(cost, price.Of(usage));
    }

    [Theory]
    [InlineData(null, 5L)]
    [InlineData(5L, null)]
    [InlineData(0L, 5L)]
    [InlineData(5L, -1L)]
    [InlineData(long.MaxValue, 5L)]
    [InlineData(5L, long.MaxValue)]
    public void Usage_that_is_not_whole_or_cannot_be_has_no_cost(long? prompt, long? completion)
    {
        Assert.Null(s_price.Of(new TokenUsage { PromptTokens = prompt, CompletionTokens = completion }));
        Assert.Null(s_price.Of(null));
    }

    [Fact]
    public async Task A_session_knows_the_cost_of_an_attempt()
    {
        var prices = new PriceTable();
        prices.Add(null, "m", null, Price(2_000_000));
        using var session = Rows.NewSession(
            with: options => options.Prices = prices,
            answer: """{"model":"m-2026","choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}""");

        var answer = await session.CompleteAsync(Rows.Request());

        Assert.Equal(14m, answer.Cost);
        Assert.Equal(14m, session.PriceOf("M", null)?.Of(answer.Usage));
        Assert.Null(session.PriceOf("other", null));
    }

    private static TokenPrice Price(decimal input) => new(input, input, input, input);
}
