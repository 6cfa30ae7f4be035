public import DeviceService
import DeviceStore

/// A device service and the place it is reached at: `/{workspace}/{name}`.
public final class DeviceMount: Sendable {
  public let workspace: String
  public let name: String
  public let service: DeviceService
  /// Where its Observations go, whose door is this one's too: who may not write there may not send messages.
  public let destination: FHIRMount
  /// The path of the service's base, without a slash at its end.
  public let path: String

  /// - Parameters:
  ///   - name: letters, digits, hyphens: it stands in addresses as it is, below the destination's workspace.
  public init(name: String, service: DeviceService, destination: FHIRMount) {
    self.workspace = destination.entrance.workspace
    self.name = name
    self.service = service
    self.destination = destination
    self.path = "/\(workspace)/\(name)"
  }

  /// The service's samples for `/metrics`, under the names that Azure's metrics of its like have.
  var samples: [MetricSample] {
    let counts = service.statistics
    func counter(_ name: String, _ help: String, _ value: Int, _ labels: [(name: String, value: String)] = [])
      -> MetricSample
    {
      MetricSample("aceso_device_\(name)_total", .counter, help, Double(value), labels)
    }
    func seconds(_ name: String, _ help: String, _ nanoseconds: UInt64) -> MetricSample {
      MetricSample("aceso_device_\(name)_seconds_total", .counter, help, Double(nanoseconds) / 1e9)
    }
    var samples = [
      counter("DeviceEvent", "Number of Incoming Messages.", counts.deviceEvents),
      counter("DeviceIngressSizeBytes", "Bytes of incoming messages.", counts.deviceIngressBytes),
      counter("NormalizedEvent", "Number of Normalized Messages.", counts.normalizedEvents),
      counter("DroppedEvent", "Messages that no template is about.", counts.droppedEvents),
      counter("Measurement", "Number of Measurements.", counts.measurements),
      counter("MeasurementGroup", "Number of Message Groups.", counts.measurementGroups),
      counter(
        "FhirResourceSaved", "Number of Fhir resources saved.", counts.observationsCreated,
        [("name", "ObservationCreated")]),
      counter(
        "FhirResourceSaved", "Number of Fhir resources saved.", counts.observationsUpdated,
        [("name", "ObservationUpdated")]),
      counter(
        "FhirResourceSaved", "Number of Fhir resources saved.", counts.observationsUnchanged,
        [("name", "ObservationNoOperation")]),
      counter("MeasurementBatch", "Batches of messages.", counts.batches),
      seconds("DeviceEventProcessingLatency", "Time of the Normalize Stage.", counts.normalizeNanoseconds),
      seconds("MeasurementBatchSubmission", "Time of the Group Stage, commits included.", counts.convertNanoseconds),
      seconds(
        "MeasurementIngestionLatency", "From arrival to commit, of the oldest message of each batch.",
        UInt64(max(0, counts.latencyMilliseconds)) &* 1_000_000),
    ]
    for (error, count) in counts.errors.sorted(by: { ($0.key.kind, $0.key.operation) < ($1.key.kind, $1.key.operation) }
    ) {
      samples.append(
        counter(
          "TotalErrors", "Total Error Count.", count, [("name", error.kind), ("operation", error.operation)]))
    }
    if let progress = try? service.store.progress() {
      samples.append(
        MetricSample(
          "aceso_device_messages_waiting", .gauge, "Messages that wait to be worked through.",
          Double(progress.waiting)))
    }
    if let count = try? service.store.quarantineCount() {
      samples.append(
        MetricSample("aceso_device_messages_quarantined", .gauge, "Messages in the quarantine.", Double(count)))
    }
    return samples
  }
}
