using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Text.Json;

namespace ModuleSbom;

/// <summary>A CycloneDX 1.6 document without time and serial number, so that equal builds have equal ones.</summary>
internal static class Document
{
    internal static string Write(string version, IEnumerable<Library> libraries)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("bomFormat", "CycloneDX");
            json.WriteString("specVersion", "1.6");
            json.WriteNumber("version", 1);
            json.WriteStartObject("metadata");
            json.WriteStartObject("component");
            json.WriteString("type", "library");
            json.WriteString("bom-ref", "LlmPs");
            json.WriteString("name", "LlmPs");
            json.WriteString("version", version);
            WriteLicense(json, "MIT");
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartArray("components");
            foreach (Library library in libraries) Write(json, library);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, Library library)
    {
        string purl = $"pkg:nuget/{library.Name}@{library.Version}";
        json.WriteStartObject();
        json.WriteString("type", "library");
        json.WriteString("bom-ref", purl);
        json.WriteString("name", library.Name);
        json.WriteString("version", library.Version);
        WriteHash(json, "SHA-512", library.Sha512);
        if (library.License is not null) WriteLicense(json, library.License);
        json.WriteString("purl", purl);
        json.WriteStartArray("components");
        foreach ((string file, string sha256) in library.Files)
        {
            json.WriteStartObject();
            json.WriteString("type", "file");
            json.WriteString("name", file);
            WriteHash(json, "SHA-256", sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteHash(Utf8JsonWriter json, string algorithm, string content)
    {
        json.WriteStartArray("hashes");
        json.WriteStartObject();
        json.WriteString("alg", algorithm);
        json.WriteString("content", content);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteLicense(Utf8JsonWriter json, string expression)
    {
        json.WriteStartArray("licenses");
        json.WriteStartObject();
        json.WriteString("expression", expression);
        json.WriteEndObject();
        json.WriteEndArray();
    }
}
