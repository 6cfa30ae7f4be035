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
      aceso dicom                      dumps, makes and imports DICOM files
      aceso devices                    tries mappings, shows and replays device messages

      'aceso help COMMAND' explains a command and its options.
      """,
    version: version,
    subcommands: [Serve.self, Generate.self, DICOMCommand.self, DeviceCommand.self])
}
