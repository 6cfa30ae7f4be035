import JSONCore

/// Writes the parts of an Observation that come from a FHIR template.
struct ObservationWriter {
  let settings: MappingSettings
  var json = JSONWriter(reserving: 1_024)

  init(_ settings: MappingSettings) { self.settings = settings }

  private mutating func member(_ name: StaticString, _ value: String?) {
    if let value, !value.isEmpty { json.member(name, value) }
  }

  mutating func codings(_ codes: [FHIRTemplate.Code], name: String?) {
    guard !codes.isEmpty || name != nil else { return }
    json.key("coding")
    json.beginArray()
    for code in codes {
      json.beginObject()
      member("system", code.system)
      member("code", code.code)
      member("display", code.display)
      json.endObject()
    }
    if let name {
      json.beginObject()
      member("system", ObservationIdentity.system)
      member("code", name)
      member("display", name)
      json.endObject()
    }
    json.endArray()
  }

  /// The mapping's codings, and one of the name that the value has in the mapping.
  mutating func code(_ codes: [FHIRTemplate.Code], name: String) {
    json.beginObject()
    codings(codes, name: name)
    member("text", name)
    json.endObject()
  }

  mutating func concept(_ concept: FHIRTemplate.Concept) {
    json.beginObject()
    codings(concept.codes, name: nil)
    member("text", concept.text)
    json.endObject()
  }

  mutating func categories(_ concepts: [FHIRTemplate.Concept]) {
    json.beginArray()
    for concept in concepts { self.concept(concept) }
    json.endArray()
  }

  mutating func period(_ start: Timestamp, _ end: Timestamp) {
    json.beginObject()
    json.member("start", start.roundTrip)
    json.member("end", end.roundTrip)
    json.endObject()
  }

  mutating func reference(_ name: StaticString, _ type: String, _ id: String) {
    json.key(name)
    json.beginObject()
    json.member("reference", "\(type)/\(id)")
    json.endObject()
  }

  /// A value of its own, over a span of time.
  mutating func value(
    _ value: FHIRTemplate.Value, _ samples: [ObservationGroup.Sample], _ start: Timestamp, _ end: Timestamp
  ) throws(MappingFailure) {
    switch value.type {
    case .sampledData(let period, let lexeme, let unit):
      let data = try SampledSeries.text(
        try ObservationWriter.series(samples, value.name), from: start, through: end, period: period,
        slotsMax: settings.samplesMax)
      sampledData(data, lexeme, unit)
    case .quantity(let unit, let system, let code):
      let text = try ObservationWriter.single(samples, value, .invalidQuantity)
      guard let decimal = QuantityText.decimal(text) else {
        throw MappingFailure(.invalidQuantity, "The value '\(value.name)' is no number.", field: value.name)
      }
      json.beginObject()
      json.key("value")
      json.number(lexeme: decimal)
      member("unit", unit)
      member("system", system)
      member("code", code)
      json.endObject()
    case .string:
      let text = try ObservationWriter.single(samples, value, .fhirDataMapping)
      guard !text.isEmpty else {
        throw MappingFailure(.fhirDataMapping, "The value '\(value.name)' is empty.", field: value.name)
      }
      json.string(text)
    case .codeableConcept(let concept): self.concept(concept)
    }
  }

  private mutating func sampledData(_ data: String, _ period: String, _ unit: String?) {
    json.beginObject()
    json.key("origin")
    json.beginObject()
    json.member("value", 0)
    member("unit", unit)
    json.endObject()
    json.key("period")
    json.number(lexeme: period)
    json.member("dimensions", 1)
    json.member("data", data)
    json.endObject()
  }

  static func series(
    _ samples: [ObservationGroup.Sample], _ name: String
  ) throws(MappingFailure) -> [SampledSeries.Sample] {
    for sample in samples where !SampledSeries.isSample(sample.value) {
      throw MappingFailure(.fhirDataMapping, "A value of '\(name)' is no number.", field: name)
    }
    return samples.map { ($0.time, $0.value) }
  }

  private static func single(
    _ samples: [ObservationGroup.Sample], _ value: FHIRTemplate.Value, _ kind: MappingFailure.Kind
  ) throws(MappingFailure) -> String {
    guard samples.count == 1, let sample = samples.first else {
      throw MappingFailure(
        kind, "Expected one value of '\(value.name)' in the Observation's time, received \(samples.count).",
        field: value.name)
    }
    return sample.value
  }
}
