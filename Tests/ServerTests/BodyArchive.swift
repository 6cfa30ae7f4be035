import FoundationEssentials
import JSONCore
import Synchronization

/// Keeps every distinct FHIR body that the tests receive in the folder that the environment variable `ACESO_BODIES`
/// names, so that strict parsers of other makers can read them all afterwards. Without the variable it does nothing.
///
/// A file is called `sequence-status.json` or `.xml`.
enum BodyArchive {
  private struct Kept {
    var bodies: Set<[UInt8]> = []
  }

  private static let folder = ProcessInfo.processInfo.environment["ACESO_BODIES"]
  private static let kept = Mutex(Kept())

  static func keep(_ reply: Reply) {
    guard let folder, !reply.body.isEmpty, let form = form(of: reply) else { return }
    let sequence: Int? = kept.withLock { $0.bodies.insert(reply.body).inserted ? $0.bodies.count : nil }
    guard let sequence else { return }
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let digits = String(sequence)
    let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    _ = FileManager.default.createFile(
      atPath: "\(folder)/\(padded)-\(reply.status).\(form)", contents: Data(reply.body))
  }

  /// Only resources are kept: health, metrics and raw Binary data are no FHIR.
  private static func form(of reply: Reply) -> String? {
    let type = reply.header("content-type") ?? ""
    if type.hasPrefix("application/fhir+xml") { return "xml" }
    guard type.hasPrefix("application/fhir+json") || type.hasPrefix("application/json") else { return nil }
    return (try? reply.json())?["resourceType"] == nil ? nil : "json"
  }
}
