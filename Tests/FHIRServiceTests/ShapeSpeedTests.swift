import FHIRService
import Foundation
import JSONCore
import Synthesis
import TestStores
import Testing

/// How many patients to load.
private let shapesVariable = "ACESO_TEST_SHAPES"

/// First pages of many kinds of searches over one larger store, timed on the engine at hand: to compare the engines. The
/// figures mean something in a release build on a quiet machine only, so they are made when asked for.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment[shapesVariable] != nil, "runs with ACESO_TEST_SHAPES: a number of patients")
)
struct ShapeSpeedTests {
  private static let valuesMax = 40

  /// What a store holds, by its own searches.
  private struct Samples {
    struct Patient {
      var id = "", identifier = "", family = "", given = ""
    }
    struct Observation {
      var id = "", patient = "", code = "", day = "", value: Double?
    }
    var patients: [Patient] = []
    var observations: [Observation] = []
    var encounters: [String] = []
    var conditions: [String] = []

    var codes: [String] { Samples.byFrequency(observations.map(\.code)) }

    init(_ service: TestService) async throws {
      for entry in try await service.send(.get, "Patient?_count=\(valuesMax)").entries {
        guard let found = entry["resource"], let name = found["name"]?[0] else { continue }
        let number = found["identifier"]?.elements.first { $0["type"]?["coding"]?[0]?["code"]?.string == "MR" }
        patients.append(
          Patient(
            id: found["id"]?.string ?? "",
            identifier: "\(number?["system"]?.string ?? "")|\(number?["value"]?.string ?? "")",
            family: name["family"]?.string ?? "", given: name["given"]?[0]?.string ?? ""))
      }
      for patient in patients {
        for entry in try await service.send(.get, "Observation?patient=\(patient.id)&_count=1000").entries {
          guard let found = entry["resource"] else { continue }
          let value = found["valueQuantity"]?["value"].flatMap { Double(String(decoding: $0.json, as: UTF8.self)) }
          observations.append(
            Observation(
              id: found["id"]?.string ?? "", patient: patient.id, code: Self.code(found),
              day: String((found["effectiveDateTime"]?.string ?? "2020-01-01").prefix(10)), value: value))
        }
        encounters += try await service.send(.get, "Encounter?patient=\(patient.id)&_count=1000").ids
        for entry in try await service.send(.get, "Condition?patient=\(patient.id)&_count=1000").entries {
          if let found = entry["resource"] { conditions.append(Self.code(found)) }
        }
      }
      conditions = Self.byFrequency(conditions)
    }

    private static func code(_ found: JSONValue) -> String {
      let coding = found["code"]?["coding"]?[0]
      return "\(coding?["system"]?.string ?? "")|\(coding?["code"]?.string ?? "")"
    }

    private static func byFrequency(_ codes: [String]) -> [String] {
      let counts = codes.reduce(into: [:]) { counts, code in counts[code, default: 0] += 1 }
      return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }
  }

  private static func month(_ day: String) -> String { "date=ge\(day.prefix(7))&date=le\(day.prefix(7))" }

  private static func shapes(_ samples: Samples) -> [(name: String, queries: [String])] {
    let (patients, observations) = (samples.patients, samples.observations)
    let frequent = samples.codes.first ?? ""
    let kilogram = "http://unitsofmeasure.org|kg"
    let weights = observations.filter { $0.code.hasSuffix("|29463-7") }
    let own = observations.filter { $0.code == frequent }
    let ids = observations.map(\.id)
    func quantity(_ low: Double, _ high: Double) -> String {
      "Observation?code=http://loinc.org|29463-7&value-quantity=gt\(low)|\(kilogram)&value-quantity=lt\(high)|\(kilogram)"
    }
    return [
      ("id-read", patients.map { "Patient/\($0.id)" }), ("id", patients.map { "Patient?_id=\($0.id)" }),
      ("identifier", patients.map { "Patient?identifier=\($0.identifier)" }),
      ("name", patients.map { "Patient?name=\($0.given.prefix(4))" }),
      (
        "patient-code-date",
        observations.map { "Observation?patient=Patient/\($0.patient)&code=\($0.code)&\(month($0.day))" }
      ),
      ("quantity", weights.map { quantity(($0.value ?? 70) - 0.5, ($0.value ?? 70) + 0.5) }),
      ("quantity-wide", weights.indices.map { quantity(30 + Double($0), 90 + Double($0)) }),
      ("code-date", own.map { "Observation?code=\(frequent)&date=\($0.day)" }),
      ("code-date-sorted", own.map { "Observation?code=\(frequent)&date=\($0.day)&_sort=-date" }),
      ("code-newest", samples.codes.map { "Observation?code=\($0)&_sort=-date" }),
      ("chain", patients.map { "Encounter?patient.identifier=\($0.identifier)" }),
      ("chain-name", patients.map { "Observation?subject:Patient.name=\($0.family)&code=\(frequent)" }),
      ("chain-gender", samples.codes.map { "Observation?patient.gender=female&code=\($0)" }),
      ("has-one", samples.encounters.map { "Patient?_has:Encounter:patient:_id=\($0)" }),
      ("has-rare", samples.conditions.suffix(6).map { "Patient?_has:Condition:patient:code=\($0)" }),
      ("has-frequent", samples.codes.prefix(6).map { "Patient?_has:Observation:patient:code=\($0)" }),
      ("include", samples.encounters.map { "Encounter?_id=\($0)&_include=Encounter:patient" }),
      (
        "include-reverse",
        samples.encounters.map { "Encounter?_id=\($0)&_include=Encounter:patient&_revinclude=Observation:encounter" }
      ),
      (
        "include-page",
        patients.map {
          "Encounter?patient=\($0.id)&_include=Encounter:practitioner&_revinclude=Observation:encounter"
        }
      ),
      ("sort-people", ["Patient?_sort=family,birthdate,_id"]),
      ("sort-first", ["Observation?_sort=-date,code,_lastUpdated"]),
      ("count", ["Observation?code=\(frequent)&_summary=count"]),
      (
        "or-codes",
        (0..<4).map { place in
          let codes = (0..<998).map { "\(100_000 + place * 1_000 + $0)-0" } + samples.codes.prefix(2)
          return "Observation?code=" + codes.joined(separator: ",")
        }
      ),
      (
        "or-ids",
        (0..<4).map { place in
          "Observation?_id=" + (0..<1_000).map { ids[($0 * 61 + place * 17) % ids.count] }.joined(separator: ",")
        }
      ),
    ]
  }

  private static func load(_ service: TestService, patients: Int) async throws {
    let synthesis = PatientSynthesis(seed: 11)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<4 {
        group.addTask {
          for patient in stride(from: client, to: patients, by: 4) {
            let bundle = String(decoding: synthesis.bundle(patient: patient), as: UTF8.self)
            let reply = try await service.send(.post, "", bundle)
            #expect(reply.status == 200)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func firstPages() async throws {
    let count = ProcessInfo.processInfo.environment[shapesVariable].flatMap { Int($0) } ?? 10
    try await withService { service in
      let start = ContinuousClock.now
      try await Self.load(service, patients: count)
      print("shapes: \(count) patients loaded in \(ContinuousClock.now - start) on \(TestStores.engine)")
      try TestStores.analyze(service.folder + "/store.sqlite")
      let samples = try await Samples(service)
      for (name, queries) in Self.shapes(samples) where !queries.isEmpty {
        let step = max(1, queries.count / Self.valuesMax)
        let some = stride(from: 0, to: queries.count, by: step).map { queries[$0] }
        var times: [Double] = []
        var matches = 0
        for round in 0..<3 {
          for query in some {
            let began = ContinuousClock.now
            let reply = try await service.send(.get, query)
            #expect(reply.status == 200, "\(query): \(reply.text)")
            if round > 0 { times.append((ContinuousClock.now - began) / .milliseconds(1)) }
            matches += reply.entries.count
          }
        }
        times.sort()
        let (median, last) = (times[times.count / 2], times[times.count * 95 / 100])
        let page = Double(matches) / Double(3 * some.count)
        print("shapes: \(name): p50 \(rounded(median)) ms, p95 \(rounded(last)) ms, \(rounded(page)) entries")
      }
    }
  }

  private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
