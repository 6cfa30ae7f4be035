import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// The value sets and code systems that one caller sees in a store, and those of the standard's required bindings.
///
/// It belongs to one snapshot: what was read once is kept as long as it lives.
final class Terminology {
  let view: StoreView
  let schema: Schema
  let limits: Limits
  private let parameters: SearchParameters
  private var codeSystems: [Canonical: CodeSystemConcepts?] = [:]
  var valueSets: [Canonical: CodeList] = [:]
  /// The value sets being read, the outermost first.
  var path: [Canonical] = []
  private var resourcesRead = 0

  /// Value sets and code systems that one question may lead to.
  private static let resourcesMax = 200
  /// Resources with the same canonical URL that are looked at.
  private static let versionsMax = 100

  init(_ view: StoreView, _ parameters: SearchParameters, limits: Limits) {
    self.view = view
    self.schema = parameters.schema
    self.parameters = parameters
    self.limits = limits
  }

  /// The concepts of a code system; nil where the store has none of that URL (and version).
  func concepts(of system: Canonical) throws -> CodeSystemConcepts? {
    if let known = codeSystems[system] { return known }
    let found = try resource("CodeSystem", system).map { CodeSystemConcepts($0) }
    codeSystems[system] = .some(found)
    return found
  }

  /// Whether a code system is one of those that the standard's required bindings list.
  func isStandard(_ system: String) -> Bool {
    schema.bindings.contains { schema.codes($0).systems.contains(system) }
  }

  // MARK: Resources

  /// The resource with a canonical URL: of the version named, else an active one before others, of the last version.
  func resource(_ typeName: String, _ canonical: Canonical) throws -> JSONValue? {
    guard let type = schema.resourceType(typeName), let url = parameters.parameter(type, "url") else { return nil }
    try count()
    var query = SearchQuery(types: [type])
    query.criteria = [
      .condition(SearchCondition(parameters: [url], modifier: nil, values: [.uri(canonical.url)]))
    ]
    let found = try view.search(query, count: Self.versionsMax, bytesMax: limits.pageBytesMax).matches
    var best: (value: JSONValue, isActive: Bool, version: String)?
    for match in found {
      guard let value = Self.value(match) else { continue }
      let version = value["version"]?.string ?? ""
      if let wanted = canonical.version, wanted != version { continue }
      let isActive = value["status"]?.string == "active"
      if let best,
        (best.isActive && !isActive) || (best.isActive == isActive && Canonical.isEarlier(version, best.version))
      {
        continue
      }
      best = (value, isActive, version)
    }
    return best?.value
  }

  /// The resource at `ValueSet/id`.
  func resource(_ typeName: String, id: String) throws -> JSONValue? {
    guard let type = schema.resourceType(typeName) else { return nil }
    try count()
    return try view.current(type, id).flatMap(Self.value)
  }

  private func count() throws(Fault) {
    resourcesRead += 1
    guard resourcesRead <= Self.resourcesMax else {
      throw Fault(
        .invalid, "The value sets of the search lead to more than \(Self.resourcesMax) others.", code: "too-costly")
    }
  }

  /// What was stored can be read; damage is reported by whoever reads the resource.
  private static func value(_ version: StoredVersion) -> JSONValue? {
    version.body.flatMap { try? JSONDocument($0.bytes).value }
  }
}
