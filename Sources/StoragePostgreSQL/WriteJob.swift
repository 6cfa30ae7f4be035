import Storage
import Synchronization

/// A job for a writer. Its closures run on the thread of the writer that took it.
protocol WriteJob: AnyObject, Sendable {
  /// How often it was run already.
  var runs: Int { get set }
  /// The caller went away before the job began.
  var isWithdrawn: Bool { get }
  /// May be called again after a rollback.
  func run(_ connection: Connection) throws
  /// What `run` did is on the disk. Resumes the caller.
  func succeed()
  /// Resumes the caller.
  func fail(_ error: any Error)
}

/// A job that carries its result to a waiting task.
///
/// `@unchecked Sendable`: `result` and `runs` are touched by one thread at a time, the one that has the job.
final class Job<Result: Sendable>: WriteJob, @unchecked Sendable {
  var runs = 0
  private let body: (Connection) throws -> Result
  private let continuation: CheckedContinuation<Result, any Error>
  private let withdrawal: Withdrawal
  private var result: Result?

  init(
    withdrawal: Withdrawal, continuation: CheckedContinuation<Result, any Error>,
    body: @escaping @Sendable (Connection) throws -> Result
  ) {
    self.withdrawal = withdrawal
    self.continuation = continuation
    self.body = body
  }

  var isWithdrawn: Bool { withdrawal.isSet }

  func run(_ connection: Connection) throws { result = try body(connection) }

  func succeed() {
    if let result {
      continuation.resume(returning: result)
    } else {
      continuation.resume(throwing: StorageError(.misuse, detail: "the job did not run"))
    }
  }

  func fail(_ error: any Error) { continuation.resume(throwing: error) }
}

/// Set when the caller's task is cancelled.
final class Withdrawal: Sendable {
  private let flag = Atomic<Bool>(false)
  var isSet: Bool { flag.load(ordering: .relaxed) }
  func set() { flag.store(true, ordering: .relaxed) }
}
