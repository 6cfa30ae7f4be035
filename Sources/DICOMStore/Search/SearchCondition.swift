import DICOMCore
import DICOMweb
import Storage

/// A condition of a search in the two forms that SQL can use it in.
struct SearchCondition {
  /// The level whose entities it is about.
  let level: Target.Level
  /// The keys of all that meet it, in one column `key`, found by an index; nil if there is none for it.
  let keys: SQL?
  /// Whether the row at hand meets it, without an index on it. The row is `s`, `r` or `i` by its level.
  let filter: SQL
}

/// Makes conditions of a query's.
struct SearchConditionCompiler {
  let partition: Int64
  let dialect: Dialect

  func condition(_ condition: DICOMQuery.Condition) throws(SearchMisuse) -> SearchCondition {
    switch condition {
    case .match(let key, let match): return try self.condition(key, match)
    case .combined(let date, let time, let low, let high): return try combined(date, time, low, high)
    }
  }

  private func condition(_ key: SearchKey, _ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    switch key {
    case .studyInstanceUID: return try uid(.study, match)
    case .seriesInstanceUID: return try uid(.series, match)
    case .sopInstanceUID: return try uid(.instance, match)
    case .sopClassUID: return try sopClass(match)
    case .modalitiesInStudy: return try modalities(match)
    default: break
    }
    guard let column = SearchColumn.column(key) else { throw SearchMisuse() }
    switch column.kind {
    case .text: return try text(column, match)
    case .name, .list: return try terms(column, match)
    case .date, .time, .number: return try number(column, match)
    }
  }

  // MARK: SQL

  static func alias(_ level: Target.Level) -> SQL {
    switch level {
    case .study: "s"
    case .series: "r"
    case .instance: "i"
    }
  }

  static func table(_ level: Target.Level) -> SQL {
    switch level {
    case .study: "study"
    case .series: "series"
    case .instance: "instance"
    }
  }

  /// A column of the row at hand, in a form that SQLite looks for no index for: which one to begin with was decided.
  /// The other engine decides by its own statistics.
  private func held(_ column: SearchColumn) -> SQL {
    let plus: SQL = dialect == .sqlite ? "+" : ""
    return "\(plus)\(Self.alias(column.key.level)).\(unsafe: column.column)"
  }

  /// The keys whose row meets a predicate on an indexed column.
  private func keys(_ level: Target.Level, _ predicate: SQL) -> SQL {
    "SELECT key FROM \(Self.table(level)) WHERE partition = \(partition) AND \(predicate)"
  }

  private func termKeys(_ attribute: Term.Attribute, _ predicate: SQL) -> SQL {
    "SELECT key FROM term WHERE partition = \(partition) AND attribute = \(attribute.rawValue) AND \(predicate)"
  }

  private func hasTerm(_ attribute: Term.Attribute, _ level: Target.Level, _ predicate: SQL) -> SQL {
    "EXISTS (\(termKeys(attribute, predicate)) AND key = \(Self.alias(level)).key\(SQL.fence))"
  }

  private func isEmpty(_ column: SearchColumn) -> SearchCondition {
    let own: SQL = "\(unsafe: column.column) IS NULL"
    return SearchCondition(
      level: column.key.level, keys: column.isIndexed ? keys(column.key.level, own) : nil,
      filter: "\(held(column)) IS NULL")
  }

  // MARK: UIDs

  private func uid(_ level: Target.Level, _ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    // None of them is ever empty.
    if match == .empty { return SearchCondition(level: level, keys: nil, filter: "1 = 0") }
    let values = try uids(match)
    return SearchCondition(
      level: level, keys: keys(level, "uid IN (\(list: values))"),
      filter: "\(Self.alias(level)).uid IN (\(list: values))")
  }

  private func uids(_ match: DICOMQuery.Match) throws(SearchMisuse) -> [SQLValue] {
    switch match {
    case .uids(let uids): return uids.map { .text($0.value) }
    case .text(let text): return [.text(text)]
    default: throw SearchMisuse()
    }
  }

  private func sopClass(_ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    if match == .empty { return SearchCondition(level: .instance, keys: nil, filter: "1 = 0") }
    let numbers: SQL = "SELECT number FROM uid WHERE text IN (\(list: try uids(match)))"
    let plus: SQL = dialect == .sqlite ? "+" : ""
    return SearchCondition(
      level: .instance, keys: keys(.instance, "sop_class IN (\(numbers))"),
      filter: "\(plus)i.sop_class IN (\(numbers))")
  }

  // MARK: Text

  private func text(_ column: SearchColumn, _ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    let own: SQL = "\(unsafe: column.column)"
    switch match {
    case .empty: return isEmpty(column)
    case .text(let text):
      guard let text = Folding.text(text) else { return isEmpty(column) }
      return SearchCondition(
        level: column.key.level, keys: column.isIndexed ? keys(column.key.level, "\(own) = \(text)") : nil,
        filter: "\(held(column)) = \(text)")
    case .wildcard(let text):
      let pattern = WildcardPattern(Folding.text(text) ?? "")
      return SearchCondition(
        level: column.key.level,
        keys: column.isIndexed && pattern.hasPrefix ? keys(column.key.level, pattern.predicate(own)) : nil,
        filter: pattern.likeness(held(column)))
    default: throw SearchMisuse()
    }
  }

  // MARK: Terms

  private func terms(_ column: SearchColumn, _ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    let level = column.key.level
    guard let attribute = Term.Attribute(column.key) else { throw SearchMisuse() }
    // A group alone is a term without the delimiters of those before it.
    let fold: (String) -> String? = { text in
      column.kind == .name ? Folding.name(String(text.drop { $0 == "=" })) : Folding.text(text)
    }
    switch match {
    case .empty: return isEmpty(column)
    case .text(let text):
      guard let text = fold(text) else { return isEmpty(column) }
      return SearchCondition(
        level: level, keys: termKeys(attribute, "text = \(text)"), filter: hasTerm(attribute, level, "text = \(text)"))
    case .wildcard(let text):
      let pattern = WildcardPattern(fold(text) ?? "")
      let keys = termKeys(attribute, pattern.predicate("text"))
      return SearchCondition(level: level, keys: keys, filter: "\(Self.alias(level)).key IN (\(keys))")
    case .words(let words): return try self.words(column, words)
    default: throw SearchMisuse()
    }
  }

  /// Every word begins a word of the name.
  private func words(_ column: SearchColumn, _ words: [String]) throws(SearchMisuse) -> SearchCondition {
    let level = column.key.level
    let folded = words.compactMap { Folding.name($0) }.flatMap { Folding.words($0) }
    guard let attribute = Term.Attribute(column.key, isWord: true), column.kind == .name else { throw SearchMisuse() }
    guard !folded.isEmpty else { return isEmpty(column) }
    // The longest word is likely to say most; for the others a look at the name suffices.
    let longest = folded.max { $0.utf8.count < $1.utf8.count } ?? ""
    let others = folded.filter { $0 != longest }.map { WildcardPattern.hasWord($0, "\(unsafe: column.column)") }
    let table = Self.table(level)
    var keys =
      "SELECT DISTINCT key FROM (\(termKeys(attribute, WildcardPattern.begins("text", longest))))\(SQL.unnamed)" as SQL
    if !others.isEmpty {
      keys = "SELECT key FROM \(table) WHERE key IN (\(keys)) AND \(others.joined(separator: " AND "))"
    }
    let filters = folded.map { WildcardPattern.hasWord($0, held(column)) }
    return SearchCondition(level: level, keys: keys, filter: filters.joined(separator: " AND "))
  }

  /// Whether one of a study's series has a modality (PS3.4 C.3.4).
  private func modalities(_ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    switch match {
    case .empty: return SearchCondition(level: .study, keys: nil, filter: "s.modalities = ''")
    case .text(let text):
      let text = Folding.text(text) ?? ""
      return SearchCondition(
        level: .study, keys: termKeys(.modalitiesInStudy, "text = \(text)"),
        filter: hasTerm(.modalitiesInStudy, .study, "text = \(text)"))
    case .wildcard(let text):
      let pattern = WildcardPattern(Folding.text(text) ?? "")
      let keys: SQL =
        "SELECT DISTINCT key FROM (\(termKeys(.modalitiesInStudy, pattern.predicate("text"))))\(SQL.unnamed)"
      return SearchCondition(level: .study, keys: keys, filter: "s.key IN (\(keys))")
    default: throw SearchMisuse()
    }
  }

  // MARK: Numbers

  private func number(_ column: SearchColumn, _ match: DICOMQuery.Match) throws(SearchMisuse) -> SearchCondition {
    let own: SQL = "\(unsafe: column.column)"
    switch match {
    case .empty: return isEmpty(column)
    case .number(let number):
      return SearchCondition(level: column.key.level, keys: nil, filter: "\(held(column)) = \(number)")
    case .range(let low, let high):
      return SearchCondition(
        level: column.key.level,
        keys: column.isIndexed ? keys(column.key.level, Self.range(own, low, high)) : nil,
        filter: Self.range(held(column), low, high))
    default: throw SearchMisuse()
    }
  }

  private static func range(_ column: SQL, _ low: Int?, _ high: Int?) -> SQL {
    switch (low, high) {
    case (let low?, let high?) where low == high: "\(column) = \(low)"
    case (let low?, let high?): "\(column) >= \(low) AND \(column) <= \(high)"
    case (let low?, nil): "\(column) >= \(low)"
    case (nil, let high?): "\(column) <= \(high)"
    case (nil, nil): "\(column) IS NOT NULL"
    }
  }

  /// PS3.4 C.2.2.2.5.2: a date and a time are one moment; a date without a time counts from midnight.
  private func combined(
    _ date: SearchKey, _ time: SearchKey, _ low: DICOMQuery.Moment?, _ high: DICOMQuery.Moment?
  ) throws(SearchMisuse) -> SearchCondition {
    guard let date = SearchColumn.column(date), let time = SearchColumn.column(time),
      date.key.level == time.key.level
    else { throw SearchMisuse() }
    let dateRange = Self.range("\(unsafe: date.column)", low?.date, high?.date)
    var filter = Self.range(held(date), low?.date, high?.date)
    let moment: SQL = "coalesce(\(held(time)), 0)"
    if let low { filter += " AND (\(held(date)) > \(low.date) OR \(moment) >= \(low.time))" }
    if let high { filter += " AND (\(held(date)) < \(high.date) OR \(moment) <= \(high.time))" }
    let keys = keys(date.key.level, dateRange)
    let bounded: SQL =
      "SELECT \(Self.alias(date.key.level)).key FROM \(Self.table(date.key.level)) AS \(Self.alias(date.key.level)) "
      + "WHERE key IN (\(keys)) AND \(filter)"
    return SearchCondition(level: date.key.level, keys: date.isIndexed ? bounded : nil, filter: filter)
  }
}

/// A condition that no grammar of ours makes: a kind of match that its key does not have.
struct SearchMisuse: Error {}
