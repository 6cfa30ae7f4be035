import Base
import DeviceMapping
import JSONCore
import TestSupport
import Testing

/// Device and FHIR mappings that belong together, with what Microsoft's validator expects of them; and the generated
/// mappings of its generators.
@Suite(.enabled(if: Samples.isThere, "needs data set medtech-samples")) struct SamplePairTests {
  static let validation = "\(Samples.folder)/test/Microsoft.Health.Fhir.Ingest.Validation.UnitTests/TestInput"
  static let fit = "\(Samples.folder)/fit-on-fhir/src/GoogleFit/Microsoft.Health.FitOnFhir.GoogleFit.Mapping"

  private func device() throws -> DeviceMapping {
    try Samples.mapping("data_CollectionContentTemplateHrAndBloodPressureValid.json", in: Self.validation)
  }

  @Test(
    arguments: [
      ("data_CollectionFhirTemplateValid.json", []),
      ("data_CollectionFhirTemplateMissingTypeInvalid.json", ["bloodpressure typeName"]),
      ("data_CollectionFhirTemplateIncorrectValueNameInvalid.json", ["bloodpressure values[0].valueName"]),
    ] as [(String, [String])])
  func warnings(_ file: String, _ expected: [String]) throws {
    let warnings = try Samples.fhir(file, in: Self.validation).warnings(for: device())
    #expect(warnings.map { "\($0.typeName ?? "") \($0.field ?? "")" } == expected)
  }

  /// The validator's own example: measured, and made an Observation with two components.
  @Test func bloodPressure() throws {
    let message = try JSONDocument(
      #"{"systolic":"60","diastolic":"80","device":"abc","date":"2024-01-02T03:04:05Z","patient":"patient123"}"#)
    let measurements = try device().normalize(message).measurements
    #expect(
      measurements.map(line) == ["bloodpressure abc 2024-01-02T03:04:05Z patient:patient123 systolic=60 diastolic=80"])
    let fhir = try Samples.fhir("data_CollectionFhirTemplateValid.json", in: Self.validation)
    let group = try #require(try MeasurementGroup.groups(of: measurements).flatMap { try fhir.groups(of: $0) }.first)
    let json = try fhir.observation(
      for: group, subject: "patient123", device: "abc", issued: Instant(milliseconds: 0))
    let observation = try JSONDocument(json).value
    #expect(observation["code"]?["text"]?.string == "bloodpressure")
    let components = observation["component"]?.elements ?? []
    #expect(components.map { $0["code"]?["text"]?.string } == ["diastolic", "systolic"])
    #expect(components[0]["valueSampledData"]?["data"]?.string?.contains("80") == true)
    #expect(components[1]["valueSampledData"]?["data"]?.string?.contains("60") == true)
  }

  @Test func aTemplateIsNoCollection() throws {
    let bytes = try Samples.bytes("data_CodeValueFhirTemplateInvalid_MissingFields.json", in: Self.validation)
    let error = try #require(#expect(throws: MappingError.self) { try FHIRMapping(bytes) })
    #expect(error.problems.map(\.line) == [2])
    #expect(error.problems.map(\.field) == ["templateType"])
  }

  @Test(arguments: ["BloodPressure", "HeartRate", "OxygenSaturation"])
  func generatedFHIRMappings(_ name: String) throws {
    let folder = "\(SampleMappingTests.generator)/Expected"
    let template = String(decoding: try Samples.bytes("fhirMapping_\(name).json", in: folder), as: UTF8.self)
    let bytes = Samples.wrapped(String(template.drop { $0 == "\u{FEFF}" }), in: "CollectionFhir")
    _ = try FHIRMapping(bytes)
  }

  @Test(arguments: [
    ("FilteredCollection.json", "CollectionContent"), ("UnfilteredCollection.json", "CollectionContent"),
    ("DeviceContent.json", "CalculatedContent"), ("FhirMapping.json", "CodeValueFhir"),
  ])
  func generatedFitMappings(_ file: String, _ type: String) throws {
    let bytes = try Samples.bytes(file, in: "\(Self.fit).Tests/Expected")
    let text = String(decoding: bytes, as: UTF8.self).drop { $0 == "\u{FEFF}" }
    switch type {
    case "CollectionContent": _ = try DeviceMapping(bytes)
    case "CalculatedContent": _ = try DeviceMapping(Samples.wrapped(String(text)))
    default: _ = try FHIRMapping(Samples.wrapped(String(text), in: "CollectionFhir"))
    }
  }

  /// A point of Google Fit: a filter over the whole event with patterns, a value without `$`, time in nanoseconds.
  @Test func fitPoint() throws {
    let mapping = try DeviceMapping(
      Samples.wrapped(
        String(
          String(decoding: try Samples.bytes("DeviceContent.json", in: "\(Self.fit).Tests/Expected"), as: UTF8.self)
            .drop { $0 == "\u{FEFF}" })))
    func message(_ source: String) throws -> JSONDocument {
      try DeviceMessage.document(
        body: Array(
          """
          {"deviceIdentifier":"d","patientIdentifier":"p","dataSourceId":"\(source)","point":[
          {"dataTypeName":"com.google.active_minutes","endTimeNanos":1625097600123456789,"value":[{"intVal":5}]}]}
          """.utf8))
    }
    let source = "derived:com.google.active_minutes:com.google.ios.fit:appleinc.:iphone:top_level"
    #expect(lines(mapping, try message(source)) == ["\(source) d 2021-07-01T00:00:00.124Z patient:p duration=5"])
    #expect(mapping.normalize(try message("raw:com.google.active_minutes")).isDropped)
  }

  @Test func legacySandbox() throws {
    let mapping = try Samples.mapping("devicecontent.json", in: "\(Samples.folder)/sample/templates/sandbox/legacy")
    let message = try DeviceMessage.document(
      body: Array(#"{"HeartRate":72}"#.utf8),
      properties: [("iothub-creation-time-utc", .text("2021-06-08T19:45:20.196Z"))],
      systemProperties: [("iothub-connection-device-id", .text("dev-7"))])
    #expect(lines(mapping, message) == ["heartrate dev-7 2021-06-08T19:45:20.196Z patient:dev-7 hr=72"])
  }
}
