public import Foundation
public import JSONCore

/// The official packages, examples and suites, fetched beside the project; tests that need them are skipped without.
public enum ConformanceData {
  public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".conformance-data")

  public static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path)
  }

  public static func path(_ path: String) -> String { folder.appendingPathComponent(path).path }

  public static func files(_ path: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: folder.appendingPathComponent(path), includingPropertiesForKeys: nil
    )
    .filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
  }

  public static func read(_ path: String) throws -> JSONDocument {
    try JSONDocument([UInt8](Data(contentsOf: folder.appendingPathComponent(path))))
  }
}
