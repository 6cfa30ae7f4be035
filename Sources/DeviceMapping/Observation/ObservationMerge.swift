import JSONCore

/// New measurements put into a stored Observation: category, value, components and period are the mapping's, everything
/// else stays as it is stored.
struct ObservationMerge {
  let template: FHIRTemplate
  let group: ObservationGroup
  let stored: JSONDocument
  let settings: MappingSettings
  /// The time the stored Observation spans.
  let start: Timestamp
  let end: Timestamp
  /// Both together.
  let mergedStart: Timestamp
  let mergedEnd: Timestamp

  init(
    _ template: FHIRTemplate, _ group: ObservationGroup, into stored: JSONDocument, _ settings: MappingSettings
  ) throws(MappingFailure) {
    guard stored.kind(stored.root) == .object else {
      throw MappingFailure(.fhirDataMapping, "The stored Observation is no JSON object.")
    }
    guard let (start, end) = ObservationMerge.period(of: stored) else {
      throw MappingFailure(.fhirDataMapping, "The stored Observation has no effective time that can be widened.")
    }
    self.template = template
    self.group = group
    self.stored = stored
    self.settings = settings
    (self.start, self.end) = (start, end)
    mergedStart = min(start, group.start)
    mergedEnd = max(end, group.end)
  }

  private static func period(of stored: JSONDocument) -> (Timestamp, Timestamp)? {
    func time(_ node: JSONNode?) -> Timestamp? { node.flatMap { stored.string($0) }.flatMap { Timestamp.parse($0) } }
    if let moment = time(stored.member(stored.root, "effectiveDateTime")) { return (moment, moment) }
    guard let period = stored.member(stored.root, "effectivePeriod"), let start = time(stored.member(period, "start")),
      let end = time(stored.member(period, "end"))
    else { return nil }
    return (start, end)
  }

  // MARK: - The whole

  /// The Observation with the new measurements, `amended`; nil if they change nothing.
  func result() throws(MappingFailure) -> [UInt8]? {
    var changes: [(name: String, json: [UInt8]?)] = []
    changes.append(("category", categories()))
    if let change = try value() { changes.append(change) }
    if let components = try components() { changes.append(("component", components)) }
    if mergedStart != start || mergedEnd != end { changes.append(("effectivePeriod", effectivePeriod())) }
    let changed = changes.filter { !isStored($0.name, $0.json) }
    guard !changed.isEmpty else { return nil }
    return rewritten(changed + [("status", Array("\"amended\"".utf8))])
  }

  private func isStored(_ name: String, _ json: [UInt8]?) -> Bool {
    guard let node = stored.member(stored.root, JSONKey(name)) else { return json == nil }
    guard let json, let document = try? JSONDocument(json) else { return false }
    return ObservationMerge.equal(JSONValue(stored, node), document.value)
  }

  /// Equal but for whitespace and the order of members; numbers by their digits. Stored and made values are flat.
  private static func equal(_ a: JSONValue, _ b: JSONValue, depth: Int = 0) -> Bool {
    guard a.kind == b.kind, depth < 32 else { return false }
    switch a.kind {
    case .null, .true, .false: return true
    case .string: return a.string?.utf8.elementsEqual(b.string?.utf8 ?? "".utf8) ?? false
    case .number:
      let (x, y) = (String(decoding: a.json, as: UTF8.self), String(decoding: b.json, as: UTF8.self))
      return x == y || QuantityText.decimal(x).map { $0 == QuantityText.decimal(y) } ?? false
    case .array:
      return a.count == b.count && zip(a.elements, b.elements).allSatisfy { equal($0, $1, depth: depth + 1) }
    case .object:
      return a.count == b.count
        && a.members.allSatisfy { name, value in b[JSONKey(name)].map { equal(value, $0, depth: depth + 1) } ?? false }
    }
  }

  /// The stored members in their order, with the changed ones in their places and new ones behind.
  private func rewritten(_ changes: [(name: String, json: [UInt8]?)]) -> [UInt8] {
    var rest = changes
    let dropsInstant = changes.contains { $0.name == "effectivePeriod" }
    var writer = JSONWriter(reserving: stored.byteCount + 512)
    writer.beginObject()
    for (key, value) in stored.members(stored.root) {
      let name = stored.string(key) ?? ""
      if dropsInstant, name == "effectiveDateTime" { continue }
      if let place = rest.firstIndex(where: { $0.name == name }) {
        let change = rest.remove(at: place)
        guard let json = change.json else { continue }
        writer.key(name)
        writer.raw(json)
      } else {
        writer.key(stored, key)
        writer.value(stored, value)
      }
    }
    for (name, json) in rest {
      guard let json else { continue }
      writer.key(name)
      writer.raw(json)
    }
    writer.endObject()
    return writer.bytes
  }

  private func categories() -> [UInt8]? {
    guard !template.categories.isEmpty else { return nil }
    var writer = ObservationWriter(settings)
    writer.categories(template.categories)
    return writer.json.bytes
  }

  private func effectivePeriod() -> [UInt8] {
    var writer = ObservationWriter(settings)
    writer.period(mergedStart, mergedEnd)
    return writer.json.bytes
  }

  // MARK: - Values

  private static let valueMembers: [JSONKey] = [
    "valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange", "valueRatio",
    "valueSampledData", "valueTime", "valueDateTime", "valuePeriod",
  ]

  /// The stored value of an Observation or component, under whatever type it has.
  private func storedValue(_ object: JSONNode) -> (name: String, node: JSONNode)? {
    for key in ObservationMerge.valueMembers {
      if let node = stored.member(object, key) { return (key.name, node) }
    }
    return nil
  }

  private func value() throws(MappingFailure) -> (name: String, json: [UInt8]?)? {
    let storedValue = storedValue(stored.root)
    if let value = template.value, let samples = group.samples[value.name] {
      return (value.type.member, try merged(value, samples, storedValue))
    }
    guard let storedValue, let moved = try moved(storedValue) else { return nil }
    return (storedValue.name, moved)
  }

  private func merged(
    _ value: FHIRTemplate.Value, _ samples: [ObservationGroup.Sample], _ storedValue: (name: String, node: JSONNode)?
  ) throws(MappingFailure) -> [UInt8] {
    guard let storedValue else {
      var writer = ObservationWriter(settings)
      try writer.value(value, samples, mergedStart, mergedEnd)
      return writer.json.bytes
    }
    guard storedValue.name == value.type.member else {
      throw MappingFailure(
        .fhirDataMapping,
        "The value '\(value.name)' is stored as \(storedValue.name) and cannot become \(value.type.member).",
        field: value.name)
    }
    guard case .sampledData(let period, let lexeme, _) = value.type else {
      var writer = ObservationWriter(settings)
      try writer.value(value, samples, mergedStart, mergedEnd)
      return writer.json.bytes
    }
    let series = try ObservationWriter.series(samples, value.name)
    return try sampled(storedValue.node, adding: series, period: period, lexeme: lexeme)
  }

  /// Stored samples with new ones among them, over the whole time.
  private func sampled(
    _ node: JSONNode, adding series: [SampledSeries.Sample], period: Int64, lexeme: String
  ) throws(MappingFailure) -> [UInt8] {
    if let dimensions = stored.member(node, "dimensions").flatMap({ stored.integer($0) }), dimensions > 1 {
      throw MappingFailure(.fhirDataMapping, "The stored SampledData has more than one dimension.")
    }
    var storedPeriod = period
    if settings.keepsSampleTimes {
      storedPeriod = stored.member(node, "period").flatMap { self.period($0) } ?? period
    }
    let text = stored.member(node, "data").flatMap { stored.string($0) } ?? "E"
    let earlier = try SampledSeries.samples(text, from: start, period: storedPeriod, slotsMax: settings.samplesMax)
    let data = try SampledSeries.text(
      SampledSeries.merged(earlier, series), from: mergedStart, through: mergedEnd, period: period,
      slotsMax: settings.samplesMax)
    var writer = JSONWriter(reserving: data.utf8.count + 128)
    writer.beginObject()
    for (key, value) in stored.members(node) where stored.string(key) != "data" {
      writer.key(stored, key)
      if settings.keepsSampleTimes, storedPeriod != period, stored.string(key) == "period" {
        writer.number(lexeme: lexeme)
      } else {
        writer.value(stored, value)
      }
    }
    writer.member("data", data)
    writer.endObject()
    return writer.bytes
  }

  private func period(_ node: JSONNode) -> Int64? {
    SampledSeries.ticks(period: String(decoding: stored.lexeme(node), as: UTF8.self))
  }

  /// Stored samples without news, where the beginning of the time they are counted from has moved; nil if they stay.
  private func moved(_ storedValue: (name: String, node: JSONNode)) throws(MappingFailure) -> [UInt8]? {
    guard settings.keepsSampleTimes, mergedStart < start, storedValue.name == "valueSampledData",
      let node = stored.member(storedValue.node, "period"), let period = period(node)
    else { return nil }
    let lexeme = String(decoding: stored.lexeme(node), as: UTF8.self)
    return try sampled(storedValue.node, adding: [], period: period, lexeme: lexeme)
  }

  // MARK: - Components

  /// All components, merged by value name; nil if there is nothing to say about them.
  private func components() throws(MappingFailure) -> [UInt8]? {
    var missing = template.components.filter { group.samples[$0.value.name] != nil }
    let known = stored.member(stored.root, "component").map { Array(stored.elements($0)) } ?? []
    guard !missing.isEmpty || mergedStart < start && !known.isEmpty else { return nil }
    var writer = JSONWriter(reserving: 1_024)
    writer.beginArray()
    for node in known {
      var change: (name: String, json: [UInt8])?
      if let place = missing.firstIndex(where: { isCoded(node, $0.value.name) }) {
        let component = missing.remove(at: place)
        let samples = group.samples[component.value.name] ?? []
        change = (component.value.type.member, try merged(component.value, samples, storedValue(node)))
      } else if let value = storedValue(node), let json = try moved(value) {
        change = (value.name, json)
      }
      write(node, change, to: &writer)
    }
    for component in missing {
      var one = ObservationWriter(settings)
      one.json.beginObject()
      one.json.key("code")
      one.code(component.codes, name: component.value.name)
      one.json.key(component.value.type.member)
      try one.value(component.value, group.samples[component.value.name] ?? [], mergedStart, mergedEnd)
      one.json.endObject()
      writer.raw(one.json.bytes)
    }
    writer.endArray()
    return writer.bytes
  }

  private func write(_ node: JSONNode, _ change: (name: String, json: [UInt8])?, to writer: inout JSONWriter) {
    guard let change else { return writer.value(stored, node) }
    var isWritten = false
    writer.beginObject()
    for (key, value) in stored.members(node) {
      writer.key(stored, key)
      if stored.string(key) == change.name {
        writer.raw(change.json)
        isWritten = true
      } else {
        writer.value(stored, value)
      }
    }
    if !isWritten {
      writer.key(change.name)
      writer.raw(change.json)
    }
    writer.endObject()
  }

  /// Whether a component has the coding of this value name.
  private func isCoded(_ component: JSONNode, _ name: String) -> Bool {
    guard let code = stored.member(component, "code"), let codings = stored.member(code, "coding") else { return false }
    for coding in stored.elements(codings) {
      if let system = stored.member(coding, "system"), let value = stored.member(coding, "code"),
        stored.stringEquals(system, JSONKey(ObservationIdentity.system)), stored.stringEquals(value, JSONKey(name))
      {
        return true
      }
    }
    return false
  }
}
