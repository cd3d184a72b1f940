using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs;

/// <summary>
/// Members of newer runtimes that the tests use, and .NET Framework 4.7.2 lacks. For the tests alone: the module goes without.
/// </summary>
internal static class MissingMembers
{
    internal static IEnumerable<T> Order<T>(this IEnumerable<T> items) => items.OrderBy(item => item);

    internal static IEnumerable<T> Order<T>(this IEnumerable<T> items, IComparer<T> comparer) => items.OrderBy(item => item, comparer);

    internal static IEnumerable<T> SkipLast<T>(this IEnumerable<T> items, int count)
    {
        var all = items.ToList();
        return all.Take(Math.Max(0, all.Count - count));
    }

    internal static IEnumerable<T> TakeLast<T>(this IEnumerable<T> items, int count)
    {
        var all = items.ToList();
        return all.Skip(Math.Max(0, all.Count - count));
    }

    internal static IEnumerable<T[]> Chunk<T>(this IEnumerable<T> items, int size) =>
        items.Select((item, i) => (item, i)).GroupBy(pair => pair.i / size, pair => pair.item).Select(group => group.ToArray());

    internal static TValue? GetValueOrDefault<TKey, TValue>(this IReadOnlyDictionary<TKey, TValue> map, TKey key) =>
        map.TryGetValue(key, out var value) ? value : default;

    internal static async Task<T> WaitAsync<T>(this Task<T> task, TimeSpan limit)
    {
        await ((Task)task).WaitAsync(limit).ConfigureAwait(false);
        return await task.ConfigureAwait(false);
    }

    internal static async Task WaitAsync(this Task task, TimeSpan limit)
    {
        using var stop = new CancellationTokenSource();
        if (await Task.WhenAny(task, Task.Delay(limit, stop.Token)).ConfigureAwait(false) != task)
            throw new TimeoutException("The task did not end in time.");
        stop.Cancel();
        await task.ConfigureAwait(false);
    }

    internal static Task<byte[]> ReadAsByteArrayAsync(this HttpContent content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return content.ReadAsByteArrayAsync();
    }

    internal static Task<string> ReadAsStringAsync(this HttpContent content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return content.ReadAsStringAsync();
    }

    internal static Task<Stream> ReadAsStreamAsync(this HttpContent content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return content.ReadAsStreamAsync();
    }

    internal static async ValueTask<int> ReadAsync(this Stream stream, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (MemoryMarshal.TryGetArray((ReadOnlyMemory<byte>)buffer, out var part))
            return await stream.ReadAsync(part.Array!, part.Offset, part.Count, cancellationToken).ConfigureAwait(false);
        throw new NotSupportedException("Not over an array.");
    }

    internal static void Write(this Stream stream, ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        stream.Write(copy, 0, copy.Length);
    }

    internal static async Task<T> WaitAsync<T>(this Task<T> task, CancellationToken cancellationToken)
    {
        var canceled = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        using (cancellationToken.Register(() => canceled.TrySetCanceled(cancellationToken)))
            return await (await Task.WhenAny(task, canceled.Task).ConfigureAwait(false)).ConfigureAwait(false);
    }

    internal static Task CancelAsync(this CancellationTokenSource source) => Task.Run(source.Cancel);

    /// <summary>The token is looked at before the call alone: the tests' servers close their sockets as well.</summary>
    internal static Task<int> SendAsync(this Socket socket, ReadOnlyMemory<byte> bytes, SocketFlags flags,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return SocketTaskExtensions.SendAsync(socket, Part(bytes), flags);
    }

    internal static Task<int> SendAsync(this Socket socket, byte[] bytes, SocketFlags flags) =>
        socket.SendAsync(new ArraySegment<byte>(bytes), flags);

    internal static ValueTask<int> ReceiveAsync(this Socket socket, Memory<byte> bytes, SocketFlags flags,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<int>(SocketTaskExtensions.ReceiveAsync(socket, Part(bytes), flags));
    }

    internal static Task<Socket> AcceptAsync(this Socket socket, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return socket.AcceptAsync();
    }

    private static ArraySegment<byte> Part(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var part) ? part : throw new NotSupportedException("Not over an array.");

    internal static bool Contains(this string text, char value, StringComparison comparison) =>
        text.IndexOf(value.ToString(), comparison) >= 0;

    internal static int IndexOf(this string text, char value, StringComparison comparison) => text.IndexOf(value.ToString(), comparison);

    internal static string GetString(this Encoding encoding, ReadOnlySpan<byte> bytes) => encoding.GetString(bytes.ToArray());

    extension(Encoding)
    {
        internal static Encoding Latin1 => Encoding.GetEncoding(28591);
    }

    extension(Task task)
    {
        internal bool IsCompletedSuccessfully => task.Status == TaskStatus.RanToCompletion;
    }

    internal static string Replace(this string text, string old, string? replacement, StringComparison comparison)
    {
        if (comparison != StringComparison.Ordinal) throw new NotSupportedException("Ordinal alone.");
        return text.Replace(old, replacement);
    }

    internal static string ReplaceLineEndings(this string text, string replacement) =>
        text.Replace("\r\n", "\n").Replace("\n", replacement);

    internal static string ReplaceLineEndings(this string text) => text.ReplaceLineEndings(Environment.NewLine);

    internal static bool Contains(this string text, string value, StringComparison comparison) => text.IndexOf(value, comparison) >= 0;

    internal static bool Contains(this string text, char value) => text.IndexOf(value) >= 0;

    internal static bool StartsWith(this string text, char value) => text.Length > 0 && text[0] == value;

    internal static bool EndsWith(this string text, char value) => text.Length > 0 && text[text.Length - 1] == value;

    internal static string[] Split(this string text, char separator, StringSplitOptions options) =>
        text.Split([separator], options & StringSplitOptions.RemoveEmptyEntries)
        .Select(part => options.HasFlag(StringSplitOptions.TrimEntries) ? part.Trim() : part)
        .Where(part => part.Length > 0 || !options.HasFlag(StringSplitOptions.RemoveEmptyEntries))
        .ToArray();

    internal static string[] Split(this string text, string separator, StringSplitOptions options = StringSplitOptions.None) =>
        text.Split([separator], options);

    internal static string[] Split(this string text, char separator, int count) => text.Split([separator], count);

    internal static StringBuilder Append(this StringBuilder builder, IFormatProvider provider, FormattableString text) =>
        builder.Append(text.ToString(provider));

    extension(string)
    {
        internal static string Create(IFormatProvider provider, FormattableString text) => text.ToString(provider);

        internal static string Join(char separator, params string?[] parts) => string.Join(separator.ToString(), parts);

        internal static string Join<T>(char separator, IEnumerable<T> parts) => string.Join(separator.ToString(), parts);
    }

    extension(StringSplitOptions)
    {
        internal static StringSplitOptions TrimEntries => (StringSplitOptions)2;
    }

    extension(ObjectDisposedException)
    {
        internal static void ThrowIf(bool condition, object instance)
        {
            if (condition) throw new ObjectDisposedException(instance.GetType().FullName);
        }
    }

    extension(OperatingSystem)
    {
        internal static bool IsLinux() => RuntimeInformation.IsOSPlatform(OSPlatform.Linux);

        internal static bool IsWindows() => RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

        internal static bool IsMacOS() => RuntimeInformation.IsOSPlatform(OSPlatform.OSX);
    }

    extension(TimeSpan)
    {
        public static TimeSpan operator /(TimeSpan time, double parts) => TimeSpan.FromTicks((long)(time.Ticks / parts));

        public static TimeSpan operator *(TimeSpan time, double times) => TimeSpan.FromTicks((long)(time.Ticks * times));
    }

    extension(int)
    {
        internal static int Parse(ReadOnlySpan<char> text, IFormatProvider? provider) =>
            int.Parse(text.ToString(), NumberStyles.Integer, provider);
    }

    extension(Directory)
    {
        internal static DirectoryInfo CreateTempSubdirectory(string? prefix = null) =>
            Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), prefix + Path.GetRandomFileName()));
    }

    extension(File)
    {
        internal static Task WriteAllBytesAsync(string path, byte[] bytes, CancellationToken cancellationToken = default) =>
            Task.Run(() => File.WriteAllBytes(path, bytes), cancellationToken);

        internal static Task WriteAllTextAsync(string path, string? text, CancellationToken cancellationToken = default) =>
            Task.Run(() => File.WriteAllText(path, text), cancellationToken);

        internal static Task WriteAllTextAsync(string path, string? text, Encoding encoding) =>
            Task.Run(() => File.WriteAllText(path, text, encoding));

        internal static Task AppendAllTextAsync(string path, string? text, CancellationToken cancellationToken = default) =>
            Task.Run(() => File.AppendAllText(path, text), cancellationToken);

        internal static Task<byte[]> ReadAllBytesAsync(string path, CancellationToken cancellationToken = default) =>
            Task.Run(() => File.ReadAllBytes(path), cancellationToken);

        internal static Task<string> ReadAllTextAsync(string path, CancellationToken cancellationToken = default) =>
            Task.Run(() => File.ReadAllText(path), cancellationToken);

        internal static Task<string[]> ReadAllLinesAsync(string path, CancellationToken cancellationToken = default) =>
            Task.Run(() => File.ReadAllLines(path), cancellationToken);
    }
}
