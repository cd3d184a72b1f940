# A host that keeps the lines that it is given: [HeardHost]::new().Heard.Lines
Add-Type -TypeDefinition @'
    using System; using System.Collections.Generic; using System.Collections.ObjectModel; using System.Globalization; using System.Management.Automation; using System.Management.Automation.Host; using System.Security;
    public class HeardUI : PSHostUserInterface {
        public List<string> Lines = new List<string>();
        public override PSHostRawUserInterface RawUI { get { return null; } }
        public override int PromptForChoice(string a, string b, Collection<ChoiceDescription> c, int d) { throw new NotSupportedException(); }
        public override Dictionary<string, PSObject> Prompt(string a, string b, Collection<FieldDescription> c) { throw new NotSupportedException(); }
        public override PSCredential PromptForCredential(string a, string b, string c, string d) { throw new NotSupportedException(); }
        public override PSCredential PromptForCredential(string a, string b, string c, string d, PSCredentialTypes e, PSCredentialUIOptions f) { throw new NotSupportedException(); }
        public override string ReadLine() { throw new NotSupportedException(); }
        public override SecureString ReadLineAsSecureString() { throw new NotSupportedException(); }
        public override void Write(string v) {} public override void Write(ConsoleColor f, ConsoleColor b, string v) {}
        public override void WriteLine(string v) { Lines.Add(v); } public override void WriteErrorLine(string v) {} public override void WriteDebugLine(string v) {}
        public override void WriteProgress(long id, ProgressRecord r) {} public override void WriteVerboseLine(string v) {} public override void WriteWarningLine(string v) {}
    }
    public class HeardHost : PSHost {
        public HeardUI Heard = new HeardUI(); Guid id = Guid.NewGuid();
        public override CultureInfo CurrentCulture { get { return CultureInfo.InvariantCulture; } } public override CultureInfo CurrentUICulture { get { return CultureInfo.InvariantCulture; } }
        public override Guid InstanceId { get { return id; } } public override string Name { get { return "Heard"; } } public override PSHostUserInterface UI { get { return Heard; } } public override Version Version { get { return new Version(1, 0); } }
        public override void EnterNestedPrompt() {} public override void ExitNestedPrompt() {} public override void NotifyBeginApplication() {} public override void NotifyEndApplication() {} public override void SetShouldExit(int c) {}
    }
'@
