import FHIRModel
import FoundationEssentials
import JSONCore

/// The official packages, examples and suites, fetched beside the project; tests that need them are skipped without.
enum ConformanceData {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".conformance-data")

  static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path)
  }

  static func files(_ path: String, _ type: String) throws -> [URL] {
    let parent = folder.appendingPathComponent(path)
    return try FileManager.default.contentsOfDirectory(atPath: parent.path).sorted()
      .map { parent.appendingPathComponent($0) }.filter { $0.pathExtension == type }
  }

  static func bytes(_ url: URL) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: url))
    // Some files begin with a byte order mark.
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }
}

/// Where two JSON values first differ: members in any order, numbers by their lexemes, strings by their text.
func difference(_ a: JSONValue, _ b: JSONValue, at path: String = "$") -> String? {
  guard a.kind == b.kind else { return "\(path): \(a.kind) and \(b.kind)" }
  switch a.kind {
  case .object:
    let others = Dictionary(uniqueKeysWithValues: b.members.map { ($0.name, $0.value) })
    for (name, value) in a.members {
      guard let other = others[name] else { return "\(path).\(name): in the first only" }
      if let found = difference(value, other, at: "\(path).\(name)") { return found }
    }
    let names = Set(a.members.map { $0.name })
    return others.keys.first { !names.contains($0) }.map { "\(path).\($0): in the second only" }
  case .array:
    guard a.count == b.count else { return "\(path): \(a.count) and \(b.count) elements" }
    for (index, (first, second)) in zip(a.elements, b.elements).enumerated() {
      if let found = difference(first, second, at: "\(path)[\(index)]") { return found }
    }
    return nil
  case .string:
    return a.string == b.string ? nil : "\(path): texts differ"
  default:
    return a.json == b.json ? nil : "\(path): numbers or literals differ"
  }
}
