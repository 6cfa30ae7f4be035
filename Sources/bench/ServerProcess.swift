import Base
import FoundationEssentials
import Glibc

/// A server in a process of its own, on a port of the loopback address.
///
/// The bench measures what a user runs, so nothing of the server is linked into the client.
final class ServerProcess {
  struct Refusal: Error { let text: String }

  private static let startSecondsMax = 30.0
  private static let stopSecondsMax = 35.0

  let port: UInt16
  /// From the start of the process to the first 200 on the health path.
  private(set) var startMilliseconds = 0.0
  private var process: pid_t = 0

  /// Starts `path` with `arguments`, which get the port from `port`, and waits until `health` answers 200.
  init(_ path: String, health: String, log: String, arguments: (_ port: UInt16) -> [String]) throws {
    port = try ClientConnection.freePort()
    let began = monotonicNanoseconds()
    process = try ServerProcess.spawn(path, arguments(port), log: log)
    let request = Array("GET \(health) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8)
    while !ClientConnection.answers200(port, request) {
      guard isAlive() else { throw Refusal(text: "\(path) ended at its start; see \(log)") }
      guard seconds(since: began) < Self.startSecondsMax else { throw Refusal(text: "\(path) does not answer") }
      usleep(500)
    }
    startMilliseconds = seconds(since: began) * 1_000
  }

  private static func spawn(_ path: String, _ arguments: [String], log: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, path, &actions, nil, words, environ)
    guard code == 0 else { throw Refusal(text: "cannot start \(path): \(String(cString: strerror(code)))") }
    return process
  }

  /// False once it has ended; then its number may be another process's.
  private func isAlive() -> Bool {
    var status: Int32 = 0
    guard waitpid(process, &status, WNOHANG) == 0 else {
      process = 0
      return false
    }
    return true
  }

  /// Processor time used so far by all its threads, in seconds.
  var processorSeconds: Double {
    // proc(5): the fields after the name in parentheses; utime and stime are the 12th and 13th of these.
    let text = SmallFile.text("/proc/\(process)/stat")
    let fields = text.drop { $0 != ")" }.split(separator: " ").dropFirst()
    let ticks = fields.dropFirst(11).prefix(2).compactMap { Double($0) }.reduce(0, +)
    return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Memory in use, in bytes.
  var residentBytes: Int {
    let line = SmallFile.text("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    let kilobytes = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
    return (kilobytes ?? 0) * 1_024
  }

  /// Asks it to end, and ends it by force if it does not. Returns its exit code, nil if it had to be forced.
  @discardableResult
  func stop() -> Int32? {
    guard process > 0 else { return nil }
    defer { process = 0 }
    kill(process, SIGTERM)
    let began = monotonicNanoseconds()
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      if seconds(since: began) > Self.stopSecondsMax {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        return nil
      }
      usleep(2_000)
    }
    return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
  }

  deinit { stop() }
}

/// Seconds on the monotonic clock.
func seconds(since began: UInt64) -> Double { Double(monotonicNanoseconds() &- began) / 1e9 }

/// Files of the kernel and of the bench, whole.
enum SmallFile {
  static func bytes(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(file, &chunk, chunk.count)
      guard count > 0 else { return all }
      all += chunk[..<count]
    }
  }

  static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

  /// Replaces the file; true when all of it was written.
  @discardableResult
  static func write(_ path: String, _ bytes: [UInt8]) -> Bool {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0 else { return false }
    defer { close(file) }
    return writeAll(file, bytes)
  }

  static func writeAll(_ file: Int32, _ bytes: [UInt8]) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { all in
        Glibc.write(file, all.baseAddress?.advanced(by: offset), all.count - offset)
      }
      guard count > 0 else { return false }
      offset += count
    }
    return true
  }
}

/// A folder for one run.
final class TemporaryFolder {
  let path: String

  init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/aceso-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ServerProcess.Refusal(text: "cannot make a folder in \(parent)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes it with all that is in it; called by hand, for a program's last values are not always deinitialised.
  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
