using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace LlmPs.Demo;

/// <summary>Comma-separated values as RFC 4180 has them: quoted cells may hold commas, quotes and line breaks.</summary>
internal static class CsvFile
{
    public static List<string[]> Read(string path)
    {
        string text = File.ReadAllText(path);
        var rows = new List<string[]>();
        var row = new List<string>();
        var cell = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"')
            {
                cell.Append('"');
                i++;
            }
            else if (c == '"')
            {
                quoted = !quoted;
            }
            else if (quoted || c is not (',' or '\n' or '\r'))
            {
                cell.Append(c);
            }
            else if (c != '\r')
            {
                row.Add(cell.ToString());
                cell.Clear();
                if (c == ',') continue;
                rows.Add([.. row]);
                row.Clear();
            }
        }

        // The last line may end without a line break.
        if (row.Count > 0 || cell.Length > 0) rows.Add([.. row, cell.ToString()]);
        return rows;
    }

    public static void Write(string path, IEnumerable<string[]> rows) =>
        File.WriteAllLines(path, rows.Select(row => string.Join(',', row.Select(cell => $"\"{cell.Replace("\"", "\"\"")}\""))));
}
