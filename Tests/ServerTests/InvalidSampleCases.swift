import JSONCore
import Testing

/// Samples that their makers say are invalid are refused, and the outcome points at what is wrong.
@Suite struct InvalidSampleCases {
  struct Sample: Sendable, CustomTestStringConvertible {
    let file: String
    let type: String
    /// Where the flaw is; nil for what cannot be read as a resource at all.
    let expression: String?
    let code: String?
    var testDescription: String { file }

    init(_ file: String, _ type: String, _ expression: String? = nil, _ code: String? = nil) {
      self.file = file
      self.type = type
      self.expression = expression
      self.code = code
    }
  }

  private static let microsoft = "ms-fhir-server/TestFiles/Normative"
  static let microsoftSamples = [
    Sample("ObservationWithInvalidStatus.json", "Observation", "Observation.status", "code-invalid"),
    Sample("ObservationWithInvalidStatus.xml", "Observation", "Observation.status", "code-invalid"),
    Sample("ObservationWithNoCode.json", "Observation", "Observation.code", "required"),
    Sample("ObservationWithNoCode.xml", "Observation", "Observation.code", "required"),
    Sample("ObservationWithInvalidDecimalSpecification.json", "Observation", "Observation.value.value", "value"),
    Sample("InvalidObservation.json", "Observation", "Observation.text", "structure"),
    Sample("PatientWithUnknownElements.json", "Patient", "Patient.name1", "structure"),
    Sample("PatientMissingResourceType.json", "Patient"), Sample("MoneyWithWrongDecimal.json", "Observation"),
    Sample("Bundle-TransactionWithInvalidBundleEntry.json", "Bundle"),
  ]

  @Test(
    .enabled(if: SampleFile.has(microsoft), "needs data set ms-fhir-server"), arguments: microsoftSamples)
  func microsoftsSamples(sample: Sample) async throws {
    try await Self.check(sample, in: Self.microsoft)
  }

  private static let validator = "tests-validator"
  /// HL7's validator test cases for R4 whose flaw is one of the base standard's structure.
  static let validatorSamples = [
    Sample("synthea.json", "Encounter", "Encounter.status", "code-invalid"),
    Sample("synthea.json", "Encounter", "Encounter.reasonCode", "structure"),
    Sample("patient-bad-gender.xml", "Patient", "Patient.gender", "code-invalid"),
    Sample("bundle-validation-location-1.xml", "Bundle", "Bundle.entry[0].resource.gender", "code-invalid"),
    Sample("bundle-validation-location-2.xml", "Bundle", "Bundle.entry[1].resource.gender", "code-invalid"),
    Sample("mr-covid-m3.json", "Measure", "Measure.group[0].population[0].criteria", "required"),
    Sample("empty-array.json", "DocumentReference", "DocumentReference.category[0].coding", "structure"),
    Sample("hakan-se-2.json", "MedicationRequest", "MedicationRequest.medication", "required"),
    Sample("hakan-se-2.json", "MedicationRequest", "MedicationRequest.authoredOn", "value"),
    Sample("resource-invalid-id-1.json", "Location", "Location.id", "value"),
    Sample("resource-invalid-id-3.json", "Location", "Location.contained[0].id", "value"),
    Sample("patient-id-bad-2.json", "Patient", "Patient.id", "value"),
    Sample("contained-resource.json", "Condition", "Condition.contained[0].id", "value"),
    Sample("capabilitystatement-measure-processor.xml", "CapabilityStatement"),
    Sample("xml-bad-entities.xml", "Patient"), Sample("json-comments-2.json", "Patient"),
    Sample("json-no-quotes-2.json", "Patient"), Sample("bad-json-close-2.json", "Patient"),
    Sample("japanese-utf8-ok.xml", "Bundle"),
    Sample("parameters-attachment.json", "Parameters", "Parameters.parameter[0].value.data", "value"),
    Sample("bundle-dual-subject.xml", "Bundle", "Bundle.entry[0].resource.subject", "structure"),
    Sample("bundle-dual-target.xml", "Bundle", "Bundle.entry[0].resource.status", "required"),
    Sample("bundle-sig-2.json", "Bundle", "Bundle.meta", "structure"),
    Sample("aggregation-bundle-bad.xml", "Bundle", "Bundle.entry[0].resource.class", "required"),
    Sample(
      "profile-missing-elements.xml", "StructureDefinition",
      "StructureDefinition.differential.element[0].slicing.discriminator[0].path", "required"),
    // ras-2: "Must be <= 100".
    Sample("risk-assessment-probability-range.json", "RiskAssessment", "RiskAssessment.prediction[0]", "invariant"),
    Sample("obs-quantity.json", "Observation", "Observation.code", "required"),
    Sample("shc-bad-1.json", "Bundle", "Bundle.entry[1].resource.status", "code-invalid"),
  ]

  @Test(
    .enabled(if: SampleFile.has(validator), "needs data set tests-validator"), arguments: validatorSamples)
  func validatorsSamples(sample: Sample) async throws {
    try await Self.check(sample, in: Self.validator)
  }

  private static func check(_ sample: Sample, in folder: String) async throws {
    let form: Form = sample.file.hasSuffix(".xml") ? .xml : .json
    let text = try SampleFile.text("\(folder)/\(sample.file)")
    try await FormClient.run(form) { client in
      let reply = try await client.send("POST", "/\(sample.type)", text)
      let outcome = try reply.expectOutcome(400, sample.file)
      guard let expression = sample.expression else { return }
      let issue = outcome["issue"].first { $0.text("expression") == expression }
      #expect(issue != nil, "\(reply.text)")
      if let code = sample.code { #expect(issue?.text("code") == code, "\(reply.text)") }
      #expect(try await client.get("/\(sample.type)?_summary=count").element().total == 0)
    }
  }
}
