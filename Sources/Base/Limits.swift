/// Every limit on what a stranger controls, in one place. Names end in the unit and `Max`.
public struct Limits: Sendable, Equatable {
  // Requests
  /// A request's head: request line and header fields together.
  public var headerBytesMax = 64 * 1024
  /// A request's header fields.
  public var headerCountMax = 200
  /// A request's path and query.
  public var targetBytesMax = 32 * 1024
  /// A request's body.
  public var bodyBytesMax = 64 * 1024 * 1024
  /// All request bodies held in memory at once; past it, new bodies are refused with 503.
  public var bodyBytesInFlightMax = 512 * 1024 * 1024
  /// Open connections; past it, new ones are closed at once.
  public var connectionsMax = 10_000
  /// From the first byte of a head to its end.
  public var headerSecondsMax = 10
  /// A body must arrive within this, and faster than `bodyBytesPerSecondMin` once this has passed.
  public var bodySecondsMax = 60
  public var bodyBytesPerSecondMin = 16 * 1024
  /// A kept-alive connection without a request.
  public var idleSecondsMax = 60
  /// From a request's last byte to its answer.
  public var requestDeadlineSecondsMax = 100
  /// From the wish to stop to the end of the process.
  public var shutdownSecondsMax = 30

  // JSON
  public var jsonDepthMax = 128
  public var jsonNodesMax = 8_000_000

  // FHIR
  /// Entries of a batch or transaction.
  public var bundleEntriesMax = 5_000
  public var searchCountDefault = 10
  public var searchCountMax = 1_000
  /// Included resources on a page, where a search does not say.
  public var includesCountDefault = 1_000
  /// Included resources that a page's matches have in all.
  public var includesMax = 20_000
  /// A search that takes longer is ended.
  public var searchSecondsMax = 30
  /// Resources on one page of a search or history, in bytes; a page that reaches it ends there, and a next link leads
  /// on.
  public var pageBytesMax = 32 * 1024 * 1024
  /// Parameters of one search.
  public var searchParametersMax = 200
  /// Comma-separated values of one search, over all its parameters.
  public var searchValuesMax = 2_000
  /// References that one parameter of a search follows, forwards or backwards.
  public var searchChainDepthMax = 10
  /// Types of resources that the chains of one search lead through, each place of each chain counted.
  public var searchChainTargetsMax = 2_000
  /// Keys of `_sort`.
  public var searchSortKeysMax = 8
  /// `_includesCount`: included resources of one page.
  public var searchIncludesMax = 1_000
  /// A `_filter`, `_text` or `_content` expression.
  public var searchExpressionBytesMax = 16 * 1024
  /// Floors of a `_filter`, `_text` or `_content` expression, of parentheses and of changes between `and` and `or`.
  public var searchExpressionDepthMax = 32
  /// Alternatives that a `_text` or `_content` expression comes to.
  public var searchTextAlternativesMax = 64
  /// Codes that the value sets and hierarchies of one search come to.
  public var searchCodesMax = 10_000
  /// A full-text search waits for its index to take in the newest changes, no longer than this.
  public var searchTextSecondsMax = 10
  /// Different conditional references of one resource: each is a search.
  public var conditionalReferencesMax = 1_000
  /// Different conditional references of one batch or transaction.
  public var bundleConditionalReferencesMax = 2_000
  /// Resources from which one deletion with `_remove-references` takes their references.
  public var referrersMax = 1_000
  /// Resources that one conditional deletion deletes.
  public var conditionalDeletionsMax = 100
  /// Index rows of one resource.
  public var indexRowsMax = 100_000
  /// A FHIRPath expression a caller sends.
  public var fhirPathBytesMax = 16 * 1024
  /// Evaluation steps of a FHIRPath expression a caller sends.
  public var fhirPathStepsMax = 5_000_000

  public init() {}
}
