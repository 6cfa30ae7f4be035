/// Reads a table into the parts of a `Schema`. The format is in docs/internals/tables.md: one record per line, the kind
/// first, fields separated by tabs.
///
/// Two passes: the first gives numbers to types and value sets, so that the second can resolve every name at once.
/// Names stay where they are in the table; only what is joined from two pieces is written anew.
struct SchemaLoader {
  let table: UnsafeBufferPointer<UInt8>
  var line = 0
  var fields: [FrozenText] = []
  var arena = FrozenArena()

  var fhirVersion = ""
  var types: [Schema.TypeRecord] = []
  var elements = FrozenBuilder<Schema.Element>(capacity: 8 * 1024)
  var keys = KeyTable(capacity: 16 * 1024)
  var invariants: [Invariant] = []
  var codeSets: [CodeSet] = []
  var searchParameters: [SearchParameterDefinition] = []
  var compartments: [CompartmentDefinition] = []

  /// The names of the first pass, in order; the second pass counts along.
  var typeNames: [FrozenText] = []
  var codeSetNames: [FrozenText] = []

  // Kept between lines, so that one line's lists need no memory of their own.
  var typeRefs: [Schema.TypeRef] = []
  var typeIDs: [Schema.TypeID] = []
  var joined: [UInt8] = []

  init(_ table: UnsafeBufferPointer<UInt8>) {
    self.table = table
  }

  mutating func load() throws(SchemaError) {
    try eachLine { (loader, text) throws(SchemaError) in try loader.number(text) }
    types.reserveCapacity(typeNames.count)
    try eachLine { (loader, text) throws(SchemaError) in try loader.read(text) }
    guard !fhirVersion.isEmpty else { throw fault("no version") }
  }

  private mutating func eachLine(
    _ body: (inout SchemaLoader, FrozenText) throws(SchemaError) -> Void
  ) throws(SchemaError) {
    guard let start = table.baseAddress else { throw fault("empty table") }
    line = 0
    var offset = 0
    while offset < table.count {
      line += 1
      let length = FrozenText(start: start + offset, count: table.count - offset).distance(to: UInt8(ascii: "\n"))
      try body(&self, FrozenText(start: start + offset, count: length))
      offset += length + 1
    }
  }

  /// First pass: types and value sets get their numbers.
  private mutating func number(_ text: FrozenText) throws(SchemaError) {
    guard text.count > 2 else { throw fault("short line") }
    let kind = text.start[0]
    guard kind == UInt8(ascii: "T") || kind == UInt8(ascii: "V") else { return }
    let rest = FrozenText(start: text.start + 2, count: text.count - 2)
    let name = FrozenText(start: rest.start, count: rest.distance(to: UInt8(ascii: "\t")))
    let isType = kind == UInt8(ascii: "T")
    let number = isType ? typeNames.count : codeSetNames.count
    guard number < KeyTable.numberMax else { throw fault("too many") }
    let scope = isType ? KeyTable.typeScope : KeyTable.bindingScope
    guard keys.insert(name, scope: scope, type: UInt16(number), element: 0) else { throw fault("named twice") }
    if isType { typeNames.append(name) } else { codeSetNames.append(name) }
  }

  /// Second pass: one record.
  private mutating func read(_ text: FrozenText) throws(SchemaError) {
    split(text)
    switch text.start[0] {
    case UInt8(ascii: "F"): fhirVersion = try field(1).string
    case UInt8(ascii: "T"): try readType()
    case UInt8(ascii: "E"): try readElement()
    case UInt8(ascii: "I"): try readInvariant()
    case UInt8(ascii: "V"): try readCodeSet()
    case UInt8(ascii: "C"): try readCodes()
    case UInt8(ascii: "P"): try readSearchParameter()
    case UInt8(ascii: "Q"): try readComponent()
    case UInt8(ascii: "K"): try readCompartment()
    case UInt8(ascii: "M"): try readCompartmentMember()
    default: throw fault("unknown kind of line")
    }
  }

  private mutating func split(_ text: FrozenText) {
    fields.removeAll(keepingCapacity: true)
    var rest = text
    while true {
      let length = rest.distance(to: UInt8(ascii: "\t"))
      fields.append(FrozenText(start: rest.start, count: length))
      guard length < rest.count else { return }
      rest = FrozenText(start: rest.start + length + 1, count: rest.count - length - 1)
    }
  }

  // MARK: - Fields

  func fault(_ reason: String) -> SchemaError { SchemaError(line: line, reason: reason) }

  /// A field that must be there.
  func field(_ index: Int) throws(SchemaError) -> FrozenText {
    guard index < fields.count, fields[index].count > 0 else { throw fault("field \(index) is missing") }
    return fields[index]
  }

  /// A field that may be empty, or cut off at the end of the line.
  func optional(_ index: Int) -> FrozenText? {
    index < fields.count && fields[index].count > 0 ? fields[index] : nil
  }

  func type(_ name: FrozenText) throws(SchemaError) -> Schema.TypeID {
    guard let found = keys.find(name.utf8, scope: KeyTable.typeScope) else { throw fault("unknown type") }
    return Schema.TypeID(rawValue: found.type)
  }

  func number(in text: FrozenText) throws(SchemaError) -> Int32 {
    guard text.count > 0, text.count < 9 else { throw fault("no number") }
    var value: Int32 = 0
    for byte in text.utf8 {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw fault("no number") }
      value = value * 10 + Int32(byte - UInt8(ascii: "0"))
    }
    return value
  }

  /// The words of a field, separated by spaces.
  func words(_ index: Int) -> [String] {
    guard var rest = optional(index) else { return [] }
    var words: [String] = []
    while let word = rest.removePrefix(upTo: UInt8(ascii: " ")) { words.append(word.string) }
    return words
  }

  /// The types of a field, separated by spaces.
  func typeList(_ index: Int) throws(SchemaError) -> [Schema.TypeID] {
    guard var rest = optional(index) else { return [] }
    var list: [Schema.TypeID] = []
    while let word = rest.removePrefix(upTo: UInt8(ascii: " ")) { list.append(try type(word)) }
    return list
  }

  /// A canonical URL: as it stands, or one of the standard's own without the part that all of a kind share.
  func canonical(_ text: FrozenText, of kind: StaticString) -> String {
    let isWhole = text.distance(to: UInt8(ascii: ":")) < text.count
    return isWhole ? text.string : "http://hl7.org/fhir/\(kind)/\(text.string)"
  }
}

extension FrozenText {
  /// The number of bytes before the first `byte`, or all of them.
  func distance(to byte: UInt8) -> Int {
    let bytes = UnsafeRawPointer(start)
    let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
    var offset = 0
    while offset &+ 8 <= count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ pattern
      // The lowest zero byte of the word is exact, whatever carries do above it.
      let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
      if zeros != 0 { return offset &+ zeros.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < count, start[offset] != byte { offset &+= 1 }
    return offset
  }

  /// Takes off what stands before the first `separator`, and the separator; nil when nothing is left.
  mutating func removePrefix(upTo separator: UInt8) -> FrozenText? {
    guard count > 0 else { return nil }
    let length = distance(to: separator)
    let prefix = FrozenText(start: start, count: length)
    self = FrozenText(start: start + length, count: count - length)
    if count > 0 { self = FrozenText(start: start + 1, count: count - 1) }
    return prefix
  }
}
