import Base
import DeviceMapping
import JSONCore
import TestSupport
import Testing

/// Microsoft's samples with what their own tests and documents expect of them.
@Suite(.enabled(if: Samples.isThere, "needs data set medtech-samples")) struct SampleMappingTests {
  static let prefix = "data_Documentation_CalculatedFunction_"

  /// The documented mappings and messages of calculated templates.
  @Test(arguments: [
    ("HeartRate", "HeartRate", ["heartrate device123 2019-02-01T22:46:01.875Z hr=78"]),
    ("BloodPressure", "BloodPressure", ["bloodpressure device123 2019-02-01T22:46:01.875Z systolic=123 diastolic=87"]),
    (
      "MultipleMeasurements", "MultipleMeasurements",
      ["heartrate device123 2019-02-01T22:46:01.875Z hr=78", "stepcount device123 2019-02-01T22:46:01.875Z steps=2"]
    ),
    (
      "HeartRate", "MultipleMeasurements_FromArray",
      [
        "heartrate device123 2019-02-01T20:46:01.875Z hr=78", "heartrate device123 2019-02-01T21:46:01.875Z hr=81",
        "heartrate device123 2019-02-01T22:46:01.875Z hr=72",
      ]
    ),
    (
      "MultipleMatches", "MultipleMatches",
      [
        "heartrate device123 2021-07-13T17:29:01.061144Z systolic=120 diastolic=80",
        "heartrate device123 2021-07-13T17:28:01.061122Z systolic=122 diastolic=82",
      ]
    ),
    (
      "TransformData", "TransformData",
      [
        "heightInMeters device123 2019-02-01T22:46:01.875Z height=1.9811999999999999",
        "heightInMeters device123 2019-02-01T23:46:01.875Z height=1.9304",
      ]
    ),
  ])
  func documentedMappings(_ mapping: String, _ payload: String, _ expected: [String]) throws {
    let mapping = try Samples.mapping("\(Self.prefix)\(mapping)_Template.json")
    #expect(lines(mapping, try Samples.message("\(Self.prefix)\(payload)_Payload.json")) == expected)
  }

  @Test func iotHub() throws {
    let mapping = try DeviceMapping(Samples.wrapped(file: "data_IotJsonPathContentTemplateValid.json"))
    #expect(
      lines(mapping, try Samples.message("data_IotHubPayloadExample.json"))
        == ["heartrate ev-d795-1d04-55ae 2019-01-30T22:45:02.6073744Z hr=203"])
    // Without the time of creation, the time of arrival counts.
    #expect(
      lines(mapping, try Samples.message("data_IotHubPayloadExampleMissingCreateTime.json"))
        == ["heartrate ev-d795-1d04-55ae 2019-02-01T22:46:01.875Z hr=203"])
    #expect(mapping.normalize(try Samples.message("data_IotHubPayloadMultiValueExample.json")).isDropped)
  }

  @Test func iotCentral() throws {
    let mapping = try Samples.mapping("data_CollectionContentTemplateMultipleIotCentralJsonPath.json")
    #expect(
      lines(mapping, try Samples.message("data_IotCentralPayloadExampleMultipleMessages.json")) == [
        "heartrate 1qsi9p8t5l2 2021-06-08T19:45:20.202Z patient:1qsi9p8t5l2 hr=75",
        "heartrate 1qsi9p8t5l2 2021-06-08T19:44:04.941Z patient:1qsi9p8t5l2 hr=69",
        "respiratoryrate 1qsi9p8t5l2 2021-06-08T19:45:20.202Z patient:1qsi9p8t5l2 respiratoryrate=15",
        "respiratoryrate 1qsi9p8t5l2 2021-06-08T19:44:04.941Z patient:1qsi9p8t5l2 respiratoryrate=15",
        "bloodpressure 1qsi9p8t5l2 2021-06-08T19:45:20.202Z patient:1qsi9p8t5l2 systolic=62 diastolic=30",
        "bloodpressure 1qsi9p8t5l2 2021-06-08T19:44:04.941Z patient:1qsi9p8t5l2 systolic=43 diastolic=34",
      ])
    // The template's values are members of `template`, which the message does not have: required, so it fails.
    let other = try DeviceMapping(Samples.wrapped(file: "data_IotCentralJsonPathContentTemplateValid.json"))
    let result = other.normalize(try Samples.message("data_IotCentralPayloadExample.json"))
    #expect(result.failures.map(\.kind) == [.incompatibleData])
    #expect(result.failures.map(\.field) == ["values[0].valueExpression"])
  }

  /// The same mapping in both languages.
  @Test(arguments: [
    "data_CollectionContentTemplateHrAndSteps.json", "data_CollectionContentTemplateHrAndStepsJmesPath.json",
  ])
  func bothLanguages(_ file: String) throws {
    let mapping = try Samples.mapping(file)
    func lines(_ body: String) throws -> [String] {
      mapping.normalize(try JSONDocument("{\(body),\"device\":\"abc\",\"date\":\"2024-05-06T07:08:09.1234567Z\"}"))
        .measurements.map(line)
    }
    let head = "abc 2024-05-06T07:08:09.1234567Z"
    #expect(try lines(#""hrv":"5""#) == [])
    #expect(try lines(#""heartrate":"60","steps":"2""#) == ["heartrate \(head) hr=60", "steps \(head) steps=2"])
    #expect(try lines(#""heartrate":"60","hrv":"5""#) == ["heartrate \(head) hr=60"])
    #expect(try lines(#""steps":"2","hrv":"5""#) == ["steps \(head) steps=2"])
  }

  /// Mappings that the original's tests call valid.
  @Test(arguments: [
    "data_CollectionContentTemplateEmptyWithType.json", "data_CollectionContentTemplateMixed.json",
    "data_CollectionContentTemplateHrAndSteps.json", "data_CollectionContentTemplateMultipleIotCentralJsonPath.json",
  ])
  func validMappings(_ file: String) throws { _ = try Samples.mapping(file) }

  @Test(arguments: [
    "data_JsonPathContentTemplateValid.json", "data_JsonPathContentTemplateValidWithOptional.json",
    "data_IotJsonPathContentTemplateValid.json", "data_IotJsonPathContentTemplateValidWithOptional.json",
    "data_IotCentralJsonPathContentTemplateValid.json", "data_IotCentralJsonPathContentTemplateValidWithOptional.json",
    "data_CalculatedFunctionContentTemplateValid.json", "data_CalculatedFunctionContentTemplateValidOptional.json",
    "data_CalculatedFunctionContentTemplateValidExpressionObject.json",
  ])
  func validTemplates(_ file: String) throws { _ = try DeviceMapping(Samples.wrapped(file: file)) }

  @Test(arguments: [
    "data_CodeValueFhirTemplate_SampledData.json", "data_CodeValueFhirTemplate_Quantity.json",
    "data_CodeValueFhirTemplate_String.json", "data_CodeValueFhirTemplate_Components.json",
    "data_CodeValueFhirTemplate_CodeableConceptData.json",
    "data_CodeValueFhirTemplate_CodeableConceptAndStringComponent.json",
  ])
  func validFHIRTemplates(_ file: String) throws {
    _ = try FHIRMapping(Samples.wrapped(file: file, in: "CollectionFhir"))
  }

  /// The generated mappings for Google Fit and the sample pairs; each type has its FHIR template.
  @Test(arguments: [
    "sample/templates/basic", "sample/templates/healthkitOnFhir", "sample/templates/sandbox",
    "fit-on-fhir/src/GoogleFit/Microsoft.Health.FitOnFhir.GoogleFit.Mapping.Console/Samples",
  ])
  func pairs(_ folder: String) throws {
    let folder = "\(Samples.folder)/\(folder)"
    let device = try Samples.mapping("devicecontent.json", in: folder)
    let fhir = try Samples.fhir("fhirmapping.json", in: folder)
    #expect(!device.types.isEmpty)
    #expect(fhir.warnings(for: device).filter { $0.field == "typeName" } == [])
  }

  // MARK: - Generated mappings with the messages they are generated for

  static let generator =
    "\(Samples.folder)/tools/mapping-generator/Microsoft.Health.Fhir.Ingest.Template.Generator.Tests"

  /// `$.device` of the whole event is meant for a body that is the event itself.
  @Test(arguments: [
    ("BloodPressure", ["diastolic=79 systolic=119"]), ("HeartRate", ["beatsPerMinute=66"]),
    ("OxygenSaturation", ["oxygenPercentage=99"]),
    ("Projection", ["diastolic=79 systolic=119", "beatsPerMinute=66", "oxygenPercentage=99"]),
  ])
  func generatedMappings(_ name: String, _ expected: [String]) throws {
    let template = String(
      decoding: try Samples.bytes("deviceData_\(name).json", in: "\(Self.generator)/Expected"), as: UTF8.self)
    let templates = template.drop { $0 == "\u{FEFF}" }
    let array = templates.hasPrefix("[") ? String(templates) : "[\(templates)]"
    let mapping = try DeviceMapping(Array("{\"templateType\":\"CollectionContent\",\"template\":\(array)}".utf8))
    let body = try Samples.bytes("deviceData_\(name).json", in: "\(Self.generator)/TestInput")
    let message = try JSONDocument(body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body)
    let result = mapping.normalize(message)
    #expect(result.failures.isEmpty)
    let properties = result.measurements.map {
      $0.properties.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
    #expect(properties == expected)
    for measurement in result.measurements {
      #expect(measurement.deviceID == "TestDeviceId")
      #expect(measurement.patientID == "TestPatientId")
      #expect(measurement.encounterID == "TestEncounter")
      #expect(measurement.correlationID == "TestCorrelation")
    }
  }

  // MARK: - Invalid

  @Test(arguments: [
    ("data_CollectionContentTemplateEmpty.json", "templateType"), ("data_InvalidTemplateType.json", "templateType"),
    ("data_InvalidCollectionContentTemplateWithNoTemplateArray.json", "template"),
  ])
  func invalidCollections(_ file: String, _ field: String) throws {
    let bytes = try Samples.bytes(file)
    let error = #expect(throws: MappingError.self) { try DeviceMapping(bytes) }
    #expect(error?.problems.first?.field == field || error?.problems.first?.field == "template")
    #expect(error?.problems.count == 1)
  }

  @Test func invalidJSON() throws {
    let bytes = try Samples.bytes("data_InvalidJson.txt")
    let error = #expect(throws: MappingError.self) { try DeviceMapping(bytes) }
    #expect(error?.problems.first?.line == 3)
  }

  /// All that is missing is told at once, each with its template and line.
  @Test func missingMembers() throws {
    let bytes = try Samples.bytes("data_CollectionContentTemplateInvalid.json")
    let error = try #require(#expect(throws: MappingError.self) { try DeviceMapping(bytes) })
    #expect(
      error.problems.map { "\($0.template ?? -1) \($0.typeName ?? "") \($0.field ?? "") \($0.line)" } == [
        "0 heartrate deviceIdExpression 6", "0 heartrate timestampExpression 6", "1 bootTime typeMatchExpression 20",
      ])
    #expect(error.problems[0].message == "Required property 'deviceIdExpression' not found in JSON.")
  }

  @Test(arguments: [
    ("data_JsonPathContentTemplateInvalidMissingExpression.json", ["deviceIdExpression", "timestampExpression"]),
    ("data_IotJsonPathContentTemplateInvalidMissingTypeMetadata.json", ["typeName", "typeMatchExpression"]),
    ("data_IotJsonPathContentTemplateInvalidMissingValueField.json", ["values[0].valueName"]),
    ("data_IotCentralJsonPathContentTemplateInvalidMissingTypeMetadata.json", ["typeName", "typeMatchExpression"]),
    ("data_IotCentralJsonPathContentTemplateInvalidMissingValueField.json", ["values[0].valueName"]),
    (
      "data_CalculatedFunctionContentTemplateValidInvalidAndMissingMembers.json",
      ["typeMatchExpressionFake", "deviceIdExpressionFake", "typeMatchExpression", "deviceIdExpression"]
    ),
  ])
  func invalidTemplates(_ file: String, _ fields: [String]) throws {
    let bytes = try Samples.wrapped(file: file)
    let error = try #require(#expect(throws: MappingError.self) { try DeviceMapping(bytes) })
    #expect(error.problems.compactMap(\.field) == fields)
  }

  @Test(arguments: [
    ("data_CodeValueFhirTemplateInvalid_MissingCodeField.json", "codes"),
    ("data_CodeValueFhirTemplateInvalid_MissingFields.json", "typeName"),
  ])
  func invalidFHIRTemplates(_ file: String, _ field: String) throws {
    let bytes = try Samples.wrapped(file: file, in: "CollectionFhir")
    let error = try #require(#expect(throws: MappingError.self) { try FHIRMapping(bytes) })
    #expect(error.problems.compactMap(\.field) == [field])
  }

  @Test func mixedValidity() throws {
    let device = try Samples.bytes("data_CollectionContentTemplateMixedValidity.json")
    let error = try #require(#expect(throws: MappingError.self) { try DeviceMapping(device) })
    #expect(error.problems.map(\.template) == [2])
    let fhir = try Samples.bytes("data_CollectionFhirTemplateMixedValidity.json")
    let other = try #require(#expect(throws: MappingError.self) { try FHIRMapping(fhir) })
    #expect(other.problems.map(\.template) == [1])
  }

  // MARK: - All the way

  /// The sample of a heart rate: mapping, message, Observation.
  @Test func heartRateBecomesAnObservation() throws {
    let folder = "\(Samples.folder)/sample/templates/basic"
    let device = try Samples.mapping("devicecontent.json", in: folder)
    let fhir = try Samples.fhir("fhirmapping.json", in: folder)
    let message = try DeviceMessage.document(
      body: Array(
        #"{"heartrate":78,"deviceid":"d-1","patientid":"p-1","measurementdatetime":"2024-03-01T10:00:02Z"}"#.utf8))
    let group = try #require(MeasurementGroup.groups(of: device.normalize(message).measurements).first)
    let window = try #require(try fhir.groups(of: group).first)
    let json = try fhir.observation(for: window, subject: "pat1", device: "dev1", issued: .init(milliseconds: 0))
    let observation = try JSONDocument(json).value
    #expect(
      observation["identifier"]?[0]?["value"]?.string == "pat1.dev1.heartrate.20240301100000Z.20240301105959Z")
    let data = try #require(observation["valueSampledData"]?["data"]?.string)
    #expect(data.split(separator: " ").count == 3_600)
    #expect(data.hasPrefix("E E 78 E E"))
    #expect(observation["valueSampledData"]?["origin"]?["unit"]?.string == "count/min")
  }
}
