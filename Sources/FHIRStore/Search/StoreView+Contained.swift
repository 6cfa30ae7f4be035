import FHIRModel
import FHIRSearch
import JSONCore
import Storage

extension StoreView {
  private static let containedRow = Statement("SELECT type, id FROM contained WHERE key = ?")
  private static let contained: JSONKey = "contained"

  /// Reads a page's matches, of which some may be contained resources.
  /// - Returns: the last match's key; nil for none.
  func read(_ keys: [Int64], _ query: SearchQuery, into page: inout SearchPage, bytesMax: Int) throws -> Int64? {
    guard query.contained != .false else {
      page.matches = try current(keys: keys, bytesMax: bytesMax)
      return page.matches.last?.key
    }
    func resource(_ key: Int64) -> Int64 { ContainedKey.isContained(key) ? ContainedKey.container(of: key) : key }
    var seen: Set<Int64> = []
    let resources = try current(keys: keys.map(resource).filter { seen.insert($0).inserted }, bytesMax: bytesMax)
    let byKey = Dictionary(resources.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    // A container's resources are on a page together: it is parsed once.
    var parsed: (key: Int64, document: JSONDocument)?
    var last: Int64?
    for key in keys {
      guard let version = byKey[resource(key)] else { break }
      var match: ContainedMatch?
      if ContainedKey.isContained(key) {
        var json: [UInt8]?
        if query.containedType == .contained {
          if parsed?.key != version.key { parsed = try document(of: version).map { (version.key, $0) } }
          json = parsed.flatMap { Self.contained(at: ContainedKey.place(of: key), in: $0.document) }
        }
        match = try reader.first(Self.containedRow, [.integer(key)]) {
          ContainedMatch(key: key, type: $0.integer(0), id: $0.text(1), json: json)
        }
      }
      page.matches.append(version)
      page.contained.append(match)
      last = key
    }
    return last
  }

  private func document(of version: StoredVersion) throws -> JSONDocument? {
    guard let body = version.body else { return nil }
    do {
      return try JSONDocument(body.bytes)
    } catch {
      throw StorageError(.corrupt, detail: "a stored resource cannot be read")
    }
  }

  private static func contained(at place: Int, in document: JSONDocument) -> [UInt8]? {
    guard let list = document.member(document.root, contained) else { return nil }
    for (number, element) in document.elements(list).enumerated() where number == place {
      return Array(document.lexeme(element))
    }
    return nil
  }
}
