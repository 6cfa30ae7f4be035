import Server
import Storage
import StoragePostgreSQL

/// A store's statistics as metrics.
enum StoreSamples {
  static func of(_ counts: StorageStatistics) -> [MetricSample] {
    [
      MetricSample("aceso_store_commits_total", .counter, "Transactions committed.", Double(counts.commits)),
      MetricSample("aceso_store_writes_total", .counter, "Writes acknowledged.", Double(counts.jobs)),
      MetricSample("aceso_store_writes_failed_total", .counter, "Writes rolled back.", Double(counts.jobsFailed)),
      MetricSample(
        "aceso_store_commit_seconds_total", .counter, "Time in commits, the sync included.",
        Double(counts.commitNanoseconds) / 1e9),
      MetricSample(
        "aceso_store_writes_per_commit_max", .gauge, "The most writes that shared a commit.",
        Double(counts.jobsPerCommitMax)),
      MetricSample(
        "aceso_store_checkpoints_total", .counter, "Times the log was copied into the file.",
        Double(counts.checkpoints)),
      MetricSample("aceso_store_reads_total", .counter, "Reads on reader threads.", Double(counts.reads)),
      MetricSample(
        "aceso_store_reads_refused_total", .counter, "Reads refused because too many waited.",
        Double(counts.readsRefused)),
      MetricSample(
        "aceso_store_writes_refused_total", .counter, "Writes refused because too many waited.",
        Double(counts.writesRefused)),
    ]
  }

  /// What went wrong between a store and its PostgreSQL database.
  static func of(_ faults: PostgreSQLFaults) -> [MetricSample] {
    [
      MetricSample(
        "aceso_store_connections_lost_total", .counter, "Connections to the database that broke.",
        Double(faults.connectionsLost)),
      MetricSample(
        "aceso_store_reconnections_total", .counter, "Times a lost connection was made anew.",
        Double(faults.reconnections)),
      MetricSample(
        "aceso_store_writes_repeated_total", .counter, "Writes run again after a collision or a lost connection.",
        Double(faults.jobsRepeated)),
      MetricSample(
        "aceso_store_serialization_failures_total", .counter, "Transactions that collided (40001).",
        Double(faults.serializationFailures)),
      MetricSample("aceso_store_deadlocks_total", .counter, "Deadlocks (40P01).", Double(faults.deadlocks)),
      MetricSample(
        "aceso_store_statements_cancelled_total", .counter, "Statements given up at a deadline, or unwanted.",
        Double(faults.cancelled)),
      MetricSample(
        "aceso_store_disk_full_total", .counter, "Statements refused since the database's disk is full (53100).",
        Double(faults.diskFull)),
      MetricSample(
        "aceso_store_outcomes_found_total", .counter,
        "Writes whose commit was not answered, and whose outcome the database told afterwards.",
        Double(faults.outcomesFound)),
      MetricSample(
        "aceso_store_round_trips_of_reads_total", .counter, "Exchanges with the database for reads.",
        Double(faults.roundTripsOfReads)),
      MetricSample(
        "aceso_store_round_trips_of_writes_total", .counter, "Exchanges with the database for writes.",
        Double(faults.roundTripsOfWrites)),
      MetricSample(
        "aceso_store_outcomes_unknown_total", .counter, "Writes of which it is not known whether they were committed.",
        Double(faults.outcomesUnknown)),
      MetricSample(
        "aceso_store_replica_reads_total", .counter, "Reads that the replica answered.",
        Double(faults.readsOfReplica)),
    ]
  }
}
