public import Base
public import JSONCore

/// The canonical form of a stored resource: compact JSON that begins with `resourceType`, `id` and `meta`, everything
/// else in the order it was sent. `meta.versionId` and `meta.lastUpdated` are not in it: they are the row's columns
/// and are put in when the body is read, at a place that type and id give.
public struct ResourceBody: Sendable, Equatable {
  public let bytes: [UInt8]

  init(stored bytes: [UInt8]) { self.bytes = bytes }

  private static let resourceType: JSONKey = "resourceType"
  private static let id: JSONKey = "id"
  private static let meta: JSONKey = "meta"
  private static let versionId: JSONKey = "versionId"
  private static let lastUpdated: JSONKey = "lastUpdated"

  /// - Parameter edits: replacements inside the resource in document order, such as rewritten references.
  public init(
    _ document: JSONDocument, _ resource: JSONNode, type: String, id: String, replacing edits: [JSONEdit] = []
  ) {
    var writer = JSONWriter(reserving: document.range(resource).count + 96)
    writer.beginObject()
    writer.member("resourceType", type)
    writer.member("id", id)
    writer.key("meta")
    writer.beginObject()
    if let meta = document.member(resource, Self.meta) {
      for (key, value) in document.members(meta)
      where !document.keyEquals(key, Self.versionId) && !document.keyEquals(key, Self.lastUpdated) {
        writer.key(document, key)
        writer.value(document, value, replacing: Self.edits(edits, inside: document.range(value), of: document))
      }
    }
    writer.endObject()
    for (key, value) in document.members(resource) {
      if document.keyEquals(key, Self.resourceType) || document.keyEquals(key, Self.id)
        || document.keyEquals(key, Self.meta)
      {
        continue
      }
      writer.key(document, key)
      writer.value(document, value, replacing: Self.edits(edits, inside: document.range(value), of: document))
    }
    writer.endObject()
    bytes = writer.bytes
  }

  private static func edits(_ edits: [JSONEdit], inside range: Range<Int>, of document: JSONDocument)
    -> ArraySlice<JSONEdit>
  {
    guard !edits.isEmpty else { return [] }
    func start(_ edit: JSONEdit) -> Int { document.range(edit.node).lowerBound }
    guard let first = edits.firstIndex(where: { start($0) >= range.lowerBound }) else { return [] }
    let end = edits[first...].firstIndex { start($0) >= range.upperBound } ?? edits.endIndex
    return edits[first..<end]
  }

  /// Where `meta`'s own members begin.
  private static func metaOffset(type: String, id: String) -> Int {
    #"{"resourceType":"","id":"","meta":{"#.utf8.count + type.utf8.count + id.utf8.count
  }

  /// Whether two versions of the resource `type`/`id` say the same but for `meta`.
  public func differsInMetaOnly(from other: ResourceBody, type: String, id: String) -> Bool {
    let offset = Self.metaOffset(type: type, id: id) - 1
    guard let rest = rest(behindMetaAt: offset), let otherRest = other.rest(behindMetaAt: offset) else { return false }
    return bytes[rest...].elementsEqual(other.bytes[otherRest...])
  }

  /// Where the members behind `meta` begin; `meta` begins at `offset`.
  private func rest(behindMetaAt offset: Int) -> Int? {
    guard let document = try? JSONDocument(bytes), let meta = document.member(document.root, Self.meta) else {
      return nil
    }
    let range = document.range(meta)
    return range.lowerBound == offset ? range.upperBound : nil
  }

  /// Appends the resource as it is sent: with `meta.versionId` and `meta.lastUpdated`.
  public func append(to output: inout [UInt8], type: String, id: String, version: Int64, updated: Instant) {
    let offset = min(Self.metaOffset(type: type, id: id), bytes.count)
    output.reserveCapacity(output.count + bytes.count + 80)
    output.append(contentsOf: bytes[..<offset])
    output.append(contentsOf: #""versionId":""#.utf8)
    output.append(contentsOf: String(version).utf8)
    output.append(contentsOf: #"","lastUpdated":""#.utf8)
    updated.appendFHIR(to: &output)
    output.append(UInt8(ascii: "\""))
    if offset < bytes.count && bytes[offset] != UInt8(ascii: "}") { output.append(UInt8(ascii: ",")) }
    output.append(contentsOf: bytes[offset...])
  }
}
