import CPostgreSQL
import Storage

/// What a statement is found by.
enum StatementSource {
  case fixed(Statement)
  case dynamic(String)
  /// A statement whose parameters are arrays of these types, sent as they are.
  case arrays(String, [Oid])

  var text: String {
    switch self {
    case .fixed(let statement): statement.text(.postgreSQL)
    case .dynamic(let text), .arrays(let text, _): text
    }
  }
}

/// A statement prepared on one connection, for parameters of certain types.
final class Prepared {
  let name: String
  let text: StatementText
  /// 0 where only nulls were seen so far, and the server inferred the type.
  let types: [Oid]
  private let isArrays: Bool
  /// The server has it.
  var isThere = false

  init(name: String, text: StatementText, types: [Oid], isArrays: Bool = false) {
    self.isArrays = isArrays
    self.name = name
    self.text = text
    self.types = types
  }

  /// A null goes for every type.
  func fits(_ values: [SQLValue], from first: Int) -> Bool {
    if isArrays { return true }
    for index in 0..<types.count {
      let type = TypeID.of(values[first + index])
      if type != 0, type != types[index] { return false }
    }
    return true
  }
}

/// The statements prepared on one connection: fixed ones in slots, dynamic ones by their text, the least recently
/// used given up first.
struct PreparedStatements {
  private struct Entry {
    var forms: [Prepared]
    var lastUse: UInt64
  }

  private var fixed: [[Prepared]] = []
  private var dynamic: [String: Entry] = [:]
  /// By the statement's id; nil where it was not looked at yet.
  private var templates: [InsertTemplate??] = []
  private var uses: UInt64 = 0
  private var names = 0
  private let countMax: Int
  private static let formsMax = 8
  /// The protocol counts them with 16 bits.
  private static let parametersMax = 65_535
  /// Given up, but still on the server.
  private(set) var unwanted: [Prepared] = []

  init(countMax: Int) { self.countMax = countMax }

  /// The form for these values, made where there is none. All rows of `values` may be looked at for their types.
  mutating func form(
    _ source: StatementSource, _ values: [SQLValue], from first: Int, columns: Int
  ) throws(StorageError) -> Prepared {
    guard columns <= Self.parametersMax else {
      throw StorageError(.tooLarge, detail: "a statement has more than \(Self.parametersMax) parameters")
    }
    let forms = forms(of: source)
    for form in forms where form.types.count == columns && form.fits(values, from: first) { return form }
    let text = forms.first?.text ?? StatementText(source.text)
    guard text.parameterCount == columns else {
      throw StorageError(.misuse, detail: "the statement has another number of parameters")
    }
    guard !text.isTransactionControl else {
      throw StorageError(.misuse, detail: "the transaction is not the statement's to end")
    }
    names &+= 1
    if case .arrays(_, let types) = source {
      let form = Prepared(name: "a\(names)", text: text, types: types, isArrays: true)
      put([form], for: source)
      return form
    }
    var types = [Oid](repeating: 0, count: columns)
    var start = first
    while start + columns <= values.count, columns > 0, types.contains(0) {
      for column in 0..<columns where types[column] == 0 { types[column] = TypeID.of(values[start + column]) }
      start += columns
    }
    // A form that knew less than this one is not needed any more.
    var others = forms
    if let less = forms.firstIndex(where: { Self.isLess($0.types, than: &types) }) {
      unwanted.append(others.remove(at: less))
    }
    if others.count >= Self.formsMax { unwanted.append(others.removeFirst()) }
    let form = Prepared(name: "a\(names)", text: text, types: types)
    put(others + [form], for: source)
    return form
  }

  /// Whether the types agree wherever both are known; then `types` takes over what it does not know.
  private static func isLess(_ known: [Oid], than types: inout [Oid]) -> Bool {
    for index in types.indices where known[index] != 0 && types[index] != 0 && known[index] != types[index] {
      return false
    }
    for index in types.indices where types[index] == 0 { types[index] = known[index] }
    return true
  }

  private mutating func forms(of source: StatementSource) -> [Prepared] {
    switch source {
    case .fixed(let statement):
      return statement.id < fixed.count ? fixed[statement.id] : []
    case .dynamic(let text), .arrays(let text, _):
      uses &+= 1
      dynamic[text]?.lastUse = uses
      return dynamic[text]?.forms ?? []
    }
  }

  private mutating func put(_ forms: [Prepared], for source: StatementSource) {
    switch source {
    case .fixed(let statement):
      while fixed.count <= statement.id { fixed.append([]) }
      fixed[statement.id] = forms
    case .dynamic(let text), .arrays(let text, _):
      dynamic[text] = Entry(forms: forms, lastUse: uses)
      guard dynamic.count > countMax, let oldest = dynamic.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
        return
      }
      dynamic.removeValue(forKey: oldest.key)
      unwanted += oldest.value.forms
    }
  }

  /// What the statement is for many rows at once, if it can be that.
  mutating func insertTemplate(_ statement: Statement) -> InsertTemplate? {
    while templates.count <= statement.id { templates.append(nil) }
    if let known = templates[statement.id] { return known }
    let template = InsertTemplate(StatementText(statement.text(.postgreSQL)))
    templates[statement.id] = .some(template)
    return template
  }

  /// Forgets a form that the server did not take.
  mutating func forget(_ form: Prepared, _ source: StatementSource) {
    let rest = forms(of: source).filter { $0 !== form }
    switch source {
    case .fixed: put(rest, for: source)
    case .dynamic(let text), .arrays(let text, _):
      if rest.isEmpty { dynamic.removeValue(forKey: text) } else { put(rest, for: source) }
    }
  }

  /// What the server is to be told to forget now.
  mutating func takeUnwanted() -> [Prepared] {
    defer { unwanted = [] }
    return unwanted.filter(\.isThere)
  }

  /// The server was not told after all.
  mutating func giveBack(_ forms: [Prepared]) { unwanted += forms }
}
