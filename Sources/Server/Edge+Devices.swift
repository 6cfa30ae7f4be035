import Base
import DeviceService
import FHIRSearch
import FHIRService
import HTTPServer
import Identity

extension Edge {
  private static let json = "application/json; charset=utf-8"

  /// The device service that a path belongs to.
  func deviceMount(_ segments: [String]) -> DeviceMount? {
    guard segments.count >= 2 else { return nil }
    return deviceMounts.first { $0.name == segments[1] && $0.workspace == segments[0] }
  }

  /// A request below a device service's address.
  func serve(
    _ request: HTTPRequest, _ path: [String], _ query: Substring, _ mount: DeviceMount, _ trace: inout Trace
  ) async throws(Fault) -> HTTPResponse {
    let methods = DeviceInteraction.methods(path)
    if request.method == .options, !methods.isEmpty { return options(methods, &trace) }
    trace.allowed = methods + ["OPTIONS"]
    try await admit(request, mount, &trace)
    let interaction = try DeviceInteraction(method: request.method.name, path: path)
    trace.activity = Activity(interaction)
    try checkOrigin(request, interaction, mount)
    try request.checkIsNotEncoded()
    var call = DeviceCall(interaction)
    call.contentType = request.header("content-type")
    call.fields = request.headers.all.map { ($0.name.lowercased(), $0.value) }
    for parameter in QueryString(parsing: query).parameters { call.parameters[parameter.name] = parameter.value }
    let asked = call
    let answer = try await aside { () async throws(Fault) -> DeviceAnswer in
      var call = asked
      call.body = request.body.bytes
      return try await mount.service.perform(call)
    }
    var response = HTTPResponse(status: answer.status, headers: [("Cache-Control", "no-store")])
    if let body = answer.body {
      response.headers.append(("Content-Type", Self.json))
      response.body = .bytes(body)
    }
    return response
  }

  /// Types whose resources messages make and change.
  private static let written = ["Observation", "Device", "Patient"]

  /// Messages become resources of the destination, and what is asked about them tells of these: whoever may read and
  /// write all of them is let in, and nobody else.
  private func admit(_ request: HTTPRequest, _ mount: DeviceMount, _ trace: inout Trace) async throws(Fault) {
    guard let gate = mount.destination.gate else { return }
    try await admit(request, gate, &trace)
    guard let decision = trace.caller?.decision,
      Self.written.allSatisfy({ decision.allowsAll([.read, .create, .update], of: $0) })
    else { throw Fault(.forbidden, "Authorization failed.") }
  }

  /// A browser asks for leave before it sends JSON to another origin, but not before plain text or a form: what changes
  /// something must say that it is JSON if a page of another origin sends it.
  private func checkOrigin(
    _ request: HTTPRequest, _ interaction: DeviceInteraction, _ mount: DeviceMount
  ) throws(Fault) {
    guard request.method != .get, request.method != .head, request.header("origin") != nil,
      cors(of: mount.destination.entrance)?.allowed(request) == nil
    else { return }
    let type = MediaType(request.header("content-type") ?? "").name
    guard type.hasSuffix("json") || type.hasSuffix("jsonl") else {
      throw Fault(.forbidden, "A page of another origin may not write here.")
    }
  }
}

extension Activity {
  init(_ interaction: DeviceInteraction) {
    switch interaction {
    case .status: self = .deviceStatus
    case .accept: self = .deviceMessages
    case .readMapping, .writeMapping: self = .deviceMapping
    case .debug: self = .deviceDebug
    case .quarantine, .readQuarantined, .discardQuarantined, .releaseQuarantined: self = .deviceQuarantine
    case .replay, .readReplay: self = .deviceReplay
    }
  }
}
