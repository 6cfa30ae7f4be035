import NIOCore
import Synchronization

/// A request's whole body, in the buffer it was received into.
public struct HTTPBody: Sendable {
  private let buffer: ByteBuffer
  /// Gives the bytes back to the server's budget once nobody holds the body.
  private let reservation: BodyReservation?

  init(buffer: ByteBuffer, reservation: BodyReservation?) {
    self.buffer = buffer
    self.reservation = reservation
  }

  /// No body.
  public init() { self.init(buffer: ByteBuffer(), reservation: nil) }

  /// A body made by hand, for requests that did not come from a socket.
  public init(_ bytes: [UInt8]) { self.init(buffer: ByteBuffer(bytes: bytes), reservation: nil) }

  /// Length in bytes.
  public var count: Int { buffer.readableBytes }
  public var isEmpty: Bool { buffer.readableBytes == 0 }

  /// The bytes in place; the pointer is valid inside the closure only.
  public func withUnsafeBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    try buffer.withUnsafeReadableBytes(body)
  }

  /// A copy of the bytes.
  public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

/// All request bodies in memory together (`Limits.bodyBytesInFlightMax`).
final class BodyBudget: Sendable {
  private let max: Int
  private let used = Atomic<Int>(0)

  init(max: Int) { self.max = max }

  /// Whether `count` more bytes would fit now; nothing is taken.
  func couldTake(_ count: Int) -> Bool { count <= max - used.load(ordering: .relaxed) }

  func take(_ count: Int) -> Bool {
    if used.add(count, ordering: .relaxed).newValue <= max { return true }
    used.subtract(count, ordering: .relaxed)
    return false
  }

  func giveBack(_ count: Int) { used.subtract(count, ordering: .relaxed) }
}

/// One body's share of the budget.
final class BodyReservation: Sendable {
  private let budget: BodyBudget
  private let held = Atomic<Int>(0)

  init(_ budget: BodyBudget) { self.budget = budget }

  func grow(by count: Int) -> Bool {
    guard budget.take(count) else { return false }
    held.add(count, ordering: .relaxed)
    return true
  }

  deinit { budget.giveBack(held.load(ordering: .relaxed)) }
}
