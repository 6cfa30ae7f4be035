import ArgumentParser
import Base
import Glibc
import Synthesis

/// `aceso generate`
struct Generate: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable { case bundles, ndjson }

  static let configuration = CommandConfiguration(
    abstract: "Write synthetic patients as FHIR R4.",
    discussion: """
      The same seed gives the same bytes everywhere. Nobody in the data exists.

      bundles  one transaction Bundle for each patient; a file for each in DIR, or one Bundle a line to standard output
      ndjson   one resource a line; a file for each resource type in DIR, or all to standard output
      """)

  @Option(help: ArgumentHelp("How many patients.", valueName: "n"))
  var patients: Int

  @Option(help: "Another seed, other patients.")
  var seed: UInt64 = 1

  @Option(help: "bundles or ndjson.")
  var format = Format.bundles

  @Option(help: ArgumentHelp("A folder, or - for standard output.", valueName: "dir"))
  var output = "-"

  func validate() throws {
    if patients < 0 { throw ValidationError("The number of patients is not negative.") }
  }

  func run() throws {
    // A reader that has enough ends us through the failing write, not through a signal.
    signal(SIGPIPE, SIG_IGN)
    let synthesis = PatientSynthesis(seed: seed)
    if output != "-", mkdir(output, 0o755) != 0, errno != EEXIST {
      throw CommandError("cannot create the folder \(output): \(String(cString: strerror(errno)))")
    }
    switch (format, output) {
    case (.bundles, "-"): try writeBundles(synthesis)
    case (.bundles, _): try writeBundleFiles(synthesis)
    case (.ndjson, "-"): try writeLines(synthesis)
    case (.ndjson, _): try writeTypeFiles(synthesis)
    }
  }

  private func eachPatient(_ body: (Int) throws -> Void) rethrows {
    var progress = Progress("Generating", total: patients, unit: "patients")
    let begun = monotonicNanoseconds()
    var shown = begun
    for index in 0..<patients {
      try body(index)
      let now = monotonicNanoseconds()
      // Ten times a second is enough for the eye.
      guard now - shown > 100_000_000 || index + 1 == patients else { continue }
      shown = now
      let rate = Double(index + 1) / max(0.001, Double(now - begun) / 1e9)
      progress.update(index + 1, detail: ", \(Int(rate))/s")
    }
  }

  private func writeBundles(_ synthesis: PatientSynthesis) throws {
    let file = try OutputFile("-")
    try eachPatient { index in
      try file.write(synthesis.bundle(patient: index))
      try file.write(CollectionOfOne(UInt8(ascii: "\n")))
    }
    try file.finish()
  }

  private func writeBundleFiles(_ synthesis: PatientSynthesis) throws {
    try eachPatient { index in
      let digits = String(index)
      let number = String(repeating: "0", count: max(0, 7 - digits.count)) + digits
      let file = try OutputFile("\(output)/patient-\(number).json")
      try file.write(synthesis.bundle(patient: index))
      try file.finish()
    }
  }

  private func writeLines(_ synthesis: PatientSynthesis) throws {
    let file = try OutputFile("-")
    try file.write(synthesis.sharedNDJSON())
    try eachPatient { try file.write(synthesis.ndjson(patient: $0)) }
    try file.finish()
  }

  private func writeTypeFiles(_ synthesis: PatientSynthesis) throws {
    var files: [String: OutputFile] = [:]
    func write(_ type: String, _ json: ArraySlice<UInt8>) throws {
      let file = try files[type] ?? OutputFile("\(output)/\(type).ndjson")
      files[type] = file
      try file.write(json)
      try file.write(CollectionOfOne(UInt8(ascii: "\n")))
    }
    try synthesis.eachSharedResource(write)
    try eachPatient { try synthesis.eachResource(ofPatient: $0, write) }
    for file in files.values { try file.finish() }
  }
}
