using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace LlmPs.Chat;

/// <summary>
/// Takes Ctrl+C as a key while it lives, so that it ends what is under way and not the pipeline. PowerShell's own handler cannot be
/// held back otherwise: whatever other handlers say, it stops the pipeline.
/// </summary>
internal sealed class InterruptKey : IDisposable
{
    private static readonly TimeSpan s_impatience = TimeSpan.FromMilliseconds(300);
    // A paste is there at once; nobody types on within this, though a look may come late.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly Queue<ConsoleKeyInfo> _typedAhead;
    private readonly Stopwatch _sinceKey = new();
    private readonly bool _isTaken;
    private bool _wasPressed;

    /// <param name="typedAhead">Takes the other keys that are pressed meanwhile, with one that is none where there was a pause between
    /// them.</param>
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
            // A host without a console has its own way to stop.
        }
    }

    /// <summary>Whether the key was pressed since the last look.</summary>
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

    /// <summary>Gives the key back to PowerShell.</summary>
    public void Dispose()
    {
        if (!_isTaken) return;
        // Pressed twice in impatience, it is still meant for the answer.
        if (_wasPressed)
        {
            Thread.Sleep(s_impatience);
            IsPressed();
        }

        Console.TreatControlCAsInput = false;
    }
}
