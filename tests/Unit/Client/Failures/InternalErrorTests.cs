using System;
using System.Net.Http;
using System.Threading.Tasks;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>A bug of the module is reported as one.</summary>
public class InternalErrorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Point8_an_unexpected_exception_is_an_internal_error_with_its_cause_and_one_request(bool streamed)
    {
        var bug = new DivideByZeroException("cell 7");
        var (error, requests) = await FailAsync(bug, streamed);
        Assert.Equal((LlmErrorKind.InternalError, 1, 1), (error.Kind, error.Attempts, requests));
        Assert.StartsWith("LlmPs failed with an unexpected exception, which is a bug: DivideByZeroException: cell 7", error.Message);
        Assert.Same(bug, error.InnerException);
        Assert.Contains("Report it", error.RecommendedAction);
        Assert.False(error.EndsRun);
    }

    [Fact]
    public async Task Point8_neither_the_message_nor_the_cause_of_an_internal_error_holds_a_secret_or_steers_the_terminal()
    {
        var (error, _) =
            await FailAsync(new NotSupportedException("outer", new FormatException($"a {TestSession.Key} b\u001b[31m")), streamed: false);
        Assert.Equal(LlmErrorKind.InternalError, error.Kind);
        Assert.DoesNotContain("sk-test", error.ToString());
        Assert.DoesNotContain('\u001b', error.ToString());
        Assert.Contains("System.FormatException: a *** b", error.InnerException!.Message);
    }

    [Fact]
    public async Task Point8_a_list_of_models_reports_an_internal_error_too()
    {
        using var session = TestSession.Open(new ScriptedHandler(HttpResponseMessage (int _) => throw new DivideByZeroException()));
        Assert.Equal(LlmErrorKind.InternalError, (await Assert.ThrowsAsync<LlmApiException>(() => session.GetModelsAsync())).Kind);
    }

    private static async Task<(LlmApiException Error, int Requests)> FailAsync(Exception bug, bool streamed)
    {
        var handler = new ScriptedHandler(HttpResponseMessage (int _) => throw bug);
        using var session = TestSession.Open(handler, options => options.MaxRetryCount = 3);
        return (streamed ? (await StreamOutcome.OfAsync(session)).Error! : await TestSession.ErrorAsync(session), handler.Sent.Count);
    }
}
