using System;
using System.Net;
using System.Net.Http;
using FsCheck;
using FsCheck.Fluent;
using LlmPs.Wire;
using Xunit;

namespace LlmPs.Unit.Client;

/// <summary>Plain answers and errors made by chance: an answer or a clear error, never another exception.</summary>
public sealed class AnswerFuzzTests : IDisposable
{
    private static readonly string[] s_answers =
    [
        SeedDocuments.GenStudioAnswer,
        Reply.PlainAnswer,
        """{"choices":[{"index":0,"message":{"content":[{"type":"text","text":"a\u00e9\ud83d\ude00"}],"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":{"a":[1]}}}]},"logprobs":{"content":[{"token":"x","logprob":-1.5,"top_logprobs":[{"token":"y","logprob":-2}]}]},"finish_reason":"tool_calls"}],"created":"1757680008","usage":{"total_tokens":1.0,"completion_tokens_details":{"reasoning_tokens":3}}}""",
    ];

    private static readonly string[] s_errors =
    [
        """{"code":20012,"message":"Model \u4e0d does not exist.","data":null}""",
        """{"error":{"message":"bad","type":"t","param":"max tokens","code":"400"}}""",
        """{"detail":[{"loc":["body"],"msg":"no"}]}""",
        "\"Api key is invalid\"",
        "<!DOCTYPE html><html><head><title>502 &amp; x</title></head></html>",
        "404 page not found",
    ];

    private readonly FuzzTarget _target = new();

    public void Dispose() => _target.Dispose();

    [Fact]
    public void Any_bytes_as_a_plain_answer()
    {
        var bytes = Gen.Frequency((1, FuzzCases.Bytes), (3, FuzzCases.Mutated(s_answers)), (1, FuzzCases.Mutated(s_errors)));
        var cases = from b in bytes from cuts in FuzzCases.Cuts from provider in Gen.Choose(0, 3) select (Raw: b, Cuts: cuts,
            Provider: provider);
        Prop.ForAll(cases.ToArbitrary(), c => _target.AnswersOrTells(c.Provider, Reply.Pieces(FuzzCases.Pieces(c.Raw.Bytes, c.Cuts))))
            .Check(FuzzCases.Config);
    }

    [Fact]
    public void Any_bytes_as_an_error()
    {
        var bytes = Gen.Frequency((1, FuzzCases.Bytes), (3, FuzzCases.Mutated(s_errors)));
        var cases = from b in bytes from status in Gen.Choose(300, 599) from provider in Gen.Choose(0, 3) select (Raw: b, Status: status,
            Provider: provider);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var response = new HttpResponseMessage((HttpStatusCode)c.Status) { Content = new ByteArrayContent(c.Raw.Bytes) };
            return _target.AnswersOrTells(c.Provider, response);
        }).Check(FuzzCases.Config);
    }

    [Fact]
    public void Any_bytes_as_an_envelope()
    {
        var bytes = Gen.Frequency((1, FuzzCases.Bytes), (1, FuzzCases.Mutated(s_errors)));
        Prop.ForAll(bytes.ToArbitrary(), b => ErrorEnvelope.Read(b.Bytes).Message is not { Length: > 800 }).Check(FuzzCases.Config);
    }
}
