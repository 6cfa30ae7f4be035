import Base
import DICOMService
import DICOMweb
import FHIRModel
import FHIRService
import HTTPServer
import Identity
import JSONCore
import Workspace

/// The audit of every access to a service: what is known when the answer is ready to leave.
extension Edge {
  /// Writes what was asked for and what became of it.
  /// - Returns: false where that was not possible, so that nothing may be answered.
  func audited(
    _ request: HTTPRequest, _ response: HTTPResponse, _ trace: Trace, id: String, nanoseconds: UInt64
  ) -> Bool {
    guard let audit,
      let place = (trace.mount?.entrance ?? trace.dicom?.entrance).map({ ($0.workspace, $0.name) })
        ?? trace.device.map({ ($0.workspace, $0.name) }),
      !isUnaudited(trace)
    else { return true }
    var common = JSONWriter(reserving: 512)
    common.beginObject()
    common.member("time", clock.now().fhir)
    common.member("correlationId", id)
    common.member("workspace", place.0)
    common.member("service", place.1)
    common.member("from", origin(request))
    common.key("caller")
    if let caller = trace.caller { common.raw(caller.audit) } else { common.null() }
    let shared = common.bytes.dropFirst()
    var lines = [line(shared, request, response, trace, nanoseconds)]
    for entry in trace.call?.trail?.entries ?? [] { lines.append(line(shared, entry, trace)) }
    return audit.write(lines)
  }

  /// What says nothing of anybody, and is for everybody.
  private func isUnaudited(_ trace: Trace) -> Bool {
    switch trace.activity {
    case .capabilities, .versions, .health, .options, .smartConfiguration, .dicomCapabilities: true
    default: false
    }
  }

  private func line(
    _ shared: ArraySlice<UInt8>, _ request: HTTPRequest, _ response: HTTPResponse, _ trace: Trace,
    _ nanoseconds: UInt64
  ) -> [UInt8] {
    var line = Self.begun(shared)
    if let call = trace.call {
      describe(call.interaction, call.conditions, trace, to: &line, kind: call.trail?.kind)
    } else if let interaction = trace.asked {
      describe(interaction, Conditions(), trace, to: &line, kind: nil)
    } else {
      line.member("action", trace.interaction.map { $0.access.rawValue } ?? trace.activity.name)
      if let target = trace.interaction?.accessedTarget { line.member("resourceId", target) }
    }
    if let trail = trace.call?.trail { line.member("entries", trail.entries.count) }
    line.member("method", request.method.name.prefix(16).description)
    finish(response.status, to: &line)
    line.member("milliseconds", Int(nanoseconds / 1_000_000))
    if !trace.auditHeaders.isEmpty {
      line.key("headers")
      line.beginObject()
      for (name, value) in trace.auditHeaders {
        line.key(name)
        line.string(value)
      }
      line.endObject()
    }
    return Self.ended(line)
  }

  /// An entry of a bundle, told by the bundle's correlation id.
  private func line(_ shared: ArraySlice<UInt8>, _ entry: AccessTrail.Entry, _ trace: Trace) -> [UInt8] {
    var line = Self.begun(shared)
    describe(entry.interaction, entry.conditions, trace, to: &line, kind: nil)
    line.member("inBundle", true)
    finish(entry.status, to: &line)
    return Self.ended(line)
  }

  /// Members of an object without its braces: a comma stands before the first.
  private static func begun(_ shared: ArraySlice<UInt8>) -> JSONWriter {
    var writer = JSONWriter(reserving: shared.count + 256)
    writer.beginObject()
    writer.key("audit")
    writer.number(1)
    writer.bytes.append(UInt8(ascii: ","))
    writer.bytes += shared
    return writer
  }

  private static func ended(_ line: JSONWriter) -> [UInt8] { [UInt8(ascii: ",")] + line.bytes.dropFirst() }

  private func finish(_ status: Int, to line: inout JSONWriter) {
    line.member("status", status)
    line.member("outcome", status < 400 ? "success" : "failure")
  }

  private func describe(
    _ interaction: Interaction, _ conditions: Conditions, _ trace: Trace, to line: inout JSONWriter, kind: String?
  ) {
    let action = interaction.access(isHard: false, isConditional: conditions.ifNoneExist != nil)
    line.member("action", kind ?? Self.name(of: action))
    guard let mount = trace.mount else { return }
    if let type = interaction.accessedType { line.member("resourceType", mount.service.schema.name(type)) }
    if let id = interaction.accessedID { line.member("resourceId", id) }
    if let patient = interaction.patient(mount.service.schema) { line.member("patient", patient) }
  }

  /// The names of Microsoft's server where it has one.
  private static func name(of action: FHIRInteraction) -> String {
    switch action {
    case .searchCompartment: "search"
    case .batch: "bundle-post"
    case .updateCreate: "update"
    case .hardDelete: "delete"
    case .conditionalHardDelete: "conditional-delete"
    case .searchParameterStatus, .searchParameterStatusUpdate: "search-parameter-status"
    default: action.rawValue.first == "$" ? String(action.rawValue.dropFirst()) : action.rawValue
    }
  }

  /// The address that the request came from: behind trusted proxies what the last of them was told.
  func origin(_ request: HTTPRequest) -> String {
    guard !trustedProxies.isEmpty, let peer = IPAddress(request.remoteAddress),
      trustedProxies.contains(where: { $0.contains(peer) })
    else { return request.remoteAddress }
    for text in request.list("x-forwarded-for").reversed() {
      guard let address = IPAddress(String(text)) else { break }
      if !trustedProxies.contains(where: { $0.contains(address) }) { return String(text) }
    }
    return request.remoteAddress
  }
}

extension Caller {
  /// Who, as every line of his says it.
  static func audit(_ principal: Principal) -> [UInt8] {
    var writer = JSONWriter(reserving: 256)
    writer.beginObject()
    writer.member("issuer", principal.issuer)
    writer.member("subject", principal.subject)
    let members: [(StaticString, String?)] = [
      ("client", principal.client), ("tenant", principal.tenant), ("objectId", principal.objectID),
      ("fhirUser", principal.fhirUser), ("tokenId", principal.tokenID),
    ]
    for (name, value) in members { if let value { writer.member(name, value) } }
    for (name, values) in [("roles" as StaticString, principal.roles), ("scopes", principal.scopes)]
    where !values.isEmpty {
      writer.key(name)
      writer.beginArray()
      for value in values { writer.string(value) }
      writer.endArray()
    }
    writer.endObject()
    return writer.bytes
  }
}
