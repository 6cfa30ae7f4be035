extension SchemaLoader {
  /// `T name kind base inherited`: a type that begins with the first `inherited` elements of its base.
  mutating func readType() throws(SchemaError) {
    let kindText = try field(2)
    guard let (kind, isAbstract) = Self.kinds[kindText.string] else { throw fault("unknown kind of type") }
    let base: Schema.TypeID? = if let name = optional(3) { try type(name) } else { nil }
    if let base, Int(base.rawValue) >= types.count { throw fault("base after its specialisation") }
    let name = try field(1)
    types.append(
      Schema.TypeRecord(
        name: name, kind: kind, isAbstract: isAbstract, base: base,
        primitive: kind == .primitive ? Primitive(rawValue: name.string) : nil,
        elements: Int32(elements.count)..<Int32(elements.count),
        invariants: Int32(invariants.count)..<Int32(invariants.count)))
    guard kind != .primitive || isAbstract || types[types.count - 1].primitive != nil else {
      throw fault("unknown primitive")
    }
    guard let base, let inherited = optional(4) else { return }
    try inherit(Int(try number(in: inherited)), from: base)
  }

  private static let kinds: [String: (Schema.Kind, Bool)] = [
    "system": (.system, false), "primitive": (.primitive, false), "abstract primitive": (.primitive, true),
    "complex": (.complexType, false), "abstract complex": (.complexType, true), "backbone": (.backbone, false),
    "resource": (.resource, false), "abstract resource": (.resource, true),
  ]

  private mutating func inherit(_ count: Int, from base: Schema.TypeID) throws(SchemaError) {
    let range = types[Int(base.rawValue)].elements
    guard count <= range.count else { throw fault("more elements inherited than there are") }
    for index in Int(range.lowerBound)..<Int(range.lowerBound) + count { try append(elements[index]) }
  }

  /// Appends an element to the type that is being read.
  private mutating func append(_ element: Schema.Element) throws(SchemaError) {
    let owner = types.count - 1
    let id = Int32(elements.count)
    let scope = UInt16(owner)
    elements.append(
      Schema.Element(
        id: Schema.ElementID(rawValue: id), owner: Schema.TypeID(rawValue: scope), nameText: element.nameText,
        ownerText: types[owner].name, types: element.types, low: element.low, high: element.high,
        bindingIndex: element.bindingIndex, isChoice: element.isChoice, isSummary: element.isSummary,
        isModifier: element.isModifier))
    types[owner].elements = types[owner].elements.lowerBound..<id + 1
    for ref in element.types {
      guard keys.insert(ref.key, scope: scope, type: ref.type.rawValue, element: id) else { throw fault("key twice") }
      // One key for all types of an element that is no choice (none in R4).
      guard element.isChoice else { return }
    }
    let isNew = keys.insert(element.nameText, scope: scope | KeyTable.choiceBit, type: scope, element: id)
    guard isNew else { throw fault("choice twice") }
  }

  /// `E name min..max types flags binding`
  mutating func readElement() throws(SchemaError) {
    guard !types.isEmpty else { throw fault("element before any type") }
    var name = try field(1)
    let isChoice = name.count > 3 && name.start[name.count - 1] == UInt8(ascii: "]")
    if isChoice { name = FrozenText(start: name.start, count: name.count - 3) }
    var high = try field(2)
    guard let low = high.removePrefix(upTo: UInt8(ascii: ".")), high.count > 1 else { throw fault("no cardinality") }
    high = FrozenText(start: high.start + 1, count: high.count - 1)
    let isUnbounded = high.count == 1 && high.start[0] == UInt8(ascii: "*")
    var binding = Schema.Element.unbound
    if let name = optional(5) {
      guard let found = keys.find(name.utf8, scope: KeyTable.bindingScope) else { throw fault("unknown value set") }
      binding = found.type
    }
    let flags = optional(4)?.utf8
    let refs = try readTypeRefs(try field(3), name: name, isChoice: isChoice)
    try append(
      Schema.Element(
        id: Schema.ElementID(rawValue: 0), owner: Schema.TypeID(rawValue: 0), nameText: name, ownerText: name,
        types: refs, low: try number(in: low), high: isUnbounded ? Schema.Element.unbounded : try number(in: high),
        bindingIndex: binding, isChoice: isChoice, isSummary: flags?.contains(UInt8(ascii: "S")) ?? false,
        isModifier: flags?.contains(UInt8(ascii: "M")) ?? false))
  }

  /// `boolean Reference(Patient,Group) Period`
  private mutating func readTypeRefs(
    _ text: FrozenText, name: FrozenText, isChoice: Bool
  ) throws(SchemaError) -> FrozenList<Schema.TypeRef> {
    var rest = text
    typeRefs.removeAll(keepingCapacity: true)
    while var word = rest.removePrefix(upTo: UInt8(ascii: " ")) {
      guard let typeName = word.removePrefix(upTo: UInt8(ascii: "(")) else { throw fault("no type") }
      typeIDs.removeAll(keepingCapacity: true)
      if word.count > 0 {
        word = FrozenText(start: word.start, count: word.count - 1)
        while let target = word.removePrefix(upTo: UInt8(ascii: ",")) { typeIDs.append(try type(target)) }
      }
      let type = try type(typeName)
      let key = isChoice ? joinedKey(name, typeName) : name
      typeRefs.append(Schema.TypeRef(type: type, key: key, targets: arena.freeze(typeIDs)))
    }
    return arena.freeze(typeRefs)
  }

  /// "value" and "dateTime" make "valueDateTime" (FHIR R4 formats#choice).
  private mutating func joinedKey(_ name: FrozenText, _ type: FrozenText) -> FrozenText {
    joined.removeAll(keepingCapacity: true)
    joined.append(contentsOf: name.utf8)
    joined.append(contentsOf: type.utf8)
    let first = joined[name.count]
    if first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z") { joined[name.count] = first - 32 }
    return arena.freeze(text: joined)
  }

  /// `I key severity element human expression`
  mutating func readInvariant() throws(SchemaError) {
    guard !types.isEmpty else { throw fault("invariant before any type") }
    invariants.append(
      Invariant(
        key: try field(1).string, severity: try field(2).string == "error" ? .error : .warning,
        human: optional(4)?.string ?? "", expression: optional(5)?.string, element: optional(3)?.string))
    let owner = types.count - 1
    types[owner].invariants = types[owner].invariants.lowerBound..<Int32(invariants.count)
  }
}
