internal import FHIRModel
internal import JSONCore

/// Equality and equivalence (FHIRPath 2.0 §Equality).
extension Evaluation {
  /// `=` of collections: nil where one is empty or a pair is undecidable; the order counts.
  func equal(_ a: Items, _ b: Items, at offset: Int) throws(FHIRPathError) -> Bool? {
    if a.isEmpty || b.isEmpty { return nil }
    guard a.count == b.count else { return false }
    var isUndecided = false
    for (x, y) in zip(a, b) {
      switch try equal(x, y, at: offset) {
      case true: continue
      case false: return false
      case nil: isUndecided = true
      }
    }
    return isUndecided ? nil : true
  }

  func equal(_ a: FHIRPathItem, _ b: FHIRPathItem, at offset: Int) throws(FHIRPathError) -> Bool? {
    try charge(at: offset)
    if case .node(let x) = a, case .node(let y) = b {
      if x.document === y.document, x.identity == y.identity { return true }
      if !isPrimitive(x.type) || !isPrimitive(y.type) { return try equalNodes(x, y, at: offset) }
    }
    guard let x = systemValue(a), let y = systemValue(b) else { return try equalWithoutValue(a, b, at: offset) }
    switch (x, y) {
    case (.boolean(let p), .boolean(let q)): return p == q
    case (.integer(let p), .integer(let q)): return p == q
    case (.string(let p), .string(let q)):
      try charge(min(p.utf8.count, q.utf8.count) / 64, at: offset)
      return p.utf8.elementsEqual(q.utf8)
    case (.temporal(let p), .temporal(let q)):
      return p.value.isTime == q.value.isTime ? p.compare(to: q).map { $0 == 0 } : false
    case (.temporal(let p), .string(let text)), (.string(let text), .temporal(let p)):
      return FHIRPathTemporal(text, as: p.kind).map { p.compare(to: $0) == 0 } ?? false
    case (.type(let p), .type(let q)): return p == q
    default: return equalNumbers(x, y)
    }
  }

  private func equalNumbers(_ x: FHIRPathItem, _ y: FHIRPathItem) -> Bool? {
    switch (x, y) {
    case (.quantity(let p), .quantity(let q)):
      // Units that do not convert make the equality undecidable (§Quantity equality).
      return p.compare(to: q).map { $0 == 0 }
    case (.quantity(let p), _):
      return number(y).map { p.code == "1" && p.value == $0 } ?? false
    case (_, .quantity(let q)):
      return number(x).map { q.code == "1" && q.value == $0 } ?? false
    default:
      guard let p = number(x), let q = number(y) else { return false }
      return p == q
    }
  }

  /// Complex types and primitives without a value.
  private func equalWithoutValue(
    _ a: FHIRPathItem, _ b: FHIRPathItem, at offset: Int
  ) throws(FHIRPathError) -> Bool? {
    guard case .node(let x) = a, case .node(let y) = b else { return false }
    return try equalNodes(x, y, at: offset)
  }

  private func equalNodes(_ x: FHIRPathNode, _ y: FHIRPathNode, at offset: Int) throws(FHIRPathError) -> Bool? {
    if isQuantity(x), isQuantity(y), case .quantity(let p)? = systemValue(.node(x)),
      case .quantity(let q)? = systemValue(.node(y)), p.code != q.code
    {
      return p.compare(to: q).map { $0 == 0 }
    }
    guard (x.value == nil) == (y.value == nil) else { return false }
    if let p = x.value, let q = y.value { return try equalJSON(p, x.document, q, y.document, at: offset) }
    guard let p = x.sibling, let q = y.sibling else { return false }
    return try equalJSON(p, x.document, q, y.document, at: offset)
  }

  private func isQuantity(_ node: FHIRPathNode) -> Bool {
    guard let type = schema.type("Quantity") else { return false }
    return schema.isSubtype(node.type, of: type)
  }

  /// Values of the same content: objects whatever the order of members, numbers by value. The depth is the document's,
  /// which its parser bounded.
  func equalJSON(
    _ x: JSONNode, _ a: JSONDocument, _ y: JSONNode, _ b: JSONDocument, at offset: Int
  ) throws(FHIRPathError) -> Bool {
    try charge(at: offset)
    let kind = a.kind(x)
    guard kind == b.kind(y) else { return false }
    switch kind {
    case .null, .true, .false: return true
    case .string:
      try charge(a.lexeme(x).count >> 6, at: offset)
      return Evaluation.equalText(x, a, y, b)
    case .number:
      let (p, q) = (a.lexeme(x), b.lexeme(y))
      if p.elementsEqual(q) { return true }
      guard let m = FHIRDecimal(p), let n = FHIRDecimal(q) else { return false }
      return m == n
    case .array:
      guard a.count(x) == b.count(y) else { return false }
      for (p, q) in zip(a.elements(x), b.elements(y)) where try !equalJSON(p, a, q, b, at: offset) { return false }
      return true
    case .object:
      guard a.count(x) == b.count(y) else { return false }
      for (key, p) in a.members(x) {
        try charge(b.count(y) >> 4, at: offset)
        guard let q = Evaluation.member(key, of: a, in: y, b), try equalJSON(p, a, q, b, at: offset) else {
          return false
        }
      }
      return true
    }
  }

  private static func equalText(_ x: JSONNode, _ a: JSONDocument, _ y: JSONNode, _ b: JSONDocument) -> Bool {
    if !a.hasEscapes(x), !b.hasEscapes(y) { return a.lexeme(x).elementsEqual(b.lexeme(y)) }
    return a.string(x) == b.string(y)
  }

  private static func member(_ key: JSONNode, of a: JSONDocument, in object: JSONNode, _ b: JSONDocument) -> JSONNode? {
    for (candidate, value) in b.members(object) where equalText(key, a, candidate, b) { return value }
    return nil
  }

  // MARK: - Equivalence

  /// `~` of collections: the order does not count, and two empty ones are equivalent.
  func equivalent(_ a: Items, _ b: Items, at offset: Int) throws(FHIRPathError) -> Bool {
    guard a.count == b.count else { return false }
    var rest = b
    for item in a {
      var place: Int?
      for (index, candidate) in rest.enumerated() where try equivalent(item, candidate, at: offset) {
        place = index
        break
      }
      guard let place else { return false }
      rest.remove(at: place)
    }
    return true
  }

  func equivalent(_ a: FHIRPathItem, _ b: FHIRPathItem, at offset: Int) throws(FHIRPathError) -> Bool {
    try charge(at: offset)
    guard let x = systemValue(a), let y = systemValue(b) else {
      guard case .node(let p) = a, case .node(let q) = b else { return false }
      return try equivalentNodes(p, q, at: offset)
    }
    switch (x, y) {
    case (.string(let p), .string(let q)):
      try charge((p.utf8.count + q.utf8.count) / 16, at: offset)
      return Evaluation.normalized(p) == Evaluation.normalized(q)
    case (.temporal(let p), .temporal(let q)): return p.compare(to: q) == 0
    case (.quantity(let p), .quantity(let q)): return p.isEquivalent(to: q)
    case (.boolean, .boolean), (.type, .type): return try equal(x, y, at: offset) == true
    default:
      guard let p = number(x), let q = number(y) else { return false }
      return p.isEquivalent(to: q)
    }
  }

  /// Lower case, and runs of white space as one space (§Equivalent).
  static func normalized(_ text: String) -> String {
    var result = ""
    var isSpace = false
    for character in text.lowercased() {
      if character.isWhitespace {
        if !isSpace { result.append(" ") }
        isSpace = true
      } else {
        result.append(character)
        isSpace = false
      }
    }
    return result
  }

  /// Children by name, each set equivalent; `id`s do not count, since they name a place and not a meaning.
  private func equivalentNodes(_ x: FHIRPathNode, _ y: FHIRPathNode, at offset: Int) throws(FHIRPathError) -> Bool {
    if x.document === y.document, x.identity == y.identity { return true }
    let (a, b) = (try children([.node(x)], at: offset), try children([.node(y)], at: offset))
    guard x.type == y.type || !(isPrimitive(x.type) || isPrimitive(y.type)) else { return false }
    return try equivalent(a, b, at: offset)
  }

  // MARK: - Sets

  /// A number that equal items share.
  func digest(_ item: FHIRPathItem) -> Int {
    switch item {
    case .node(let node):
      guard let value = node.value else { return 0 }
      note(node.document.range(value).count >> 6)
      switch schema.primitive(node.type) {
      case .date, .dateTime, .instant, .time, .decimal, .integer, .positiveInt, .unsignedInt: return 0
      default: return isQuantity(node) ? 0 : Evaluation.digest(value, node.document)
      }
    case .string(let text):
      note(text.utf8.count >> 6)
      var hash = 0
      for byte in text.utf8 { hash = hash &* 31 &+ Int(byte) }
      return hash
    case .boolean(let value): return value ? 1 : 2
    default: return 0
    }
  }

  private static func digest(_ value: JSONNode, _ document: JSONDocument) -> Int {
    var hash = 0
    switch document.kind(value) {
    case .string:
      if document.hasEscapes(value) {
        for byte in (document.string(value) ?? "").utf8 { hash = hash &* 31 &+ Int(byte) }
      } else {
        for byte in document.lexeme(value) { hash = hash &* 31 &+ Int(byte) }
      }
    case .true: return 1
    case .false: return 2
    case .object:
      // Members may stand in any order, so their digests are summed.
      for (key, member) in document.members(value) where document.kind(member) == .string {
        hash = hash &+ (digest(member, document) ^ document.lexeme(key).count)
      }
      hash = hash &+ document.count(value) &* 7919
    case .array: hash = document.count(value)
    case .null, .number: return 0
    }
    return hash
  }

  /// Items without those equal to an earlier one.
  func distinct(_ items: Items, at offset: Int) throws(FHIRPathError) -> Items {
    if items.count < 2 { return items }
    var set = ItemSet(self)
    var result: Items = []
    for item in items where try set.insert(item, at: offset) { result.append(item) }
    return result
  }

  /// Items found by equality.
  struct ItemSet {
    private let evaluation: Evaluation
    private var buckets: [Int: Items] = [:]

    init(_ evaluation: Evaluation) { self.evaluation = evaluation }

    init(_ items: Items, _ evaluation: Evaluation, at offset: Int) throws(FHIRPathError) {
      self.evaluation = evaluation
      for item in items { _ = try insert(item, at: offset) }
    }

    func contains(_ item: FHIRPathItem, at offset: Int) throws(FHIRPathError) -> Bool {
      for other in buckets[evaluation.digest(item)] ?? [] where try evaluation.equal(item, other, at: offset) == true {
        return true
      }
      return false
    }

    /// False if an equal item is there already.
    mutating func insert(_ item: FHIRPathItem, at offset: Int) throws(FHIRPathError) -> Bool {
      if try contains(item, at: offset) { return false }
      buckets[evaluation.digest(item), default: []].append(item)
      return true
    }
  }
}
