extension Schema {
  /// An element by its position among all types' elements; a plain index, valid only with the schema that gave it.
  public struct ElementID: Hashable, Sendable {
    public let rawValue: Int32

    init(rawValue: Int32) {
      self.rawValue = rawValue
    }
  }

  /// A required binding, whose codes are `Schema.codes(_:)`.
  public struct BindingID: Hashable, Sendable {
    public let rawValue: UInt16

    init(rawValue: UInt16) {
      self.rawValue = rawValue
    }
  }

  /// An element of a type (ElementDefinition of a snapshot). A plain value; copying it counts no references.
  public struct Element: Sendable {
    /// Its place among all elements.
    public let id: ElementID
    /// The type in whose list it stands; for an inherited element the inheriting type.
    public let owner: TypeID
    /// The name; "value" for value[x].
    public let nameText: FrozenText
    let ownerText: FrozenText
    /// The allowed types: one, or several if `isChoice`. A content reference is resolved to the backbone type.
    public let types: FrozenList<TypeRef>
    let low: Int32
    let high: Int32
    let bindingIndex: UInt16
    public let isChoice: Bool
    public let isSummary: Bool
    public let isModifier: Bool

    static let unbounded = Int32.max
    static let unbound = UInt16.max

    public var name: String { nameText.string }
    public var min: Int { Int(low) }
    /// `Int.max` for "*".
    public var max: Int { high == Self.unbounded ? Int.max : Int(high) }
    /// In JSON an array, whatever its count (FHIR R4 json#repeat).
    public var isArray: Bool { high > 1 }
    /// The value set of a binding of strength `required`.
    public var binding: BindingID? { bindingIndex == Self.unbound ? nil : BindingID(rawValue: bindingIndex) }
    /// "Patient.contact.name", "Observation.value[x]".
    public var path: String { "\(ownerText).\(nameText)\(isChoice ? "[x]" : "")" }
  }

  /// One allowed type of an element.
  public struct TypeRef: Sendable {
    public let type: TypeID
    /// The element's member name in JSON when it has this type: "valueQuantity"; the element's name if it is no choice.
    public let key: FrozenText
    /// For Reference and canonical: the resource types that may be referred to; empty for any.
    public let targets: FrozenList<TypeID>
  }

  /// A type's elements, inherited ones included, in the order of the definition (the order of XML).
  public func elements(_ type: TypeID) -> FrozenList<Element> {
    let range = types[Int(type.rawValue)].elements
    return elementRecords.sub(Int(range.lowerBound)..<Int(range.upperBound))
  }

  public subscript(id: ElementID) -> Element { elementRecords[Int(id.rawValue)] }

  /// The element and the type that a JSON member name means in an object of type `type`: for an Observation
  /// "valueQuantity" is value[x] with Quantity; "value" alone is nothing.
  ///
  /// The key is compared as it stands: a leading "_" (FHIR R4 json#primitive) and escapes are the caller's, and
  /// `resourceType` is no element. Constant time.
  public func element(_ type: TypeID, key: UnsafeBufferPointer<UInt8>) -> (element: ElementID, type: TypeID)? {
    guard let found = keys.find(key, scope: type.rawValue) else { return nil }
    return (ElementID(rawValue: found.element), TypeID(rawValue: found.type))
  }

  /// As `element(_:key:)` with bytes.
  public func element(_ type: TypeID, key: String) -> (element: ElementID, type: TypeID)? {
    var key = key
    return key.withUTF8 { element(type, key: $0) }
  }

  /// The element of that name, as FHIRPath names it: "value" is value[x], and "valueQuantity" is nothing.
  /// Constant time.
  public func element(_ type: TypeID, name: UnsafeBufferPointer<UInt8>) -> ElementID? {
    if let found = keys.find(name, scope: type.rawValue | KeyTable.choiceBit) {
      return ElementID(rawValue: found.element)
    }
    guard let found = keys.find(name, scope: type.rawValue) else { return nil }
    let id = ElementID(rawValue: found.element)
    return self[id].isChoice ? nil : id
  }

  /// As `element(_:name:)` with bytes.
  public func element(_ type: TypeID, name: String) -> ElementID? {
    var name = name
    return name.withUTF8 { element(type, name: $0) }
  }
}
