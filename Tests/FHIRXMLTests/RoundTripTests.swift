import Base
import FHIRModel
import FHIRXML
import FoundationEssentials
import JSONCore
import Testing

/// Whole collections from JSON to XML and back, and against XML that others have written.
@Suite struct RoundTripTests {
  /// What went wrong, by file name.
  private static func failures(
    _ folder: String, _ form: XMLForm, first: Int = .max
  ) throws -> (count: Int, failures: [String: String]) {
    var failures: [String: String] = [:]
    var count = 0
    for url in try ConformanceData.files(folder, "json").prefix(first) {
      let document = try JSONDocument(ConformanceData.bytes(url))
      guard document.value["resourceType"] != nil else { continue }
      count += 1
      do {
        var xml: [UInt8] = []
        try form.append(document, to: &xml)
        let json = try form.json(fromXML: xml)
        if let found = difference(document.value, try JSONDocument(json).value) {
          failures[url.lastPathComponent] = found
        }
        var indented: [UInt8] = []
        try form.append(document, to: &indented, indented: true)
        #expect(try form.json(fromXML: indented) == json)
      } catch let fault as Fault {
        failures[url.lastPathComponent] = fault.reasons.first?.diagnostics ?? ""
      }
    }
    return (count, failures)
  }

  private static func expectNone(_ result: (count: Int, failures: [String: String]), of count: Int) {
    #expect(result.count == count)
    #expect(result.failures.isEmpty, "\(result.failures.map { "\($0.key): \($0.value)" }.sorted())")
  }

  @Test(.enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
  func officialR4Examples() throws {
    Self.expectNone(try Self.failures("fhir-r4-examples/json", XMLForm(schema: .r4)), of: 721)
  }

  @Test(.enabled(if: ConformanceData.has("fhir-r4b-examples/json"), "needs data set fhir-r4b-examples"))
  func officialR4BExamples() throws {
    Self.expectNone(try Self.failures("fhir-r4b-examples/json", XMLForm(schema: .r4b)), of: 759)
  }

  // 17 files write an integer64 (Attachment.size, eventsSinceSubscriptionStart) as a JSON number; R5
  // json.html#primitive wants a string, which it is when it comes back.
  @Test(.enabled(if: ConformanceData.has("fhir-r5-examples/json"), "needs data set fhir-r5-examples"))
  func officialR5Examples() throws {
    var result = try Self.failures("fhir-r5-examples/json", XMLForm(schema: .r5))
    let numbers = result.failures.filter {
      $0.value.hasSuffix(".size: number and string")
        || $0.value.hasSuffix(".eventsSinceSubscriptionStart: number and string")
    }
    #expect(numbers.count == 17)
    for name in numbers.keys { result.failures[name] = nil }
    Self.expectNone(result, of: 885)
  }

  // ig-r4.json is an R4 ImplementationGuide.
  @Test(.enabled(if: ConformanceData.has("fhir-stu3-examples/json"), "needs data set fhir-stu3-examples"))
  func officialSTU3Examples() throws {
    var result = try Self.failures("fhir-stu3-examples/json", XMLForm(schema: .stu3))
    #expect(result.failures.removeValue(forKey: "ig-r4.json")?.contains("'packageId'") == true)
    Self.expectNone(result, of: 651)
  }

  @Test(.enabled(if: ConformanceData.has("patients-synthea-r4/dev"), "needs data set patients-synthea-r4"))
  func syntheticPatients() throws {
    #expect(try Self.failures("patients-synthea-r4/dev", XMLForm(schema: .r4), first: 20).failures.isEmpty)
  }

  // MARK: - XML of others

  /// The XML and JSON of one example, each written by others. Two twins are none: the XML of observation-decimal has
  /// `1.0e0` where the JSON has `1.0`, that of observation-example `&#39;` in its narrative where the JSON has `'`.
  @Test(
    .enabled(if: ConformanceData.has("tests-fhir-cases/r4/examples"), "needs data set tests-fhir-cases"),
    arguments: [
      ("condition-example", nil), ("organization-1", nil), ("patient-example", nil),
      ("observation-decimal", "$.component[2].valueQuantity.value: numbers or literals differ"),
      ("observation-example", "$.text.div: texts differ"),
    ])
  func isEqualToTheOfficialTwin(_ name: String, _ expected: String?) throws {
    let folder = ConformanceData.folder.appendingPathComponent("tests-fhir-cases/r4/examples")
    let json = try XMLForm(schema: .r4).json(
      fromXML: ConformanceData.bytes(folder.appendingPathComponent(name + ".xml")))
    let twin = try JSONDocument(ConformanceData.bytes(folder.appendingPathComponent(name + ".json")))
    #expect(difference(twin.value, try JSONDocument(json).value) == expected)
  }

  @Test(.enabled(if: ConformanceData.has("tests-fhir-cases/r4/examples"), "needs data set tests-fhir-cases"))
  func readsTheOfficialXML() throws {
    try expectSound("tests-fhir-cases/r4/examples", .r4, count: 10)
    try expectSound("tests-fhir-cases/r5/examples", .r5, count: 9)
  }

  private func expectSound(_ folder: String, _ schema: Schema, count: Int) throws {
    let files = try ConformanceData.files(folder, "xml")
    #expect(files.count == count)
    let check = StructureCheck(schema: schema)
    for url in files {
      let json = try XMLForm(schema: schema).json(fromXML: ConformanceData.bytes(url))
      #expect(check.issues(of: try JSONDocument(json)).isEmpty, "\(url.lastPathComponent)")
    }
  }

  @Test(
    .enabled(if: ConformanceData.has("ms-fhir-server/TestFiles/Normative"), "needs data set ms-fhir-server"),
    arguments: [
      ("ObservationWithInvalidStatus", "code-invalid Observation.status"),
      ("ObservationWithNoCode", "required Observation.code"),
    ])
  func theCheckRefusesTheNegativeInputs(_ name: String, _ issue: String) throws {
    let url = ConformanceData.folder.appendingPathComponent("ms-fhir-server/TestFiles/Normative/\(name).xml")
    let json = try XMLForm(schema: .r4).json(fromXML: ConformanceData.bytes(url))
    let issues = StructureCheck(schema: .r4).issues(of: try JSONDocument(json))
    #expect(issues.contains { "\($0.code ?? "") \($0.expression ?? "")" == issue })
  }

  @Test(.enabled(if: ConformanceData.has("ms-fhir-server/TestFiles/R4"), "needs data set ms-fhir-server"))
  func readsTheNarrativeSample() throws {
    let url = ConformanceData.folder.appendingPathComponent("ms-fhir-server/TestFiles/R4/BasicExampleNarrative.xml")
    let twin = url.deletingLastPathComponent().appendingPathComponent("BasicExampleNarrative.json")
    let json = try JSONDocument(XMLForm(schema: .r4).json(fromXML: ConformanceData.bytes(url)))
    #expect(StructureCheck(schema: .r4).issues(of: json).isEmpty)
    let other = try JSONDocument(ConformanceData.bytes(twin))
    #expect(json.value["text"]?["div"]?.string?.isEmpty == false)
    #expect(json.value["code"]?.json == other.value["code"]?.json)
  }
}
