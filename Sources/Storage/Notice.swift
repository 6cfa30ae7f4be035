/// What a store that several processes share tells each of them.
public enum Notice: Sendable, Hashable {
  /// A transaction of another process said this (`Transaction.announce`), and is committed.
  case announced(String)
  /// The store cannot be reached any more. `.missed` follows when it can.
  case away
  /// Announcements may have been missed, since the connection that hears them was lost: whatever is remembered of the
  /// store may be out of date. Also told of a database that came back as another one, after a failover.
  case missed
}

/// An engine whose stores belong to one process has nothing to tell, and leaves all work to that process.
extension Database {
  public var isShared: Bool { false }
  public var isReachable: Bool { true }
  public func listen(_ receive: @escaping @Sendable (Notice) -> Void) {}
  public func lease(_ work: String) async -> Bool { true }
  public func release(_ work: String) async {}
}

extension Transaction {
  public func announce(_ topic: String) throws {}
}
