import FoundationEssentials
import JSONCore

/// A FHIR release's official package, unpacked: one JSON file per definition, named `<resource type>-<id>.json`.
public struct DefinitionPackage {
  /// The release, "4.0.1".
  public let fhirVersion: String
  /// Types and resources, profiles of them among them, sorted by URL.
  let structures: [JSONValue]
  let valueSets: [String: JSONValue]
  let codeSystems: [String: JSONValue]
  /// Sorted by URL.
  let searchParameters: [JSONValue]
  /// Sorted by code.
  let compartments: [JSONValue]

  /// Reads the definitions in `folder`.
  public init(folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    func read(_ type: String) throws -> [JSONValue] {
      try names.filter { $0.hasPrefix(type + "-") && $0.hasSuffix(".json") }.map {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0))
        return try JSONDocument([UInt8](bytes)).value
      }
    }
    func byURL(_ list: [JSONValue]) -> [String: JSONValue] {
      Dictionary(list.map { ($0.text("url"), $0) }, uniquingKeysWith: { first, _ in first })
    }
    structures = try read("StructureDefinition").sorted { $0.text("url") < $1.text("url") }
    valueSets = byURL(try read("ValueSet"))
    codeSystems = byURL(try read("CodeSystem"))
    searchParameters = try read("SearchParameter").sorted { $0.text("url") < $1.text("url") }
    compartments = try read("CompartmentDefinition").sorted { $0.text("code") < $1.text("code") }
    guard let element = structures.first(where: { $0.text("id") == "Element" }) else {
      throw GenerationError("no StructureDefinition-Element.json in the folder")
    }
    fhirVersion = element.text("fhirVersion")
  }
}

/// Definitions from which no table can be made.
public struct GenerationError: Error, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension JSONValue {
  /// A string member, or "".
  func text(_ key: JSONKey) -> String { self[key]?.string ?? "" }

  /// A list member's elements, or none; a single value counts as a list of one (STU3 writes some so).
  func list(_ key: JSONKey) -> [JSONValue] {
    guard let value = self[key] else { return [] }
    return value.kind == .array ? value.elements : [value]
  }

  /// A list member's strings.
  func texts(_ key: JSONKey) -> [String] { list(key).compactMap(\.string) }

  /// The value of the extension with that URL, whatever its type.
  func extensionValue(_ url: String) -> JSONValue? {
    guard let found = list("extension").first(where: { $0.text("url") == url }) else { return nil }
    return found.members.first { $0.name.hasPrefix("value") }?.value
  }
}

extension String {
  /// On one line: line breaks and tabs become a space, and none stand at the ends.
  var oneLine: String {
    var result: [UInt8] = []
    var gap = false
    for byte in utf8 {
      let isBreak = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
      if isBreak || byte == UInt8(ascii: " ") && gap {
        gap = true
        continue
      }
      if gap, !result.isEmpty, result.last != UInt8(ascii: " ") { result.append(UInt8(ascii: " ")) }
      gap = false
      result.append(byte)
    }
    while result.last == UInt8(ascii: " ") { result.removeLast() }
    return String(decoding: result.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
  }

  /// What follows `prefix`, or all.
  func without(prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }

  /// A canonical URL without its version.
  var withoutVersion: String { String(prefix { $0 != "|" }) }
}
