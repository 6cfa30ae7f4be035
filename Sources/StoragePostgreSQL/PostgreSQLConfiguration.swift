public import Storage

/// How a database is reached and used. The defaults suit one node of a few on one server.
public struct PostgreSQLConfiguration: Sendable {
  /// What is waited for before a commit is acknowledged (`synchronous_commit`).
  public enum Durability: String, Sendable {
    /// The disk of the server, and of its synchronous standbys if it has any.
    case full = "on"
    /// As `full`, and what was committed can be read on the synchronous standbys.
    case applied = "remote_apply"
  }

  /// How far the transactions of several nodes, and of several writers of one, are kept apart.
  public enum Isolation: Sendable {
    /// One transaction at a time in the whole database, as on the other engine: each begins with an advisory lock,
    /// taken in the round trip of its first statement. What it reads is all that is committed, and numbers that it
    /// gives become visible in their order.
    case exclusive
    /// As if one job ran after the other. Those that collide are run again (40001).
    case serializable
    /// Each statement sees what is committed: for jobs that lock what they base a write on.
    case readCommitted
  }

  /// `postgresql://…` or `key=value …`, everything that libpq takes (PostgreSQL 15, 34.1.1 and 34.1.2): hosts,
  /// `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `passfile` … Where it says nothing, libpq's environment
  /// variables (`PGPASSWORD`, `PGSSLMODE` …) count. With several hosts the one that takes writes is found.
  public var connection: String
  /// A file whose first line is the password. It is read anew for each connection.
  public var passwordFile: String?
  /// The environment variable that has the password.
  public var passwordVariable: String?
  /// A standby that answers `readRecent`, as `connection` is written. While it is further behind than
  /// `replicaSecondsMax`, or away, the primary does.
  public var replica: String?
  public var replicaSecondsMax = 10
  /// The schema that the store's tables are in; it is made where there is none. Nil for what `search_path` says.
  /// Stores of different schemas of one database know nothing of each other, and do not wait for each other either.
  public var schema: String?
  /// The name under which the server lists the connections, if `connection` gives none.
  public var applicationName = "aceso"

  public var durability = Durability.full
  public var isolation = Isolation.exclusive

  // Threads and queues
  /// Threads for `write`, each with a connection. More than one is of use only where `isolation` is not `exclusive`.
  public var writerThreads = 1
  /// Threads for `read`, each with a connection.
  public var readerThreads = 4
  /// Reads that wait for a thread; past it `.busy`.
  public var readsWaitingMax = 1_000
  /// Connections for `point`, opened as needed; past it `.busy`.
  public var pointConnectionsMax = 16
  /// Writes that wait; past it `.busy`.
  public var writesWaitingMax = 10_000
  /// Write jobs in one commit.
  public var jobsPerCommitMax = 256
  /// Jobs of one commit run for this long, then those that wait are left for the next.
  public var commitMillisecondsMax = 25
  /// So often a job is run when others collide with it or the connection is lost; then `.busy`.
  public var runsMax = 12

  // Deadlines
  /// For a connection to be made, on each try; several hosts share it.
  public var connectMillisecondsMax = 5_000
  /// A lost connection is tried again for this long before those who wait are told `.busy`; later ones at once.
  public var reconnectMillisecondsMax = 3_000
  /// For a statement of a `point`.
  public var pointMillisecondsMax = 10_000
  /// A read without a deadline of its own is given up after this.
  public var readSecondsMax = 100
  /// For a statement of a `write`.
  public var writeMillisecondsMax = 60_000
  /// For a COMMIT; past it its outcome is unknown.
  public var commitSecondsMax = 30
  /// A transaction of a `write` without a statement for this long is taken back: its process hangs, and others wait.
  public var idleMillisecondsMax = 20_000
  /// A lock that another holds is waited for this long.
  public var lockMillisecondsMax = 5_000
  /// For a migration's statement, and for another node's migrations to end.
  public var migrationSecondsMax = 3_600
  /// After a statement was cancelled the server has this long to say so; then the connection is dropped.
  public var cancelMillisecondsMax = 2_000

  // Memory and work
  /// Dynamic statements kept prepared on each connection.
  public var dynamicStatementsMax = 128
  /// What `Reader.attempt` and `Reader.measuring` take for one step. PostgreSQL counts no steps, so time stands for
  /// them: about what a step of SQLite's takes.
  public var stepNanoseconds = 20

  // Several processes
  /// Where other processes are heard, that the connection lives is asked this often.
  public var heartbeatMilliseconds = 2_000
  /// A piece of work is another process's after its holder was not heard of for this long.
  public var leaseSeconds = 10

  /// Which of several hosts is looked for, where `connection` does not say (`target_session_attrs`).
  enum Session: String {
    case primary = "read-write"
    case any
  }
  var session = Session.primary

  public init(connection: String) { self.connection = connection }

  /// Whether a name can be a schema's as it stands: of small letters, digits and `_`, 63 bytes at most, and none of
  /// PostgreSQL's own.
  public static func isSchema(_ name: String) -> Bool {
    guard (1...63).contains(name.utf8.count), !name.hasPrefix("pg_"), let first = name.utf8.first else { return false }
    let isPart = { (byte: UInt8) in (97...122).contains(byte) || (48...57).contains(byte) || byte == 95 }
    return !(48...57).contains(first) && name.utf8.allSatisfy(isPart)
  }

  /// Where a connection string leads, to be shown: without passwords.
  public static func address(of connection: String) throws(StorageError) -> String {
    let values = try ConnectionParameters.parse(connection)
    let hosts = (values["host"] ?? values["hostaddr"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let ports = (values["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let places = hosts.enumerated().map { index, host in
      let port = ports.count == 1 ? ports[0] : ports.indices.contains(index) ? ports[index] : ""
      return port.isEmpty ? String(host) : "\(host):\(port)"
    }
    let user = values["user"].map { "\($0)@" } ?? ""
    return "postgresql://\(user)\(places.joined(separator: ","))/\(values["dbname"] ?? "")"
  }
}
