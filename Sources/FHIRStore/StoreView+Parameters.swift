public import FHIRModel
public import FHIRSearch
import JSONCore
import Storage

/// A search parameter with what is true of it now.
public struct ParameterStatus: Sendable {
  /// The names are Azure's.
  public enum State: String, Sendable {
    /// Not every resource is indexed for it yet, so it does not answer.
    case supported = "Supported"
    case enabled = "Enabled"
    /// Switched off; its index rows are being removed.
    case pendingDisable = "PendingDisable"
    case disabled = "Disabled"
    /// This server cannot answer it.
    case unsupported = "Unsupported"
  }

  public let definition: SearchParameterDefinition
  public let state: State
  /// The SearchParameter resource's key; nil for one of the release.
  let key: Int64?
}

extension StoreView {
  private static let rows = Statement("SELECT type, code, source, state FROM parameter WHERE state < 3")
  private static let own = Statement("SELECT key, definition FROM search_parameter ORDER BY url")
  private static let disabled = Statement("SELECT url FROM disabled_parameter")

  /// Every search parameter of the service, the release's first.
  public func parameterStatuses() throws -> [ParameterStatus] {
    try takeCatalog()
    let schema = store.schema
    let disabled = Set(try reader.all(Self.disabled) { $0.text(0) })
    var states = States()
    try reader.query(Self.rows, []) { row in
      states.add(
        SearchParameters.Name(resourceType: row.text(0), code: row.text(1)), source: row.integer(2),
        ParameterState(rawValue: row.integer(3)) ?? .removed)
      return true
    }
    var statuses = schema.searchParameters.map { definition in
      let state: ParameterStatus.State =
        if SearchParameters.queryOnly.contains(definition.code) {
          Self.queries.contains(definition.code) ? .enabled : .unsupported
        } else {
          states.state(of: definition, source: nil, isDisabled: disabled.contains(definition.url), schema)
        }
      return ParameterStatus(definition: definition, state: state, key: nil)
    }
    try reader.query(Self.own, []) { row in
      guard let document = try? JSONDocument(row.blob(1)),
        let definition = SearchParameterDefinition(document.value, schema)
      else { return true }
      let key = row.integer(0)
      let state = states.state(of: definition, source: key, isDisabled: disabled.contains(definition.url), schema)
      statuses.append(ParameterStatus(definition: definition, state: state, key: key))
      return true
    }
    return statuses
  }

  /// Parameters that a search is made of though nothing is indexed for them.
  private static let queries: Set<String> = ["_text", "_content", "_filter", "_has", "_list", "_type"]

  /// The rows of `parameter`, gathered.
  private struct States {
    private var live: [SearchParameters.Name: ParameterState] = [:]
    private var retiredNames: Set<SearchParameters.Name> = []
    private var retiredSources: Set<Int64> = []

    mutating func add(_ name: SearchParameters.Name, source: Int64, _ state: ParameterState) {
      if state == .retired {
        if source == 0 { retiredNames.insert(name) } else { retiredSources.insert(source) }
      } else {
        live[name] = state
      }
    }

    func state(
      of definition: SearchParameterDefinition, source: Int64?, isDisabled: Bool, _ schema: Schema
    ) -> ParameterStatus.State {
      let names = definition.resourceTypes(schema).map {
        SearchParameters.Name(resourceType: schema.name($0), code: definition.code)
      }
      if isDisabled {
        let isRetiring = source.map { retiredSources.contains($0) } ?? names.contains { retiredNames.contains($0) }
        return isRetiring ? .pendingDisable : .disabled
      }
      return names.contains { live[$0] == .pending } ? .supported : .enabled
    }
  }
}

extension FHIRStore {
  /// Switches parameters off or on again, all or none.
  ///
  /// One that is switched off stops to answer at once. One that is switched on must be indexed first.
  /// - Throws: `.conflict` while a reindex job is active.
  public func turn(_ switches: [(ParameterStatus, isOn: Bool)]) async throws {
    try await faulting {
      try await database.write { transaction in
        try SearchParameterWriter.checkNoJob(transaction)
        for (status, isOn) in switches {
          try ParameterSwitch(self, transaction).turn(isOn, status.definition, key: status.key)
        }
      }
    }
    try await refreshCatalog()
  }
}
