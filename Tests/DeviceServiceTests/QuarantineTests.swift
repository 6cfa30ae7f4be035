import Base
import DeviceMapping
import DeviceService
import DeviceStore
import JSONCore
import Testing

/// Messages that come to nothing do not stop the others, and may come to something later.
@Suite struct QuarantineTests {
  private static let good = heartRate("72", at: "2026-11-21T08:00:00Z")

  @Test(arguments: [
    ("no JSON", "this is no JSON", "InvalidDataFormatException"),
    ("half JSON", #"{"deviceId":"d1","#, "InvalidDataFormatException"),
    ("two values", #"{"heartRate":1}} {"#, "InvalidDataFormatException"),
    ("no time", #"{"deviceId":"d1","patientId":"p1","heartRate":72}"#, "IncompatibleDataException"),
    ("no such time", heartRate("72", at: "yesterday"), "IncompatibleDataException"),
    ("no device", #"{"timestamp":"2026-11-21T08:00:00Z","heartRate":72}"#, "IncompatibleDataException"),
    ("not a number", heartRate(#""NaN""#, at: "2026-11-21T08:00:01Z"), "FhirDataMappingException"),
    ("a word", heartRate(#""fast""#, at: "2026-11-21T08:00:01Z"), "FhirDataMappingException"),
    ("infinite", heartRate("1e999", at: "2026-11-21T08:00:01Z"), "IncompatibleDataException"),
    (
      "a Quantity that is none",
      #"{"deviceId":"d1","patientId":"p1","timestamp":"2026-11-21T08:00:01Z","bodyWeight":"x"}"#,
      "InvalidQuantityFhirValueException"
    ),
    ("an object as value", heartRate("{}", at: "2026-11-21T08:00:01Z"), "IncompatibleDataException"),
  ])
  func badMessagesArePutAside(what: String, message: String, kind: String) async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(Self.good, message, heartRate("73", at: "2026-11-21T08:00:02Z"))
      let aside = try await devices.quarantine
      #expect(aside.map(\.message.number) == [2], "\(what)")
      #expect(aside.first?.kind == kind, "\(what): \(aside.first?.reason ?? "")")
      #expect(aside.first.map { String(decoding: $0.message.content.body, as: UTF8.self) } == message)
      let observations = try await devices.search("Observation")
      #expect(observations.count == 1)
      #expect(observations.first?["valueSampledData"]?["data"]?.string?.hasPrefix("72 E 73 E") ?? false, "\(what)")
    }
  }

  /// Every year from 1 to 9999 is one that an Observation can be of, unless the service's owner bounds it.
  @Test func ancientAndFutureTimes() async throws {
    let messages = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"].map { heartRate("72", at: $0) }
    try await TestDevices.run { devices in
      try await devices.send(messages)
      try await devices.drain()
      #expect(try await devices.search("Observation").count + devices.quarantine.count == 2)
    }
    try await TestDevices.run(configure: {
      $0.mapping.futureSecondsMax = 86_400
      $0.mapping.pastSecondsMax = 86_400 * 365
    }) { devices in
      try await devices.send(messages)
      try await devices.drain()
      #expect(try await devices.quarantine.map(\.kind) == Array(repeating: "IncompatibleDataException", count: 2))
    }
  }

  @Test func giantMessagesAreRefused() async throws {
    try await TestDevices.run(configure: { $0.limits.messageBytesMax = 1_000 }) { devices in
      func message(_ bytes: Int) -> String { "\"" + String(repeating: "x", count: bytes - 2) + "\"" }
      try await devices.send(message(1_000))
      let fault = await #expect(throws: Fault.self) { try await devices.send(Self.good, message(1_001)) }
      #expect(fault?.category == .tooLarge)
      #expect(try devices.service.store.progress().appended == 1)
    }
  }

  @Test func aFullBacklogRefusesMessages() async throws {
    try await TestDevices.run(configure: { $0.limits.backlogMessagesMax = 2 }) { devices in
      try await devices.send("{}", "{}")
      let fault = await #expect(throws: Fault.self) { try await devices.send("{}") }
      #expect(fault?.category == .busy)
    }
  }

  /// Deep documents are messages that cannot be read, no end of the service.
  @Test func bombsArePutAside() async throws {
    try await TestDevices.run { devices in
      let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
      let wide = "[" + Array(repeating: "[]", count: 50_000).joined(separator: ",") + "]"
      try await devices.sendAll(deep, wide, Self.good)
      #expect(try await devices.quarantine.map(\.message.number) == [1])
      #expect(try await devices.search("Observation").count == 1)
    }
  }

  @Test func aTypeWithoutTemplateIsPutAside() async throws {
    try await TestDevices.run { devices in
      try await devices.service.setMapping(
        .fhir, Array(#"{"templateType":"CollectionFhir","template":[]}"#.utf8))
      try await devices.sendAll(Self.good)
      let aside = try #require(try await devices.quarantine.first)
      #expect(aside.kind == "TemplateNotFoundException")
      // The mapping is mended, and the message tried again.
      let ready = try #require(ReadyMapping.named("vitals"))
      try await devices.service.setMapping(.fhir, ready.fhir)
      let shown = try await devices.ask(.readQuarantined(1))
      #expect(shown.body?["body"]?.string == Self.good)
      #expect(shown.body?["exception"]?["typeName"]?.string == "heartRate")
      let tried = try await devices.ask(.releaseQuarantined(1))
      #expect(tried.body?["quarantined"]?.integer == 0)
      #expect(try await devices.quarantine.isEmpty)
      #expect(try await devices.search("Observation").count == 1)
    }
  }

  @Test func messagesThatNoTemplateIsAboutAreCountedOnly() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll(#"{"humidity":5}"#)
      #expect(try await devices.quarantine.isEmpty)
      #expect(devices.service.statistics.droppedEvents == 1)
    }
  }

  @Test func discardedMessagesAreGone() async throws {
    try await TestDevices.run { devices in
      try await devices.sendAll("x")
      #expect(try await devices.ask(.discardQuarantined(1)).status == 204)
      let fault = await #expect(throws: Fault.self) { try await devices.ask(.discardQuarantined(1)) }
      #expect(fault?.category == .notFound)
    }
  }
}
