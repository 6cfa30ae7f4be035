public import Base

/// What an engine could not do: a closed set of codes and a private detail.
public struct StorageError: Error, Sendable, Equatable {
  /// The closed set.
  public enum Code: String, Sendable, CaseIterable {
    /// Too much waits, or a lock was not had in time. Nothing happened; try again later.
    case busy
    /// Another process holds this store.
    case locked
    /// The disk is full. Nothing happened.
    case full
    /// The disk failed. Nothing was acknowledged.
    case io
    /// What is on the disk is not a store of ours, or is damaged.
    case corrupt
    /// A constraint of the schema was broken, a unique one where `isUniqueViolation` says so. Nothing happened.
    case constraint
    /// The caller's task was cancelled.
    case interrupted
    case deadlineExceeded
    /// The store may not be written: opened so, or the files are.
    case readOnly
    /// An earlier commit's outcome is unknown, so no further write is taken until the process starts anew.
    case broken
    /// The commit failed in a way that leaves open whether it is on the disk.
    case outcomeUnknown
    /// Closed, or closing.
    case closed
    /// A value or row is larger than the engine takes.
    case tooLarge
    /// Our own mistake: SQL that does not compile, a wrong number of parameters.
    case misuse
    case other
  }

  public let code: Code
  /// The engine's own number (SQLite: the extended result code), 0 where the engine was not asked.
  public let engineCode: Int32
  public let isUniqueViolation: Bool
  /// The engine's words, for the operator. They may quote SQL; they are not printed.
  public let detail: String

  public init(_ code: Code, engineCode: Int32 = 0, isUniqueViolation: Bool = false, detail: String = "") {
    self.code = code
    self.engineCode = engineCode
    self.isUniqueViolation = isUniqueViolation
    self.detail = detail
  }
}

extension StorageError: CustomStringConvertible {
  /// Code and number alone: safe to log.
  public var description: String { "StorageError(\(code.rawValue), engine code \(engineCode))" }
}

extension StorageError {
  /// The fault every protocol maps. The detail stays here.
  public var fault: Fault {
    switch code {
    case .busy: Fault(.busy, "The store is busy; try again.")
    case .full: Fault(.unavailable, "The store's disk is full.")
    case .deadlineExceeded: Fault(.tooSlow, "The store did not answer in time.")
    case .outcomeUnknown: Fault(.outcomeUnknown, "It is not known whether the write was stored.")
    case .readOnly, .broken, .closed, .locked: Fault(.unavailable, "The store does not take writes at the moment.")
    case .interrupted: Fault(.unavailable, "The request was given up.")
    case .tooLarge: Fault(.tooLarge, "A value is larger than the store takes.")
    case .constraint: Fault(.conflict, "The write collides with what is stored.")
    case .io, .corrupt, .misuse, .other: Fault(.internal, "The store failed.")
    }
  }
}
