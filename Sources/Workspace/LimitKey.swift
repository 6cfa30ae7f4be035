public import Base

/// The name of a limit in a declaration: its name in `Limits` in lower case with hyphens, without `max`.
public struct LimitKey: Sendable {
  public let name: String
  public let path: any WritableKeyPath<Limits, Int> & Sendable
  /// Whether a service may have its own; the others are the transport's.
  public let isOfService: Bool

  private static let transport: [(String, any WritableKeyPath<Limits, Int> & Sendable)] = [
    ("header-bytes", \.headerBytesMax), ("header-count", \.headerCountMax), ("target-bytes", \.targetBytesMax),
    ("body-bytes", \.bodyBytesMax), ("body-bytes-in-flight", \.bodyBytesInFlightMax),
    ("connections", \.connectionsMax), ("header-seconds", \.headerSecondsMax), ("body-seconds", \.bodySecondsMax),
    ("body-bytes-per-second-min", \.bodyBytesPerSecondMin), ("idle-seconds", \.idleSecondsMax),
    ("request-deadline-seconds", \.requestDeadlineSecondsMax), ("shutdown-seconds", \.shutdownSecondsMax),
  ]

  private static let service: [(String, any WritableKeyPath<Limits, Int> & Sendable)] = [
    ("json-depth", \.jsonDepthMax), ("json-nodes", \.jsonNodesMax), ("bundle-entries", \.bundleEntriesMax),
    ("search-count-default", \.searchCountDefault), ("search-count", \.searchCountMax),
    ("page-bytes", \.pageBytesMax), ("conditional-deletions", \.conditionalDeletionsMax),
    ("conditional-references", \.conditionalReferencesMax),
    ("bundle-conditional-references", \.bundleConditionalReferencesMax), ("referrers", \.referrersMax),
    ("search-parameters", \.searchParametersMax), ("search-values", \.searchValuesMax),
    ("search-seconds", \.searchSecondsMax), ("search-text-seconds", \.searchTextSecondsMax),
    ("search-chain-depth", \.searchChainDepthMax), ("search-chain-targets", \.searchChainTargetsMax),
    ("search-sort-keys", \.searchSortKeysMax), ("search-includes", \.searchIncludesMax),
    ("search-expression-bytes", \.searchExpressionBytesMax),
    ("search-expression-depth", \.searchExpressionDepthMax),
    ("search-text-alternatives", \.searchTextAlternativesMax), ("search-codes", \.searchCodesMax),
    ("includes-count-default", \.includesCountDefault), ("includes", \.includesMax),
    ("index-rows", \.indexRowsMax), ("fhirpath-bytes", \.fhirPathBytesMax), ("fhirpath-steps", \.fhirPathStepsMax),
  ]

  /// In the order of the page that explains them.
  public static let all =
    transport.map { LimitKey(name: $0.0, path: $0.1, isOfService: false) }
    + service.map { LimitKey(name: $0.0, path: $0.1, isOfService: true) }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  public static func named(_ name: String) -> LimitKey? { byName[name] }
}
