import Base
import DeviceMapping
import FHIRModel
import FHIRService
import FHIRStore
import JSONCore

/// Whose measurements a message has: logical ids of resources in the FHIR service.
struct DeviceIdentity: Sendable, Hashable {
  let patient: String
  let device: String
  let encounter: String?
}

/// What was found about devices, as long as it holds: until a Device, Patient or Encounter changes.
struct IdentityCache: Sendable {
  struct Key: Hashable, Sendable {
    let device: String
    let patient: String?
    let encounter: String?
  }

  var positions: [Int64] = []
  var found: [Key: Result<DeviceIdentity, DeviceFailure>] = [:]

  mutating func forgetFailures() {
    found = found.filter { if case .success = $0.value { true } else { false } }
  }
}

/// Finds Device, Patient and Encounter by their identifiers, and makes what is missing where it may.
struct IdentityResolver {
  private let service: FHIRService
  private let configuration: DeviceConfiguration
  private let types: DeviceResourceTypes
  private let view: StoreView
  private(set) var cache: IdentityCache
  /// What is made or changed, by type and id.
  private(set) var made: [ResourceKey: DerivedUpdate] = [:]
  /// By the identifiers of the messages, as long as the resources are not written yet.
  private var madePatients: [String: String] = [:]
  private var madeDevices: [String: (device: String, patient: String)] = [:]

  struct ResourceKey: Hashable {
    let type: Schema.TypeID
    let id: String
  }

  struct DerivedUpdate {
    var json: [UInt8]
    let current: StoredVersion?
  }

  init(
    _ service: FHIRService, _ configuration: DeviceConfiguration, _ types: DeviceResourceTypes, _ view: StoreView,
    _ cache: IdentityCache
  ) throws {
    self.service = service
    self.configuration = configuration
    self.types = types
    self.view = view
    self.cache = cache
    let positions = try types.positions(view)
    if positions != cache.positions || cache.found.count >= configuration.limits.identitiesMax {
      self.cache = IdentityCache(positions: positions)
    }
  }

  /// Whose measurements a group has.
  /// - Throws: what the store throws; that there is nobody is a result.
  mutating func resolve(_ group: MeasurementGroup) throws -> Result<DeviceIdentity, DeviceFailure> {
    let key = IdentityCache.Key(device: group.deviceID, patient: group.patientID, encounter: group.encounterID)
    if let found = cache.found[key] { return found }
    let result: Result<DeviceIdentity, DeviceFailure>
    do {
      result = .success(try find(group))
    } catch let failure as DeviceFailure {
      result = .failure(failure)
    }
    cache.found[key] = result
    return result
  }

  private mutating func find(_ group: MeasurementGroup) throws -> DeviceIdentity {
    let (device, patient) =
      configuration.resolution == .create
      ? try ensure(group.deviceID, patient: Self.present(group.patientID)) : try lookUp(group.deviceID)
    var encounter: String?
    if let identifier = Self.present(group.encounterID) {
      guard let found = try id(of: types.encounter, identifier) else {
        throw DeviceFailure(.fhirResourceNotFound, "No Encounter has the identifier that the message names.")
      }
      encounter = found
    } else if configuration.resolution == .lookupWithEncounter {
      throw DeviceFailure(.resourceIdentityNotDefined, "The message names no Encounter.")
    }
    return DeviceIdentity(patient: patient, device: device, encounter: encounter)
  }

  private static func present(_ text: String?) -> String? {
    text.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
  }

  /// The only resource with an identifier, nil for none.
  private func id(of type: Schema.TypeID, _ identifier: String, system: String? = nil) throws -> String? {
    let ids = try service.ids(of: type, identifier: identifier, system: system, view)
    guard ids.count < 2 else {
      throw DeviceFailure(
        .multipleResourceFound,
        "Several resources of type \(service.schema.name(type)) have the identifier that the message names.")
    }
    return ids.first
  }

  // MARK: Lookup

  private func lookUp(_ deviceID: String) throws -> (device: String, patient: String) {
    guard let device = try id(of: types.device, deviceID, system: configuration.deviceIdentifierSystem) else {
      throw DeviceFailure(.fhirResourceNotFound, "No Device has the identifier that the message names.")
    }
    guard let patient = try patient(of: device) else {
      throw DeviceFailure(.fhirResourceNotFound, "The Device refers to no Patient that is there.")
    }
    return (device, patient)
  }

  /// The Patient that a Device refers to, if it is there.
  private func patient(of device: String) throws -> String? {
    guard let stored = try view.current(types.device, device), let body = stored.body else { return nil }
    guard let id = try reference(in: body), try view.isThere(types.patient, id) else { return nil }
    return id
  }

  private func reference(in body: ResourceBody) throws -> String? {
    let document = try JSONDocument(body.bytes)
    guard let text = document.value["patient"]?["reference"]?.string, text.hasPrefix("Patient/") else { return nil }
    return text.dropFirst("Patient/".count).split(separator: "/", maxSplits: 1).first.map(String.init)
  }

  // MARK: Create

  private mutating func ensure(_ deviceID: String, patient identifier: String?) throws
    -> (device: String, patient: String)
  {
    if let made = madeDevices[deviceID] {
      try check(identifier, is: made.patient)
      return made
    }
    let found = try id(of: types.device, deviceID, system: configuration.deviceIdentifierSystem)
    if let found, let patient = try patient(of: found) {
      try check(identifier, is: patient)
      return (found, patient)
    }
    guard let identifier else {
      throw DeviceFailure(
        .resourceIdentityNotDefined, "The Device is not linked to a Patient, and the message names none.")
    }
    let patient = try ensurePatient(identifier)
    let device = found ?? ObservationIdentity.id(system: configuration.deviceIdentifierSystem, value: deviceID)
    try link(device, deviceID, to: patient)
    madeDevices[deviceID] = (device, patient)
    return (device, patient)
  }

  /// A message that names another patient than the Device is linked to is nobody's: the device changed hands, and one
  /// of the two does not know it yet.
  private func check(_ identifier: String?, is patient: String) throws {
    guard let identifier, madePatients[identifier] != patient else { return }
    let named = try service.ids(of: types.patient, identifier: identifier, view)
    guard named.contains(patient) else {
      throw DeviceFailure(
        .patientDeviceMismatch, "The Device is linked to another Patient than the one that the message names.")
    }
  }

  private mutating func ensurePatient(_ identifier: String) throws -> String {
    if let made = madePatients[identifier] { return made }
    if let found = try id(of: types.patient, identifier) { return found }
    let id = ObservationIdentity.id(system: nil, value: identifier)
    madePatients[identifier] = id
    let current = try view.current(types.patient, id)
    if let current, !current.isDeleted { return id }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("resourceType", "Patient")
    writer.member("id", id)
    Self.write(identifier: identifier, system: nil, to: &writer)
    writer.endObject()
    made[ResourceKey(type: types.patient, id: id)] = DerivedUpdate(json: writer.bytes, current: current)
    return id
  }

  /// Makes a Device, or the one that is there refer to a Patient.
  private mutating func link(_ device: String, _ identifier: String, to patient: String) throws {
    let current = try view.current(types.device, device)
    if let body = current?.body, let linked = try reference(in: body), linked != patient {
      throw DeviceFailure(.patientDeviceMismatch, "The Device is linked to another Patient, who is gone.")
    }
    var writer = JSONWriter()
    writer.beginObject()
    if let json = current?.json {
      let document = try JSONDocument(json)
      for (key, value) in document.members(document.root) where !document.keyEquals(key, "patient") {
        writer.key(document, key)
        writer.value(document, value)
      }
    } else {
      writer.member("resourceType", "Device")
      writer.member("id", device)
      Self.write(identifier: identifier, system: configuration.deviceIdentifierSystem, to: &writer)
    }
    writer.key("patient")
    writer.beginObject()
    writer.member("reference", "Patient/\(patient)")
    writer.endObject()
    writer.endObject()
    made[ResourceKey(type: types.device, id: device)] = DerivedUpdate(json: writer.bytes, current: current)
  }

  private static func write(identifier: String, system: String?, to writer: inout JSONWriter) {
    writer.key("identifier")
    writer.beginArray()
    writer.beginObject()
    if let system { writer.member("system", system) }
    writer.member("value", identifier)
    writer.endObject()
    writer.endArray()
  }
}

/// The types that a device service has to do with.
struct DeviceResourceTypes: Sendable {
  let observation: Schema.TypeID
  let device: Schema.TypeID
  let patient: Schema.TypeID
  let encounter: Schema.TypeID

  /// nil for a release whose Devices or Observations are others.
  init?(_ schema: Schema) {
    guard schema.release == "4.0" || schema.release == "4.3", let observation = schema.resourceType("Observation"),
      let device = schema.resourceType("Device"), let patient = schema.resourceType("Patient"),
      let encounter = schema.resourceType("Encounter")
    else { return nil }
    self.observation = observation
    self.device = device
    self.patient = patient
    self.encounter = encounter
  }

  /// As long as these stay, so does whose a device is.
  func positions(_ view: StoreView) throws -> [Int64] {
    try [device, patient, encounter].map { try view.newestPosition(of: $0) }
  }
}
