public import JSONCore

/// What one template took from one message: the normalized form between device and Observation.
public struct Measurement: Sendable, Equatable {
  public struct Property: Sendable, Equatable {
    public let name: String
    /// Values are texts until they become elements of an Observation.
    public let value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The template's `typeName`.
  public var type: String
  public var occurrence: Timestamp
  /// When the message arrived.
  public var ingestion: Timestamp?
  public var deviceID: String
  public var patientID: String?
  public var encounterID: String?
  public var correlationID: String?
  public var properties: [Property]
  /// The number of the message that it was taken from, for who keeps messages.
  public var message: Int64?

  public init(
    type: String, occurrence: Timestamp, ingestion: Timestamp? = nil, deviceID: String, patientID: String? = nil,
    encounterID: String? = nil, correlationID: String? = nil, properties: [Property]
  ) {
    self.type = type
    self.occurrence = occurrence
    self.ingestion = ingestion
    self.deviceID = deviceID
    self.patientID = patientID
    self.encounterID = encounterID
    self.correlationID = correlationID
    self.properties = properties
  }

  /// Writes the measurement with the names that existing services give its members.
  public func write(to writer: inout JSONWriter) {
    func member(_ name: StaticString, _ value: String?) {
      writer.key(name)
      if let value { writer.string(value) } else { writer.null() }
    }
    writer.beginObject()
    member("Type", type)
    member("OccurrenceTimeUtc", occurrence.shortest)
    member("IngestionTimeUtc", ingestion?.shortest)
    member("DeviceId", deviceID)
    member("PatientId", patientID)
    member("EncounterId", encounterID)
    member("CorrelationId", correlationID)
    writer.key("Properties")
    writer.beginArray()
    for property in properties {
      writer.beginObject()
      member("Name", property.name)
      member("Value", property.value)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
