using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml;

namespace HelpBuilder;

/// <summary>Writes the XML that Get-Help reads.</summary>
internal sealed class Maml
{
    private const string Help = "http://msh";
    private const string Text = "http://schemas.microsoft.com/maml/2004/10";
    private const string Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private const string Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private readonly XmlWriter _xml;

    private readonly string _online;

    private Maml(XmlWriter xml, string online)
    {
        _xml = xml;
        _online = online;
    }

    /// <summary>Writes the help of commands. The address before the names of their pages is empty if the project has none.</summary>
    public static void Write(string path, IEnumerable<CommandHelp> commands, string online)
    {
        var settings =
            new XmlWriterSettings { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), Indent = true, IndentChars = " ",
                NewLineChars = "\n", NewLineHandling = NewLineHandling.None };
        using var file = File.Create(path);
        using var xml = XmlWriter.Create(file, settings);
        var maml = new Maml(xml, online);
        xml.WriteStartElement("helpItems", Help);
        xml.WriteAttributeString("schema", "maml");
        foreach (var command in commands) maml.Write(command);
        xml.WriteEndElement();
    }

    private void Write(CommandHelp command)
    {
        _xml.WriteStartElement("command", "command", Command);
        _xml.WriteAttributeString("xmlns", "maml", null, Text);
        _xml.WriteAttributeString("xmlns", "dev", null, Dev);

        var words = command.Name.Split('-', 2);
        Start("details");
        Value("name", command.Name);
        Value("verb", words[0]);
        Value("noun", words[1]);
        Description([command.Synopsis]);
        End();
        Description(command.Description);

        Start("syntax");
        foreach (var set in command.Sets) Syntax(command, set);
        End();

        Start("parameters");
        foreach (var parameter in command.Parameters.OrderBy(parameter => parameter.Name, System.StringComparer.OrdinalIgnoreCase))
            Parameter(parameter, parameter.Uses[0]);
        End();

        Types("inputTypes", "inputType", command.Inputs);
        Types("returnValues", "returnValue", command.Outputs);
        _xml.WriteStartElement("alertSet", Text);
        _xml.WriteStartElement("alert", Text);
        foreach (var paragraph in command.Notes) Paragraph(paragraph);
        End();
        End();

        Start("examples");
        for (var i = 0; i < command.Examples.Count; i++) Example(command.Examples[i]);
        End();

        Start("relatedLinks");
        // Get-Help -Online opens the first address.
        if (_online.Length > 0) Link("Online", _online + command.Name + ".md");
        foreach (var (text, address) in command.Links)
            Link(text, address.StartsWith("http", System.StringComparison.Ordinal) ? address : string.Empty);

        End();
        End();
    }

    private void Link(string text, string address)
    {
        _xml.WriteStartElement("navigationLink", Text);
        _xml.WriteElementString("linkText", Text, text);
        _xml.WriteElementString("uri", Text, address);
        End();
    }

    private void Syntax(CommandHelp command, string set)
    {
        Start("syntaxItem");
        _xml.WriteElementString("name", Text, command.Name);
        foreach (var (parameter, use) in command.Parameters
            .SelectMany(parameter => parameter.Uses.Where(use => use.IsIn(set)).Take(1).Select(use => (parameter, use)))
            .OrderBy(entry => int.TryParse(entry.use.Position, out var position) ? position : int.MaxValue)) Parameter(parameter, use);
        End();
    }

    private void Parameter(ParameterHelp parameter, ParameterUse use)
    {
        Start("parameter");
        _xml.WriteAttributeString("required", use.IsRequired ? "true" : "false");
        _xml.WriteAttributeString("variableLength", "true");
        _xml.WriteAttributeString("globbing", parameter.TakesWildcards ? "true" : "false");
        _xml.WriteAttributeString("pipelineInput", use.PipelineInput);
        _xml.WriteAttributeString("position", use.Position);
        _xml.WriteAttributeString("aliases", parameter.Aliases.Length == 0 ? "none" : parameter.Aliases);
        _xml.WriteElementString("name", Text, parameter.Name);
        Description(parameter.Text);
        if (parameter.Values.Count > 0)
        {
            Start("parameterValueGroup");
            foreach (var value in parameter.Values)
            {
                Start("parameterValue");
                _xml.WriteAttributeString("required", "false");
                _xml.WriteAttributeString("variableLength", "false");
                _xml.WriteString(value);
                End();
            }

            End();
        }

        if (!parameter.IsSwitch)
        {
            Start("parameterValue");
            _xml.WriteAttributeString("required", "true");
            _xml.WriteAttributeString("variableLength", "false");
            _xml.WriteString(parameter.Type);
            End();
        }

        _xml.WriteStartElement("type", Dev);
        _xml.WriteElementString("name", Text, parameter.Type);
        _xml.WriteElementString("uri", Text, string.Empty);
        End();
        _xml.WriteElementString("defaultValue", Dev, parameter.Default);
        End();
    }

    private void Types(string list, string item, IReadOnlyList<(string Type, IReadOnlyList<string> Text)> types)
    {
        Start(list);
        foreach (var (type, text) in types)
        {
            Start(item);
            _xml.WriteStartElement("type", Dev);
            _xml.WriteElementString("name", Text, type);
            End();
            Description(text);
            End();
        }

        End();
    }

    private void Example(ExampleHelp example)
    {
        Start("example");
        _xml.WriteElementString("title", Text, $"---- {example.Title} ----");
        _xml.WriteElementString("code", Dev, example.Code);
        _xml.WriteStartElement("remarks", Dev);
        // The empty one keeps the next example apart.
        foreach (var paragraph in example.Text.Append(string.Empty)) Paragraph(paragraph);
        End();
        End();
    }

    private void Description(IEnumerable<string> paragraphs)
    {
        _xml.WriteStartElement("description", Text);
        foreach (var paragraph in paragraphs) Paragraph(paragraph);
        End();
    }

    private void Paragraph(string text) => _xml.WriteElementString("para", Text, text);

    private void Start(string name) => _xml.WriteStartElement(name, Command);

    private void Value(string name, string text) => _xml.WriteElementString(name, Command, text);

    private void End() => _xml.WriteEndElement();
}
