public import Base
import DICOMCore

extension DICOMQuery {
  /// Reads a search's parameters (PS3.18 §8.3.4): attributes by keyword, tag or path, `includefield`, `limit`,
  /// `offset`, `fuzzymatching`, `emptyvaluematching`, `multiplevaluematching`.
  ///
  /// - Throws: `.invalid`, in the words of Microsoft's service where it knows the error.
  public init(
    _ scope: SearchScope, _ parameters: QueryParameters, _ version: DICOMVersion, limits: SearchLimits = SearchLimits()
  ) throws(Fault) {
    var reader = Reader(scope: scope, version: version, limits: limits)
    for parameter in parameters.parameters where reader.isOption(parameter) { try reader.readOption(parameter) }
    for parameter in parameters.parameters where !reader.isOption(parameter) { try reader.readAttribute(parameter) }
    let matchSet = MatchSet(
      version, scope, includesAll: reader.includesAll, includes: reader.includes, keys: reader.keys)
    self.init(
      scope, conditions: reader.combined(), matchSet: matchSet, limit: reader.limit, offset: reader.offset,
      warnings: reader.warnings)
  }
}

private struct Reader {
  let scope: SearchScope
  let version: DICOMVersion
  let limits: SearchLimits
  var limit: Int
  var offset = 0
  var isFuzzy = false
  var matchesEmpty = false
  var matchesMultiple = false
  var includesAll = false
  var includes: [Tag] = []
  private var includeCount = 0
  private(set) var keys: [SearchKey] = []
  /// How each key was written.
  private var names: [SearchKey: String] = [:]
  private var matches: [SearchKey: DICOMQuery.Match] = [:]
  /// Values that an entity has to have beside the one in `matches`.
  private var furtherMatches: [SearchKey: [DICOMQuery.Match]] = [:]
  var warnings: [String] = []

  init(scope: SearchScope, version: DICOMVersion, limits: SearchLimits) {
    self.scope = scope
    self.version = version
    self.limits = limits
    limit = limits.resultsDefault
  }

  // MARK: Options

  private static let options: Set<String> = [
    "accept", "charset", "emptyvaluematching", "fuzzymatching", "includefield", "limit", "multiplevaluematching",
    "offset",
  ]

  func isOption(_ parameter: QueryParameters.Parameter) -> Bool {
    Self.options.contains(trimmed(parameter.name).lowercased())
  }

  mutating func readOption(_ parameter: QueryParameters.Parameter) throws(Fault) {
    let value = trimmed(parameter.value)
    switch trimmed(parameter.name).lowercased() {
    case "limit": try readLimit(value)
    case "offset":
      guard let number = Int(value) else { throw notValid(value, "Offset") }
      guard number >= 0 else {
        throw PagingParameters.outOfRange("Offset", 0, Int.max)
      }
      offset = number
    case "fuzzymatching": isFuzzy = try bool(value, "FuzzyMatching")
    case "emptyvaluematching": matchesEmpty = try bool(value, "EmptyValueMatching")
    case "multiplevaluematching": matchesMultiple = try bool(value, "MultipleValueMatching")
    case "includefield": try readIncludes(parameter.value)
    default: break
    }
  }

  private mutating func readLimit(_ value: String) throws(Fault) {
    guard let number = Int(value) else { throw notValid(value, "Limit") }
    if version == .standard, number > limits.standardResultsMax {
      limit = limits.standardResultsMax
      return
    }
    let most = version == .standard ? limits.standardResultsMax : limits.resultsMax
    guard number >= 1, number <= most else { throw PagingParameters.outOfRange("Limit", 1, most) }
    limit = number
  }

  private func bool(_ value: String, _ name: String) throws(Fault) -> Bool {
    switch value.lowercased() {
    case "true": return true
    case "false": return false
    default: throw notValid(value, name)
    }
  }

  private func notValid(_ value: String, _ name: String) -> Fault { PagingParameters.notValid(value, name) }

  private mutating func readIncludes(_ list: String) throws(Fault) {
    for item in list.split(separator: ",") {
      let field = trimmed(String(item))
      if field.isEmpty { continue }
      includeCount += 1
      guard includeCount <= limits.includesMax else {
        throw Fault(.invalid, "Invalid query: IncludeField has more than \(limits.includesMax) attributes.")
      }
      if field.lowercased() == "all" {
        includesAll = true
      } else if let path = path(field), let first = path.first {
        includes.append(first)
      } else {
        throw Fault(.invalid, "Invalid query: IncludeField has unknown attribute '\(field)'.")
      }
      // PS3.18 §8.3.4.3: a list of attributes, or the one word.
      guard !includesAll || includeCount == 1 else {
        throw Fault(.invalid, "Invalid query: cannot specify included fields in addition to 'all'.")
      }
    }
  }

  // MARK: Attributes

  /// An attribute by keyword or tag, within a sequence by a path with dots; nil for unknown ones.
  private func path(_ text: String) -> [Tag]? {
    var path: [Tag] = []
    for item in text.split(separator: ".", omittingEmptySubsequences: false) {
      guard path.count < 2, let tag = Tag(String(item)), tag.isPrivate || tag.keyword != nil else { return nil }
      path.append(tag)
    }
    return path
  }

  mutating func readAttribute(_ parameter: QueryParameters.Parameter) throws(Fault) {
    let name = trimmed(parameter.name)
    guard let path = path(name) else {
      throw Fault(
        .invalid,
        "Invalid query: unknown query parameter '\(name)'. If the parameter is an attribute keyword, check the casing as "
          + "they are case-sensitive. The conformance statement has a list of supported query parameters, attributes "
          + "and the levels.")
    }
    guard let key = key(path), key.level <= scope.level else {
      throw Fault(
        .invalid,
        "Invalid query: AttributeId \(name) is not queryable.  If the parameter is an attribute keyword, check the casing "
          + "as they are case-sensitive. The conformance statement has a list of supported query parameters, attributes "
          + "and the levels.")
    }
    try checkOnce(key, name)
    let value = trimmed(parameter.value)
    guard value.utf8.count <= limits.valueBytesMax || key.vr == .UI else {
      throw Fault(.invalid, "Invalid query: the value of '\(name)' is longer than \(limits.valueBytesMax) bytes.")
    }
    keys.append(key)
    names[key] = name
    if let values = multipleValues(key, value) {
      guard values.count <= Self.valuesMax else {
        throw Fault(.invalid, "Invalid query: '\(key.keyword)' has more than \(Self.valuesMax) values.")
      }
      let all = try values.map { value throws(Fault) in try match(key, value) }.compactMap { $0 }
      matches[key] = all.first
      furtherMatches[key] = Array(all.dropFirst())
    } else {
      matches[key] = try match(key, value)
    }
  }

  /// The values all of which an entity has to have (PS3.4 C.2.2.2.8), where that is asked for; nil for a key of which
  /// an entity has one value, or with wildcards.
  private func multipleValues(_ key: SearchKey, _ value: String) -> [String]? {
    guard matchesMultiple, key == .modalitiesInStudy, value.contains("\\"),
      !value.contains(where: { "*?".contains($0) })
    else { return nil }
    return value.split(separator: "\\").map { trimmed(String($0)) }
  }

  /// Values of one key.
  private static let valuesMax = 20

  /// A study has no modality of its own, but clients ask for it; the standard's form answers as for ModalitiesInStudy.
  private func key(_ path: [Tag]) -> SearchKey? {
    let key = SearchKey(path: path)
    return key == .modality && scope.level == .study && version == .standard ? .modalitiesInStudy : key
  }

  private func checkOnce(_ key: SearchKey, _ name: String) throws(Fault) {
    if key == .studyInstanceUID, scope.study != nil {
      throw Fault(.invalid, "Invalid query: cannot specify attribute 'StudyInstanceUID' for the given resource.")
    }
    if key == .seriesInstanceUID, scope.series != nil {
      throw Fault(.invalid, "Invalid query: cannot specify attribute 'SeriesInstanceUID' for the given resource.")
    }
    guard let other = names[key] else { return }
    if other == name {
      throw Fault(
        .invalid,
        "Invalid QIDO-RS query. Duplicate AttributeId '\(name)'. Each attribute is only allowed to be specified once.")
    }
    throw Fault(
      .invalid,
      "Invalid query: attribute '\(name)' has been specified more than once using different ID formats. Each attribute is "
        + "only allowed to be specified once.")
  }

  // MARK: Values

  /// Nil for a value that everything matches (PS3.4 C.2.2.2.3).
  private func match(_ key: SearchKey, _ value: String) throws(Fault) -> DICOMQuery.Match? {
    if value.isEmpty { return nil }
    if matchesEmpty, value == "\"\"" { return .empty }
    switch key.vr {
    case .UI: return try uids(value, key)
    case .DA: return try range(value, key, Self.dates)
    case .TM: return try range(value, key, Self.times)
    case .IS:
      guard let number = Int(value) else {
        throw Fault(
          .invalid, "Invalid query: specified value '\(value)' of attribute '\(key.keyword)' is not a valid integer.")
      }
      return .number(number)
    default: return try text(value, key)
    }
  }

  private func uids(_ value: String, _ key: SearchKey) throws(Fault) -> DICOMQuery.Match? {
    // PS3.18 §8.3.4.1: commas; PS3.4 C.2.2.2.2: backslashes.
    let uids = value.split { $0 == "," || $0 == "\\" }.map { UID(trimmed(String($0))) }.filter { !$0.value.isEmpty }
    guard uids.count <= limits.uidsMax else {
      throw Fault(.invalid, "Invalid query: '\(key.keyword)' has more than \(limits.uidsMax) values.")
    }
    return uids.isEmpty ? nil : .uids(uids)
  }

  private func text(_ value: String, _ key: SearchKey) throws(Fault) -> DICOMQuery.Match? {
    if key.vr == .PN, isFuzzy {
      if value.contains("\""), version != .standard {
        throw Fault(
          .invalid,
          "Invalid query: specified tag '\(key.keyword)' value '\(value)' contains unsupported character '\"'. Character is "
            + "not supported with Fuzzy match, try exact match or removing the invalid character.")
      }
      let words = value.split { " ^=*\"\t,".contains($0) }.map(String.init)
      return words.isEmpty ? nil : .words(words)
    }
    guard key.hasWildcards, value.contains(where: { $0 == "*" || $0 == "?" }) else { return .text(value) }
    return value.allSatisfy { $0 == "*" } ? nil : .wildcard(value)
  }

  private struct RangeForm {
    let read: @Sendable (String) -> ClosedRange<Int>?
    let invalidValue: @Sendable (_ value: String, _ keyword: String) -> String
    let invalidRange: @Sendable (_ value: String, _ low: Substring, _ high: Substring) -> String
  }

  private static let dates = RangeForm(
    read: { text in DateTimeText.date(text).map { $0...$0 } },
    invalidValue: {
      "Invalid query: specified Date value '\($0)' is invalid for attribute '\($1)'. Date should be valid and formatted as "
        + "yyyyMMdd."
    },
    invalidRange: {
      "Invalid query: specified date range '\($0)' is invalid.\nThe first part date \($1) should be lesser than or equal to "
        + "the second part date \($2)."
    })

  private static let times = RangeForm(
    read: { DateTimeText.time($0) },
    invalidValue: {
      "Invalid query: specified Time value '\($0)' is invalid for parameter '\($1)'. Time should be valid and formatted as "
        + "HHmmss.FFFFFF where HH is mandatory."
    },
    invalidRange: {
      "Invalid query: specified date range '\($0)' is invalid.\nThe first part time \($1) should be lesser than or equal to "
        + "the second part time \($2)."
    })

  /// A value, or a range of values of which one end may be open (PS3.4 C.2.2.2.5.1).
  private func range(_ value: String, _ key: SearchKey, _ form: RangeForm) throws(Fault) -> DICOMQuery.Match {
    func read(_ text: String) throws(Fault) -> ClosedRange<Int> {
      guard let range = form.read(text) else { throw Fault(.invalid, form.invalidValue(text, key.keyword)) }
      return range
    }
    let ends = value.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2 else {
      let range = try read(value)
      return .range(low: range.lowerBound, high: range.upperBound)
    }
    let (low, high) = (trimmed(String(ends[0])), trimmed(String(ends[1])))
    guard !low.isEmpty || !high.isEmpty else {
      throw Fault(.invalid, "Invalid query: specified range is invalid.\nBoth parts in the range cannot be empty.")
    }
    let first = low.isEmpty ? nil : try read(low)
    let last = high.isEmpty ? nil : try read(high)
    if let first, let last, first.lowerBound > last.upperBound {
      throw Fault(.invalid, form.invalidRange(value, low[...], high[...]))
    }
    return .range(low: first?.lowerBound, high: last?.upperBound)
  }

  // MARK: All together

  /// A date and a time of the same event, both ranges, are one range of moments (PS3.4 C.2.2.2.5.2).
  func combined() -> [DICOMQuery.Condition] {
    let pairs: [(SearchKey, SearchKey)] = [
      (.studyDate, .studyTime), (.performedProcedureStepStartDate, .performedProcedureStepStartTime),
    ]
    var matches = matches
    var conditions: [DICOMQuery.Condition] = []
    for (date, time) in pairs {
      guard case .range(let firstDay, let lastDay)? = matches[date], firstDay != lastDay,
        case .range(let firstTime, let lastTime)? = matches[time]
      else { continue }
      matches[date] = nil
      matches[time] = nil
      let low = firstDay.map { DICOMQuery.Moment(date: $0, time: firstTime ?? 0) }
      let high = lastDay.map { DICOMQuery.Moment(date: $0, time: lastTime ?? DateTimeText.dayMicroseconds) }
      conditions.append(.combined(date: date, time: time, low: low, high: high))
    }
    let single = keys.compactMap { key in matches[key].map { DICOMQuery.Condition.match(key, $0) } }
    let further = keys.flatMap { key in (furtherMatches[key] ?? []).map { DICOMQuery.Condition.match(key, $0) } }
    return single + further + conditions
  }

  /// Without what pads a value (PS3.5 §6.2).
  private func trimmed(_ text: String) -> String {
    var scalars = Substring(text).unicodeScalars
    while let first = scalars.first, first == " " || first == "\t" { scalars.removeFirst() }
    while let last = scalars.last, last == " " || last == "\t" || last == "\0" { scalars.removeLast() }
    return String(Substring(scalars))
  }
}
