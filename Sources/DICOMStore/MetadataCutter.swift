import DICOMCore
import JSONCore

/// Takes the streams of bytes out of an instance's JSON, as Microsoft's service does, and notes where each was.
///
/// The JSON comes from `DICOMJSONWriter` with a mark for each stream, so a stream is an element with a BulkDataURI; one
/// of a stream's VR without a value goes as well. What is between them is copied as it stands.
struct MetadataCutter {
  /// A stream, in the order in which the writer met it.
  struct Stream {
    let vr: VR
    let range: Range<Int>
    let isEncapsulated: Bool
    let isBigEndian: Bool

    init(_ element: DataElement) {
      vr = element.vr
      range = element.valueRange
      isEncapsulated = element.isEncapsulated
      isBigEndian = element.isBigEndian
    }
  }

  static let mark = "#"
  private static let vrKey: JSONKey = "vr"
  private static let valueKey: JSONKey = "Value"
  private static let uriKey: JSONKey = "BulkDataURI"

  private let document: JSONDocument
  private let streams: [Stream]
  private var nextStream = 0
  private(set) var output: [UInt8] = []
  private(set) var items: [BulkDataList.Item] = []
  /// Bytes of the document that are dealt with.
  private var done = 0
  private var path: [UInt32] = []
  /// Within an attribute that is left out: its streams are passed over.
  private var isDropped = false

  init(_ document: JSONDocument, _ streams: [Stream]) {
    self.document = document
    self.streams = streams
    output.reserveCapacity(document.byteCount)
  }

  /// Does it.
  /// - Parameter dropped: attributes of the data set that are left out for good.
  mutating func cut(dropping dropped: Set<Tag>) {
    walk(document.root, dropping: dropped)
    output.append(contentsOf: document.text[done...])
  }

  /// Recurses as deep as items are nested, which the parser of data sets limits (`sequenceDepthMax`).
  private mutating func walk(_ dataSet: JSONNode, dropping dropped: Set<Tag> = []) {
    for (key, value) in document.members(dataSet) {
      guard let tag = Tag(hexadecimal: document.lexeme(key)) else { continue }
      path.append(tag.rawValue)
      defer { path.removeLast() }
      if dropped.contains(tag) {
        isDropped = true
        walkItems(value)
        isDropped = false
        if document.member(value, Self.uriKey) != nil { nextStream += 1 }
        cut(key, value)
      } else if document.member(value, Self.uriKey) != nil {
        let stream = nextStream < streams.count ? streams[nextStream] : nil
        nextStream += 1
        if isDropped { continue }
        cut(key, value)
        guard let stream else { continue }
        items.append(
          BulkDataList.Item(
            path: path, vr: stream.vr, range: stream.range, isEncapsulated: stream.isEncapsulated,
            isBigEndian: stream.isBigEndian, place: output.count))
      } else if let vr = vr(value) {
        if vr == .SQ {
          walkItems(value)
        } else if vr.isBinary, !isDropped, document.count(value) == 1 {
          cut(key, value)
          items.append(
            BulkDataList.Item(
              path: path, vr: vr, range: 0..<0, isEncapsulated: false, isBigEndian: false, place: output.count))
        }
      }
    }
  }

  private mutating func walkItems(_ sequence: JSONNode) {
    guard let value = document.member(sequence, Self.valueKey), vr(sequence) == .SQ else { return }
    path.append(0)
    for item in document.elements(value) {
      path[path.count - 1] += 1
      walk(item)
    }
    path.removeLast()
  }

  private func vr(_ value: JSONNode) -> VR? {
    guard let letters = document.member(value, Self.vrKey).map({ document.lexeme($0) }), letters.count == 2 else {
      return nil
    }
    return VR(letters[0], letters[1])
  }

  /// Copies what is before a member, and passes over the member and one comma.
  private mutating func cut(_ key: JSONNode, _ value: JSONNode) {
    let start = document.range(key).lowerBound
    output.append(contentsOf: document.text[done..<start])
    done = document.range(value).upperBound
    if output.last == UInt8(ascii: ",") {
      output.removeLast()
    } else if done < document.byteCount, document.text[done] == UInt8(ascii: ",") {
      done += 1
    }
  }
}
