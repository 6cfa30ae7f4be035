internal import JSONCore

extension StructureWalk {
  /// A primitive's JSON kind, its lexical rules, and its code where one is required.
  mutating func checkPrimitive(_ value: JSONNode, _ type: Primitive, _ binding: Schema.BindingID?) {
    let kind = document.kind(value)
    switch type.jsonForm {
    case .boolean:
      if kind != .true, kind != .false { reportKind(value, type, "true or false") }
      return
    case .number:
      guard kind == .number else { return reportKind(value, type, "a JSON number") }
      guard PrimitiveCheck.isValid(document.lexeme(value), as: type) else { return reportLexical(value, type) }
      if type == .decimal { checkDigits(value) }
      return
    case .string:
      guard kind == .string else { return reportKind(value, type, "a JSON string") }
    }
    guard document.lexeme(value).count > 0 else {
      return report("value", "An empty string is not allowed; leave the element out.")
    }
    if document.hasEscapes(value) { return checkEscaped(value, type, binding) }
    checkText(document.lexeme(value), value, type, binding)
  }

  /// R4 datatypes#decimal sets no bound but XML Schema's, by which 18 digits must be supported. Numbers past
  /// `decimalDigitsMax` are refused rather than stored where search could not find them exactly.
  private mutating func checkDigits(_ value: JSONNode) {
    let lexeme = document.lexeme(value)
    guard lexeme.count > StructureCheck.decimalDigitsMax else { return }
    let mantissa = lexeme.prefix { $0 | 0x20 != UInt8(ascii: "e") }
    let digits = mantissa.drop { $0 &- 49 >= 9 }.reduce(0) { $0 + ($1 &- 48 < 10 ? 1 : 0) }
    guard digits > StructureCheck.decimalDigitsMax else { return }
    report("value", "The number has \(digits) digits; at most \(StructureCheck.decimalDigitsMax) are supported.")
  }

  /// Text without escapes: the parser has refused control characters, so that plain text is sound by its length.
  private mutating func checkText(
    _ text: UnsafeBufferPointer<UInt8>, _ value: JSONNode, _ type: Primitive, _ binding: Schema.BindingID?
  ) {
    if type == .string || type == .markdown, text.count <= PrimitiveCheck.stringCharactersMax { return }
    if type == .xhtml { return checkNarrative(NarrativeCheck.problem(text)) }
    guard PrimitiveCheck.isValid(text, as: type) else { return reportLexical(value, type) }
    if let binding, type == .code { checkCode(text, value, binding) }
  }

  private mutating func checkEscaped(_ value: JSONNode, _ type: Primitive, _ binding: Schema.BindingID?) {
    let raw = document.lexeme(value)
    if type == .string || type == .markdown, raw.count <= PrimitiveCheck.stringCharactersMax {
      if StructureWalk.escapesControl(raw) { reportLexical(value, type) }
      return
    }
    // The memory is taken out while it is read, so that reporting may use the walk.
    var bytes = scratch
    scratch = []
    bytes.removeAll(keepingCapacity: true)
    bytes.reserveCapacity(raw.count)
    document.appendString(value, to: &bytes)
    bytes.withUnsafeBufferPointer { checkText($0, value, type, binding) }
    scratch = bytes
  }

  /// Whether raw JSON text holds an escape for a control character other than tab, CR and LF.
  static func escapesControl(_ raw: UnsafeBufferPointer<UInt8>) -> Bool {
    var position = 0
    while position < raw.count {
      guard raw[position] == UInt8(ascii: "\\"), position + 1 < raw.count else {
        position += 1
        continue
      }
      switch raw[position + 1] {
      case UInt8(ascii: "b"), UInt8(ascii: "f"): return true
      case UInt8(ascii: "u"):
        if isControlEscape(raw, position + 2) { return true }
      default: break
      }
      position += 2
    }
    return false
  }

  /// Four hexadecimal digits below 0020, other than 0009, 000A and 000D.
  private static func isControlEscape(_ raw: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
    guard raw.count - start >= 4, raw[start] == 48, raw[start + 1] == 48, raw[start + 2] == 48 || raw[start + 2] == 49
    else { return false }
    let low = raw[start + 3] | 0x20
    return raw[start + 2] == 49 || !(low == UInt8(ascii: "9") || low == UInt8(ascii: "a") || low == UInt8(ascii: "d"))
  }

  private mutating func checkNarrative(_ problem: String?) {
    guard let problem else { return }
    report("invariant", "The narrative is not the XHTML that FHIR allows: \(problem).")
  }

  /// FHIR R4 resource.html#id: up to 64 letters, digits, `-` and `.`.
  mutating func checkResourceID(_ value: JSONNode) {
    guard document.kind(value) == .string else { return reportKind(value, .id, "a JSON string") }
    if document.hasEscapes(value) {
      var bytes: [UInt8] = []
      document.appendString(value, to: &bytes)
      let isID = bytes.withUnsafeBufferPointer { PrimitiveCheck.isLogicalID($0) }
      if !isID { reportLexical(value, .id) }
    } else if !PrimitiveCheck.isLogicalID(document.lexeme(value)) {
      reportLexical(value, .id)
    }
  }
}

// MARK: - Siblings

extension StructureWalk {
  /// `_name` beside a primitive's `name` (FHIR R4 json.html#primitive): an object with id and extensions, or, where
  /// the element repeats, an array of such objects and nulls in step with the values.
  mutating func checkSibling(
    _ sibling: JSONNode, _ element: StructureLayout.ElementLayout, _ type: Schema.TypeID, value: JSONNode?, depth: Int
  ) {
    guard element.max > 1 else {
      return checkSiblingObject(sibling, hasValue: value != nil, depth: depth)
    }
    guard document.kind(sibling) == .array else {
      return report("structure", "The element may repeat, so its '_' member must be an array.")
    }
    let count = document.count(sibling)
    guard count > 0 else { return report("structure", "An array must not be empty; leave the element out.") }
    if let value, document.kind(value) == .array, document.count(value) != count {
      report(
        "structure",
        "The arrays with and without '_' must be of one length (\(document.count(value)) and \(count)); fill with null."
      )
    } else if value == nil, count > Int(element.max) {
      report("structure", "The element occurs \(count) times; at most \(element.max) are allowed.")
    }
    checkSiblings(sibling, value: value, depth: depth)
  }

  private mutating func checkSiblings(_ sibling: JSONNode, value: JSONNode?, depth: Int) {
    let place = path.count - 1
    var values = value.map { document.elements($0) }
    for item in document.elements(sibling) {
      path[place].index += 1
      if isFull { return }
      let partner = values?.next()
      guard document.kind(item) == .null else {
        checkSiblingObject(item, hasValue: partner.map { document.kind($0) != .null } ?? false, depth: depth)
        continue
      }
      if partner.map({ document.kind($0) == .null }) ?? true {
        report("structure", "null is allowed only where the member of the same place with or without '_' has a value.")
      }
    }
    path[place].index = -1
  }

  private mutating func checkSiblingObject(_ sibling: JSONNode, hasValue: Bool, depth: Int) {
    guard document.kind(sibling) == .object, let type = layout.sibling else {
      return report("structure", "A member with '_' must be an object with id or extension, not \(shownKind(sibling)).")
    }
    checkObject(sibling, type, hasValue: hasValue, depth: depth)
  }

  /// A null among a primitive's values needs an object at its place in the `_` array.
  mutating func checkNull(at index: Int, _ name: UnsafeBufferPointer<UInt8>, in object: JSONNode) {
    // What stands at that place is checked with the sibling.
    if let sibling = siblingOf(name, in: object), document.count(sibling) > index { return }
    report("structure", "null is allowed only where the '_' member has an object at the same place.")
  }

  /// The member `name` that a `_name` belongs to.
  func valueOf(_ name: UnsafeBufferPointer<UInt8>, in object: JSONNode) -> JSONNode? {
    for (key, value) in document.members(object) where document.lexeme(key).elementsEqual(name) { return value }
    return nil
  }

  /// The member `_name` that belongs to `name`.
  func siblingOf(_ name: UnsafeBufferPointer<UInt8>, in object: JSONNode) -> JSONNode? {
    for (key, value) in document.members(object) {
      let lexeme = document.lexeme(key)
      if lexeme.first == UInt8(ascii: "_"), lexeme.dropFirst().elementsEqual(name) { return value }
    }
    return nil
  }
}
