import Base
import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing

@testable import FHIRSearch

/// Search parameters of every release are planned and read.
@Suite struct ReleaseTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".conformance-data")

  private static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: data.appendingPathComponent(path).path)
  }

  private static func parameters(_ schema: Schema) -> SearchParameters {
    var numbers: [SearchParameters.Name: Int32] = [:]
    for name in SearchParameters.names(schema) { numbers[name] = Int32(numbers.count + 1) }
    return SearchParameters(schema, numbers: numbers)
  }

  /// In R5 composites name components that are not published; STU3's two have no expression.
  @Test(arguments: [
    ("3.0", ["DataElement.objectClass", "DataElement.objectClassProperty"]), ("4.0", []), ("4.3", []),
    (
      "5.0",
      [
        "Composition.section-code-text", "DeviceDefinition.specification-version", "Encounter.location-period",
        "Ingredient.strength-concentration-ratio", "Ingredient.strength-presentation-ratio",
        "ResearchStudy.progress-status-state-actual",
        "ResearchStudy.progress-status-state-period", "ResearchStudy.progress-status-state-period-actual",
        "TestScript.scope-artifact-conformance", "TestScript.scope-artifact-phase",
      ]
    ),
  ])
  func everyParameterHasAPlan(release: String, without: [String]) throws {
    let schema = try #require(Schema.release(release))
    let parameters = Self.parameters(schema)
    var none: [String] = []
    for type in schema.resourceTypes {
      for parameter in parameters.parameters(type) {
        do {
          if try IndexPlan(parameter, schema) == nil, !parameter.isAnsweredByResource {
            none.append("\(schema.name(type)).\(parameter.code)")
          }
        } catch {
          Issue.record("\(schema.name(type)) \(parameter.code): \(error.message)")
        }
      }
    }
    #expect(none == without)
  }

  /// The rows of one resource, as "code: value".
  private func rows(_ release: String, _ text: String) throws -> Set<String> {
    let schema = try #require(Schema.release(release))
    let parameters = Self.parameters(schema)
    let document = try JSONDocument(text)
    #expect(StructureCheck(schema: schema).issues(of: document).isEmpty)
    let name = document.member(document.root, "resourceType").flatMap { document.string($0) } ?? ""
    let type = try #require(schema.resourceType(name))
    let codes = Dictionary(uniqueKeysWithValues: parameters.parameters(type).map { ($0.number, $0.code) })
    let rows = try IndexExtractor(parameters, limits: Limits()).rows(of: document, document.root, type)
    return Set(
      rows.compactMap { row in
        switch row {
        case .token(let number, let system, let code): "\(codes[number] ?? ""): \(system)|\(code)"
        case .reference(let number, let type, let id): "\(codes[number] ?? ""): \(type)/\(id)"
        case .string(let number, _, let text, _): "\(codes[number] ?? ""): \(text)"
        case .quantity(let number, let system, let code, let low, _, _):
          "\(codes[number] ?? ""): \(low) \(system)|\(code)"
        case .date(let number, _, _, _): "\(codes[number] ?? ""): date"
        default: nil
        }
      })
  }

  @Test func codeableReferences() throws {
    let request = try rows(
      "5.0",
      #"""
      {"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"reference":"Patient/p"},
       "medication":{"concept":{"coding":[{"system":"http://s","code":"c"}]},
       "reference":{"reference":"Medication/m"}}}
      """#)
    #expect(request.isSuperset(of: ["code: http://s|c", "medication: Medication/m", "subject: Patient/p"]))
    // R4B's parameters end at the CodeableReference itself, once as token and once as reference.
    let definition = try rows(
      "4.3",
      #"""
      {"resourceType":"ClinicalUseDefinition","type":"contraindication","contraindication":{
       "diseaseSymptomProcedure":{"concept":{"coding":[{"system":"http://s","code":"c"}]},
       "reference":{"reference":"ObservationDefinition/o"}}}}
      """#)
    #expect(
      definition.isSuperset(of: [
        "contraindication: http://s|c", "contraindication-reference: ObservationDefinition/o",
      ]))
  }

  @Test func repairedParameters() throws {
    let ingredient = try rows(
      "4.3",
      #"""
      {"resourceType":"Ingredient","status":"active","role":{"text":"x"},"substance":{"code":{"concept":{"text":"x"}}},
       "manufacturer":[{"manufacturer":{"reference":"Organization/o"}}]}
      """#)
    #expect(ingredient.contains("manufacturer: Organization/o"))
    let medication = try rows(
      "5.0", #"{"resourceType":"Medication","doseForm":{"coding":[{"system":"http://s","code":"tablet"}]}}"#)
    #expect(medication.contains("form: http://s|tablet"))
    let appointment = try rows(
      "5.0",
      #"""
      {"resourceType":"Appointment","status":"proposed","participant":[{"status":"accepted","actor":{"display":"x"}}],
       "requestedPeriod":[{"start":"2024-01-01"}]}
      """#)
    #expect(appointment.contains("date: date"))
  }

  /// In STU3 Money is a Quantity, later it has a currency.
  @Test func money() throws {
    let system = "urn:iso:std:iso:4217"
    let amount = #"{"value":5,"system":"\#(system)","code":"USD"}"#
    let account = try rows("3.0", #"{"resourceType":"Account","balance":\#(amount)}"#)
    #expect(account.contains("balance: 5.0 \(system)|USD"))
    let invoice = try rows(
      "5.0", #"{"resourceType":"Invoice","status":"draft","totalNet":{"value":5,"currency":"USD"}}"#)
    #expect(invoice.contains("totalnet: 5.0 \(system)|USD"))
  }

  /// Every official example is read, and every type has something to find it by.
  @Test(
    .enabled(
      if: has("fhir-r5-examples/json"), "needs data sets fhir-stu3-examples, fhir-r4b-examples, fhir-r5-examples"),
    arguments: [("3.0", "stu3"), ("4.3", "r4b"), ("5.0", "r5")])
  func everyExampleIsRead(release: String, folder: String) throws {
    let schema = try #require(Schema.release(release))
    let parameters = Self.parameters(schema)
    let extractor = IndexExtractor(parameters, limits: Limits())
    var found: Set<Schema.TypeID> = []
    var types: Set<Schema.TypeID> = []
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.data.appendingPathComponent("fhir-\(folder)-examples/json"), includingPropertiesForKeys: nil)
    for file in files where file.pathExtension == "json" {
      let document = try JSONDocument([UInt8](Data(contentsOf: file)))
      guard document.byteCount < 300_000,
        let type = document.member(document.root, "resourceType").flatMap({
          schema.resourceType(utf8: document.lexeme($0))
        })
      else { continue }
      types.insert(type)
      if try extractor.rows(of: document, document.root, type).count > 0 { found.insert(type) }
    }
    #expect(types.count > 100)
    // Of the others there is nothing to say: they have no search parameters, or no example has their elements.
    #expect(
      types.subtracting(found).map { schema.name($0) }.allSatisfy { ["OperationOutcome", "Parameters"].contains($0) })
  }
}
