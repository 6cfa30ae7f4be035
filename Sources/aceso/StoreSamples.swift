import Server
import Storage

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
}
