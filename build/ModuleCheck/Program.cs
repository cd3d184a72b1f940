using System;
using System.IO;
using System.Linq;
using ModuleCheck;

if (args.Length != 4)
{
    Console.Error.WriteLine("usage: ModuleCheck MODULE FILE-LIST NET8.0-FRAMEWORK NET472-FRAMEWORK");
    return 2;
}

var net8 = Path.Combine(args[0], "bin", "net8.0");
var net472 = Path.Combine(args[0], "bin", "net472");
var onNet8 = new ReferenceCheck(net8, args[2]);
var onNet472 = new ReferenceCheck(net472, args[3]);

string[] problems =
    [.. new FileListCheck(args[0], args[1]).Problems(), .. new NoticeCheck(args[0])
        .Problems(), .. onNet8.Problems(), .. onNet472.Problems()];
foreach (var problem in problems.Order(StringComparer.Ordinal))
    Console.Error.WriteLine($"ModuleCheck : error LLMPS001: {problem}");

Console.WriteLine($"ModuleCheck: {onNet8.Count} references in bin/net8.0, {onNet472.Count} in bin/net472, {problems.Length} problems");
return problems.Length == 0 ? 0 : 1;
