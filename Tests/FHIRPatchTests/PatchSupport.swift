import Base
import FHIRModel
import FHIRPatch
import Foundation
import JSONCore
import Testing

/// The official suites and samples, fetched beside the project; tests that need them are skipped without.
enum ConformanceData {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".conformance-data")

  static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path)
  }

  static func text(_ path: String) throws -> String {
    let data = try Data(contentsOf: folder.appendingPathComponent(path))
    // The samples of the service begin with a byte order mark.
    return String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\u{FEFF}", with: "")
  }
}

/// How the tests apply patches: as the service does, with the structure check after.
enum Patching {
  static let check = StructureCheck(schema: .r4)
  static let now = Instant(milliseconds: 1_700_000_000_000)

  /// A patient as it is read.
  static let patient = """
    {"resourceType":"Patient","id":"p1","meta":{"versionId":"1","lastUpdated":"2024-01-01T00:00:00.000Z"},\
    "text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x</div>"},\
    "active":true,"name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"given":["Jim"]}],\
    "gender":"male","birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://example.org/t",\
    "valueDateTime":"1974-12-25T14:35:45-05:00"}]},"deceasedBoolean":false,\
    "address":[{"use":"home","line":["534 Erewhon St"],"city":"PleasantVille"}]}
    """

  static func json(_ patch: String, to resource: String = patient) throws -> String {
    let document = try JSONDocument(resource)
    let result = try JSONPatch(parsing: try JSONDocument(patch)).apply(to: document, schema: .r4)
    return try checked(result)
  }

  static func fhirPath(_ parameters: String, to resource: String = patient) throws -> String {
    let document = try JSONDocument(resource)
    let name = document.member(document.root, "resourceType").flatMap(document.string) ?? ""
    let type = try #require(Schema.r4.type(name))
    let patch = try FHIRPathPatch(parsing: try JSONDocument(parameters), schema: .r4)
    return try checked(try patch.apply(to: document, type: type, now: now))
  }

  /// The structure check's faults as the service throws them.
  static func checked(_ bytes: [UInt8]) throws -> String {
    let issues = check.issues(of: try JSONDocument(bytes))
    guard issues.isEmpty else { throw Fault(.invalid, issues) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A Parameters resource with operations, each written as its parts.
  static func parameters(_ operations: [String]...) -> String {
    let parameters = operations.map { "{\"name\":\"operation\",\"part\":[\($0.joined(separator: ","))]}" }
    return "{\"resourceType\":\"Parameters\",\"parameter\":[\(parameters.joined(separator: ","))]}"
  }

  static func type(_ type: String) -> String { "{\"name\":\"type\",\"valueCode\":\"\(type)\"}" }
  static func path(_ path: String) -> String { "{\"name\":\"path\",\"valueString\":\"\(path)\"}" }
  static func name(_ name: String) -> String { "{\"name\":\"name\",\"valueString\":\"\(name)\"}" }
  static func number(_ name: String, _ value: Int) -> String { "{\"name\":\"\(name)\",\"valueInteger\":\(value)}" }
  /// `value("Code", "\"male\"")` is a part with `valueCode`.
  static func value(_ type: String, _ json: String) -> String { "{\"name\":\"value\",\"value\(type)\":\(json)}" }

  /// The fault of what must fail.
  static func fault(_ body: () throws -> String) -> Fault? {
    do {
      let result = try body()
      Issue.record("no fault, but \(result.prefix(300))")
      return nil
    } catch let fault as Fault {
      return fault
    } catch {
      Issue.record("another error: \(error)")
      return nil
    }
  }

  static func diagnostics(_ body: () throws -> String) -> String {
    guard let fault = fault(body) else { return "" }
    #expect(fault.category == .invalid)
    return fault.reasons.first?.diagnostics ?? ""
  }
}

/// Compares JSON texts without regard to member order or spacing.
func sameJSON(_ a: String, _ b: String) throws -> Bool {
  func sorted(_ text: String) throws -> Data {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    return try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
  }
  return try sorted(a) == sorted(b)
}
