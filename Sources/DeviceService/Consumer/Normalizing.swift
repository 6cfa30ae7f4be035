import DeviceMapping
import DeviceStore
import JSONCore

/// What messages came to before any look at the FHIR service.
struct NormalizedBatch: Sendable {
  var groups: [MeasurementGroup] = []
  var failures: [Int64: DeviceFailure] = [:]
  var measurements = 0
  /// Messages that no template is about.
  var dropped = 0
}

/// Messages become groups of measurements.
struct Normalizing: Sendable {
  let mapping: DeviceMapping
  let limits: JSONLimits

  /// Messages worked through before others have their turn.
  private static let stretch = 128

  func normalize(_ messages: [StoredMessage]) async -> NormalizedBatch {
    var batch = NormalizedBatch()
    var measurements: [Measurement] = []
    for (place, message) in messages.enumerated() {
      if place % Self.stretch == Self.stretch - 1 { await Task.yield() }
      let result = normalize(message)
      if result.isDropped { batch.dropped += 1 }
      if let failure = result.failures.first { batch.failures[message.number] = DeviceFailure(failure, .normalization) }
      for var measurement in result.measurements {
        measurement.message = message.number
        measurements.append(measurement)
      }
    }
    batch.measurements = measurements.count
    batch.groups = MeasurementGroup.groups(of: measurements)
    return batch
  }

  func normalize(_ message: StoredMessage) -> Normalization {
    do throws(MappingFailure) {
      return mapping.normalize(try Self.document(message, limits: limits), received: Timestamp(ticks: message.received))
    } catch {
      var result = Normalization()
      result.failures = [error]
      return result
    }
  }

  /// The message as mappings see it: with the properties that Event Hubs gives every message.
  static func document(_ message: StoredMessage, limits: JSONLimits) throws(MappingFailure) -> JSONDocument {
    let content = message.content
    var writer = JSONWriter(reserving: content.systemProperties.count + 192)
    writer.beginObject()
    if !content.systemProperties.isEmpty, let own = try? JSONDocument(content.systemProperties) {
      for (key, value) in own.members(own.root) where !added.contains(where: { own.keyEquals(key, $0) }) {
        writer.key(own, key)
        writer.value(own, value)
      }
    }
    writer.key("x-opt-sequence-number")
    writer.number(message.number)
    writer.key("x-opt-offset")
    writer.number(message.number)
    writer.member("x-opt-enqueued-time", Timestamp(ticks: message.received)?.shortest ?? "")
    writer.endObject()
    let properties = content.properties.isEmpty ? Array("{}".utf8) : content.properties
    return try DeviceMessage.document(
      body: content.body, properties: properties, systemProperties: writer.bytes, limits: limits)
  }

  private static let added: [JSONKey] = ["x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"]
}
