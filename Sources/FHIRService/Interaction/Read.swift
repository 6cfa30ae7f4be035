import Base
import FHIRModel
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#read.
  func read(_ type: Schema.TypeID, _ id: String, _ call: Call, _ permit: Permit) throws -> Answer {
    try store.point(within: permit.restriction) { try read(type, id, call, $0) }
  }

  func read(_ type: Schema.TypeID, _ id: String, _ call: Call, _ view: StoreView) throws -> Answer {
    guard let found = try view.current(type, id) else { throw notFound(type, id) }
    return try answer(found, call)
  }

  /// FHIR R4 http#vread.
  func vread(_ type: Schema.TypeID, _ id: String, _ version: String, _ call: Call, _ permit: Permit) throws
    -> Answer
  {
    try store.point(within: permit.restriction) { try vread(type, id, version, call, $0) }
  }

  func vread(_ type: Schema.TypeID, _ id: String, _ version: String, _ call: Call, _ view: StoreView) throws -> Answer {
    guard let number = Int64(version), let found = try view.version(type, id, number), try shows(found, view) else {
      throw notFound(type, id, version)
    }
    return try answer(found, call)
  }

  func notFound(_ type: Schema.TypeID, _ id: String) -> Fault {
    Fault(.notFound, "Resource type '\(schema.name(type))' with id '\(id)' couldn't be found.")
  }

  func notFound(_ type: Schema.TypeID, _ id: String, _ version: String) -> Fault {
    Fault(
      .notFound, "Resource type '\(schema.name(type))' with id '\(id)' and version '\(version)' couldn't be found.")
  }

  private func answer(_ found: StoredVersion, _ call: Call) throws -> Answer {
    guard let json = found.json else {
      // A deletion is told with its version (FHIR R4 http#delete), so it is an answer and no fault.
      let reason = Fault.Reason(
        "Resource type '\(found.typeName)' with id '\(found.id)' has been deleted.", code: "deleted")
      var gone = Answer(410, resource: OperationOutcome.json([reason], id: newID()))
      gone.version = found.version
      return gone
    }
    let shape = try ResourceShape(call.query, schema: schema)
    var answer = Answer(200, resource: try shape?.apply(to: json) ?? json)
    answer.version = found.version
    answer.lastModified = found.updated
    if isNotModified(found, call.conditions) {
      answer.status = 304
      answer.resource = nil
    }
    return answer
  }

  /// RFC 9110 §13.2.2: If-None-Match decides; If-Modified-Since only without it.
  private func isNotModified(_ found: StoredVersion, _ conditions: Conditions) -> Bool {
    if let tags = conditions.ifNoneMatch {
      if tags == "*" { return true }
      return tags.split(separator: ",").contains { EntityTag(String($0))?.version == found.version }
    }
    // Dates in HTTP have whole seconds; what is no date is no condition (RFC 9110 §13.1.3).
    guard let since = conditions.ifModifiedSince.flatMap({ Instant(httpDate: $0) }) else { return false }
    return found.updated.milliseconds / 1_000 <= since.milliseconds / 1_000
  }
}

extension Instant {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Reads an HTTP-date in the form that is sent today (RFC 9110 §5.6.7): `Sat, 21 Nov 2026 06:28:38 GMT`.
  /// The name of the day is not compared with the date.
  init?(httpDate text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0].count == 4, parts[0].last == ",", parts[5] == "GMT",
      let month = Self.months.firstIndex(of: String(parts[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    guard let time = FHIRDateTime("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z", as: .instant) else { return nil }
    self.init(milliseconds: time.low / 1_000)
  }
}

/// An entity tag of ours, `W/"3"` (FHIR R4 http#versioning).
struct EntityTag {
  let version: Int64

  /// nil for anything but a weak tag around a whole number.
  init?(_ text: String) {
    var rest = Substring(text)
    while rest.first == " " { rest.removeFirst() }
    while rest.last == " " { rest.removeLast() }
    guard rest.hasPrefix("W/\""), rest.hasSuffix("\""), rest.count > 4 else { return nil }
    guard let version = Int64(rest.dropFirst(3).dropLast()), version > 0 else { return nil }
    self.version = version
  }
}
