public import Base
public import JSONCore

extension FHIRMapping {
  /// A new Observation (FHIR R4) as JSON.
  /// - Parameters:
  ///   - subject: the Patient's logical id.
  ///   - device: the Device's logical id.
  ///   - encounter: the Encounter's logical id.
  ///   - issued: now.
  /// - Throws: `MappingFailure` if the measurements cannot be what the mapping says.
  public func observation(
    for group: ObservationGroup, subject: String, device: String, encounter: String? = nil, issued: Instant
  ) throws(MappingFailure) -> [UInt8] {
    let template = try template(group.typeName)
    let identity = ObservationIdentity(of: group, patient: subject, device: device)
    var writer = ObservationWriter(settings)
    writer.json.beginObject()
    writer.json.member("resourceType", "Observation")
    writer.json.member("id", identity.id)
    writer.json.key("identifier")
    writer.json.beginArray()
    writer.json.beginObject()
    writer.json.member("system", ObservationIdentity.system)
    writer.json.member("value", identity.value)
    writer.json.endObject()
    writer.json.endArray()
    writer.json.member("status", "final")
    if !template.categories.isEmpty {
      writer.json.key("category")
      writer.categories(template.categories)
    }
    writer.json.key("code")
    writer.code(template.codes, name: group.typeName)
    writer.reference("subject", "Patient", subject)
    if let encounter { writer.reference("encounter", "Encounter", encounter) }
    if settings.writesInstants, group.start == group.end {
      writer.json.member("effectiveDateTime", group.start.roundTrip)
    } else {
      writer.json.key("effectivePeriod")
      writer.period(group.start, group.end)
    }
    writer.json.member("issued", issued.fhir)
    do {
      if let value = template.value, let samples = group.samples[value.name] {
        writer.json.key(value.type.member)
        try writer.value(value, samples, group.start, group.end)
      }
      writer.reference("device", "Device", device)
      try writeComponents(of: template, group, to: &writer)
    } catch {
      throw FHIRMapping.attributed(error, to: template)
    }
    writer.json.endObject()
    return writer.json.bytes
  }

  private func writeComponents(
    of template: FHIRTemplate, _ group: ObservationGroup, to writer: inout ObservationWriter
  ) throws(MappingFailure) {
    let components = template.components.filter { group.samples[$0.value.name] != nil }
    guard !components.isEmpty else { return }
    writer.json.key("component")
    writer.json.beginArray()
    for component in components {
      writer.json.beginObject()
      writer.json.key("code")
      writer.code(component.codes, name: component.value.name)
      writer.json.key(component.value.type.member)
      try writer.value(component.value, group.samples[component.value.name] ?? [], group.start, group.end)
      writer.json.endObject()
    }
    writer.json.endArray()
  }

  static func attributed(_ failure: MappingFailure, to template: FHIRTemplate) -> MappingFailure {
    MappingFailure(
      failure.kind, failure.message, template: template.index, typeName: template.typeName, field: failure.field)
  }
}

extension FHIRMapping {
  /// A stored Observation with new measurements in it, `amended`.
  /// - Returns: nil if they change nothing, so that nothing needs to be written.
  /// - Throws: `MappingFailure` if the measurements cannot be what the mapping says, or not with what is stored.
  public func merged(_ group: ObservationGroup, into stored: JSONDocument) throws(MappingFailure) -> [UInt8]? {
    let template = try template(group.typeName)
    do {
      return try ObservationMerge(template, group, into: stored, settings).result()
    } catch {
      throw FHIRMapping.attributed(error, to: template)
    }
  }
}
