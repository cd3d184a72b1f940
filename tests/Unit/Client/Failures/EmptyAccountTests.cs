using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>An account without money is recognized by codes and words, since few providers answer with HTTP 402.</summary>
public class EmptyAccountTests
{
    /// <summary>Answers of providers and gateways to an account without money.</summary>
    public static TheoryData<int, string> Empty() => new()
    {
        { 429, """{"error":{"type":"exceeded_current_quota_error","message":"You exceeded your current token quota: 10, please check your account balance"}}""" },
        { 429, """{"error":{"code":"429","type":"exceeded_current_quota_error","message":"Your account is suspended, please check your plan and billing details"}}""" },
        { 429, """{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}""" },
        { 400, """{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing.","request_id":"r"}""" },
        { 400, """{"error":{"code":"arrearage","message":"x"}}""" },
        { 429, """{"error":{"code":"1113","message":"您的账户已欠费，请充值后重试。"}}""" },
        { 200, """{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}""" },
        { 500, """{"code":30001,"message":"x"}""" },
        { 400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API. Please go to Plans & Billing to upgrade."}}""" },
        { 403, """{"error":"Your team has either used all available credits or reached its monthly spending limit."}""" },
        { 403, """{"error":{"message":"用户额度不足, 剩余额度: 0"}}""" },
        { 500, """{"error":{"message":"账户余额不足"}}""" },
        { 429, "Your account balance is insufficient." },
        { 429, """{"message":"Please recharge your account."}""" },
        { 429, """{"error_code":17,"error_msg":"Please top up your balance"}""" },
        { 403, """{"message":"Account overdue: please check billing"}""" },
        { 429, """[{"error":{"code":429,"message":"Out of credits. Don't retry, it won't help."}}]""" },
        { 429, """{"reason":"no remaining credits"}""" },
        { 429, """{"error":{"message":"账户余额已用尽"}}""" },
        { 429, """{"Response":{"Error":{"Code":"FailedOperation.ResourcePackExhausted","Message":"资源包余量已用尽"}}}""" },
        { 403, """{"error":{"message":"Payment required"}}""" },
        { 422, """{"error":{"message":"Not enough credits"}}""" },
        { 400, """{"error":{"error":{"code":"Arrearage","message":"x"}}}""" },
        { 429, """{"errors":[{"code":"insufficient_quota","message":"x"}]}""" },
    };

    /// <summary>Answers that name money and are about something else.</summary>
    public static TheoryData<int, string, LlmErrorKind> Others() => new()
    {
        { 429, """{"error":{"message":"Rate limit reached for gpt-4 in organization org-1 on tokens per min (TPM): Limit 10000, Used 9900, Requested 300. Please try again in 1.2s. Visit https://platform.openai.com/account/rate-limits to learn more. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"tokens","code":"rate_limit_exceeded"}}""", LlmErrorKind.RateLimited },
        { 429, """{"error":{"message":"The load balancer has no capacity left"}}""", LlmErrorKind.RateLimited },
        { 429, """{"error":{"message":"You have used all credits for this minute; retry in 20s"}}""", LlmErrorKind.RateLimited },
        { 429, "Slow down. See https://example.com/billing/balance?recharge=1", LlmErrorKind.RateLimited },
        { 429, """{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: free_tier_requests, limit: 15 Please retry in 34.07s."}}""", LlmErrorKind.RateLimited },
        { 429, """{"error":{"type":"rate_limit_reached_error","message":"Your account reached max request: 3, recharge to raise it"}}""",
            LlmErrorKind.RateLimited },
        { 429, """{"message":"您的请求过于频繁，充值可提升速率限制"}""", LlmErrorKind.RateLimited },
        { 503, "Load balancing failed", LlmErrorKind.ServiceUnavailable },
        { 503, """{"error":{"message":"The billing service is down"}}""", LlmErrorKind.ServiceUnavailable },
        { 400, """{"error":{"message":"Invalid value: 'my balance is insufficient, please recharge'. Supported values are: 'text'."}}""",
            LlmErrorKind.InvalidRequest },
        { 400, """{"error":{"message":"Unknown field: billing"}}""", LlmErrorKind.InvalidRequest },
        { 422, """{"detail":[{"loc":["body","messages"],"msg":"invalid","input":"insufficient balance"}]}""", LlmErrorKind.InvalidRequest },
        { 404, """{"error":{"message":"Model billing-balance does not exist"}}""", LlmErrorKind.NotFound },
        { 400, """{"error":{"message":"The token budget is too low to balance the answer"}}""", LlmErrorKind.InvalidRequest },
    };

    [Theory]
    [MemberData(nameof(Empty))]
    public async Task KindD_an_empty_account_ends_the_run_after_one_request(int status, string body)
    {
        foreach (var provider in new[] { "OpenAICompatible", "SiliconFlow", "GenStudio", "Cloudsway" })
        {
            var handler = new ScriptedHandler(_ => Reply.Status(status, body));
            using var session = TestSession.Open(provider, handler, options => options.MaxRetryCount = 4);
            // What an answer of an unknown form under a status of success means is for the reader of answers to find out.
            var error = status == 200 ? session.Connection.Errors.FromBody(Sse.Bytes(body), inStream: false, null)
                : await TestSession.ErrorAsync(session);
            Assert.Equal((LlmErrorKind.InsufficientBalance, true), (error.Kind, error.EndsRun));
            Assert.Contains("Add balance", error.RecommendedAction);
            if (status != 200) Assert.Single(handler.Sent);
        }
    }

    [Theory]
    [MemberData(nameof(Others))]
    public async Task KindD_words_of_money_in_another_error_do_not_mean_an_empty_account(int status, string body, LlmErrorKind kind) =>
        Assert.Equal(kind, (await TestSession.ErrorOfAsync("OpenAICompatible", Reply.Status(status, body))).Kind);

    [Fact]
    public async Task KindD_an_account_that_runs_dry_in_mid_stream_ends_the_run() =>
        Assert.Equal(LlmErrorKind.InsufficientBalance,
            (await StreamOutcome.OfEventsAsync(Sse.Content("Hel") + Sse.Event("""{"error":{"message":"余额不足"}}"""))).Error!.Kind);
}
