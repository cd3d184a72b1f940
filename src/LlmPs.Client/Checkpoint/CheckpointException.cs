using System;
using System.IO;

namespace LlmPs.Checkpoint;

/// <summary>A checkpoint file cannot be used, or no longer. The message names it, and what to do.</summary>
internal sealed class CheckpointException(string path, string problem, Exception? innerException = null)
    : IOException($"Checkpoint '{path}' {problem}.", innerException);
