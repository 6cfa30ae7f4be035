import FHIRModel
import Foundation
import JSONCore
import Testing
import TestSupport

@Suite("Schema R4: search parameters and compartments")
struct SchemaSearchTests {
  let schema = Schema.r4

  func parameter(_ id: String) throws -> SearchParameterDefinition {
    try #require(schema.searchParameter(url: "http://hl7.org/fhir/SearchParameter/\(id)"))
  }

  @Test("a parameter of one type")
  func one() throws {
    let birthdate = try parameter("individual-birthdate")
    #expect(birthdate.code == "birthdate" && birthdate.type == .date)
    #expect(Set(birthdate.base.map(schema.name)) == ["Patient", "Person", "RelatedPerson"])
    #expect(birthdate.expression == "Patient.birthDate | Person.birthDate | RelatedPerson.birthDate")
    let encounter = try parameter("clinical-encounter")
    #expect(encounter.targets.map(schema.name).contains("Encounter"))
    let date = try parameter("clinical-date")
    #expect(date.comparators == ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"])
    #expect(date.description.contains("AllergyIntolerance: Date first version of the resource instance was recorded; "))
    #expect(try parameter("Observation-value-string").multipleOr == nil)
  }

  @Test("a composite parameter has components whose definitions exist, in all releases' reading of them")
  func composites() throws {
    let pair = try parameter("Observation-code-value-quantity")
    #expect(pair.type == .composite && pair.multipleOr == false)
    #expect(
      pair.components == [
        .init(definition: "http://hl7.org/fhir/SearchParameter/clinical-code", expression: "code"),
        .init(
          definition: "http://hl7.org/fhir/SearchParameter/Observation-value-quantity", expression: "value.as(Quantity)"
        ),
      ])
    let composites = schema.searchParameters.filter { $0.type == .composite }
    #expect(composites.count == 46)
    for parameter in composites {
      #expect(parameter.components.count >= 2)
      for component in parameter.components { #expect(schema.searchParameter(url: component.definition) != nil) }
    }
  }

  @Test("published defects are repaired")
  func repairs() throws {
    #expect(try parameter("DocumentReference-relationship").components.map(\.expression) == ["target", "code"])
    #expect(try parameter("InsurancePlan-name").expression == "InsurancePlan.name | InsurancePlan.alias")
    #expect(
      try parameter("Observation-code-value-date").components.map(\.expression) == [
        "code", "value.as(dateTime) | value.as(Period)",
      ])
  }

  @Test("parameters for a type: its own, and those for all")
  func forType() throws {
    let patient = schema.searchParameters(for: try #require(schema.type("Patient")))
    let codes = Set(patient.map(\.code))
    #expect(codes.isSuperset(of: ["_id", "_lastUpdated", "_profile", "_security", "_source", "_tag", "_text", "name"]))
    #expect(!codes.contains("subject"))
    // A code means one thing per type.
    for type in schema.resourceTypes {
      let all = schema.searchParameters(for: type).map(\.code)
      #expect(Set(all).count == all.count, "\(schema.name(type))")
    }
    let bundle = Set(schema.searchParameters(for: try #require(schema.type("Bundle"))).map(\.code))
    #expect(bundle.contains("_id") && !bundle.contains("_text"))
  }

  @Test("every expression's alternatives begin with a type of the base, and all of the base have one")
  func alternatives() throws {
    for parameter in schema.searchParameters {
      guard let expression = parameter.expression else { continue }
      let words = Set(expression.split { !($0.isLetter || $0.isNumber) }.map(String.init))
      for base in parameter.base {
        #expect(words.contains(schema.name(base)), "\(parameter.url): \(schema.name(base))")
      }
    }
    let without = schema.searchParameters.filter { $0.expression == nil }.map(\.code)
    #expect(Set(without) == ["_content", "_filter", "_query", "_text"])
  }

  @Test("every path of every expression leads somewhere")
  func paths() {
    var count = 0
    for parameter in schema.searchParameters {
      // "Patient.deceased.exists() and Patient.deceased != false" gives two paths, the first up to the function.
      let runs = (parameter.expression ?? "").split { !($0.isLetter || $0.isNumber || "._(".contains($0)) }
      for run in runs {
        var steps = run.drop { $0 == "(" }.split(separator: ".").map(String.init)
        guard steps.count > 1, let root = schema.type(steps.removeFirst()) else { continue }
        var types = [root]
        for step in steps.prefix(while: { !$0.contains("(") }) {
          types = types.flatMap { type in
            schema.element(type, name: step).map { schema[$0].types.map(\.type) } ?? []
          }
          #expect(!types.isEmpty, "\(parameter.url): \(step)")
        }
        count += 1
      }
    }
    #expect(count > 1_500)
  }

  @Test("compartments")
  func compartments() throws {
    #expect(
      Set(schema.compartments.map(\.code)) == ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"])
    let patient = try #require(schema.compartment("Patient"))
    #expect(patient.parameters[try #require(schema.type("AllergyIntolerance"))] == ["patient", "recorder", "asserter"])
    #expect(patient.parameters[try #require(schema.type("Patient"))] == ["link"])
    #expect(patient.parameters[try #require(schema.type("Medication"))] == nil)
    #expect(try #require(schema.compartment("Encounter")).parameters[try #require(schema.type("Encounter"))] == [])
  }

  @Test(
    "every compartment parameter is a reference parameter of its type", arguments: Schema.r4.compartments.map(\.code))
  func compartmentParameters(code: String) throws {
    for (type, codes) in try #require(schema.compartment(code)).parameters {
      let known = Dictionary(
        schema.searchParameters(for: type).map { ($0.code, $0.type) }, uniquingKeysWith: { first, _ in first })
      for code in codes { #expect(known[code] == .reference, "\(schema.name(type)) \(code)") }
    }
  }

  /// In the package but not in Azure's list, and kept: `_filter` is a parameter of the standard (R4 search_filter).
  static let notInAzure: Set<String> = ["http://hl7.org/fhir/SearchParameter/filter"]

  @Test(
    "the list is Azure's",
    .enabled(if: ConformanceData.has("ms-fhir-server/Data/R4"), "needs data set ms-fhir-server"))
  func azure() throws {
    let list = try ConformanceData.read("ms-fhir-server/Data/R4/search-parameters.json").value["entry"]
    let theirs = (list?.elements ?? []).compactMap { $0["resource"] }
    #expect(theirs.count == 1375)
    var different: Set<String> = []
    for their in theirs {
      let url = try #require(their["url"]?.string)
      let our = try #require(schema.searchParameter(url: url), "\(url)")
      #expect(our.code == their["code"]?.string)
      #expect(our.type.rawValue == their["type"]?.string)
      let base = (their["base"]?.elements ?? []).compactMap(\.string)
      #expect(Set(our.base.map(schema.name)) == Set(base))
      let targets = (their["target"]?.elements ?? []).compactMap(\.string)
      #expect(Set(our.targets.map(schema.name)) == Set(targets))
      let components = (their["component"]?.elements ?? []).map {
        SearchParameterDefinition.Component(
          definition: $0["definition"]?.string ?? "", expression: $0["expression"]?.string ?? "")
      }
      if our.expression != their["expression"]?.string || our.components != components { different.insert(url) }
    }
    let urls = Set(theirs.compactMap { $0["url"]?.string })
    #expect(Set(schema.searchParameters.map(\.url)).subtracting(urls) == Self.notInAzure)
    // Both are repairs of ours that Azure's list has for R4B only, or not at all.
    #expect(
      different == [
        "http://hl7.org/fhir/SearchParameter/InsurancePlan-name",
        "http://hl7.org/fhir/SearchParameter/Observation-code-value-date",
      ])
  }
}
