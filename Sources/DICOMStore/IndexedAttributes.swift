import DICOMCore
import DICOMweb
import JSONCore
import Storage

/// What of an instance its study, its series and itself are found by, and what searches answer.
public struct IndexedAttributes: Sendable, Hashable {
  /// One level's.
  struct Level: Sendable, Hashable {
    /// In the order of `SearchColumn.columns`.
    var values: [SQLValue]
    var kept: AttributeList
  }

  private(set) var study: Level
  private(set) var series: Level
  private(set) var instance: Level

  /// An attribute of the outermost data set.
  private struct Attribute {
    let tag: UInt32
    let value: JSONNode
  }

  private static let valueKey: JSONKey = "Value"
  private static let groups: [JSONKey] = ["Alphabetic", "Ideographic", "Phonetic"]

  /// Reads them from an instance's finished metadata.
  init(_ document: JSONDocument) {
    var attributes: [Attribute] = []
    attributes.reserveCapacity(document.count(document.root))
    for (key, value) in document.members(document.root) {
      guard let tag = Tag(hexadecimal: document.lexeme(key)) else { continue }
      attributes.append(Attribute(tag: tag.rawValue, value: value))
    }
    study = Self.level(document, attributes, SearchColumn.study, KeptAttributes.study)
    series = Self.level(document, attributes, SearchColumn.series, KeptAttributes.series)
    instance = Self.level(document, attributes, SearchColumn.instance, KeptAttributes.instance)
  }

  private static func level(
    _ document: JSONDocument, _ attributes: [Attribute], _ columns: [SearchColumn], _ kept: [UInt32]
  ) -> Level {
    let values = columns.map { column -> SQLValue in
      guard let first = column.key.path.first, let node = find(first.rawValue, attributes) else { return .null }
      return value(document, node, column)
    }
    var list = AttributeList()
    var place = 0
    for tag in kept {
      while place < attributes.count, attributes[place].tag < tag { place += 1 }
      guard place < attributes.count else { break }
      if attributes[place].tag == tag {
        let range = document.range(attributes[place].value)
        list.append(tag, UnsafeBufferPointer(rebasing: document.text[range]))
      }
    }
    return Level(values: values, kept: list)
  }

  /// The attributes ascend, as the writer of JSON has them.
  private static func find(_ tag: UInt32, _ attributes: [Attribute]) -> JSONNode? {
    var low = 0
    var high = attributes.count
    while low < high {
      let middle = (low + high) / 2
      if attributes[middle].tag < tag { low = middle + 1 } else { high = middle }
    }
    return low < attributes.count && attributes[low].tag == tag ? attributes[low].value : nil
  }

  // MARK: Values

  private static func value(_ document: JSONDocument, _ attribute: JSONNode, _ column: SearchColumn) -> SQLValue {
    if column.kind == .list { return list(document, attribute, column) }
    guard let first = first(document, attribute) else { return .null }
    switch column.kind {
    case .text: return .optional(document.string(first).flatMap { Folding.text($0) })
    case .name: return .optional(name(document, first))
    case .date:
      return document.string(first).flatMap { DateTimeText.date($0, allowsDots: true) }.map { .integer($0) } ?? .null
    case .time:
      let time = document.string(first).flatMap { DateTimeText.time($0, allowsColons: true) }
      return time.map { .integer($0.lowerBound) } ?? .null
    case .number: return document.integer(first).map { .integer($0) } ?? .null
    case .list: return .null
    }
  }

  private static func first(_ document: JSONDocument, _ attribute: JSONNode) -> JSONNode? {
    guard let values = document.member(attribute, valueKey) else { return nil }
    return document.elements(values).first { _ in true }
  }

  private static func name(_ document: JSONDocument, _ value: JSONNode) -> String? {
    let texts = groups.map { document.member(value, $0).flatMap { document.string($0) } ?? "" }
    return Folding.name(texts.joined(separator: "="))
  }

  /// Values of an attribute in all items of a sequence.
  private static func list(_ document: JSONDocument, _ sequence: JSONNode, _ column: SearchColumn) -> SQLValue {
    guard let items = document.member(sequence, valueKey), let tag = column.key.path.last else { return .null }
    let key = JSONKey(tag.hexadecimal)
    var texts: [String] = []
    for item in document.elements(items) {
      guard texts.count < listMax, let value = document.member(item, key).flatMap({ first(document, $0) }),
        let text = document.string(value).flatMap({ Folding.text($0) }), !texts.contains(text)
      else { continue }
      texts.append(text)
    }
    return texts.isEmpty ? .null : .text(texts.joined(separator: "\\"))
  }

  /// Items of a sequence that are found by.
  private static let listMax = 100
}
