import FoundationEssentials
import JSONCore
import Testing

/// Resources of a public server's own test suite, fetched beside the project (data set ms-fhir-server).
enum SearchSamples {
  private static let folder: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(4)
    return parts.joined(separator: "/") + "/.conformance-data/ms-fhir-server/TestFiles/"
  }()

  static let areThere = FileManager.default.fileExists(atPath: folder)

  /// Some begin with a byte order mark.
  static func read(_ name: String) throws -> JSONValue {
    let bytes = try [UInt8](#require(FileManager.default.contents(atPath: folder + name + ".json")))
    return try JSONDocument(Array(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...])).value
  }
}
