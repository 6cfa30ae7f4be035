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
  /// For a connection to be made, on each try.
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

  public init(connection: String) { self.connection = connection }
}
