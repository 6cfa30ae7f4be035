import Base
import DICOMweb
import FHIRService
import HTTPServer
import Identity
import Issuer
import Synchronization
import Workspace

/// The edge of the house: an HTTP request becomes a call and a decision here, and the answer becomes HTTP; nowhere
/// else. Down once, up once.
///
/// A request runs on its connection's event loop. What takes longer than a point read is carried out aside, on the
/// global executor, and comes back for its answer.
final class Edge: Sendable {
  /// Bodies up to this are parsed and checked on the event loop; larger ones would keep its other connections waiting.
  static let loopBodyBytesMax = 64 * 1024
  /// A longer query is parsed off the event loop.
  static let loopQueryBytesMax = 2048
  /// Requests that take longer are told in the log.
  static let slowRequestNanoseconds: UInt64 = 1_000_000_000
  /// How long a client should wait before it asks a busy server again.
  static let retryAfterSeconds = 2
  /// How often a request looks for a service whose door it finds closed.
  private static let looksMax = 8
  /// A longer `X-Request-Id` of the client's is not repeated to it.
  static let correlationBytesMax = 128

  /// Fields of every answer, whatever it is and whether it reached a handler: a browser takes nothing for another type
  /// than it says, carries nothing out, shows nothing inside another page, and tells no other server an address, which
  /// may hold what was searched for (OWASP REST security cheat sheet, "Security headers").
  static let securityFields = [
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
  ]

  /// What the transport has at hand.
  struct Load: Sendable {
    var connections = 0
    var requestsInFlight = 0
  }

  let mounts: Mounts
  let deviceMounts: [DeviceMount]
  let administration: Administration?
  let software: FHIRService.Software
  let metrics = Metrics()
  let process: ProcessSamples
  let load = Mutex<(@Sendable () -> Load)?>(nil)
  /// For requests of HTTP/1.0 that do not say whom they ask.
  let defaultHost: String
  let trustedProxies: [AddressRange]
  /// Takes a line for each access; nil where none is kept.
  let audit: AuditLog?
  let clock: Clock
  /// Hosts of services are below it.
  let domain: String?
  /// What answers below `/auth`; nil: nothing does.
  let issuer = Mutex<Issuer?>(nil)
  /// Of services without their own.
  private let cors: CORS?
  private let network: NetworkAccess
  private let privateNetworks: [AddressRange]
  private let clients: ClientTable?
  private let ids: IdentifierSource
  /// Request ids need not be hard to guess, so they do without the system's random numbers.
  private let requestIDs: IdentifierSource
  private let log: Log

  init(
    _ mounts: Mounts, devices: [DeviceMount] = [], _ administration: Administration?,
    _ configuration: ServerConfiguration, software: FHIRService.Software, clock: Clock, ids: IdentifierSource, log: Log,
    audit: AuditLog? = nil
  ) {
    self.mounts = mounts
    self.deviceMounts = devices
    self.administration = administration
    self.software = software
    self.defaultHost = configuration.hostAndPort
    self.trustedProxies = configuration.trustedProxies
    self.domain = configuration.domain
    self.cors = CORS(configuration.cors)
    self.network = configuration.network
    self.privateNetworks = configuration.privateNetworks
    self.clients = ClientTable(configuration.clients)
    self.process = ProcessSamples(clock: clock)
    self.ids = ids
    self.audit = audit
    self.clock = clock
    var system = SystemRandomNumberGenerator()
    self.requestIDs = IdentifierSource(clock: clock, random: RequestNumbers(seed: system.next()))
    self.log = log
  }

  /// What becomes known of a request while it is carried out.
  struct Trace {
    var activity = Activity.none
    var call: Call?
    var mount: FHIRMount?
    var dicom: DICOMMount?
    var device: DeviceMount?
    var interaction: DICOMInteraction?
    /// Below `v1` or `v2` of a DICOM service.
    var isMicrosoft = false
    var format = Format.fhirJSON
    var isPretty = false
    /// Methods for the `Allow` field of a 405.
    var allowed: [String] = []
    var caller: Caller?
    /// What was asked for, where it came to no call.
    var asked: Interaction?
    /// For the `WWW-Authenticate` field of a refusal.
    var challenge: BearerChallenge?
    var auditHeaders: [(name: String, value: String)] = []
    /// For a 429 or 503.
    var retryAfterSeconds = Edge.retryAfterSeconds
    var stay = Stay()
  }

  /// What a request holds until its answer is sent: its place in a service, and those among its client's requests.
  struct Stay: Sendable {
    var visit: Visit?
    var client: ClientVisit?
    var clientOfService: ClientVisit?
  }

  /// Carries out one request.
  func handle(_ request: HTTPRequest) async -> HTTPResponse {
    let begun = monotonicNanoseconds()
    var trace = Trace()
    var response: HTTPResponse
    do throws(Fault) {
      response = try await respond(request, &trace)
    } catch {
      if trace.dicom != nil {
        response = dicomOutcome(error, trace)
      } else {
        if trace.mount == nil { trace.format = ownFormat(request) }
        response = outcome(error, trace)
      }
    }
    let id = requestIDs.next()
    addCommonHeaders(to: &response, request, id)
    if trace.isMicrosoft { addVersions(to: &response) }
    if let entrance = trace.mount?.entrance ?? trace.dicom?.entrance {
      cors(of: entrance)?.mark(&response, for: request)
    }
    let took = monotonicNanoseconds() &- begun
    if !audited(request, response, trace, id: id, nanoseconds: took) {
      // What cannot be recorded is not told.
      let fault = Fault(.unavailable, "The audit log cannot be written.")
      response = trace.dicom == nil ? outcome(fault, trace) : dicomOutcome(fault, trace)
      response.headers.append(("X-Request-Id", id))
    }
    metrics.record(trace.activity, request.method, status: response.status, nanoseconds: took)
    tell(request, response, trace, id, took)
    keep(trace.stay, until: &response)
    return response
  }

  /// A streamed answer is not at its end when its head is made.
  private func keep(_ stay: Stay, until response: inout HTTPResponse) {
    guard case .stream(let count, let producer) = response.body else { return withExtendedLifetime(stay) {} }
    response.body = .stream(count: count) { writer in
      defer { withExtendedLifetime(stay) {} }
      try await producer(writer)
    }
  }

  private func respond(_ request: HTTPRequest, _ trace: inout Trace) async throws(Fault) -> HTTPResponse {
    if request.target == "*" { return options(["GET", "HEAD", "POST", "PUT", "DELETE"], &trace) }
    trace.stay.client = try admit(request, network, clients, &trace)
    let target = try RequestTarget(unpadded(request))
    if let (mount, path) = try enter(request, target, &trace) {
      return try await serve(request, path, target.query, mount, &trace)
    }
    if let mount = deviceMount(target.segments) {
      trace.device = mount
      try admit(request, to: mount.destination.entrance, &trace)
      return try await serve(request, Array(target.segments.dropFirst(2)), target.query, mount, &trace)
    }
    switch target.segments {
    case []: return try welcome(request, &trace)
    case ["health", "check"]: return try check(request, mounts.all, &trace)
    case ["metrics"]: return try expose(request, &trace)
    case let path where path.first == "auth":
      guard let issuer = issuer.withLock({ $0 }) else { throw unknown(request, &trace) }
      return await issuer.respond(
        to: request, path: Array(path.dropFirst()), query: target.query, client: origin(request))
    case let path where path.first == "admin":
      guard let administration else { throw unknown(request, &trace) }
      trace.activity = .administration
      return await administration.respond(request, Array(path.dropFirst()), trusted: trustedProxies)
    default: throw unknown(request, &trace)
    }
  }

  /// A request for a service, whichever it is.
  private func serve(
    _ request: HTTPRequest, _ path: [String], _ query: Substring, _ mount: Mount, _ trace: inout Trace
  ) async throws(Fault) -> HTTPResponse {
    switch mount {
    case .fhir(let mount): trace.mount = mount
    case .dicom(let mount): trace.dicom = mount
    }
    let entrance = mount.entrance
    try admit(request, to: entrance, &trace)
    if let preflight = cors(of: entrance)?.preflight(request) {
      trace.activity = .options
      return preflight
    }
    if path == ["health", "check"] { return try check(request, [mount], &trace) }
    switch mount {
    case .fhir(let mount): return try await serve(request, path, query, mount, &trace)
    case .dicom(let mount): return try await serve(request, path, query, mount, &trace)
    }
  }

  // MARK: Who comes in, and where

  /// Refuses callers from where nobody may ask this service, and those who ask it too much.
  private func admit(_ request: HTTPRequest, to entrance: Entrance, _ trace: inout Trace) throws(Fault) {
    if !entrance.settings.isPublic {
      guard let address = ClientAddress.of(request, trusted: trustedProxies),
        privateNetworks.contains(where: { $0.contains(address) })
      else { throw Fault(.forbidden, "Public network access to this service is disabled.") }
    }
    trace.stay.clientOfService = try admit(request, entrance.settings.network, entrance.clients, &trace)
  }

  /// The service that a request is for, which it is in from then on, and what of the path is below it.
  /// - Returns: nil for the server's own paths.
  private func enter(_ request: HTTPRequest, _ target: RequestTarget, _ trace: inout Trace) throws(Fault)
    -> (Mount, [String])?
  {
    // A service that is changed or taken away closes its door to those who found it before: they look again.
    for _ in 0..<Self.looksMax {
      guard let (mount, path) = try find(request, target, &trace) else { return nil }
      guard let visit = mount.entrance.enter() else { continue }
      trace.stay.visit = visit
      return (mount, path)
    }
    throw unknown(request, &trace)
  }

  private func find(_ request: HTTPRequest, _ target: RequestTarget, _ trace: inout Trace) throws(Fault)
    -> (Mount, [String])?
  {
    let table = mounts.current
    if let domain, let labels = PublicAddress.labels(request, below: domain, trusted: trustedProxies) {
      if let mount = table.mount(host: labels) { return (mount, target.segments) }
      // A service's host is the service's alone.
      if labels.hasSuffix(".fhir") || labels.hasSuffix(".dicom") { throw unknown(request, &trace) }
    }
    guard target.segments.count >= 2, let mount = table.mount(target.segments[0], target.segments[1]) else {
      return nil
    }
    return (mount, Array(target.segments.dropFirst(2)))
  }

  /// Refuses callers from where nobody may ask, and those who ask too much.
  private func admit(
    _ request: HTTPRequest, _ network: NetworkAccess, _ clients: ClientTable?, _ trace: inout Trace
  ) throws(Fault) -> ClientVisit? {
    guard !network.isOpen || clients != nil else { return nil }
    guard let address = ClientAddress.of(request, trusted: trustedProxies), network.admits(address) else {
      throw Fault(.forbidden, "Requests from this address are not taken.")
    }
    switch clients?.enter(address) {
    case nil: return nil
    case .admitted(let visit): return visit
    case .refused(let seconds):
      trace.retryAfterSeconds = seconds
      throw Fault(.tooMany, "This client asks too much; it may come again in \(seconds) s.", code: "throttled")
    }
  }

  func cors(of entrance: Entrance) -> CORS? { entrance.hasOwnCORS ? entrance.cors : cors }

  /// The address of a service as the client knows it.
  func base(_ request: HTTPRequest, _ entrance: Entrance) throws(Fault) -> String {
    try PublicAddress.base(
      request, entrance, defaultHost: defaultHost, domain: domain, trusted: trustedProxies)
  }

  /// A path that leads nowhere: 404; HEAD is answered 405, as clients of Microsoft's server expect.
  func unknown(_ request: HTTPRequest, _ trace: inout Trace) -> Fault {
    guard request.method == .head else { return Fault(.notFound, "The requested route was not found.") }
    trace.allowed = ["OPTIONS"]
    return Fault(.methodNotAllowed, "HEAD is not offered here.")
  }

  // MARK: Answers

  /// The answer to OPTIONS (RFC 9110 §9.3.7).
  func options(_ methods: [String], _ trace: inout Trace) -> HTTPResponse {
    trace.activity = .options
    return HTTPResponse(status: 204, headers: [("Allow", (methods + ["OPTIONS"]).joined(separator: ", "))])
  }

  /// A fault as HTTP and OperationOutcome.
  func outcome(_ fault: Fault, _ trace: Trace) -> HTTPResponse {
    let json = OperationOutcome.json(fault, id: ids.next())
    var format = trace.format
    var body = json
    if let mount = trace.mount ?? mounts.current.fhir.first,
      let encoded = try? mount.representation.encode(json, as: format, isPretty: false)
    {
      body = encoded
    } else {
      format = .fhirJSON
    }
    var response = HTTPResponse(
      status: OperationOutcome.status(of: fault),
      headers: [("Content-Type", format.contentType), ("Cache-Control", "no-store")], body: .bytes(body))
    if response.status == 405 {
      // A Bundle of no type is the one fault of this kind that is not the path's.
      let allowed = trace.activity == .bundle ? ["GET", "HEAD", "POST", "OPTIONS"] : trace.allowed
      response.headers.append(("Allow", allowed.joined(separator: ", ")))
    }
    if response.status == 503 || response.status == 429 {
      response.headers.append(("Retry-After", String(trace.retryAfterSeconds)))
    }
    addChallenge(to: &response, trace)
    return response
  }

  /// The form for what no service answers.
  private func ownFormat(_ request: HTTPRequest) -> Format {
    guard let release = mounts.current.fhir.first?.representation.release else { return .fhirJSON }
    return (try? Negotiation.format(accept: request.header("accept"), format: nil, release: release)) ?? .fhirJSON
  }

  /// The answer to a request that the transport refuses. It reaches no handler, so all its fields are set here.
  func refusal(_ status: Int, _ diagnostics: String) -> HTTPResponse {
    let code =
      switch status {
      case 408: "timeout"
      case 413, 414, 431: "too-long"
      case 417, 501, 505: "not-supported"
      case 503: "transient"
      case 500: "exception"
      default: "invalid"
      }
    let reason = Fault.Reason(diagnostics, code: code)
    var response = HTTPResponse(
      status: status, headers: [("Content-Type", Format.fhirJSON.contentType), ("Cache-Control", "no-store")],
      body: .bytes(OperationOutcome.json([reason], id: ids.next())))
    response.headers.append(("X-Request-Id", requestIDs.next()))
    if status == 503 { response.headers.append(("Retry-After", String(Self.retryAfterSeconds))) }
    return response
  }

  private func addCommonHeaders(to response: inout HTTPResponse, _ request: HTTPRequest, _ id: String) {
    response.headers.append(("X-Request-Id", id))
    if let correlation = request.header("x-request-id"), correlation.utf8.count <= Self.correlationBytesMax {
      response.headers.append(("X-Correlation-Id", correlation))
    }
  }

  // MARK: The log

  private func tell(
    _ request: HTTPRequest, _ response: HTTPResponse, _ trace: Trace, _ id: String, _ nanoseconds: UInt64
  ) {
    // How long a streamed body takes is up to the client.
    let isSlow = nanoseconds >= Self.slowRequestNanoseconds && request.stream == nil
    let level: Log.Level = response.status >= 500 ? .error : isSlow ? .warning : .debug
    guard log.isOn(level) else { return }
    log.write(
      level, "request",
      [
        "request": .text(id), "method": .text(methodName(request.method)), "route": .text(route(trace)),
        "status": .number(response.status), "ms": .nanoseconds(nanoseconds),
        "received": .number(request.stream?.received ?? request.body.count),
        "sent": .number(response.body.count ?? 0),
      ])
  }

  /// A method that is no known one is a client's text.
  private func methodName(_ method: HTTPMethod) -> String {
    if case .other = method { "other" } else { method.name }
  }

  private func route(_ trace: Trace) -> String {
    if let mount = trace.dicom {
      return "\(mount.path)/\(trace.interaction.map { Activity.shape($0) } ?? trace.activity.name)"
    }
    if let mount = trace.device { return "\(mount.path) \(trace.activity.name)" }
    guard let mount = trace.mount else { return trace.activity.name }
    guard let call = trace.call else { return "\(mount.path) \(trace.activity.name)" }
    return "\(mount.path)/\(Activity.shape(call.interaction, mount.service.schema))"
  }
}

/// Numbers that do not repeat soon (splitmix64; G. Steele, D. Lea, C. Flood 2014).
private struct RequestNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
