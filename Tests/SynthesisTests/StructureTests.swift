import Base
import FHIRModel
import JSONCore
import Synthesis
import Testing

/// Every resource is strictly valid FHIR R4.
@Suite struct StructureTests {
  let check = StructureCheck(schema: .r4, limits: Limits())

  @Test(arguments: [1, 2, 77] as [UInt64])
  func bundlesAndTheirResourcesAreSound(seed: UInt64) throws {
    let synthesis = PatientSynthesis(seed: seed)
    for index in 0..<50 {
      let document = try JSONDocument(synthesis.bundle(patient: index))
      let issues = check.issues(of: document)
      #expect(issues.isEmpty, "patient \(index), seed \(seed): \(issues)")
    }
  }

  @Test func linesAreSound() throws {
    let synthesis = PatientSynthesis(seed: 5, historyYears: 20)
    for index in 0..<50 {
      try synthesis.eachResource(ofPatient: index) { type, json in try expectSound(type, json) }
    }
    try synthesis.eachSharedResource { type, json in try expectSound(type, json) }
  }

  private func expectSound(_ type: String, _ json: ArraySlice<UInt8>) throws {
    let document = try JSONDocument(Array(json))
    let issues = check.issues(of: document, expecting: Schema.r4.type(type))
    #expect(issues.isEmpty, "\(type): \(issues)")
  }
}
