import ArgumentParser

/// `aceso dicom`
struct DICOMCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dicom",
    abstract: "Dump, make and import DICOM files.",
    discussion: """
      aceso dicom dump image.dcm                  shows what is in a file
      aceso dicom generate --studies 10 images    writes ten synthetic studies into the folder images
      aceso dicom import images                   stores a folder or ZIP archive of images on a server
      """,
    subcommands: [DICOMDump.self, DICOMGenerate.self, DICOMImport.self])
}
