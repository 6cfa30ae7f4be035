extension SMARTScope {
  /// How strictly scopes are read.
  public struct Grammar: Sendable {
    /// Whether letters may come in any order: Microsoft's server reads them so, SMART writes `cruds` in order.
    public var allowsAnyOrder: Bool
    /// Whether `$` and `.` may stand for the slash and `all` for `*`, because Entra allows no slash in scopes.
    public var allowsEntraSpelling: Bool
    /// Whether a name is a type of the service's FHIR release.
    public var isType: @Sendable (String) -> Bool

    public init(
      allowsAnyOrder: Bool, allowsEntraSpelling: Bool, isType: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
      self.allowsAnyOrder = allowsAnyOrder
      self.allowsEntraSpelling = allowsEntraSpelling
      self.isType = isType
    }

    /// As SMART App Launch 2.2 writes it: for what clients ask our own issuer for.
    public static let standard = Grammar(allowsAnyOrder: false, allowsEntraSpelling: false)
    /// As Microsoft's server reads it: for the tokens of other issuers.
    public static let tolerant = Grammar(allowsAnyOrder: true, allowsEntraSpelling: true)
  }

  /// Bytes of a scope.
  public static let bytesMax = 2048
  static let conditionsMax = 20

  /// Reads a scope for FHIR resources.
  /// - Returns: nil if the text is another kind of scope (`openid`, `launch/patient`, …).
  /// - Throws: why it is none although it begins like one.
  public static func parse(_ text: String, _ grammar: Grammar = .standard) throws(ScopeError) -> SMARTScope? {
    guard text.utf8.count <= bytesMax else { throw ScopeError(.tooLong, "A scope has at most \(bytesMax) bytes.") }
    guard let (head, query) = split(text, grammar) else {
      throw ScopeError(.malformed, "The scope's percent-encoding is broken.")
    }
    guard let (context, rest, isSlash) = self.context(head, grammar) else { return nil }
    guard let point = rest.lastIndex(of: ".") else {
      guard isSlash else { return nil }
      throw ScopeError(.malformed, "The scope '\(shown(text))' has no permissions: \(context.rawValue)/Type.cruds.")
    }
    let typeName = rest[..<point]
    let isAll = typeName == "*" || (grammar.allowsEntraSpelling && typeName == "all")
    guard isAll || (isTypeName(typeName) && grammar.isType(String(typeName))) else {
      // Without a slash it may be anything: `user.read` is a scope of Microsoft Graph.
      guard isSlash || isTypeName(typeName) else { return nil }
      throw ScopeError(.type, "The scope '\(shown(text))' names no type of resource.")
    }
    guard let (permissions, version) = permissions(rest[rest.index(after: point)...], grammar) else {
      throw ScopeError(
        .permissions, "The permissions of the scope '\(shown(text))' are not read, write, * or letters of cruds.")
    }
    let conditions = try query.map { query throws(ScopeError) in try self.conditions(query, text) } ?? []
    guard version == .v2 || conditions.isEmpty else {
      throw ScopeError(.condition, "The scope '\(shown(text))' has conditions, which version 1 does not know.")
    }
    return SMARTScope(
      context, isAll ? nil : String(typeName), permissions, version: version, conditions: conditions)
  }

  /// What a message shows of a scope.
  private static func shown(_ text: String) -> String { String(text.prefix(100)) }

  /// The part before the question mark, decoded, and the query, to be decoded piece by piece: decoding it whole would
  /// let an escape add conditions. A question mark that is encoded itself says that the whole was encoded once.
  private static func split(_ text: String, _ grammar: Grammar) -> (String, Substring?)? {
    if let mark = text.firstIndex(of: "?") {
      guard let head = grammar.allowsEntraSpelling ? PercentCoding.decode(text[..<mark]) : String(text[..<mark]) else {
        return nil
      }
      return (head, text[text.index(after: mark)...])
    }
    guard grammar.allowsEntraSpelling, text.contains("%") else { return (text, nil) }
    guard let whole = PercentCoding.decode(text) else { return nil }
    guard let mark = whole.firstIndex(of: "?") else { return (whole, nil) }
    return (String(whole[..<mark]), whole[whole.index(after: mark)...])
  }

  private static func context(_ head: String, _ grammar: Grammar) -> (Context, Substring, isSlash: Bool)? {
    for context in Context.allCases {
      guard head.hasPrefix(context.rawValue) else { continue }
      let rest = head.dropFirst(context.rawValue.count)
      if rest.first == "/" { return (context, rest.dropFirst(), true) }
      if grammar.allowsEntraSpelling, rest.first == "$" || rest.first == "." {
        return (context, rest.dropFirst(), false)
      }
    }
    return nil
  }

  private static func permissions(_ text: Substring, _ grammar: Grammar) -> (Permissions, Version)? {
    switch text {
    case "read": return (.reading, .v1)
    case "write": return (.writing, .v1)
    case "*": return (.all, .v1)
    case "all" where grammar.allowsEntraSpelling: return (.all, .v1)
    default: break
    }
    var permissions: Permissions = []
    var last = -1
    for byte in text.utf8 {
      guard let place = Permissions.letters.firstIndex(where: { $0.0 == byte }) else { return nil }
      let permission = Permissions.letters[place].1
      guard !permissions.contains(permission), grammar.allowsAnyOrder || place > last else { return nil }
      permissions.insert(permission)
      last = place
    }
    return permissions.isEmpty ? nil : (permissions, .v2)
  }

  /// Parameters that say what a search returns rather than which resources it is about, or that reach into others.
  private static let refusedParameters: Set<String> = [
    "_contained", "_containedType", "_content", "_count", "_elements", "_filter", "_format", "_has", "_include",
    "_list", "_page", "_pretty", "_query", "_revinclude", "_score", "_since", "_sort", "_summary", "_text", "_total",
    "_type", "ct",
  ]

  private static func conditions(_ query: Substring, _ scope: String) throws(ScopeError) -> [Condition] {
    var conditions: [Condition] = []
    for part in query.split(separator: "&", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, let name = PercentCoding.decode(pair[0], isForm: true),
        let value = PercentCoding.decode(pair[1], isForm: true), !value.isEmpty
      else { throw ScopeError(.condition, "The conditions of the scope '\(shown(scope))' are not parameter=value.") }
      guard isParameterName(name), !refusedParameters.contains(name) else {
        throw ScopeError(
          .condition, "The scope '\(shown(scope))' has a condition with a modifier, a chain or a result parameter.")
      }
      conditions.append(Condition(name, value))
    }
    guard conditions.count <= conditionsMax else {
      throw ScopeError(.condition, "A scope has at most \(conditionsMax) conditions.")
    }
    return conditions
  }

  /// A search parameter's code: no modifier (`:`) and no chain (`.`).
  private static func isParameterName(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count) else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}
