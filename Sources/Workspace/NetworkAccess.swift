/// Which addresses may ask at all. What is denied is denied, whatever is allowed.
public struct NetworkAccess: Sendable, Equatable {
  /// None: every address that is not denied.
  public var allow: [AddressRange] = []
  public var deny: [AddressRange] = []

  public init() {}

  /// Whether it says nothing.
  public var isOpen: Bool { allow.isEmpty && deny.isEmpty }

  public func admits(_ address: IPAddress) -> Bool {
    !deny.contains { $0.contains(address) } && (allow.isEmpty || allow.contains { $0.contains(address) })
  }
}

/// How much one client may ask, by its address; nil: as much as it likes.
public struct ClientLimits: Sendable, Equatable {
  public var requestsPerSecond: Int?
  /// Requests that may come at once after a rest; nil: as many as in a second.
  public var burst: Int?
  /// Requests in work at a time.
  public var concurrentRequests: Int?

  public init() {}

  public var isOff: Bool { requestsPerSecond == nil && concurrentRequests == nil }
}
