using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Faults;

namespace LlmPs.Simulator.Streams;

/// <summary>A body whose bytes come as its script plays. A read ends at once when it is canceled or the body is disposed.</summary>
internal sealed class StreamBody : Stream
{
    private readonly IEnumerator<Step> _script;
    private readonly ByteBuffer _buffer;
    private readonly SimulatorCounters _counters;
    private readonly Fault? _atByte;
    private readonly CutBy _usualCut;
    private readonly CancellationTokenSource _gone = new();
    private long _produced;
    private int _waitMs;
    private CutBy? _cut;
    private bool _ended;
    private int _left;

    /// <param name="script">The steps, which write to <paramref name="buffer"/>.</param>
    /// <param name="buffer">The bytes to read.</param>
    /// <param name="counters">Counts the request as in flight until the body ends, breaks or is disposed.</param>
    /// <param name="fault">A fault with AfterBytes strikes here, at exactly that byte.</param>
    /// <param name="options">How the simulator behaves.</param>
    internal StreamBody(IEnumerator<Step> script, ByteBuffer buffer, SimulatorCounters counters, Fault? fault, SimulatorOptions options)
    {
        _script = script;
        _buffer = buffer;
        _counters = counters;
        _usualCut = options.CutBy;
        var isAtByte = fault?.AfterBytes is not null && fault.Kind is FaultKind.CutStream or FaultKind.CutClean or FaultKind.Stall;
        _atByte = isAtByte ? fault : null;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadCoreAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

#if NET
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        ReadCoreAsync(buffer, cancellationToken);
#endif

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Leave();
            _gone.Cancel();
        }

        base.Dispose(disposing);
    }

    private ValueTask<int> ReadCoreAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (_gone.IsCancellationRequested) throw new ObjectDisposedException(nameof(StreamBody));
        cancellationToken.ThrowIfCancellationRequested();
        var count = Fill(target.Span);
        if (count > 0 || target.Length == 0) return new ValueTask<int>(count);
        return _ended ? new ValueTask<int>(0) : new ValueTask<int>(WaitAndReadAsync(target, cancellationToken));
    }

    private async Task<int> WaitAndReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_cut is CutBy by)
            {
                Leave();
                throw new SimulatedCutException(by);
            }

            using (var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _gone.Token))
            {
                try
                {
                    await Step.DelayAsync(_waitMs, either.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    throw new ObjectDisposedException(nameof(StreamBody));
                }
            }

            _waitMs = 0;
            var count = Fill(target.Span);
            if (count > 0 || _ended) return count;
        }
    }

    /// <summary>Reads everything that is due: chunks without a delay may share a read, as they share a packet on a network.</summary>
    private int Fill(Span<byte> target)
    {
        var written = 0;
        while (true)
        {
            written += _buffer.Read(target.Slice(written));
            if (_ended && _buffer.Unread == 0) Leave();
            if (written == target.Length || _waitMs != 0 || _cut.HasValue || _ended) return written;
            Advance();
        }
    }

    private void Advance()
    {
        var before = _buffer.Unread;
        if (!_script.MoveNext())
        {
            _ended = true;
        }
        else
        {
            var step = _script.Current;
            if (step.Kind == StepKind.Wait) _waitMs = step.Milliseconds;
            else if (step.Kind == StepKind.Cut) _cut = step.CutBy;
        }

        _produced += _buffer.Unread - before;
        if (_atByte?.AfterBytes is long limit && _produced >= limit) StrikeAt(limit);
    }

    private void StrikeAt(long limit)
    {
        _buffer.Truncate((int)Math.Max(0, _buffer.Unread - (_produced - limit)));
        _produced = long.MinValue;
        if (_atByte!.Kind == FaultKind.CutClean) _ended = true;
        else if (_atByte.Kind == FaultKind.CutStream) _cut = _atByte.CutBy ?? _usualCut;
        else _waitMs = Step.ForEver;
    }

    private void Leave()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0) _counters.Leave();
    }
}
