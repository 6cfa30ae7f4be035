public import Base
public import FHIRModel

/// Indexes resources for parameters that came after them, or anew as a whole: a row of `reindex_job`.
public struct ReindexJob: Sendable {
  public enum Status: Int64, Sendable {
    case queued = 0
    case running = 1
    case completed = 2
    case failed = 3
    case canceled = 4

    public var isActive: Bool { self == .queued || self == .running }
  }

  /// How a job goes about it.
  public struct Options: Sendable {
    /// Resources looked at together to see which of them need it.
    public var resourcesPerQuery = 1_000
    /// Resources whose index rows are written in one transaction at most.
    public var resourcesPerWrite = 1_000
    /// The pause between two queries.
    public var delayMilliseconds = 0
    /// Ranges of resources that are extracted at the same time at most; never more than there are cores.
    public var concurrency = 10
    /// The types wanted; nil for all that need it.
    public var types: Set<Schema.TypeID>?
    /// The parameters wanted, by URL; nil for all that need it.
    public var parameters: Set<String>?

    public init() {}
  }

  /// What is done of one type.
  public struct Progress: Sendable {
    public let type: Schema.TypeID
    /// Resources to be indexed, counted when the job began. Those that a writer indexed meanwhile are taken out when
    /// the type is done with.
    public let total: Int
    public let done: Int
    public let failed: Int
    let isComplete: Bool
    /// The last key that is done with.
    let through: Int64
  }

  let number: Int64
  public let id: String
  public let status: Status
  public let created: Instant
  public let started: Instant?
  public let updated: Instant
  public let options: Options
  /// URLs of the parameters that will answer.
  public let parameters: [String]
  /// What could not be indexed and why, as far as it is kept.
  public let failures: [String]
  public let progress: [Progress]
  /// The catalog's generation to be reached.
  public let target: Int64
  /// The newest resource at its start: later ones are indexed already.
  let last: Int64

  public var total: Int { progress.reduce(0) { $0 + $1.total } }
  public var done: Int { progress.reduce(0) { $0 + $1.done } }
  /// Where it goes on; nil when all is done.
  public var next: Progress? { progress.first { !$0.isComplete } }
}
