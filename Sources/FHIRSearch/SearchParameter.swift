public import FHIRModel

/// A search parameter as one resource type has it: `Patient.name` and `Practitioner.name` are two.
public struct SearchParameter: Sendable {
  public typealias Kind = SearchParameterDefinition.Kind

  /// The store's number of (resource type, code); index rows carry it.
  public private(set) var number: Int32
  public let resourceType: Schema.TypeID
  public let definition: SearchParameterDefinition
  /// A composite's components in their order; nil where one of them is not known, or where it is no composite.
  public let components: [SearchParameterDefinition]?
  /// Of its references only those to this type are meant; nil for all. Set where rows of one parameter answer for
  /// another (`SearchParameters.indexed`).
  public private(set) var soleTarget: Schema.TypeID?

  /// Whether resources without a value have a row that says so: under parameters that are often sorted by, since the
  /// missing values come first in ascending order and must be found without looking at every resource.
  public let keepsMissing: Bool

  /// - Parameter find: the definition with that canonical URL, for a composite's components.
  public init(
    number: Int32, resourceType: Schema.TypeID, definition: SearchParameterDefinition, schema: Schema,
    component find: (String) -> SearchParameterDefinition?
  ) {
    self.number = number
    self.resourceType = resourceType
    self.definition = definition
    keepsMissing = Self.keepsMissing(definition, schema.name(resourceType))
    components = definition.type == .composite ? Self.components(of: definition, find) : nil
  }

  /// The same rows, but only what refers to a type.
  func referring(to target: Schema.TypeID) -> SearchParameter {
    var part = self
    part.soleTarget = target
    return part
  }

  /// What contained resources say stands under numbers of its own: this much above the parameter's. So a search of
  /// ordinary resources does not come across it.
  public static let containedOffset: Int32 = 1 << 30

  /// The parameter of contained resources.
  public func contained() -> SearchParameter {
    var contained = self
    contained.number = number | Self.containedOffset
    return contained
  }

  /// References to contained resources stand under numbers of their own as well: this much above the parameter's.
  static let localOffset: Int32 = 1 << 29

  /// The parameter of references from a resource to those it contains, or among these.
  public func local() -> SearchParameter {
    var local = self
    local.number = number | Self.localOffset
    return local
  }

  /// Whether a number is of references to contained resources.
  public static func isLocal(_ number: Int32) -> Bool { number & localOffset != 0 }

  /// All numbers that rows of a parameter may stand under.
  public static func numbers(_ number: Int64) -> [Int64] {
    let (contained, local) = (Int64(containedOffset), Int64(localOffset))
    return [number, number | contained, number | local, number | contained | local]
  }

  /// The types that its references may point to.
  public var targets: [Schema.TypeID] { soleTarget.map { [$0] } ?? definition.targets }

  public var code: String { definition.code }
  public var kind: Kind { definition.type }

  /// Parameters that the resource's own row answers: nothing is indexed for them.
  public var isAnsweredByResource: Bool { Self.isAnsweredByResource(code) }

  static func isAnsweredByResource(_ code: String) -> Bool { code == "_id" || code == "_lastUpdated" }
}

/// Every search parameter of a service by resource type and code, with the store's numbers.
public final class SearchParameters: Sendable {
  public let schema: Schema
  private let byType: [[String: SearchParameter]]
  private let ordered: [[SearchParameter]]
  /// The parts of derived parameters, by the parameter's number.
  let parts: [Int32: [SearchParameter]]
  /// Parameters that are defined, but do not answer yet since not every resource is indexed for them.
  private let pending: Set<Name>

  /// A parameter's name in a store: numbers are given to these, and stay.
  public struct Name: Hashable, Sendable {
    public let resourceType: String
    public let code: String

    public init(resourceType: String, code: String) {
      self.resourceType = resourceType
      self.code = code
    }
  }

  /// Parameters whose meaning is a query's, not a resource's: there is nothing to index or to look up by them.
  public static let queryOnly: Set<String> = [
    "_text", "_content", "_query", "_filter", "_has", "_in", "_list", "_type",
  ]

  /// The names of all parameters of a release, in a fixed order.
  public static func names(_ schema: Schema) -> [Name] {
    definitions(schema).flatMap { type, definitions in
      definitions.map { Name(resourceType: schema.name(type), code: $0.code) }
    }
  }

  /// - Parameter numbers: the store's number for every name of `names(_:)`; a name without one is left out.
  public init(_ schema: Schema, numbers: [Name: Int32]) {
    self.schema = schema
    var byType: [[String: SearchParameter]] = Array(repeating: [:], count: schema.allTypes.count)
    var ordered: [[SearchParameter]] = Array(repeating: [], count: schema.allTypes.count)
    for (type, definitions) in Self.definitions(schema) {
      let typeName = schema.name(type)
      for definition in definitions {
        guard let number = numbers[Name(resourceType: typeName, code: definition.code)] else { continue }
        let parameter = SearchParameter(number: number, resourceType: type, definition: definition, schema: schema) {
          schema.searchParameter(url: $0)
        }
        byType[Int(type.rawValue)][definition.code] = parameter
        ordered[Int(type.rawValue)].append(parameter)
      }
    }
    self.byType = byType
    self.ordered = ordered
    self.parts = Self.derivedParts(ordered, schema)
    self.pending = []
  }

  /// - Parameters:
  ///   - parameters: one for each type and code.
  ///   - ages: what may be derived from what.
  public init(_ schema: Schema, _ parameters: some Sequence<SearchParameter>, ages: Ages) {
    self.schema = schema
    var byType: [[String: SearchParameter]] = Array(repeating: [:], count: schema.allTypes.count)
    var ordered: [[SearchParameter]] = Array(repeating: [], count: schema.allTypes.count)
    for parameter in parameters {
      byType[Int(parameter.resourceType.rawValue)][parameter.code] = parameter
      ordered[Int(parameter.resourceType.rawValue)].append(parameter)
    }
    self.byType = byType
    self.ordered = ordered
    self.parts = Self.derivedParts(ordered, schema, ages)
    self.pending = []
  }

  /// The same without those that do not answer yet.
  public convenience init(_ all: SearchParameters, withoutPending pending: Set<Int32>) {
    var names: Set<Name> = []
    let answering = all.ordered.map { ofType in
      ofType.filter { parameter in
        guard pending.contains(parameter.number) else { return true }
        names.insert(Name(resourceType: all.schema.name(parameter.resourceType), code: parameter.code))
        return false
      }
    }
    self.init(all.schema, answering, parts: all.parts, pending: names)
  }

  private init(
    _ schema: Schema, _ ordered: [[SearchParameter]], parts: [Int32: [SearchParameter]], pending: Set<Name>
  ) {
    self.schema = schema
    self.ordered = ordered
    self.parts = parts
    self.pending = pending
    byType = ordered.map { Dictionary($0.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first }) }
  }

  /// Each concrete resource type with its definitions; a code that a type has twice counts once.
  public static func definitions(_ schema: Schema) -> [(Schema.TypeID, [SearchParameterDefinition])] {
    var byBase: [Schema.TypeID: [SearchParameterDefinition]] = [:]
    for definition in schema.searchParameters where !queryOnly.contains(definition.code) {
      for base in definition.base { byBase[base, default: []].append(definition) }
    }
    return schema.resourceTypes.map { type in
      var codes: Set<String> = []
      var found: [SearchParameterDefinition] = []
      var current: Schema.TypeID? = type
      while let base = current {
        found += (byBase[base] ?? []).filter { codes.insert($0.code).inserted }
        current = schema.base(base)
      }
      return (type, found)
    }
  }

  /// The parameter a type has under this code, nil if none.
  public func parameter(_ type: Schema.TypeID, _ code: String) -> SearchParameter? {
    byType[Int(type.rawValue)][code]
  }

  /// Whether a type has this parameter, but it does not answer yet.
  public func isPending(_ type: Schema.TypeID, _ code: String) -> Bool {
    !pending.isEmpty && pending.contains(Name(resourceType: schema.name(type), code: code))
  }

  /// All parameters of a type.
  public func parameters(_ type: Schema.TypeID) -> [SearchParameter] { ordered[Int(type.rawValue)] }
}
