import Base
import DeviceMapping
import DeviceService
import DeviceStore
import Foundation
import JSONCore
import TestSupport
import Testing

/// Mappings: given, refused, shown at work; and those that come with the project.
@Suite struct MappingTests {
  @Test func aMappingIsGivenAndRead() async throws {
    try await TestDevices.run(mapping: nil) { devices in
      let ready = try #require(ReadyMapping.named("vitals"))
      let missing = await #expect(throws: Fault.self) { try await devices.ask(.readMapping(.device)) }
      #expect(missing?.category == .notFound)
      let text = String(decoding: ready.device, as: UTF8.self)
      #expect(try await devices.ask(.writeMapping(.device), text).status == 200)
      #expect(try await devices.ask(.readMapping(.device)).body?.json == JSONDocument(ready.device).value.json)
    }
  }

  @Test func everythingWrongIsToldWithItsPlace() async throws {
    try await TestDevices.run { devices in
      let mapping = """
        {"templateType":"CollectionContent","template":[
          {"templateType":"CalculatedContent","template":{
            "typeName":"a","typeMatchExpression":"$..[?(@a]",
            "deviceIdExpression":"$.x","timestampExpression":{"value":"a.[","language":"JmesPath"}}},
          {"templateType":"Nothing","template":{}}]}
        """
      let fault = await #expect(throws: Fault.self) { try await devices.ask(.writeMapping(.device), mapping) }
      let texts = fault?.reasons.map(\.diagnostics) ?? []
      #expect(fault?.category == .invalid)
      #expect(texts.count == 3)
      #expect(texts.contains { $0.hasPrefix("line 3, ") } && texts.contains { $0.hasPrefix("line 4, ") })
      #expect(texts.contains { $0.hasPrefix("line 5, ") })
      // The mapping in force is the one that was.
      try await devices.sendAll(heartRate("72", at: "2026-11-21T08:00:00Z"))
      #expect(try await devices.search("Observation").count == 1)
    }
  }

  @Test func warningsTellWhatDoesNotFit() async throws {
    try await TestDevices.run { devices in
      let fhir = #"{"templateType":"CollectionFhir","template":[]}"#
      let answer = try await devices.ask(.writeMapping(.fhir), fhir)
      #expect(answer.status == 200)
      #expect((answer.body?["warnings"]?.count ?? 0) == 9)
    }
  }

  @Test func theDebuggerShowsEveryStep() async throws {
    try await TestDevices.run { devices in
      let good = heartRate("72", at: "2026-11-21T08:00:00Z")
      let report = try await devices.ask(.debug, #"{"messages":[\#(good),{"deviceId":"d","heartRate":1}]}"#)
      let messages = report.body?["messages"]
      let first = messages?[0]
      #expect(first?["measurements"]?[0]?["Type"]?.string == "heartRate")
      #expect(first?["observations"]?[0]?["valueSampledData"]?["data"]?.string?.hasPrefix("72 ") ?? false)
      let matched = first?["templates"]?.elements.filter { $0["isMatched"]?.bool == true } ?? []
      #expect(matched.map { $0["typeName"]?.string } == ["heartRate"])
      let values = matched.first?["matches"]?[0]?["values"]?.elements ?? []
      #expect(values.contains { $0["name"]?.string == "hr" && $0["result"]?.string == "72" })
      let second = messages?[1]?["exceptions"]?[0]
      #expect(second?["type"]?.string == "IncompatibleDataException")
      #expect(second?["field"]?.string == "timestampExpression")
      #expect(second?["expression"]?.string == "$.matchedToken.timestamp")
      #expect((second?["line"]?.integer ?? 0) > 1)
      // Nothing of it is stored.
      #expect(try await devices.search("Observation").isEmpty)
      // The newest messages of the log.
      try await devices.sendAll(good)
      let live = try await devices.ask(.debug, #"{"last":5}"#)
      #expect(live.body?["messages"]?.count == 1)
      #expect(live.body?["messages"]?[0]?["deviceEvent"]?["SystemProperties"]?["x-opt-sequence-number"]?.integer == 1)
    }
  }

  @Test func theDebuggerTakesMappingsThatAreNotInForce() async throws {
    try await TestDevices.run(mapping: nil) { devices in
      let report = try await devices.ask(
        .debug,
        #"""
        {"deviceMapping":{"templateType":"CollectionContent","template":[{"templateType":"X","template":{}}]},"messages":[{}]}
        """#)
      #expect(report.body?["mappings"]?[0]?["level"]?.string == "error")
      #expect(report.body?["mappings"]?[0]?["mapping"]?.string == "device")
    }
  }

  // MARK: Ready mappings

  @Test(arguments: ReadyMapping.all.map(\.name))
  func readyMappingsFitTogether(name: String) throws {
    let ready = try #require(ReadyMapping.named(name))
    let device = try DeviceMapping(ready.device)
    let fhir = try FHIRMapping(ready.fhir)
    #expect(fhir.warnings(for: device).isEmpty)
    // The diastolic pressure has the code of the diastolic pressure.
    #expect(String(decoding: ready.fhir, as: UTF8.self).contains("8462-4"))
  }

  @Test func recordsOfHealthKitAndFit() async throws {
    let message = #"""
      {"patientId":"p1","records":[
        {"type":"HKQuantityTypeIdentifierHeartRate","sourceName":"Watch","startDate":"2026-11-21T08:00:00Z","value":"61"},
        {"type":"HKQuantityTypeIdentifierOxygenSaturation","sourceName":"Watch","startDate":"2026-11-21T08:00:00Z","value":"0.97"},
        {"type":"HKQuantityTypeIdentifierStepCount","sourceName":"Phone","startDate":"2026-11-21T08:00:00Z","value":"12"}]}
      """#
    let fit = #"""
      {"patientId":"p1","dataSourceId":"raw:com.google.weight:x","point":[
        {"dataTypeName":"com.google.weight","startTimeNanos":"1795248000000000000","value":[{"fpVal":70.5}]},
        {"dataTypeName":"com.google.blood_pressure","startTimeNanos":"1795248000000000000","value":[{"fpVal":120},{"fpVal":80}]}]}
      """#
    try await TestDevices.run(mapping: "health") { devices in
      try await devices.sendAll(message, fit)
      let aside = try await devices.quarantine
      #expect(aside.isEmpty, "\(aside.map(\.reason))")
      func quantity(_ code: String) async throws -> String? {
        let value = try await devices.search("Observation", "code=http://loinc.org|\(code)").first?["valueQuantity"]?[
          "value"]
        return value.map { String(decoding: $0.json, as: UTF8.self) }
      }
      #expect(try await quantity("8867-4") == "61")
      #expect(try await quantity("2708-6") == "97")
      #expect(try await quantity("55423-8") == "12")
      #expect(try await quantity("29463-7") == "70.5")
      let panel = try await devices.search("Observation", "code=http://loinc.org|85354-9")
      #expect(panel.first?["component"]?.count == 2)
    }
  }

  /// Valid bodies of the schemas that the mapping takes, in a header of their own.
  @Test(.enabled(if: ConformanceData.has("open-mhealth"), "needs data set open-mhealth"))
  func openMHealthPoints() async throws {
    let schemas = [
      "heart-rate", "respiratory-rate", "oxygen-saturation", "body-temperature", "blood-pressure", "blood-glucose",
      "body-weight", "body-height", "step-count",
    ]
    var points: [(name: String, message: String)] = []
    for schema in schemas {
      let root = ConformanceData.folder.appendingPathComponent("open-mhealth/test-data/omh/\(schema)")
      let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
      for file in files.sorted(by: { $0.path < $1.path })
      where file.path.contains("/shouldPass/") && file.pathExtension == "json" {
        let body = try String(contentsOf: file, encoding: .utf8)
        points.append(
          (
            "\(schema)/\(file.lastPathComponent)",
            #"""
            {"header":{"uuid":"\#(points.count)","creation_date_time":"2026-11-21T08:\#(points.count / 60 + 10):\#(points.count % 60 + 10 > 59 ? 59 : points.count % 60 + 10)Z",
            "schema_id":{"namespace":"omh","name":"\#(schema)","version":"1.0"},"user_id":"p\#(points.count)",
            "acquisition_provenance":{"source_name":"s\#(points.count)"}},"body":\#(body)}
            """#
          ))
      }
    }
    #expect(points.count > 20)
    let messages = points.map(\.message)
    try await TestDevices.run(mapping: "openmhealth") { devices in
      try await devices.send(messages)
      try await devices.drain()
      let aside = try await devices.quarantine
      #expect(aside.isEmpty, "\(aside.map { "\(points[Int($0.message.number) - 1].name): \($0.reason)" })")
      let made = try await devices.search("Observation").count
      #expect(made == points.count, "\(made) of \(points.count)")
    }
  }
}
