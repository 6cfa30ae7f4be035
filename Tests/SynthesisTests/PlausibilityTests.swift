import Base
import FHIRModel
import JSONCore
import Synthesis
import Testing

/// The records could be somebody's: what is measured fits together, and time goes forwards.
@Suite struct PlausibilityTests {
  static let patients = (0..<400).compactMap {
    try? Resources(lines: PatientSynthesis(seed: 7).ndjson(patient: $0))
  }

  private func quantity(_ resource: Resources.Resource) -> Double? { resource.number("valueQuantity", "value") }

  /// kg/m², from height and weight of the same visit as they are written.
  @Test func bodyMassIndexIsWeightByHeightSquared() throws {
    var compared = 0
    for resources in Self.patients {
      var visits: [String: [String: Double]] = [:]
      for observation in resources.of("Observation") {
        guard let code = observation.code(), let value = quantity(observation),
          let visit = observation.text("encounter", "reference"), let time = observation.text("effectiveDateTime")
        else { continue }
        visits["\(visit) \(time)", default: [:]][code] = value
      }
      for measured in visits.values {
        guard let bmi = measured["39156-5"] else { continue }
        let height = try #require(measured["8302-2"])
        let weight = try #require(measured["29463-7"])
        #expect(abs(bmi - weight / (height * height / 10_000)) <= 0.0501)
        #expect(bmi > 10 && bmi < 70)
        compared += 1
      }
    }
    #expect(compared > 500)
  }

  @Test func systolicIsAboveDiastolic() throws {
    for resources in Self.patients {
      for observation in resources.of("Observation") where observation.code() == "85354-9" {
        let components = observation.document.list("component", in: observation.node).map { component in
          Resources.Resource(type: "component", document: observation.document, node: component)
        }
        #expect(components.map { $0.code() } == ["8480-6", "8462-4"])
        let values = components.compactMap(quantity)
        #expect(values[0] - values[1] >= 15 && values[0] <= 210 && values[1] >= 40)
      }
    }
  }

  /// Low-density cholesterol by calculation: total less HDL less a fifth of the triglycerides (Friedewald).
  @Test func lipidsAddUp() throws {
    for resources in Self.patients {
      for report in resources.of("DiagnosticReport") where report.code() == "24331-1" {
        let values = report.document.list("result", in: report.node).compactMap {
          report.document.text("reference", in: $0).flatMap { resources.all[$0] }.flatMap(quantity)
        }
        #expect(values.count == 4)
        let calculated = values[0] - values[2] - values[1] / 5
        #expect(abs(values[3] - max(20, calculated)) <= 0.5)
      }
    }
  }

  /// The mean HbA1c of those with diabetes is in the range that makes the diagnosis (6.5 % and more), that of the
  /// others normal, and metformin goes to the former only.
  @Test func diabetesShowsInBloodAndDrugs() {
    var diabetic: [Double] = []
    var other: [Double] = []
    for resources in Self.patients {
      let codes = Set(resources.of("Condition").compactMap { $0.code() })
      let values = resources.of("Observation").filter { $0.code() == "4548-4" }.compactMap(quantity)
      let hasMetformin = resources.of("MedicationRequest").contains {
        $0.code("medicationCodeableConcept") == "860975"
      }
      #expect(hasMetformin == codes.contains("44054006"))
      if codes.contains("44054006") { diabetic += values } else if !codes.contains("15777000") { other += values }
    }
    #expect(diabetic.count > 20 && other.count > 20)
    #expect(diabetic.reduce(0, +) / Double(diabetic.count) >= 6.5)
    #expect(other.allSatisfy { $0 <= 5.6 })
  }

  /// Every interpretation follows from the value and the reference range beside it.
  @Test func interpretationsFollowFromTheRange() throws {
    for resources in Self.patients {
      for observation in resources.of("Observation") where observation.has("interpretation") {
        let value = try #require(quantity(observation))
        let low = try #require(observation.number("referenceRange", "low", "value"))
        let high = try #require(observation.number("referenceRange", "high", "value"))
        let expected = value > high ? "H" : value < low ? "L" : "N"
        #expect(observation.code("interpretation") == expected)
      }
    }
  }

  /// Nothing before birth, nothing after death or the reference date, and no period runs backwards.
  @Test func everythingHappensWithinTheLife() throws {
    let reference = PatientSynthesis.defaultReferenceDate
    var deceased = 0
    for resources in Self.patients {
      let patient = try #require(resources.of("Patient").first)
      let birthDate = try #require(patient.text("birthDate"))
      let death = patient.text("deceasedDateTime")
      if death != nil { deceased += 1 }
      let end = try death.map(seconds) ?? reference.milliseconds / 1_000
      for resource in resources.all.values where resource.type != "Patient" {
        var dates: [String] = []
        resource.visit { document, name, value in
          guard let text = document.string(value), text.utf8.count == 25, text.contains("T"),
            text.hasPrefix("1") || text.hasPrefix("2")
          else { return }
          let names: [JSONKey] = [
            "start", "end", "onsetDateTime", "abatementDateTime", "recordedDate", "effectiveDateTime", "issued",
            "authoredOn", "started", "created", "occurrenceDateTime", "date", "creation",
          ]
          #expect(names.contains { document.keyEquals(name, $0) })
          dates.append(text)
        }
        for date in dates {
          #expect(String(date.prefix(10)) > birthDate, "\(resource.type) before birth")
          #expect(try seconds(date) <= end, "\(resource.type) after the end: \(date), \(death ?? "alive")")
        }
        for name in ["period", "performedPeriod", "billablePeriod"] as [JSONKey] {
          guard let start = resource.text(name, "start"), let end = resource.text(name, "end") else { continue }
          #expect(try seconds(start) <= seconds(end))
        }
        if let abatement = resource.text("abatementDateTime"), let onset = resource.text("onsetDateTime") {
          #expect(try seconds(onset) < seconds(abatement))
        }
      }
    }
    #expect(deceased > 5)
  }

  /// Seconds since 1970 of a dateTime with seconds and offset, read independently of the generator.
  private func seconds(_ text: String) throws -> Int64 {
    let bytes = Array(text.utf8)
    try #require(bytes.count == 25)
    func number(_ start: Int, _ count: Int) -> Int {
      bytes[start..<start + count].reduce(0) { $0 * 10 + Int($1) - 48 }
    }
    let days = Instant.days(year: number(0, 4), month: number(5, 2), day: number(8, 2))
    let offset = (number(20, 2) * 60 + number(23, 2)) * (bytes[19] == UInt8(ascii: "-") ? -1 : 1)
    return Int64(days * 86_400 + number(11, 2) * 3_600 + number(14, 2) * 60 + number(17, 2) - offset * 60)
  }

  /// Observations, procedures and the like lie within their visit.
  @Test func whatIsDoneIsDoneDuringTheVisit() throws {
    for resources in Self.patients {
      for resource in resources.all.values {
        guard let time = resource.text("effectiveDateTime") ?? resource.text("occurrenceDateTime"),
          resource.type != "DiagnosticReport" || resource.code("category") == "LAB",
          let visit = resource.text("encounter", "reference").flatMap({ resources.all[$0] }),
          let start = visit.text("period", "start"), let end = visit.text("period", "end")
        else { continue }
        #expect(try seconds(start) <= seconds(time) && seconds(time) <= seconds(end), "\(resource.type)")
      }
    }
  }

  /// Two clinical patients do not share a medical record number or an id.
  @Test func identifiersAreUnique() throws {
    let numbers = Self.patients.compactMap { $0.of("Patient").first?.text("identifier", "value") }
    #expect(numbers.count == Self.patients.count && Set(numbers).count == numbers.count)
    let ids = Self.patients.flatMap(\.all.keys)
    #expect(Set(ids).count == ids.count)
  }

  /// Twenty-one types, about 120 resources for a patient, with a long tail.
  @Test func mixOfTypes() {
    let shared = ["Organization", "Location", "Practitioner"]
    var counts: [String: Int] = [:]
    for resources in Self.patients { for item in resources.all.values { counts[item.type, default: 0] += 1 } }
    for type in [
      "Patient", "Coverage", "Encounter", "Condition", "AllergyIntolerance", "CareTeam", "Goal", "CarePlan",
      "Observation", "DiagnosticReport", "ServiceRequest", "ImagingStudy", "Procedure", "Immunization",
      "MedicationRequest", "DocumentReference", "Claim", "ExplanationOfBenefit",
    ] { #expect(counts[type, default: 0] > 10, "\(type)") }
    #expect(shared.allSatisfy { counts[$0] == nil })
    let sizes = Self.patients.map(\.all.count).sorted()
    let mean = sizes.reduce(0, +) / sizes.count
    #expect((60...150).contains(mean))
    #expect((sizes.last ?? 0) > 3 * mean)
    #expect((sizes.first ?? 0) >= 6)
    #expect(counts["Patient"] == Self.patients.count)
  }
}
