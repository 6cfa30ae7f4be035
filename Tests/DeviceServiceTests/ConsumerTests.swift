import Base
import DeviceMapping
import DeviceService
import DeviceStore
import JSONCore
import TestStores
import Testing

/// Messages become Observations.
@Suite struct ConsumerTests {
  @Test func aHeartRateBecomesAnObservation() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(heartRate("72", at: "2026-11-21T08:00:00Z"))
      let observation = try #require(try await devices.search("Observation", "code=8867-4").first)
      // What existing services would have made of it (identifier, SHA-256, hour).
      let patient = ObservationIdentity.id(system: nil, value: "p1")
      let device = ObservationIdentity.id(system: nil, value: "d1")
      let value = "\(patient).\(device).heartRate.20261121080000Z.20261121085959Z"
      #expect(observation["identifier"]?[0]?["value"]?.string == value)
      #expect(observation["id"]?.string == ObservationIdentity.id(system: ObservationIdentity.system, value: value))
      #expect(observation["subject"]?["reference"]?.string == "Patient/\(patient)")
      #expect(observation["device"]?["reference"]?.string == "Device/\(device)")
      #expect(observation["status"]?.string == "final")
      #expect(observation["valueSampledData"]?["data"]?.string?.hasPrefix("72 E E") ?? false)
      // It is found as any other resource is, by its device's identifier, too; and the device by its patient.
      #expect(try await devices.search("Observation", "device.identifier=d1&date=2026-11-21").count == 1)
      #expect(try await devices.search("Device", "patient=Patient/\(patient)").count == 1)
      #expect(try await devices.search("Patient", "identifier=p1").count == 1)
    }
  }

  @Test func laterValuesGoIntoTheSameHour() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(heartRate("72", at: "2026-11-21T08:00:00Z"))
      try await devices.sendAll(
        heartRate("73", at: "2026-11-21T08:00:01Z"), heartRate("74", at: "2026-11-21T09:00:01Z"))
      let observations = try await devices.search("Observation", "_sort=date")
      #expect(observations.map { $0["status"]?.string } == ["amended", "final"])
      #expect(observations.map { $0["meta"]?["versionId"]?.string } == ["2", "1"])
      #expect(observations[0]["valueSampledData"]?["data"]?.string?.hasPrefix("72 73 E") ?? false)
    }
  }

  @Test func theSameMessageTwiceWritesNothing() async throws {
    try await TestDevices.run { devices in
      for _ in 0..<3 { try await devices.sendAll(heartRate("72", at: "2026-11-21T08:00:00Z")) }
      let observation = try #require(try await devices.search("Observation").first)
      #expect(observation["meta"]?["versionId"]?.string == "1")
      #expect(devices.service.statistics.observationsUnchanged == 2)
    }
  }

  @Test func componentsOfAPanelAreOneObservation() async throws {
    try await TestDevices.run { devices in
      let message =
        #"{"deviceId":"d1","patientId":"p1","timestamp":"2026-11-21T08:00:00Z","systolic":120,"diastolic":80}"#
      try await devices.sendAll(message)
      let observation = try #require(try await devices.search("Observation").first)
      #expect(observation["component"]?.elements.map { $0["valueQuantity"]?["value"]?.integer } == [120, 80])
      #expect(observation["component"]?[1]?["code"]?["coding"]?[0]?["code"]?.string == "8462-4")
    }
  }

  /// However the messages are cut into batches, the Observations are the same.
  @Test(arguments: [1, 2, 7, 1_000])
  func batchesDoNotMatter(size: Int) async throws {
    func messages() -> [String] {
      (0..<120).map { place in
        let second = place % 60
        let time = "2026-11-21T08:\(place < 60 ? "00" : "01"):\(second < 10 ? "0" : "")\(second)Z"
        // A bad value, two patients' devices, and a value that comes again with another.
        let rate = place == 50 ? #""high""# : "\(60 + place % 40)"
        let device = "d\(place % 3)"
        return heartRate(
          rate, device: device, patient: "p\(place % 3)", at: time, more: #","bodyWeight":\#(70 + place)"#)
      } + [heartRate("99", device: "d0", patient: "p0", at: "2026-11-21T08:00:00Z")]
    }
    func outcome(_ size: Int) async throws -> ([String: String], [Int64]) {
      try await TestDevices.run(configure: { $0.limits.batchMessagesMax = size }) { devices in
        try await devices.send(messages())
        try await devices.drain()
        return (try await devices.observations(), try await devices.quarantine.map(\.message.number))
      }
    }
    let (expected, aside) = try await outcome(5_000)
    let (found, foundAside) = try await outcome(size)
    #expect(expected.count > 100)
    #expect(found == expected)
    #expect(aside == [51])
    #expect(foundAside == aside)
  }

  @Test func twoServicesOfOneStoreHaveLogsOfTheirOwn() async throws {
    try await TestDevices.run { devices in
      let other = try await DeviceService(devices.fhir, devices.store, name: "default/other", clock: .system)
      try await devices.sendAll(heartRate("72", at: "2026-11-21T08:00:00Z"))
      let (theirs, ours) = (try other.store.progress(), try devices.service.store.progress())
      #expect([theirs.appended, theirs.consumed] == [0, 0])
      #expect([ours.appended, ours.consumed] == [1, 1])
    }
  }

  @Test func withoutMappingsMessagesWait() async throws {
    try await TestDevices.run(mapping: nil) { devices in
      devices.service.start()
      try await devices.send(heartRate("72", at: "2026-11-21T08:00:00Z"))
      try await Task.sleep(for: .milliseconds(50))
      #expect(try devices.service.store.progress().waiting == 1)
      let ready = try #require(ReadyMapping.named("vitals"))
      try await devices.service.setMapping(.device, ready.device)
      try await devices.service.setMapping(.fhir, ready.fhir)
      try await devices.drain()
      #expect(try await devices.search("Observation").count == 1)
    }
  }

  @Test func messagesAreNumberedAndArriveOneAfterTheOther() async throws {
    try await TestDevices.run { devices in
      try await devices.send((0..<5_000).map { "{\"n\":\($0)}" })
      try await devices.send("{}")
      let messages = try await devices.service.store.messages(after: 4_090, max: 20)
      #expect(messages.map(\.number) == Array(4_091...4_110))
      #expect(messages.first.map { String(decoding: $0.content.body, as: UTF8.self) } == "{\"n\":4090}")
      let all = try await devices.service.store.messages(after: 0, max: .max)
      #expect(all.count == 5_001)
      #expect(zip(all, all.dropFirst()).allSatisfy { $0.received < $1.received })
      #expect(try await devices.service.store.messages(after: 0, max: .max, bytesMax: 20).count == 2)
    }
  }

  @Test func oldMessagesGoOnceTheyAreWorkedThrough() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(heartRate("72", at: "2026-11-21T08:00:00Z"))
      await devices.service.stop()
      try await devices.send(heartRate("73", at: "2026-11-21T08:00:00Z"))
      try await devices.service.store.forget(before: .max)
      #expect(try await devices.service.store.messages(after: 0, max: 10).map(\.number) == [2])
    }
  }

  @Test func offsetsAreWrittenWithTheMessages() async throws {
    try await TestDevices.run { devices in
      let message = [MessageContent(body: Array("{}".utf8))]
      try await devices.service.accept(message, offsets: ["kafka/t/0": 4..<5, "kafka/t/1": 8..<9])
      try await devices.service.accept(message, offsets: ["kafka/t/0": 5..<6])
      // What another process has taken over already is not taken again.
      let fault = await #expect(throws: Fault.self) {
        try await devices.service.accept(message, offsets: ["kafka/t/0": 5..<6])
      }
      #expect(fault?.category == .conflict)
      #expect(try devices.service.store.progress().appended == 2)
      #expect(try await devices.service.store.offsets() == ["kafka/t/0": 6, "kafka/t/1": 9])
    }
  }
}
