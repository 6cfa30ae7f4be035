import Base
import DeviceMapping
import JSONCore

/// Small measurements and FHIR mappings.
enum Measurements {
  static func of(_ time: String, _ value: String, correlation: String? = nil, name: String = "hr") -> Measurement {
    Measurement(
      type: "heartrate", occurrence: Timestamp.parse(time) ?? Timestamp(Instant(milliseconds: 0)), deviceID: "d",
      correlationID: correlation, properties: [.init(name: name, value: value)])
  }

  static let quantity = """
    {"valueName":"hr","valueType":"Quantity","unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"}
    """

  static func sampled(period: String, name: String = "hr") -> String {
    #"{"valueName":"\#(name)","valueType":"sampledData","defaultPeriod":\#(period),"unit":"count/min"}"#
  }

  static func mapping(
    interval: Int, _ settings: MappingSettings = .init(), value: String? = quantity, components: Bool = false,
    category: String = "Vital Signs"
  ) throws -> FHIRMapping {
    let parts = """
      ,"components":[
      {"codes":[{"code":"8480-6","system":"http://loinc.org"}],"value":{"valueName":"systolic","valueType":"Quantity"}},
      {"codes":[{"code":"8462-4","system":"http://loinc.org"}],"value":{"valueName":"diastolic","valueType":"Quantity"}},
      {"codes":[{"code":"48767-8","system":"http://loinc.org"}],"value":{"valueName":"note","valueType":"String"}}]
      """
    let template = """
      {"templateType":"CodeValueFhir","template":{"typeName":"heartrate","periodInterval":\(interval),
      "category":[{"text":"\(category)","codes":[{"code":"vital-signs","system":"http://c","display":"Vital Signs"}]}],
      "codes":[{"code":"8867-4","system":"http://loinc.org","display":"Heart rate"}]
      \(value.map { ",\"value\":\($0)" } ?? "")\(components ? parts : "")}}
      """
    return try FHIRMapping(Samples.wrapped(template, in: "CollectionFhir"), settings: settings)
  }

  static func groups(_ mapping: FHIRMapping, _ measurements: [Measurement]) throws -> [ObservationGroup] {
    try MeasurementGroup.groups(of: measurements).flatMap { try mapping.groups(of: $0) }
  }

  static func observation(_ mapping: FHIRMapping, _ group: ObservationGroup) throws -> JSONValue {
    try JSONDocument(
      mapping.observation(for: group, subject: "pat1", device: "dev1", issued: Instant(milliseconds: 0))
    ).value
  }
}
