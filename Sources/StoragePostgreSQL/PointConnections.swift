import Storage
import Synchronization

/// Connections for reads on the caller's own thread, made when none is free. Each connects with its first statement,
/// and anew when it was lost.
final class PointConnections: Sendable {
  private struct State {
    var free: [Connection] = []
    var count = 0
    var isClosed = false
  }

  private let state = Mutex(State())
  private let countMax: Int
  private let open: @Sendable () -> Connection

  init(countMax: Int, open: @escaping @Sendable () -> Connection) {
    self.countMax = countMax
    self.open = open
  }

  func withConnection<R>(_ body: (Connection) throws -> R) throws -> R {
    let connection = try take()
    defer { give(connection) }
    return try body(connection)
  }

  private func take() throws(StorageError) -> Connection {
    enum Found { case connection(Connection), mayOpen, closed, tooMany }
    let found: Found = state.withLock { state in
      if state.isClosed { return .closed }
      // The last one given back has the warmest cache.
      if let connection = state.free.popLast() { return .connection(connection) }
      guard state.count < countMax else { return .tooMany }
      state.count += 1
      return .mayOpen
    }
    switch found {
    case .connection(let connection): return connection
    case .closed: throw StorageError(.closed)
    case .tooMany: throw StorageError(.busy, detail: "too many reads at once")
    case .mayOpen: break
    }
    return open()
  }

  private func give(_ connection: Connection) {
    let isClosed = state.withLock { state in
      if !state.isClosed { state.free.append(connection) }
      return state.isClosed
    }
    if isClosed { connection.drop() }
  }

  /// Closes those that are free; the others close when they are given back.
  func close() {
    let free = state.withLock { state in
      state.isClosed = true
      defer { state.free = [] }
      return state.free
    }
    for connection in free { connection.drop() }
  }
}
