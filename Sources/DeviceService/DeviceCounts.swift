import Base
import DeviceStore
import Synchronization

/// What a device service did since its start, under the names that Azure's metrics have.
public struct DeviceStatistics: Sendable {
  /// `DeviceEvent`, Number of Incoming Messages.
  public var deviceEvents = 0
  /// `DeviceIngressSizeBytes`
  public var deviceIngressBytes = 0
  /// `NormalizedEvent`, Number of Normalized Messages.
  public var normalizedEvents = 0
  /// `DroppedEvent`: messages that no template is about.
  public var droppedEvents = 0
  /// `Measurement`, Number of Measurements.
  public var measurements = 0
  /// `MeasurementGroup`, Number of Message Groups.
  public var measurementGroups = 0
  /// `FhirResourceSaved`: Observations created, updated, left as they are.
  public var observationsCreated = 0
  public var observationsUpdated = 0
  public var observationsUnchanged = 0
  /// `TotalErrors`, by kind and operation.
  public var errors: [ErrorName: Int] = [:]
  /// `DeviceEventProcessingLatencyMs`, Normalize Stage Latency: time spent on it, and batches.
  public var normalizeNanoseconds: UInt64 = 0
  /// Time spent on finding identities, merging and committing.
  public var convertNanoseconds: UInt64 = 0
  public var batches = 0
  /// `MeasurementIngestionLatencyMs`, Group Stage Latency: from arrival to commit, of the oldest message of each batch.
  public var latencyMilliseconds: Int64 = 0
  /// The age of the oldest message that waited, when it was last looked.
  public var lagMilliseconds: Int64 = 0

  public struct ErrorName: Hashable, Sendable {
    public let kind: String
    public let operation: String
  }

  public init() {}
}

/// The counters.
final class DeviceCounts: Sendable {
  private let state = Mutex(DeviceStatistics())

  var statistics: DeviceStatistics { state.withLock { $0 } }

  func arrived(_ messages: Int, bytes: Int) {
    state.withLock {
      $0.deviceEvents += messages
      $0.deviceIngressBytes += bytes
    }
  }

  func lag(now: Instant, oldest: Int64) {
    state.withLock { $0.lagMilliseconds = max(0, now.milliseconds - oldest / 10_000) }
  }

  func failed(_ failures: [DeviceFailure]) {
    state.withLock { state in
      for failure in failures {
        let name = DeviceStatistics.ErrorName(kind: failure.kind, operation: failure.operation.rawValue)
        state.errors[name, default: 0] += 1
      }
    }
  }

  func processed(
    _ normalized: NormalizedBatch, _ result: Conversion.Result, messages: Int, failures: [DeviceFailure],
    normalizing: UInt64, converting: UInt64
  ) {
    state.withLock { state in
      state.batches += 1
      state.normalizedEvents += messages - normalized.dropped - normalized.failures.count
      state.droppedEvents += normalized.dropped
      state.measurements += normalized.measurements
      state.measurementGroups += normalized.groups.count
      state.observationsCreated += result.created
      state.observationsUpdated += result.updated
      state.observationsUnchanged += result.unchanged
      state.normalizeNanoseconds += normalizing
      state.convertNanoseconds += converting
    }
    failed(failures)
  }

  func ingested(_ messages: [StoredMessage], now: Instant) {
    guard let first = messages.first else { return }
    state.withLock { $0.latencyMilliseconds += max(0, now.milliseconds - first.received / 10_000) }
  }
}

extension DeviceService {
  /// What it did since its start.
  public var statistics: DeviceStatistics { counts.statistics }
}
