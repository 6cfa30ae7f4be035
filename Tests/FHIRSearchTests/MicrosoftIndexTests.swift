import FHIRModel
import FHIRSearch
import Foundation
import JSONCore
import Testing
import TestSupport

/// The index values that the Microsoft FHIR server's own tests expect for three DocumentReferences.
@Suite(.enabled(if: ConformanceData.has("ms-fhir-server/TestFiles/R4"), "needs data set ms-fhir-server"))
struct MicrosoftIndexTests {
  private static let folder = "ms-fhir-server/TestFiles/R4/"

  @Test(arguments: ["appends", "transforms", "transforms-replaces-target"])
  func documentReference(name: String) throws {
    let base = Self.folder + "DocumentReference-example-relatesTo-code-" + name
    let resource = try Self.read(base + ".json")
    let type = try #require(Schema.r4.resourceType("DocumentReference"))
    let rows = try Extraction.extractor.rows(of: resource, resource.root, type)
    // They have no rows for what is missing, nor for the identifier of the reference under `related`; ours of `subject`
    // answer for `patient`.
    // The other server has no rows of contained resources.
    let own = rows.filter(Extraction.isOwn).map { "\(Extraction.code($0)) \(Self.line($0))" }
      .filter { !$0.hasSuffix(" missing") && !$0.hasPrefix("related token") }
    let theirs = try Self.read(base + ".indexes.json").value.elements.flatMap(Self.lines)
      .filter { !$0.hasPrefix("_id ") && !$0.hasPrefix("patient ") }
    #expect(own.sorted() == theirs.sorted())
  }

  /// Without the byte order mark that some of the files begin with.
  private static func read(_ path: String) throws -> JSONDocument {
    let bytes = try [UInt8](Data(contentsOf: ConformanceData.folder.appendingPathComponent(path)))
    return try JSONDocument(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes)
  }

  /// Only what both say: they keep a date's end to the second's last tick, and no folded text.
  private static func line(_ row: IndexRow) -> String {
    switch row {
    case .date(_, let low, let high, _):
      "date \(Extraction.time(low)) \(Extraction.time(high).prefix(19))"
    case .string(_, _, let text, _): "string \(text)"
    default: Extraction.line(row)
    }
  }

  /// The words of a token are in its own entry there.
  private static func lines(_ entry: JSONValue) -> [String] {
    let text = entry["type"]?.string == "Token" ? entry["value"]?["text"]?.string : nil
    return [line(entry)] + (text.map { ["\(entry["code"]?.string ?? "") string \($0)"] } ?? [])
  }

  private static func line(_ entry: JSONValue) -> String {
    let value = entry["value"]
    func text(_ key: JSONKey) -> String { value?[key]?.string ?? "" }
    let line =
      switch entry["type"]?.string {
      case "Token": token(value)
      case "Reference": reference(value)
      case "Date": "date \(text("start").prefix(19)) \(text("end").prefix(19))"
      case "String": "string \(text("string"))"
      case "Uri": "uri \(text("uri"))"
      case "Composite": composite(value)
      default: "?"
      }
    return "\(entry["code"]?.string ?? "") \(line)"
  }

  private static func token(_ value: JSONValue?) -> String {
    // A MIME type's value set is all of BCP 13, so that is a code's implicit system; they leave it out.
    if value?["code"]?.string == "application/hl7-v3+xml" { return "token urn:ietf:bcp:13|application/hl7-v3+xml" }
    return "token \(value?["system"]?.string ?? "")|\(value?["code"]?.string ?? "")"
  }

  private static func reference(_ value: JSONValue?) -> String {
    "reference \(value?["resourceType"]?.string ?? "")/\(value?["resourceId"]?.string ?? "")"
  }

  private static func composite(_ value: JSONValue?) -> String {
    let target = value?["components"]?[0]?[0]
    let code = value?["components"]?[1]?[0]
    return "composite \(target?["resourceType"]?.string ?? "")|\(target?["resourceId"]?.string ?? "") $ "
      + "\(code?["system"]?.string ?? "")|\(code?["code"]?.string ?? "")"
  }
}
