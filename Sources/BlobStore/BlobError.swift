public import Base

/// What a blob store could not do.
public struct BlobError: Error, Sendable, Equatable {
  /// The closed set.
  public enum Code: String, Sendable, CaseIterable {
    /// There is no blob of this name.
    case notFound
    /// More bytes were asked for than the blob has.
    case outOfRange
    /// Too many calls wait. Nothing happened; try again later.
    case busy
    /// Another process has this store.
    case locked
    /// The disk is full. Nothing was acknowledged.
    case full
    /// The disk failed. Nothing was acknowledged.
    case io
    /// An earlier sync failed, so nothing is written until the process starts anew.
    case broken
    /// The writer was finished or cancelled before.
    case ended
    /// Closed, or closing.
    case closed
  }

  public let code: Code
  /// The system's number (`errno`), 0 where it was not asked.
  public let systemCode: Int32

  public init(_ code: Code, systemCode: Int32 = 0) {
    self.code = code
    self.systemCode = systemCode
  }
}

extension BlobError: CustomStringConvertible {
  public var description: String { "BlobError(\(code.rawValue), system code \(systemCode))" }
}

extension BlobError {
  /// The fault every protocol maps.
  public var fault: Fault {
    switch code {
    case .notFound: Fault(.notFound, "The content is not there.")
    case .outOfRange: Fault(.invalid, "The content has fewer bytes.")
    case .busy: Fault(.busy, "The store is busy; try again.")
    case .full: Fault(.unavailable, "The store's disk is full.")
    case .locked, .broken, .closed: Fault(.unavailable, "The store does not take writes at the moment.")
    case .io, .ended: Fault(.internal, "The store failed.")
    }
  }
}
