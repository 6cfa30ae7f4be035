import Base
import DeviceMapping
import DeviceService
import DeviceStore
import FHIRStore
import Foundation
import JSONCore
import TestStores
import Testing

/// Messages are worked through again, and after an end at any moment.
@Suite struct ReplayTests {
  private static func minutes(_ count: Int) -> [String] {
    (0..<count).map {
      heartRate(
        "\(60 + $0)", device: "d\($0 % 4)", patient: "p\($0 % 4)", at: "2026-11-21T08:\($0 < 10 ? "0" : "")\($0):00Z")
    }
  }

  private static func changed(_ mapping: [UInt8], _ old: String, _ new: String) -> [UInt8] {
    Array(String(decoding: mapping, as: UTF8.self).replacingOccurrences(of: old, with: new).utf8)
  }

  @Test func aReplayAfterAMappingChangeDerivesObservationsAgain() async throws {
    let ready = try #require(ReadyMapping.named("vitals"))
    try await TestDevices.run { devices in
      // A mapping that knows no heart rates drops them.
      try await devices.service.setMapping(.device, Self.changed(ready.device, "@heartRate", "@pulse"))
      try await devices.send(Self.minutes(30))
      try await devices.drain()
      #expect(try await devices.search("Observation").isEmpty)
      try await devices.service.setMapping(.device, ready.device)
      let replay = try #require(
        try await devices.service.replay(from: Instant(milliseconds: 0), until: Instant(milliseconds: .max / 20_000)))
      try await devices.drain()
      #expect(try devices.service.store.replay(replay.number)?.messages == 30)
      let first = try await devices.observations()
      #expect(first.count == 4)
      // Once more changes nothing.
      _ = try await devices.service.replay(from: Instant(milliseconds: 0), until: Instant(milliseconds: .max / 20_000))
      try await devices.drain()
      #expect(try await devices.observations() == first)
      #expect(try await devices.search("Observation").allSatisfy { $0["meta"]?["versionId"]?.string == "1" })
    }
  }

  @Test func aReplayIsOfItsTimeOnly() async throws {
    let ready = try #require(ReadyMapping.named("vitals"))
    try await TestDevices.run { devices in
      try await devices.service.setMapping(.device, Self.changed(ready.device, "@heartRate", "@pulse"))
      try await devices.send(Self.minutes(8))
      try await devices.drain()
      try await devices.service.setMapping(.device, ready.device)
      let times = try await devices.service.store.messages(after: 0, max: 10).map(\.received)
      // The log's own times are finer than a client's.
      let replay = try await devices.service.store.replay(from: times[2], until: times[5])
      #expect(replay?.position == 2 && replay?.last == 5)
      #expect(try await devices.service.store.replay(from: times[7] + 1, until: .max) == nil)
      try await devices.drain()
      #expect(try await devices.search("Observation").count == 3)
    }
  }

  /// Copies of the store, made at random while messages come and are worked through, are what a kill would have left.
  /// Opened, each comes to the same end as if nothing had happened.
  @Test func nothingIsLostAndNothingComesTwice() async throws {
    let messages = (0..<600).map { place in
      heartRate(
        "\(50 + place % 100)", device: "d\(place % 5)", patient: "p\(place % 5)",
        at: "2026-11-21T0\(place / 300):\((place / 60 % 5) + 10):\(place % 60 < 10 ? "0" : "")\(place % 60)Z",
        more: place % 50 == 7 ? #","bodyWeight":"x""# : "")
    }
    var copies: [(folder: String, taken: Int)] = []
    let expected = try await TestDevices.run(configure: { $0.limits.batchMessagesMax = 37 }) { devices in
      devices.service.start()
      for start in stride(from: 0, to: messages.count, by: 40) {
        try await devices.send(Array(messages[start..<min(start + 40, messages.count)]))
        let folder = try TestDevices.fresh()
        try await TestStores.copy(
          devices.folder + "/store.sqlite", of: devices.database, to: folder + "/store.sqlite")
        copies.append((folder, min(start + 40, messages.count)))
      }
      try await devices.drain()
      return (try await devices.observations(), try await devices.quarantine.map(\.message.number))
    }
    #expect(expected.1.count == 12)
    for (folder, taken) in copies {
      let found = try await TestDevices.run(folder: folder) { devices in
        // What was acknowledged is there; what was not is sent again.
        #expect(try devices.service.store.progress().appended == taken)
        if taken < messages.count { try await devices.send(Array(messages[taken...])) }
        try await devices.drain()
        return (try await devices.observations(), try await devices.quarantine.map(\.message.number))
      }
      #expect(found.0 == expected.0)
      #expect(found.1 == expected.1)
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  /// Clients that change the same Observations, or Devices, at the same time take nothing from it.
  @Test func observationsThatOthersChangeMeanwhile() async throws {
    try await TestDevices.run(configure: { $0.limits.batchMessagesMax = 5 }) { devices in
      try await devices.sendAll(heartRate("60", at: "2026-11-21T08:00:00Z"))
      let observation = try #require(try await devices.search("Observation").first)
      let device = try #require(try await devices.search("Device").first)
      let noted = String(decoding: observation.json, as: UTF8.self).dropLast() + #","note":[{"text":"seen"}]}"#
      #expect(try await devices.put(String(noted)) == 200)
      devices.service.start()
      async let changes: Void = {
        for turn in 0..<40 {
          let json = String(decoding: device.json, as: UTF8.self).dropLast() + #","modelNumber":"\#(turn)"}"#
          _ = try await devices.put(String(json))
        }
      }()
      try await devices.send(
        (1..<60).map { heartRate("\(60 + $0)", at: "2026-11-21T08:00:\($0 < 10 ? "0" : "")\($0)Z") })
      try await changes
      try await devices.drain()
      let after = try #require(try await devices.search("Observation").first)
      let data = after["valueSampledData"]?["data"]?.string?.split(separator: " ").prefix(60).joined(separator: " ")
      #expect(data == (60..<120).map(String.init).joined(separator: " "))
      #expect(after["note"]?[0]?["text"]?.string == "seen")
      #expect(try await devices.quarantine.isEmpty)
    }
  }
}
