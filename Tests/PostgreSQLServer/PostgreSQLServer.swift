import Foundation
import Synchronization

/// A PostgreSQL server of the tests' own: in a temporary directory, as a user without rights, on a socket in that
/// directory. It ends, and its directory goes, with whoever started it, however that ends.
///
/// `@unchecked Sendable`: `guardian` is touched only with the lock held.
public final class PostgreSQLServer: @unchecked Sendable {
  public struct Failure: Error { public let message: String }

  /// Where the newest server's programs are, 15 or newer; nil where none is installed.
  public static let programs: String? = {
    let root = "/usr/lib/postgresql"
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
    let version = versions.filter {
      $0 >= 15 && FileManager.default.isExecutableFile(atPath: "\(root)/\($0)/bin/initdb")
    }
    return version.max().map { "\(root)/\($0)/bin" }
  }()

  public static var isInstalled: Bool { programs != nil }

  /// One for all tests that do not break it; started by the first who asks.
  public static let shared = Result { try PostgreSQLServer() }

  public let folder: String
  private let settings: [String]
  /// It is in the socket's name, too.
  private let port: UInt16
  private let lock = NSLock()
  /// The shell that minds the server, and our end of its pipe.
  private var guardian: (child: pid_t, pipe: Int32)?
  private let databases = Atomic<Int>(0)

  /// Makes a cluster and starts its server. `settings` are more of its `name=value`.
  public init(settings: [String] = [], port: UInt16 = 5_432) throws {
    guard let programs = Self.programs else { throw Failure(message: "PostgreSQL 15 or newer is not installed") }
    folder = FileManager.default.temporaryDirectory.path + "/aceso-pg-" + UUID().uuidString.prefix(8)
    self.settings = settings + ["port=\(port)"]
    self.port = port
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if getuid() == 0, let user = getpwnam("nobody") { chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) }
    let arguments = ["-D", folder + "/data", "-A", "trust", "-U", "aceso", "--locale=C", "-E", "UTF8", "--no-sync"]
    guard try Self.run([programs + "/initdb"] + arguments, output: folder + "/initdb.log") else {
      throw Failure(message: (try? String(contentsOfFile: folder + "/initdb.log", encoding: .utf8)) ?? "initdb failed")
    }
    try start()
  }

  deinit { remove() }

  /// The connection string of a database.
  public func connection(_ database: String = "postgres") -> String {
    "postgresql://aceso@/\(database)?host=\(folder)&port=\(port)"
  }

  /// Makes an empty database, and gives its connection string.
  public func database() throws -> String {
    let name = "test\(databases.add(1, ordering: .relaxed).oldValue)"
    try sql("CREATE DATABASE \(name)")
    return connection(name)
  }

  /// Runs SQL by psql, and gives what it prints.
  @discardableResult
  public func sql(_ text: String, database: String = "postgres") throws -> String {
    let output = folder + "/psql-\(UUID().uuidString).log"
    defer { try? FileManager.default.removeItem(atPath: output) }
    let succeeded = try Self.run(
      [(Self.programs ?? "") + "/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text, connection(database)],
      output: output)
    let printed = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
    guard succeeded else { throw Failure(message: printed) }
    return printed.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  // A shell between us and the server reads our pipe: a line means that the server is to stop, its end that we are
  // gone, and then the directory goes too.
  private static let script = """
    exec 3<&0
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=400 $3 </dev/null >>"$2/server.log" 2>&1 &
    server=$!
    if read line <&3; then kill -$line $server; wait $server
    else kill -QUIT $server; wait $server; rm -rf "$2"; fi
    """

  /// Starts the server, and waits until it answers.
  public func start() throws {
    let more = settings.map { "-c \($0)" }.joined(separator: " ")
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure(message: "no pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let child = try Self.spawn(
      ["/bin/sh", "-c", Self.script, "guardian", Self.programs ?? "", folder, more], output: folder + "/guardian.log",
      input: ends[0])
    close(ends[0])
    lock.withLock { guardian = (child, ends[1]) }
    for _ in 0..<400 {
      if try Self.run(
        [(Self.programs ?? "") + "/pg_isready", "-q", "-h", folder, "-p", "\(port)"], output: "/dev/null")
      {
        return
      }
      usleep(25_000)
    }
    throw Failure(message: (try? String(contentsOfFile: folder + "/server.log", encoding: .utf8)) ?? "no server")
  }

  /// Stops the server: at once and without a word (`QUIT`, as after a crash), or in order (`INT`).
  public func stop(_ signal: String = "QUIT") {
    let stopping = lock.withLock {
      defer { guardian = nil }
      return guardian
    }
    guard let (child, pipe) = stopping else { return }
    let line = Array((signal + "\n").utf8)
    _ = write(pipe, line, line.count)
    close(pipe)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
  }

  private func remove() {
    stop()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Runs a program to its end; true when it succeeded.
  private static func run(_ command: [String], output: String) throws -> Bool {
    let child = try spawn(command, output: output, input: nil)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 { guard errno == EINTR else { return false } }
    return status == 0
  }

  /// Starts a program as a user without rights: the server refuses to run as root. (Foundation's `Process` notices an
  /// end only when every process that inherited a certain socket is gone, so it waits for servers of other tests.)
  private static func spawn(_ command: [String], output: String, input: Int32?) throws -> pid_t {
    var words = ["/usr/bin/env", "-C", "/"] + command
    if getuid() == 0 { words = ["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] + words }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    arguments.append(nil)
    // Our threads block signals, and a shell that has SIGCHLD blocked waits for ever.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var child = pid_t()
    let code = posix_spawn(&child, words[0], &actions, &attributes, arguments, environ)
    guard code == 0 else { throw Failure(message: "cannot start \(words[0]): \(code)") }
    return child
  }
}
