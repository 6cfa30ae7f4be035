/// The definitions of one FHIR release: its types with their elements, the codes of required bindings, invariants,
/// search parameters and compartments.
///
/// It is read once per process from an embedded table (docs/internals/tables.md) that is generated from the release's
/// official package. Look-ups by bytes are constant time and count no references. A schema is never freed.
public final class Schema: Sendable {
  /// The release as the standard writes it, "4.0.1".
  public let fhirVersion: String
  /// All types: FHIRPath system types, primitives, complex types, resources, and their backbone types; `TypeID` is the
  /// position.
  let types: FrozenList<TypeRecord>
  /// All types' elements, one type's in a run, inherited ones repeated.
  let elementRecords: FrozenList<Element>
  let keys: KeyTable
  let invariantRecords: FrozenList<Invariant>
  let codeSets: [CodeSet]

  /// The concrete resource types (146 in R4), sorted by name.
  public let resourceTypes: [TypeID]
  /// The release's search parameters, sorted by URL. Those for extensions and the examples are not among them.
  public let searchParameters: [SearchParameterDefinition]
  /// The release's compartments: Device, Encounter, Patient, Practitioner, RelatedPerson.
  public let compartments: [CompartmentDefinition]

  let searchParameterByURL: [String: Int]

  init(_ loader: consuming SchemaLoader) {
    fhirVersion = loader.fhirVersion
    types = FrozenList(freezing: loader.types)
    elementRecords = loader.elements.list
    keys = loader.keys
    invariantRecords = FrozenList(freezing: loader.invariants)
    codeSets = loader.codeSets
    searchParameters = loader.searchParameters
    compartments = loader.compartments
    var concrete: [TypeID] = []
    for (index, type) in loader.types.enumerated() where type.kind == .resource && !type.isAbstract {
      concrete.append(TypeID(rawValue: UInt16(index)))
    }
    resourceTypes = concrete
    var byURL: [String: Int] = [:]
    byURL.reserveCapacity(searchParameters.count)
    for (index, parameter) in searchParameters.enumerated() { byURL[parameter.url] = index }
    searchParameterByURL = byURL
  }

  /// Reads a table in the format of docs/internals/tables.md. The bytes must never be freed or changed.
  convenience init(frozen table: UnsafeBufferPointer<UInt8>) throws(SchemaError) {
    var loader = SchemaLoader(table)
    try loader.load()
    self.init(loader)
  }

  /// Reads a table from a copy of its bytes; for tables that are not embedded.
  public convenience init(table: [UInt8]) throws(SchemaError) {
    var arena = FrozenArena()
    try self.init(frozen: arena.freeze(text: table).utf8)
  }

  convenience init(embedded table: UnsafeBufferPointer<UInt8>, name: String) {
    do {
      try self.init(frozen: table)
    } catch {
      // The table is part of the program and tested; damage means that the program is damaged.
      fatalError("the embedded table \(name) is damaged at line \(error.line): \(error.reason)")
    }
  }
}

/// A table that does not follow its format.
public struct SchemaError: Error, Sendable, Equatable {
  /// The line, counted from 1.
  public let line: Int
  public let reason: String
}

// MARK: - Types

extension Schema {
  /// A type of this schema; an index, valid only with the schema that gave it.
  public struct TypeID: Hashable, Sendable, Comparable {
    public let rawValue: UInt16

    init(rawValue: UInt16) {
      self.rawValue = rawValue
    }

    public static func < (a: TypeID, b: TypeID) -> Bool { a.rawValue < b.rawValue }
  }

  public enum Kind: UInt8, Sendable {
    /// A FHIRPath system type such as "System.String", the type of a primitive's `value`.
    case system
    case primitive
    /// A complex data type, `Element` and `BackboneElement` among them.
    case complexType
    /// An element's type without a name of its own, named by its path, such as "Patient.contact".
    case backbone
    case resource
  }

  /// One type as loaded.
  struct TypeRecord: Sendable {
    let name: FrozenText
    let kind: Kind
    let isAbstract: Bool
    let base: TypeID?
    let primitive: Primitive?
    /// Where its elements are among all.
    var elements: Range<Int32>
    /// Where its own invariants are among all.
    var invariants: Range<Int32>
  }

  /// All types, in the table's order; `TypeID.rawValue` is the position.
  public var allTypes: [TypeID] { types.indices.map { TypeID(rawValue: UInt16($0)) } }

  /// The type of that name: "Patient", "HumanName", "Patient.contact", "string", "System.String".
  public func type(_ name: String) -> TypeID? {
    var name = name
    return name.withUTF8 { type(utf8: $0) }
  }

  /// The type of that name in UTF-8, such as the lexeme of a `resourceType`.
  public func type(utf8 name: UnsafeBufferPointer<UInt8>) -> TypeID? {
    keys.find(name, scope: KeyTable.typeScope).map { TypeID(rawValue: $0.type) }
  }

  /// The concrete resource type of that name in UTF-8.
  public func resourceType(utf8 name: UnsafeBufferPointer<UInt8>) -> TypeID? {
    guard let found = type(utf8: name), isConcreteResource(found) else { return nil }
    return found
  }

  /// The concrete resource type of that name.
  public func resourceType(_ name: String) -> TypeID? {
    guard let found = type(name), isConcreteResource(found) else { return nil }
    return found
  }

  public func name(_ type: TypeID) -> String { types[Int(type.rawValue)].name.string }

  /// The type's name as UTF-8, without making a String.
  public func nameText(_ type: TypeID) -> FrozenText { types[Int(type.rawValue)].name }

  public func kind(_ type: TypeID) -> Kind { types[Int(type.rawValue)].kind }

  public func isAbstract(_ type: TypeID) -> Bool { types[Int(type.rawValue)].isAbstract }

  public func isConcreteResource(_ type: TypeID) -> Bool {
    let record = types[Int(type.rawValue)]
    return record.kind == .resource && !record.isAbstract
  }

  /// Which primitive it is; nil for types of any other kind.
  public func primitive(_ type: TypeID) -> Primitive? { types[Int(type.rawValue)].primitive }

  /// The type it specialises: DomainResource for Patient, string for code, BackboneElement for Patient.contact.
  public func base(_ type: TypeID) -> TypeID? { types[Int(type.rawValue)].base }

  /// Whether it is that type or a specialisation of it.
  public func isSubtype(_ type: TypeID, of other: TypeID) -> Bool {
    var current = type
    // A base stands before its specialisations in the table, so this ends.
    while current != other {
      guard let next = base(current) else { return false }
      current = next
    }
    return true
  }
}
