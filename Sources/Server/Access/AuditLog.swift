import Glibc
import Identity
import Synchronization

/// The record of who did what: one line of JSON for each access, in a file that grows at its end only.
///
/// The lines are a chain: each ends with the hash of the line before it, and with its own, so that a line that was
/// changed, left out or put in between shows (`AuditChain`). A line is handed to the system before the answer that it
/// is about leaves; after a power failure the last lines may be missing, and nothing else.
public final class AuditLog: Sendable {
  private struct State: Sendable {
    var next: Int
    var last: [UInt8]
    /// A line that was written in part ends the log: what follows could not be told from it.
    var isBroken = false
  }

  private let descriptor: Int32
  private let state: Mutex<State>

  /// Goes on with a log, or begins one. A line at its end that was not written whole, because the machine stopped, is
  /// taken away: no answer was given for it.
  /// - Throws: `AuditLogError` where the file cannot be opened, is another process's, or ends with no such line.
  public init(path: String) throws(AuditLogError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw AuditLogError("the audit log cannot be opened: \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw AuditLogError("the audit log is in use by another process")
    }
    do throws(AuditLogError) {
      state = Mutex(try Self.end(of: descriptor))
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private static func end(of descriptor: Int32) throws(AuditLogError) -> State {
    let size = lseek(descriptor, 0, SEEK_END)
    guard size >= 0 else { throw AuditLogError("the audit log is no file") }
    let count = min(Int(size), AuditChain.lineBytesMax * 2)
    var tail = [UInt8](repeating: 0, count: count)
    let read = tail.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, size - off_t(count)) }
    guard read == count else { throw AuditLogError("the audit log cannot be read") }
    let newline = UInt8(ascii: "\n")
    let whole = tail.lastIndex(of: newline).map { $0 + 1 } ?? 0
    guard whole > 0 || count == Int(size) else { throw AuditLogError("the audit log's end is no line of an audit log") }
    if whole < count, ftruncate(descriptor, size - off_t(count - whole)) != 0 {
      throw AuditLogError("the audit log's last line is incomplete and cannot be taken away")
    }
    guard whole > 0 else { return State(next: 1, last: AuditChain.beginning) }
    let before = tail[..<(whole - 1)].lastIndex(of: newline).map { $0 + 1 } ?? 0
    guard let link = AuditChain.Link(tail[before..<(whole - 1)]), link.isWhole else {
      throw AuditLogError("the audit log's last line is damaged; 'aceso audit verify' tells more")
    }
    return State(next: link.number + 1, last: link.hash)
  }

  /// Writes lines, one after the other.
  /// - Parameter lines: JSON objects without their last brace and without a member before the first, such as
  ///   `,"time":"…","action":"read"`: number, previous hash and hash are added.
  /// - Returns: whether the system has taken them all. Where it has not, nothing may be answered.
  func write(_ lines: [[UInt8]]) -> Bool {
    state.withLock { state in
      guard !state.isBroken else { return false }
      var bytes: [UInt8] = []
      var next = state.next
      var last = state.last
      for line in lines {
        guard let link = AuditChain.append(line, number: next, after: last, to: &bytes) else { return false }
        last = link
        next += 1
      }
      guard write(bytes) else {
        state.isBroken = true
        return false
      }
      state.next = next
      state.last = last
      return true
    }
  }

  /// What was written in part is taken away again, if that can be done.
  private func write(_ bytes: [UInt8]) -> Bool {
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if count == bytes.count { return true }
    if count > 0 {
      let size = lseek(descriptor, 0, SEEK_END)
      _ = ftruncate(descriptor, size - off_t(count))
    }
    return false
  }
}

/// Why there is no audit log.
public struct AuditLogError: Error, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}
