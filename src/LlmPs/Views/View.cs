using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text;
using LlmPs.Loading;
using LlmPs.Text;
using LlmPs.Tools;
using LlmPs.Values;

namespace LlmPs.Views;

/// <summary>Texts of the views in LlmPs.Format.ps1xml, which calls these. Not for scripts: they change with the views.</summary>
public static class View
{
    /// <summary>A completion as it reads: each choice, the calls it asks for, and one dim line of facts.</summary>
    public static string Answer(ChatCompletion completion, EngineIntrinsics engine)
    {
        if (completion is null) throw new ArgumentNullException(nameof(completion));
        var text = new StringBuilder();
        foreach (var choice in completion.Choices)
        {
            if (completion.Choices.Count > 1) text.Append(Dim($"[{Text(choice.Index)}]", engine)).Append(' ');
            text.Append(Message(choice.Message)).Append('\n');
        }

        return text.Append(Dim(Facts(completion), engine)).ToString();
    }

    /// <summary>Who answered, what it cost, how it ended and how long it took.</summary>
    public static string Facts(ChatCompletion completion)
    {
        if (completion is null) throw new ArgumentNullException(nameof(completion));
        var facts = new List<string>();
        var model = completion.Model ?? "unknown model";
        facts.Add(completion.Chip is null ? model : $"{model} on {completion.Chip}");
        if (completion.Usage is { } usage)
            facts.Add($"{usage.PromptTokens?.ToString(Invariant) ?? "?"} + {usage.CompletionTokens?.ToString(Invariant) ?? "?"} tokens");
        if (completion.Cost is { } cost) facts.Add("cost " + MoneyText.Of(cost));
        facts.Add(completion.FinishReason ?? "not finished");
        if (completion.Blocked == true) facts.Add("blocked");
        if (completion.Duration is { } duration) facts.Add(Duration(duration));
        if (completion.Attempts > 1) facts.Add($"{Text(completion.Attempts)} attempts");
        if (completion.ReasoningContent is { Length: > 0 } reasoning) facts.Add($"reasoning {Text(reasoning.Length)} characters");
        if (completion.Data is not null) facts.Add("parsed in Data");
        return Line(string.Join(" · ", facts));
    }

    /// <summary>What a message says: its text, its parts, the calls that it asks for.</summary>
    public static string Message(ChatMessage message)
    {
        if (message is null) throw new ArgumentNullException(nameof(message));
        var lines = new List<string>();
        if (message.Content is { Length: > 0 } content) lines.Add(Lines(content));
        else foreach (var part in message.Parts ?? []) lines.Add(Part(part));
        foreach (var call in message.ToolCalls ?? []) lines.Add(Line($"calls {call}"));
        return lines.Count == 0 ? "(no text)" : string.Join("\n", lines);
    }

    /// <summary>A part of a message, without the bytes of an image.</summary>
    public static string Part(ChatContentPart part)
    {
        if (part is null) throw new ArgumentNullException(nameof(part));
        if (part.Text is { } text) return Lines(text);
        if (part.ImageUri is not { } uri) return Line($"[file {part.FileId}]");
        if (!uri.StartsWith("data:", StringComparison.OrdinalIgnoreCase)) return Line($"[image {uri}]");
        var comma = uri.IndexOf(',');
        var kind = uri.Substring(5, Math.Max(0, uri.IndexOfAny([';', ',']) - 5));
        return Line($"[{kind}, {Text(((uri.Length - comma - 1L) * 3 / 4 + 1023) / 1024)} KiB]");
    }

    /// <summary>Which kind of piece a delta is.</summary>
    public static string Kind(ChatCompletionDelta delta)
    {
        if (delta is null) throw new ArgumentNullException(nameof(delta));
        if (delta.Content is { Length: > 0 }) return "text";
        if (delta.ReasoningContent is { Length: > 0 }) return "reasoning";
        if (delta.ToolCalls is { Count: > 0 }) return "call";
        if (delta.IsLast || delta.FinishReason is not null) return "end";
        // Servers repeat the role, and send pieces without text between reasoning and answer.
        return delta.IsFirst ? "start" : "empty";
    }

    /// <summary>The piece itself, in one line.</summary>
    public static string Piece(ChatCompletionDelta delta)
    {
        if (delta is null) throw new ArgumentNullException(nameof(delta));
        if (delta.Content is { Length: > 0 } content) return Line(content);
        return Line(delta.ReasoningContent is { Length: > 0 } reasoning ? reasoning : string.Join(" ", delta.ToolCalls ?? []));
    }

    /// <summary>Names in a row; such as end in consecutive numbers as a span: nvidia amd chip1-5.</summary>
    public static string Names(IEnumerable<string> names)
    {
        var shown = new List<string>();
        var all = (names ?? []).ToList();
        for (var i = 0; i < all.Count; i++)
        {
            var last = i;
            if (Numbered(all[i]) is { } first)
                while (last + 1 < all.Count && Numbered(all[last + 1]) is { } next && next.Stem == first.Stem
                    && next.Number == first.Number + last + 1 - i) last++;
            if (last - i < 2) last = i;
            shown.Add(last == i ? all[i] : $"{all[i]}-{Text(Numbered(all[last])!.Value.Number)}");
            i = last;
        }

        return Line(string.Join(" ", shown));
    }

    /// <summary>
    /// A model's chips; where they were verified, those that serve it, those that do not, and with a question mark those that were not
    /// asked.
    /// </summary>
    public static string Chips(LlmModel model)
    {
        if (model is null) throw new ArgumentNullException(nameof(model));
        if (model.VerifiedOn is null) return Names(model.Chips);
        // In the provider's order, in which numbered chips stand together.
        var groups = new[]
        {
            Names(model.Chips.Intersect(model.VerifiedChips)),
            model.RefusedChips.Count > 0 ? "not " + Names(model.Chips.Intersect(model.RefusedChips)) : string.Empty,
            model.Chips.Except(model.VerifiedChips).Except(model.RefusedChips).ToList() is { Count: > 0 } unasked ? Names(unasked) + "?"
                : string.Empty,
        };
        return string.Join("; ", groups.Where(group => group.Length > 0));
    }

    /// <summary>A span of time in at most eight characters: 87 ms, 1.2 s, 3 m 05 s, 2 h 10 m.</summary>
    public static string Duration(TimeSpan? span)
    {
        if (span is not { } time) return string.Empty;
        if (time.TotalMilliseconds < 999.5) return time.TotalMilliseconds.ToString("0", Invariant) + " ms";
        if (time.TotalSeconds < 59.95) return time.TotalSeconds.ToString("0.0", Invariant) + " s";
        var seconds = (long)Math.Round(time.TotalSeconds);
        return seconds < 3600
            ? string.Format(Invariant, "{0} m {1:00} s", seconds / 60, seconds % 60)
            : string.Format(Invariant, "{0} h {1:00} m", seconds / 3600, seconds % 3600 / 60);
    }

    /// <summary>A star for the session that is the default of this runspace.</summary>
    public static string Default(LlmSession session) => session is not null && session == SessionTable.Current.Default ? "*" : string.Empty;

    /// <summary>Where a session's requests go.</summary>
    public static string Target(LlmSession session)
    {
        if (session is null) throw new ArgumentNullException(nameof(session));
        if (session.IsClosed) return "(closed)";
        return session.IsSimulated ? "(simulator)" : session.EndpointPath is null ? session.BaseUri.AbsoluteUri
            : $"{session.BaseUri.AbsoluteUri} {session.EndpointPath}";
    }

    /// <summary>A provider's address without the https that they all have.</summary>
    public static string Service(LlmProvider provider)
    {
        if (provider is null) throw new ArgumentNullException(nameof(provider));
        return provider.BaseUri is { } uri ? (uri.Authority + uri.AbsolutePath).TrimEnd('/') : "(give -BaseUri)";
    }

    /// <summary>A tool's parameters by name, the optional ones in brackets.</summary>
    public static string Parameters(ChatTool tool)
    {
        if (tool is null) throw new ArgumentNullException(nameof(tool));
        return Line(string.Join(" ", ToolSchema.ParameterNames(tool.Parameters)));
    }

    /// <summary>The likeliest tokens at a place with their probabilities.</summary>
    public static string Likeliest(TokenLogProb token)
    {
        if (token is null) throw new ArgumentNullException(nameof(token));
        return string.Join("  ", token.TopLogProbs.Select(top => $"{Line(top.Token)} {Percent(top.LogProb)}"));
    }

    /// <summary>What a sum of usage is of.</summary>
    public static string Group(ChatUsageSummary summary)
    {
        if (summary is null) throw new ArgumentNullException(nameof(summary));
        var keys = new[] { summary.Provider, summary.Model, summary.Chip }.OfType<string>().ToList();
        return keys.Count == 0 ? "(all)" : Line(string.Join(" ", keys));
    }

    /// <summary>A probability from its logarithm.</summary>
    public static string Percent(double logProb) => (Math.Exp(logProb) * 100).ToString("0.0", Invariant) + "%";

    /// <summary>A text in one line, control characters as signs: the model's text must not steer the terminal.</summary>
    public static string Line(string? text) => PrintableText.Line(text);

    /// <summary>A text with its lines, other control characters as signs.</summary>
    public static string Lines(string? text) => PrintableText.Lines(text);

    /// <summary>The value of a property, or an object of the module, as text.</summary>
    public static string Value(object? value) => PlainValue.Unwrap(value) switch
    {
        null => string.Empty,
        string text => Lines(text),
        ChatUsageSummary summary => Group(summary),
        IDictionary names => Line(string.Join(", ", names.Keys.Cast<object>().Select(name => $"{name}: {names[name]}"))),
        IEnumerable list => $"{{{string.Join(", ", list.Cast<object?>().Select(item => Line(item?.ToString())))}}}",
        IFormattable scalar => Line(scalar.ToString(null, CultureInfo.CurrentCulture)),
        _ => Lines(value!.ToString()),
    };

    /// <summary>Dims a text where PowerShell colours what it shows.</summary>
    private static string Dim(string text, EngineIntrinsics? engine)
    {
        // Windows PowerShell has no PSStyle and would write the escapes to files.
        if (engine?.SessionState.PSVariable.GetValue("PSStyle") is not { } found) return text;
        var style = PSObject.AsPSObject(found);
        var rendering = style.Properties["OutputRendering"]?.Value?.ToString();
        if (rendering == "PlainText" || (rendering != "Ansi" && Console.IsOutputRedirected)) return text;
        return $"{style.Properties["Dim"]?.Value ?? "\u001b[2m"}{text}{style.Properties["DimOff"]?.Value ?? "\u001b[22m"}";
    }

    private static (string Stem, long Number)? Numbered(string name)
    {
        var digits = name.Length;
        while (digits > 0 && name[digits - 1] is >= '0' and <= '9') digits--;
        return digits > 0 && long.TryParse(name.Substring(digits), NumberStyles.None, Invariant, out var number)
            ? (name.Substring(0, digits), number) : null;
    }

    private static string Text(long number) => number.ToString(Invariant);

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;
}
