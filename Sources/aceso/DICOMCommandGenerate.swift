import ArgumentParser
import Base
import DICOMCore
import DICOMSynthesis
import Glibc

/// `aceso dicom generate`
struct DICOMGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Write synthetic imaging studies as DICOM files.",
    discussion: """
      The same seed gives the same bytes everywhere. Nobody in the data exists; the patients are those of \
      'aceso generate' with the same seed. Each study is a folder, with a folder for each series.
      """)

  @Option(help: ArgumentHelp("How many studies.", valueName: "n"))
  var studies: Int

  @Option(help: "Another seed, other studies.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Series of a study.", valueName: "n"))
  var series: Int?

  @Option(help: ArgumentHelp("Instances of a series.", valueName: "n"))
  var instances: Int?

  @Option(help: ArgumentHelp("Rows of an image.", valueName: "n"))
  var rows: Int?

  @Option(help: ArgumentHelp("Columns of an image.", valueName: "n"))
  var columns: Int?

  @Option(help: ArgumentHelp("Frames of an ultrasound instance.", valueName: "n"))
  var frames: Int?

  @Option(help: ArgumentHelp("CT, MR, CR, US; several separated by commas take turns.", valueName: "list"))
  var modality = "CT,MR"

  @Flag(help: "Instances of 8 KB with headers as rich: two series of 25.")
  var small = false

  @Argument(help: "The folder to write to.")
  var folder: String

  func validate() throws {
    if studies < 0 { throw ValidationError("The number of studies is not negative.") }
    for number in [series, instances, rows, columns, frames] {
      if let number, number < 1 { throw ValidationError("Numbers are at least 1.") }
    }
    _ = try modalities()
  }

  private func modalities() throws -> [StudyOptions.Modality] {
    try modality.split(separator: ",").map { name in
      guard let modality = StudyOptions.Modality(rawValue: name.uppercased()) else {
        throw ValidationError("'\(name)' is none of CT, MR, CR, US.")
      }
      return modality
    }
  }

  private func options() throws -> StudyOptions {
    var options = small ? StudyOptions.small : StudyOptions()
    options.modalities = try modalities()
    if let series { options.seriesPerStudy = series }
    if let instances { options.instancesPerSeries = instances }
    if let rows { options.rows = rows }
    if let columns { options.columns = columns }
    if let frames { options.frames = frames }
    return options
  }

  func run() throws {
    let synthesis = StudySynthesis(seed: seed, options: try options())
    let total = synthesis.instanceCount(studies: studies)
    var progress = Progress("Generating", total: total, unit: "instances")
    let begun = monotonicNanoseconds()
    var shown = begun
    var (done, bytes) = (0, 0)
    try Self.make(folder)
    for index in 0..<studies {
      let study = synthesis.study(index)
      let path = "\(folder)/\(study.accessionNumber)"
      try Self.make(path)
      for (place, series) in study.series.enumerated() {
        try Self.make("\(path)/\(series.number)")
        for number in 0..<series.instanceCount {
          let instance = try Self.instance(number, place, study)
          try Self.write(instance.bytes, "\(path)/\(series.number)/\(number + 1).dcm")
          done += 1
          bytes += instance.bytes.count
          let now = monotonicNanoseconds()
          guard now - shown > 100_000_000 || done == total else { continue }
          shown = now
          let seconds = max(0.001, Double(now - begun) / 1e9)
          progress.update(done, detail: ", \(Int(Double(done) / seconds))/s, \(bytes / 1_000_000) MB")
        }
      }
    }
  }

  private static func instance(_ number: Int, _ place: Int, _ study: SyntheticStudy) throws -> SyntheticInstance {
    do throws(DICOMError) {
      return try study.instance(number, ofSeries: place)
    } catch {
      throw CommandError("an instance cannot be made: \(error.message)")
    }
  }

  private static func make(_ path: String) throws {
    if mkdir(path, 0o755) != 0, errno != EEXIST {
      throw CommandError("cannot create the folder \(path): \(String(cString: strerror(errno)))")
    }
  }

  private static func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try OutputFile(path)
    try file.write(bytes)
    try file.finish()
  }
}
