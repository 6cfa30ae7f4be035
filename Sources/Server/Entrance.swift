import Base
import Synchronization
import Workspace

/// The door of a service: where it is reached, who may come in, and how many are inside.
public final class Entrance: Sendable {
  public let workspace: String
  public let name: String
  /// The path of the service's base, without a slash at its end.
  public let path: String
  /// The first labels of the service's own host: `{workspace}-{service}.fhir`.
  let hostLabels: String
  /// nil: the server's.
  let cors: CORS?
  let hasOwnCORS: Bool
  let settings: ServiceSettings
  let clients: ClientTable?
  /// Requests inside; `closed` besides once nobody is let in any more.
  private let inside = Atomic<Int>(0)
  private static let closed = 1 << 62

  /// - Parameters:
  ///   - workspace: letters, digits, hyphens; so is the name. Both stand in addresses as they are.
  ///   - kind: as it stands in the service's own host.
  init(workspace: String, name: String, kind: String, settings: ServiceSettings) {
    self.workspace = workspace
    self.name = name
    self.path = "/\(workspace)/\(name)"
    self.hostLabels = "\(workspace)-\(name).\(kind)"
    self.settings = settings
    self.cors = settings.cors.flatMap { CORS($0) }
    self.hasOwnCORS = settings.cors != nil
    self.clients = ClientTable(settings.clients)
  }

  /// Lets a request in; it is inside until nobody holds the result any more. nil once the door is closed.
  func enter() -> Visit? {
    guard inside.add(1, ordering: .acquiring).newValue & Self.closed == 0 else {
      leave()
      return nil
    }
    return Visit(self)
  }

  fileprivate func leave() { inside.subtract(1, ordering: .releasing) }

  /// Lets nobody in any more.
  func shut() { inside.bitwiseOr(Self.closed, ordering: .acquiringAndReleasing) }

  var isEmpty: Bool { inside.load(ordering: .acquiring) & ~Self.closed == 0 }

  /// Lets nobody in any more and waits until all are out.
  /// - Returns: false if some are still inside after so many seconds.
  func close(within seconds: Int) async -> Bool {
    shut()
    let end = monotonicNanoseconds() + UInt64(max(0, seconds)) * 1_000_000_000
    while !isEmpty {
      guard monotonicNanoseconds() < end else { return false }
      // A cancelled caller waits as well: the store is in use.
      await withUnsafeContinuation { continuation in
        Task.detached {
          try? await Task.sleep(for: .milliseconds(5))
          continuation.resume()
        }
      }
    }
    return true
  }

  /// Whether a request's target is below this service, before it is decoded.
  func holds(_ target: String) -> Bool {
    let (whole, part) = (target.utf8, path.utf8)
    guard whole.count > part.count, whole.starts(with: part) else { return false }
    return whole[whole.index(whole.startIndex, offsetBy: part.count)] == UInt8(ascii: "/")
  }
}

/// A request inside a service.
final class Visit: Sendable {
  private let entrance: Entrance

  fileprivate init(_ entrance: Entrance) { self.entrance = entrance }

  deinit { entrance.leave() }
}
