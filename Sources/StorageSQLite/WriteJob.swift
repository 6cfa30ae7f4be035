import Storage
import Synchronization

/// A job for the writer. Its closures run on the writer's thread only.
protocol WriteJob: AnyObject, Sendable {
  /// Runs by itself, not in a group and in no transaction of the writer's.
  var isAlone: Bool { get }
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
/// `@unchecked Sendable`: `result` is touched by the writer's thread only.
final class Job<Result: Sendable>: WriteJob, @unchecked Sendable {
  let isAlone: Bool
  private let body: (Connection) throws -> Result
  private let continuation: CheckedContinuation<Result, any Error>
  private let withdrawal: Withdrawal
  private var result: Result?

  init(
    isAlone: Bool, withdrawal: Withdrawal, continuation: CheckedContinuation<Result, any Error>,
    body: @escaping @Sendable (Connection) throws -> Result
  ) {
    self.isAlone = isAlone
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
