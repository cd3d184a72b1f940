using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace LlmPs.Chat;

/// <summary>
/// Reads Ctrl+C as a key until it is disposed, so that the key ends an answer and not the pipeline. Nothing else keeps PowerShell's own
/// handler from stopping the pipeline.
/// </summary>
internal sealed class InterruptKey : IDisposable
{
    private static readonly TimeSpan s_impatience = TimeSpan.FromMilliseconds(300);
    // The keys of a paste arrive within this time; typed keys take longer.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly Queue<ConsoleKeyInfo> _typedAhead;
    private readonly Stopwatch _sinceKey = new();
    private readonly bool _isTaken;
    private bool _wasPressed;

    /// <param name="typedAhead">Takes the other keys, with an empty key for each pause between them.</param>
    internal InterruptKey(Queue<ConsoleKeyInfo> typedAhead)
    {
        _typedAhead = typedAhead;
        try
        {
            Console.TreatControlCAsInput = true;
            _isTaken = true;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or PlatformNotSupportedException)
        {
            // A host without a console stops in its own way.
        }
    }

    internal bool IsPressed()
    {
        if (!_isTaken) return false;
        var isPressed = false;
        while (Console.KeyAvailable)
        {
            var key = Console.ReadKey(intercept: true);
            if (_typedAhead.Count > 0 && (!_sinceKey.IsRunning || _sinceKey.Elapsed > s_pause)) _typedAhead.Enqueue(default);
            _sinceKey.Restart();
            if (key.KeyChar != '\u0003') _typedAhead.Enqueue(key);
            else isPressed = true;
        }

        if (isPressed) _typedAhead.Clear();
        _wasPressed |= isPressed;
        return isPressed;
    }

    /// <summary>Returns the key to PowerShell.</summary>
    public void Dispose()
    {
        if (!_isTaken) return;
        // A second press shortly after the first one belongs to the same answer.
        if (_wasPressed)
        {
            Thread.Sleep(s_impatience);
            IsPressed();
        }

        Console.TreatControlCAsInput = false;
    }
}
