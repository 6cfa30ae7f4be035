import DICOMCore
import DICOMweb
import JSONCore
import Storage

/// A row of a search's page.
struct AnswerRow {
  private let level: Target.Level
  private let studyUID: String
  private let modalities: String
  private let seriesCount: Int64
  private let studyInstanceCount: Int64
  private let seriesUID: String
  private let seriesInstanceCount: Int64
  private let instanceUID: String
  private let transferSyntaxUID: String
  /// The newest instance's of what was found.
  private let newest: Int64
  /// By level, as far down as the search goes.
  private let kept: [AttributeList]

  init(_ row: any Row, _ level: Target.Level) {
    self.level = level
    studyUID = row.text(0)
    modalities = row.text(3)
    seriesCount = row.integer(4)
    studyInstanceCount = row.integer(5)
    seriesUID = row.text(6)
    seriesInstanceCount = row.integer(9)
    instanceUID = row.text(10)
    transferSyntaxUID = row.text(13)
    switch level {
    case .study: newest = row.integer(1)
    case .series: newest = row.integer(7)
    case .instance: newest = row.integer(11)
    }
    let places = [2, 8, 12]
    kept = places.prefix(level.rawValue + 1).map { AttributeList(encoded: row.blob($0)) }
  }

  private var target: Target {
    let study = UID(studyUID)
    switch level {
    case .study: return Target(study: study)
    case .series: return Target(study: study, series: UID(seriesUID))
    case .instance: return Target(study: study, series: UID(seriesUID), instance: UID(instanceUID))
    }
  }

  /// The answer's object.
  /// - Parameter metadata: reads the metadata of an instance.
  func match(
    _ form: AnswerForm, root: String?, _ metadata: (Int64) throws -> JSONDocument?
  ) throws -> SearchMatch {
    let target = target
    var writer = AnswerWriter(kept, document: form.needsMetadata ? try metadata(newest) : nil)
    for (tag, source) in form.attributes {
      switch source {
      case .kept(let level):
        // A value too large for the row: the metadata has it.
        if writer.needsMetadata(tag, level) { writer.document = try writer.document ?? metadata(newest) }
        writer.append(tag, keptAt: level)
      case .metadata: writer.appendFromMetadata(tag)
      case .modalitiesInStudy:
        writer.append(tag, "CS", strings: modalities.split(separator: "\\").map(String.init))
      case .numberOfStudyRelatedSeries: writer.append(tag, number: seriesCount)
      case .numberOfStudyRelatedInstances: writer.append(tag, number: studyInstanceCount)
      case .numberOfSeriesRelatedInstances: writer.append(tag, number: seriesInstanceCount)
      case .retrieveURL: if let root { writer.append(tag, "UR", strings: ["\(root)/\(target.path)"]) }
      case .availableTransferSyntaxUID: writer.append(tag, "UI", strings: [transferSyntaxUID])
      // PS3.3 C.4.23.1.1: all that is stored can be had at once.
      case .instanceAvailability: writer.append(tag, "CS", strings: ["ONLINE"])
      }
    }
    return SearchMatch(
      studyUID: target.study, seriesUID: target.series, instanceUID: target.instance, json: writer.finish())
  }
}

/// Writes an answer's object, attribute by attribute in ascending order.
struct AnswerWriter {
  private let kept: [AttributeList]
  private let entries: [[AttributeList.Entry]]
  /// How far each list was read.
  private var places: [Int]
  var document: JSONDocument?
  private var json: [UInt8] = [UInt8(ascii: "{")]

  init(_ kept: [AttributeList], document: JSONDocument?) {
    self.kept = kept
    entries = kept.map(\.entries)
    places = Array(repeating: 0, count: kept.count)
    self.document = document
    json.reserveCapacity(2_048)
  }

  func finish() -> [UInt8] { json + [UInt8(ascii: "}")] }

  private mutating func entry(_ tag: Tag, _ level: Target.Level) -> AttributeList.Entry? {
    let list = entries[level.rawValue]
    var place = places[level.rawValue]
    while place < list.count, list[place].tag < tag.rawValue { place += 1 }
    places[level.rawValue] = place
    return place < list.count && list[place].tag == tag.rawValue ? list[place] : nil
  }

  mutating func needsMetadata(_ tag: Tag, _ level: Target.Level) -> Bool { entry(tag, level)?.range.isEmpty == true }

  mutating func append(_ tag: Tag, keptAt level: Target.Level) {
    guard let entry = entry(tag, level) else { return }
    if entry.range.isEmpty { return appendFromMetadata(tag) }
    appendKey(tag)
    json.append(contentsOf: kept[level.rawValue].encoded[entry.range])
  }

  mutating func appendFromMetadata(_ tag: Tag) {
    guard let document, let value = document.member(document.root, JSONKey(tag.hexadecimal)) else { return }
    appendKey(tag)
    json.append(contentsOf: document.lexeme(value))
  }

  mutating func append(_ tag: Tag, _ vr: StaticString, strings: [String]) {
    appendKey(tag)
    json.append(contentsOf: "{\"vr\":\"\(vr)\"".utf8)
    if !strings.isEmpty {
      json.append(contentsOf: ",\"Value\":[".utf8)
      for (place, string) in strings.enumerated() {
        if place > 0 { json.append(UInt8(ascii: ",")) }
        var string = string
        string.withUTF8 { JSONWriter.appendQuoted($0, to: &json) }
      }
      json.append(UInt8(ascii: "]"))
    }
    json.append(UInt8(ascii: "}"))
  }

  mutating func append(_ tag: Tag, number: Int64) {
    appendKey(tag)
    json.append(contentsOf: "{\"vr\":\"IS\",\"Value\":[\(number)]}".utf8)
  }

  private mutating func appendKey(_ tag: Tag) {
    if json.count > 1 { json.append(UInt8(ascii: ",")) }
    json.append(contentsOf: "\"\(tag.hexadecimal)\":".utf8)
  }
}
