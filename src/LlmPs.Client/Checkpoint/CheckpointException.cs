using System;
using System.IO;

namespace LlmPs.Checkpoint;

/// <summary>A checkpoint file cannot be used. The message names the file and what to do.</summary>
internal sealed class CheckpointException(string path, string problem, Exception? innerException = null)
    : IOException($"Checkpoint '{path}' {problem}.", innerException);
