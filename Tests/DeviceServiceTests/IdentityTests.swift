import DeviceMapping
import DeviceService
import DeviceStore
import JSONCore
import Testing

/// Whose measurements a message has.
@Suite struct IdentityTests {
  private static let time = "2026-11-21T08:00:00Z"

  private func kinds(_ devices: TestDevices) async throws -> [String] {
    try await devices.quarantine.map(\.kind)
  }

  private func device(_ id: String, of patient: String?, identifier: String) -> String {
    let patient = patient.map { #","patient":{"reference":"Patient/\#($0)"}"# } ?? ""
    return #"{"resourceType":"Device","id":"\#(id)","identifier":[{"value":"\#(identifier)"}]\#(patient)}"#
  }

  private func patient(_ id: String, identifier: String) -> String {
    #"{"resourceType":"Patient","id":"\#(id)","identifier":[{"value":"\#(identifier)"}]}"#
  }

  @Test func lookupTakesTheDevicesPatient() async throws {
    try await TestDevices.run(configure: { $0.resolution = .lookup }) { devices in
      try await devices.put(patient("a", identifier: "p1"))
      try await devices.put(device("x", of: "a", identifier: "d1"))
      try await devices.sendAll(heartRate("72", patient: nil, at: Self.time))
      let observation = try #require(try await devices.search("Observation").first)
      #expect(observation["subject"]?["reference"]?.string == "Patient/a")
      #expect(observation["device"]?["reference"]?.string == "Device/x")
    }
  }

  @Test func lookupMakesNothing() async throws {
    try await TestDevices.run(configure: { $0.resolution = .lookup }) { devices in
      try await devices.put(device("y", of: nil, identifier: "d2"))
      try await devices.sendAll(heartRate("72", at: Self.time), heartRate("72", device: "d2", at: Self.time))
      #expect(try await kinds(devices) == ["FhirResourceNotFoundException", "FhirResourceNotFoundException"])
      #expect(try await devices.search("Patient").isEmpty)
      // Once the device is registered, the message is tried again.
      try await devices.put(patient("a", identifier: "p1"))
      try await devices.put(device("x", of: "a", identifier: "d1"))
      let tried = try await devices.service.releaseQuarantine()
      #expect(tried.tried == 2 && tried.quarantined == 1)
      #expect(try await devices.search("Observation").count == 1)
      #expect(try await devices.quarantine.map(\.message.number) == [2])
    }
  }

  /// The next message counts for the new patient, without any wait.
  @Test func aDeviceChangesHands() async throws {
    try await TestDevices.run(configure: { $0.resolution = .lookup }) { devices in
      try await devices.put(patient("a", identifier: "pa"))
      try await devices.put(patient("b", identifier: "pb"))
      try await devices.put(device("x", of: "a", identifier: "d1"))
      try await devices.sendAll(heartRate("71", at: Self.time))
      try await devices.put(device("x", of: "b", identifier: "d1"))
      try await devices.sendAll(heartRate("72", at: Self.time))
      for (patient, rate) in [("a", "71"), ("b", "72")] {
        let found = try await devices.search("Observation", "subject=Patient/\(patient)")
        #expect(found.count == 1)
        #expect(found.first?["valueSampledData"]?["data"]?.string?.hasPrefix("\(rate) ") ?? false)
      }
    }
  }

  @Test func createNeedsAPatientUnlessTheDeviceHasOne() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(heartRate("72", patient: nil, at: Self.time))
      #expect(try await kinds(devices) == ["ResourceIdentityNotDefinedException"])
      try await devices.sendAll(heartRate("72", at: Self.time))
      try await devices.sendAll(heartRate("73", patient: nil, at: "2026-11-21T08:00:01Z"))
      #expect(try await devices.search("Observation").count == 1)
      #expect(try await devices.quarantine.count == 1)
    }
  }

  @Test func createLinksADeviceWithoutPatient() async throws {
    try await TestDevices.run { devices in
      try await devices.put(
        #"{"resourceType":"Device","id":"x","identifier":[{"value":"d1"}],"modelNumber":"M"}"#)
      try await devices.sendAll(heartRate("72", at: Self.time))
      let device = try #require(try await devices.search("Device").first)
      #expect(device["modelNumber"]?.string == "M")
      #expect(device["patient"]?["reference"]?.string == "Patient/\(ObservationIdentity.id(system: nil, value: "p1"))")
    }
  }

  /// Somebody else's data never goes to the patient that the device had.
  @Test func aMessageOfAnotherPatientIsPutAside() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(heartRate("72", at: Self.time))
      try await devices.sendAll(heartRate("99", patient: "p2", at: Self.time))
      #expect(try await kinds(devices) == ["PatientDeviceMismatchException"])
      let observation = try #require(try await devices.search("Observation").first)
      #expect(observation["valueSampledData"]?["data"]?.string?.hasPrefix("72 ") ?? false)
    }
  }

  @Test func severalDevicesOfOneIdentifierAreNobodys() async throws {
    try await TestDevices.run { devices in
      try await devices.put(device("x", of: nil, identifier: "d1"))
      try await devices.put(device("y", of: nil, identifier: "d1"))
      try await devices.sendAll(heartRate("72", at: Self.time))
      #expect(try await kinds(devices) == ["MultipleResourceFoundException"])
    }
  }

  @Test func encountersAreFoundByTheirIdentifier() async throws {
    try await TestDevices.run(configure: { $0.resolution = .lookupWithEncounter }) { devices in
      try await devices.put(patient("a", identifier: "p1"))
      try await devices.put(device("x", of: "a", identifier: "d1"))
      try await devices.sendAll(
        heartRate("72", at: Self.time), heartRate("72", at: Self.time, more: #","encounterId":"e1""#))
      #expect(
        try await kinds(devices) == ["ResourceIdentityNotDefinedException", "FhirResourceNotFoundException"])
      try await devices.put(
        #"""
        {"resourceType":"Encounter","id":"e","identifier":[{"system":"urn:x","value":"e1"}],"status":"in-progress",
         "class":{"code":"IMP"},"subject":{"reference":"Patient/a"}}
        """#)
      _ = try await devices.service.releaseQuarantine(2)
      let observation = try #require(try await devices.search("Observation").first)
      #expect(observation["encounter"]?["reference"]?.string == "Encounter/e")
    }
  }

  /// Characters that mean something in a search.
  @Test func identifiersMayHoldAnything() async throws {
    try await TestDevices.run(configure: { $0.deviceIdentifierSystem = "urn:de|vices" }) { devices in
      let odd = #"a,b|c$d\\e ü"#
      for second in 0..<2 {
        try await devices.sendAll(
          heartRate("7\(second)", device: odd, patient: odd, at: "2026-11-21T08:00:0\(second)Z"))
      }
      #expect(try await devices.quarantine.isEmpty)
      #expect(try await devices.search("Device").count == 1)
      #expect(try await devices.search("Patient").count == 1)
      #expect(try await devices.search("Observation").count == 1)
    }
  }
}
