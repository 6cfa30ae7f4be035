import ArgumentParser

/// The command line. Only this target picks a storage driver.
@main
struct Aceso: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "aceso",
    abstract: "A self-hosted FHIR server for health data.",
    discussion: """
      aceso serve                      starts a FHIR R4 server at http://127.0.0.1:8080/default/fhir
      aceso generate --patients 10     writes ten synthetic patients as FHIR bundles
      aceso audit verify FILE          checks an audit log
      aceso dicom                      dumps, makes and imports DICOM files
      aceso apply -f aceso.yaml        makes a running server's workspaces and services what a file says
      aceso user, aceso app            who may log in, and which apps may ask for access
      aceso devices                    tries mappings, shows and replays device messages

      'aceso help COMMAND' explains a command and its options.
      """,
    version: version,
    subcommands: [
      Serve.self, WorkspaceCommand.self, ServiceCommand.self, Apply.self, Generate.self, DICOMCommand.self,
      DeviceCommand.self, UserCommand.self, AppCommand.self, Audit.self,
    ])
}
