import FoundationEssentials

/// A file of the data sets that are fetched beside the project; tests that need one are skipped without it.
enum SampleFile {
  private static let folder = {
    // Tests/ServerTests/SampleFile.swift
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/") + "/.conformance-data/"
  }()

  static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: folder + path) }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + path)))
  }

  /// A text file without the byte order mark that some begin with.
  static func text(_ path: String) throws -> String {
    var bytes = try bytes(path)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder + path)) ?? []).sorted()
  }
}
