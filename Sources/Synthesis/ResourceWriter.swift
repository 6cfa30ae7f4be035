import JSONCore

/// Writes resources in one of the two forms: entries of a transaction that name each other by `urn:uuid`, or lines
/// with ids and relative references.
struct ResourceWriter {
  enum Form: Sendable { case bundle, lines }

  var json: JSONWriter
  let form: Form
  /// Where each line begins, and its type (line form).
  private(set) var lines: [(type: ResourceType, start: Int)] = []
  private var scratch: [UInt8] = []

  init(_ form: Form, reserving capacity: Int) {
    self.form = form
    json = JSONWriter(reserving: capacity)
    scratch.reserveCapacity(64)
  }

  // MARK: - Resources

  mutating func begin(_ identity: Identity) {
    switch form {
    case .bundle:
      json.beginObject()
      json.key("fullUrl")
      quoted { out in
        out.append(contentsOf: "urn:uuid:".utf8)
        identity.appendUUID(to: &out)
      }
      json.key("resource")
      json.beginObject()
      json.key("resourceType")
      string(identity.type.name)
    case .lines:
      lines.append((identity.type, json.bytes.count))
      json.beginObject()
      json.key("resourceType")
      string(identity.type.name)
      json.key("id")
      quoted { identity.appendUUID(to: &$0) }
    }
  }

  /// Ends a resource. What is shared is created only where no resource with the identifier exists.
  mutating func end(_ identity: Identity, unlessExists identifier: (system: String, value: String)? = nil) {
    json.endObject()
    switch form {
    case .bundle:
      json.key("request")
      json.beginObject()
      json.key("method")
      raw("\"POST\"")
      json.key("url")
      string(identity.type.name)
      if let identifier { json.member("ifNoneExist", "identifier=\(identifier.system)|\(identifier.value)") }
      json.endObject()
      json.endObject()
    case .lines:
      var bytes: [UInt8] = []
      swap(&bytes, &json.bytes)
      bytes.append(UInt8(ascii: "\n"))
      // A fresh writer, so that no comma follows the line.
      json = JSONWriter()
      swap(&bytes, &json.bytes)
    }
  }

  // MARK: - Values

  /// A JSON value given as text.
  mutating func raw(_ text: StaticString) {
    json.raw(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func raw(_ key: StaticString, _ text: StaticString) {
    json.key(key)
    raw(text)
  }

  mutating func raw(_ key: StaticString, _ bytes: [UInt8]) {
    json.key(key)
    bytes.withUnsafeBufferPointer { json.raw($0) }
  }

  /// A string without anything to escape.
  mutating func string(_ text: StaticString) {
    quoted { $0.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }
  }

  private mutating func quoted(_ body: (inout [UInt8]) -> Void) {
    scratch.removeAll(keepingCapacity: true)
    scratch.append(UInt8(ascii: "\""))
    body(&scratch)
    scratch.append(UInt8(ascii: "\""))
    scratch.withUnsafeBufferPointer { json.raw($0) }
  }

  mutating func dateTime(_ key: StaticString, _ moment: Moment) {
    json.key(key)
    quoted { moment.append(to: &$0) }
  }

  mutating func date(_ key: StaticString, day: Int) {
    json.key(key)
    quoted { Moment.append(day: day, to: &$0) }
  }

  mutating func period(_ key: StaticString, _ start: Moment, _ end: Moment?) {
    json.key(key)
    json.beginObject()
    dateTime("start", start)
    if let end { dateTime("end", end) }
    json.endObject()
  }

  mutating func decimal(_ key: StaticString, _ value: FixedDecimal) {
    json.key(key)
    scratch.removeAll(keepingCapacity: true)
    value.append(to: &scratch)
    scratch.withUnsafeBufferPointer { json.raw($0) }
  }

  /// An amount in US dollars.
  mutating func money(_ key: StaticString, cents: Int) {
    json.key(key)
    json.beginObject()
    decimal("value", FixedDecimal(mantissa: cents, digits: 2))
    raw("currency", "\"USD\"")
    json.endObject()
  }

  mutating func quantity(_ key: StaticString, _ value: FixedDecimal, unit: String, code: String) {
    json.key(key)
    json.beginObject()
    decimal("value", value)
    json.member("unit", unit)
    json.member("system", CodeSystem.ucum)
    json.member("code", code)
    json.endObject()
  }

  mutating func concept(_ key: StaticString, _ concept: Concept) { raw(key, concept.codeableConcept) }

  /// An array with one CodeableConcept.
  mutating func concepts(_ key: StaticString, _ concept: Concept) {
    json.key(key)
    json.beginArray()
    concept.codeableConcept.withUnsafeBufferPointer { json.raw($0) }
    json.endArray()
  }

  // MARK: - References and identifiers

  mutating func reference(_ key: StaticString, _ identity: Identity, display: String? = nil) {
    json.key(key)
    referenceValue(identity, display: display)
  }

  mutating func references(_ key: StaticString, _ identities: some Sequence<Identity>) {
    json.key(key)
    json.beginArray()
    for identity in identities { referenceValue(identity) }
    json.endArray()
  }

  mutating func referenceValue(_ identity: Identity, display: String? = nil) {
    json.beginObject()
    json.key("reference")
    let isBundle = form == .bundle
    quoted { out in
      if isBundle {
        out.append(contentsOf: "urn:uuid:".utf8)
      } else {
        let name = identity.type.name
        out.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        out.append(UInt8(ascii: "/"))
      }
      identity.appendUUID(to: &out)
    }
    if let display { json.member("display", display) }
    json.endObject()
  }

  /// An `identifier` member with one identifier.
  mutating func identifier(system: String, value: String) {
    json.key("identifier")
    json.beginArray()
    json.beginObject()
    json.member("system", system)
    json.member("value", value)
    json.endObject()
    json.endArray()
  }
}
