import Base
import FHIRStore
import JSONCore

/// Writes a Bundle (FHIR R4 bundle.html) with resources copied in as they are.
struct BundleWriter {
  struct Link {
    let relation: String
    let url: String

    init(_ relation: String, _ url: String) {
      self.relation = relation
      self.url = url
    }
  }

  private var writer: JSONWriter
  private var hasEntries = false
  /// How resources are shortened; nil for whole ones.
  private let shape: ResourceShape?

  init(
    _ type: String, id: String, now: Instant, total: Int? = nil, links: [Link] = [], shape: ResourceShape? = nil
  ) {
    self.shape = shape
    writer = JSONWriter(reserving: 8_192)
    writer.beginObject()
    writer.member("resourceType", "Bundle")
    writer.member("id", id)
    writer.key("meta")
    writer.beginObject()
    writer.member("lastUpdated", now.fhir)
    writer.endObject()
    writer.member("type", type)
    if let total { writer.member("total", total) }
    guard !links.isEmpty else { return }
    writer.key("link")
    writer.beginArray()
    for link in links {
      writer.beginObject()
      writer.member("relation", link.relation)
      writer.member("url", link.url)
      writer.endObject()
    }
    writer.endArray()
  }

  static func link(_ address: String, _ query: String, _ token: String?, named name: String = "ct") -> String {
    let parts = [query, token.map { "\(name)=\($0)" } ?? ""].filter { !$0.isEmpty }
    return parts.isEmpty ? address : "\(address)?\(parts.joined(separator: "&"))"
  }

  private mutating func beginEntry() {
    if !hasEntries {
      writer.key("entry")
      writer.beginArray()
      hasEntries = true
    }
    writer.beginObject()
  }

  private mutating func search(_ mode: StaticString, score: Double? = nil) {
    writer.key("search")
    writer.beginObject()
    writer.key("mode")
    writer.string(mode.description)
    if let score {
      writer.key("score")
      writer.number(lexeme: Self.lexeme(score))
    }
    writer.endObject()
  }

  /// Between 0 and 1, with four digits: `0.0375`.
  private static func lexeme(_ score: Double) -> String {
    let scale = 10_000
    let digits = String(scale + Int(min(max(score, 0), 1) * Double(scale)))
    return "\(score >= 1 ? "1" : "0").\(digits.dropFirst())"
  }

  mutating func add(outcome: [UInt8]) {
    beginEntry()
    writer.key("resource")
    writer.raw(outcome)
    search("outcome")
    writer.endObject()
  }

  /// - Parameters:
  ///   - contained: the contained resource that is meant: it comes alone where it is wanted so, under the container's
  ///     URL with its own id as the fragment (FHIR R4 search §2.1.1.5.6).
  ///   - score: how well it matches, where that is known (FHIR R4 Bundle.entry.search.score).
  mutating func add(match: StoredVersion, _ contained: ContainedMatch? = nil, score: Double? = nil, base: String) {
    beginEntry()
    if let contained, let json = contained.json {
      writer.member("fullUrl", "\(base)/\(match.typeName)/\(match.id)#\(contained.id)")
      writer.key("resource")
      writer.raw((try? shape?.apply(to: json)) ?? json)
    } else {
      writer.member("fullUrl", "\(base)/\(match.typeName)/\(match.id)")
      add(resource: match)
    }
    search("match", score: score)
    writer.endObject()
  }

  /// What a search's matches bring along.
  mutating func add(included version: StoredVersion, base: String) {
    beginEntry()
    writer.member("fullUrl", "\(base)/\(version.typeName)/\(version.id)")
    add(resource: version)
    search("include")
    writer.endObject()
  }

  private mutating func add(resource version: StoredVersion) {
    guard let body = version.body else { return }
    writer.key("resource")
    if let shape, let json = version.json, let shaped = try? shape.apply(to: json) {
      writer.raw(shaped)
      return
    }
    writer.raw([])
    body.append(
      to: &writer.bytes, type: version.typeName, id: version.id, version: version.version, updated: version.updated)
  }

  /// An entry of a history: with the request that made the version (FHIR R4 http#history).
  mutating func add(version: StoredVersion, base: String) {
    beginEntry()
    writer.member("fullUrl", "\(base)/\(version.typeName)/\(version.id)")
    add(resource: version)
    writer.key("request")
    writer.beginObject()
    writer.member("method", version.method.name)
    writer.member("url", version.method == .post ? version.typeName : "\(version.typeName)/\(version.id)")
    writer.endObject()
    writer.key("response")
    writer.beginObject()
    let status =
      switch version.method {
      // Azure's spelling, which its clients compare.
      case .delete: "204 NoContent"
      case .post: "201 Created"
      case .put, .patch: version.version == 1 ? "201 Created" : "200 OK"
      }
    writer.member("status", status)
    writer.member("etag", "W/\"\(version.version)\"")
    writer.member("lastModified", version.updated.fhir)
    writer.endObject()
    writer.endObject()
  }

  /// An entry of a batch's or transaction's response (FHIR R4 http#transaction-response).
  mutating func add(response answer: Answer, outcome: [UInt8]? = nil) {
    beginEntry()
    if let resource = answer.resource, outcome == nil {
      writer.key("resource")
      writer.raw(resource)
    }
    writer.key("response")
    writer.beginObject()
    writer.member("status", String(answer.status))
    if let location = answer.location { writer.member("location", location) }
    if let etag = answer.etag { writer.member("etag", etag) }
    if let lastModified = answer.lastModified { writer.member("lastModified", lastModified.fhir) }
    if let outcome {
      writer.key("outcome")
      writer.raw(outcome)
    }
    writer.endObject()
    writer.endObject()
  }

  mutating func finish() -> [UInt8] {
    if hasEntries { writer.endArray() }
    writer.endObject()
    return writer.bytes
  }
}
