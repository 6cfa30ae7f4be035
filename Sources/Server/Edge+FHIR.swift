import Base
import FHIRModel
import FHIRSearch
import FHIRService
import HTTPServer
import Identity
import JSONCore

extension Edge {
  /// A request below a FHIR service's base (FHIR R4 http.html).
  func serve(
    _ request: HTTPRequest, _ path: [String], _ query: Substring, _ mount: FHIRMount, _ trace: inout Trace
  ) async throws(Fault) -> HTTPResponse {
    let query = query.isEmpty ? QueryString() : QueryString(parsing: query)
    if path == [".well-known", "smart-configuration"] { return try await smartConfiguration(request, mount, &trace) }
    trace.auditHeaders = request.headers.lines(beginningWith: AuditHeaders.fhirPrefix)
    if let flaw = AuditHeaders.flaw(trace.auditHeaders) {
      var response = outcome(Fault(.invalid, flaw), trace)
      response.status = 431
      return response
    }
    if let gate = mount.gate, !isForEverybody(request, path) {
      do throws(Fault) {
        try await admit(request, gate, &trace)
      } catch {
        trace.format = (try? negotiate(request, query["_format"], mount).get()) ?? .fhirJSON
        if let method = Route.Method(request.method) {
          trace.asked = try? mount.service.route.interaction(method, path, query)
        }
        throw error
      }
    }
    guard let method = Route.Method(request.method) else {
      let asksForStatement = request.method == .options && path.isEmpty
      return asksForStatement
        ? try await statement(request, query, mount, &trace) : try other(request, path, mount, &trace)
    }
    // What goes wrong before the negotiation counts is told in the form asked for, if that is one.
    let negotiated = negotiate(request, query["_format"], mount)
    trace.format = (try? negotiated.get()) ?? .fhirJSON
    let form = try form(request, method, path)
    let interaction = try route(request, method, path, query, form, mount, &trace)
    trace.activity = Activity(interaction)
    let content = content(interaction, query, mount)
    // The content of a Binary is in whichever form it is.
    if content == nil {
      trace.format = try (form?["_format"].map { negotiate(request, $0, mount) } ?? negotiated).get()
    }
    try checkAnswerParameters(query, interaction)
    trace.isPretty = query["_pretty"] == "true"
    var call = try call(interaction, request, query, mount)
    if case .bundle = interaction, audit != nil { call.trail = AccessTrail() }
    if let gate = mount.gate, saysSecurity(interaction) {
      call.security = await gate.smart.security(hasCORS: cors(of: mount.entrance) != nil)
    }
    trace.call = call
    try checkOrigin(request, call, mount)
    let decision = decide(trace, mount)
    let answer =
      isLong(interaction, request)
      ? try await aside { [call] () async throws(Fault) in try await self.perform(call, request, mount, decision) }
      : try await perform(call, request, mount, decision)
    // Sending the resource as it is takes no time; whatever else is made of a large one does.
    let isPlain = content == nil && !trace.format.isXML && !trace.isPretty
    guard !isPlain, answer.resource?.count ?? 0 > Self.loopBodyBytesMax else {
      return try render(answer, interaction, request, content, trace, mount)
    }
    let asked = trace
    return try await aside { () async throws(Fault) in
      try self.render(answer, interaction, request, content, asked, mount)
    }
  }

  private func negotiate(_ request: HTTPRequest, _ format: String?, _ mount: FHIRMount) -> Result<Format, Fault> {
    Result { () throws(Fault) in
      try Negotiation.format(
        accept: request.header("accept"), format: format, release: mount.representation.release)
    }
  }

  // MARK: Who asks

  /// What the caller may see and do: everything where nobody is asked who they are, nothing where nobody was let in.
  private func decide(_ trace: Trace, _ mount: FHIRMount) -> Decision {
    trace.caller?.decision ?? (mount.gate == nil ? .everything : .nothing)
  }

  /// Lets a caller in.
  func admit(_ request: HTTPRequest, _ gate: AccessGate, _ trace: inout Trace) async throws(Fault) {
    do throws(AccessGate.Refusal) {
      trace.challenge = gate.insufficientScope
      trace.caller = try await gate.caller(request)
    } catch {
      trace.challenge = error.challenge
      throw error.fault
    }
  }

  /// What says nothing of anybody.
  private func isForEverybody(_ request: HTTPRequest, _ path: [String]) -> Bool {
    switch request.method {
    case .get, .head: path == ["metadata"] || path == ["$versions"]
    case .options: true
    default: false
    }
  }

  /// Whether the answer may hold a capability statement.
  private func saysSecurity(_ interaction: Interaction) -> Bool {
    switch interaction {
    case .capabilities, .bundle: true
    default: false
    }
  }

  /// `.well-known/smart-configuration`; 400 where there is no authentication, as Microsoft's server has it.
  private func smartConfiguration(
    _ request: HTTPRequest, _ mount: FHIRMount, _ trace: inout Trace
  ) async throws(Fault) -> HTTPResponse {
    trace.activity = .smartConfiguration
    if request.method == .options { return options(["GET", "HEAD"], &trace) }
    guard request.method == .get || request.method == .head else {
      trace.allowed = ["GET", "HEAD", "OPTIONS"]
      throw Fault(.methodNotAllowed, "This method is not offered here.")
    }
    guard let gate = mount.gate else { throw Fault(.invalid, "Authorization is not enabled on this service.") }
    return HTTPResponse(
      status: 200, headers: [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store")],
      body: .bytes(try await gate.smart.json()))
  }

  /// Says how to come in (RFC 9110 §11.6.1, RFC 6750 §3).
  func addChallenge(to response: inout HTTPResponse, _ trace: Trace) {
    guard let challenge = trace.challenge, [400, 401, 403].contains(response.status) else { return }
    // A 400 that is not about the token says nothing of one.
    if response.status == 400, challenge.error != .invalidRequest { return }
    response.headers.append(("WWW-Authenticate", challenge.header))
  }

  // MARK: Binary

  /// Set if the answer is a Binary's content unless the client asks for a FHIR form; parameters that shape a resource
  /// ask for one.
  private func content(_ interaction: Interaction, _ query: QueryString, _ mount: FHIRMount) -> BinaryContent? {
    guard let binary = mount.binary, binary.isRead(by: interaction) else { return nil }
    return query["_format"] == nil && query["_summary"] == nil && query["_elements"] == nil ? binary : nil
  }

  /// Refuses contents that a page of another origin sends. A browser asks for leave before it sends JSON, but not
  /// before plain text or a form, and these are contents like any other.
  private func checkOrigin(_ request: HTTPRequest, _ call: Call, _ mount: FHIRMount) throws(Fault) {
    guard let binary = mount.binary, binary.isWritten(by: call.interaction), let origin = request.header("origin"),
      cors(of: mount.entrance)?.allowed(request) == nil
    else { return }
    let here = call.base.split(separator: "/", maxSplits: 2).dropFirst().first
    guard let here, origin.hasSuffix("://" + here) else {
      throw Fault(.forbidden, "A page of this origin may not write here.")
    }
  }

  // MARK: Routing

  private func route(
    _ request: HTTPRequest, _ method: Route.Method, _ path: [String], _ query: QueryString, _ form: QueryString?,
    _ mount: FHIRMount, _ trace: inout Trace
  ) throws(Fault) -> Interaction {
    do throws(Fault) {
      return try mount.service.route.interaction(method, path, query, form: form)
    } catch {
      if error.category == .methodNotAllowed { trace.allowed = allowed(path, mount) + ["OPTIONS"] }
      throw error.category == .notFound && method == .head ? unknown(request, &trace) : error
    }
  }

  /// OPTIONS, and methods that FHIR does not know.
  private func other(_ request: HTTPRequest, _ path: [String], _ mount: FHIRMount, _ trace: inout Trace) throws(Fault)
    -> HTTPResponse
  {
    let methods = allowed(path, mount)
    guard !methods.isEmpty else { throw unknown(request, &trace) }
    if request.method == .options { return options(methods, &trace) }
    trace.allowed = methods + ["OPTIONS"]
    throw Fault(.methodNotAllowed, "This method is not offered here.")
  }

  /// OPTIONS of the base: what the service can do, as for GET `metadata`, and the methods.
  private func statement(_ request: HTTPRequest, _ query: QueryString, _ mount: FHIRMount, _ trace: inout Trace)
    async throws(Fault) -> HTTPResponse
  {
    trace.activity = .options
    trace.format = try negotiate(request, query["_format"], mount).get()
    var call = try call(.capabilities, request, query, mount)
    if let gate = mount.gate { call.security = await gate.smart.security(hasCORS: cors(of: mount.entrance) != nil) }
    let answer = try await mount.service.perform(call, decide(trace, mount))
    var response = try render(answer, .capabilities, request, nil, trace, mount)
    response.headers.append(("Allow", (allowed([], mount) + ["OPTIONS"]).joined(separator: ", ")))
    return response
  }

  /// The methods a path takes; none if it leads nowhere.
  private func allowed(_ path: [String], _ mount: FHIRMount) -> [String] {
    let methods: [Route.Method] = [.get, .head, .post, .put, .patch, .delete]
    return methods.filter { method in
      (try? mount.service.route.interaction(method, path, QueryString())) != nil
    }.map(\.rawValue)
  }

  /// The parameters in the body of a search by POST.
  private func form(_ request: HTTPRequest, _ method: Route.Method, _ path: [String]) throws(Fault) -> QueryString? {
    guard method == .post, path.last == "_search", path.count <= 4, !request.body.isEmpty else { return nil }
    try Negotiation.checkForm(request.header("content-type"))
    return QueryString(parsing: String(decoding: request.body.bytes, as: UTF8.self))
  }

  /// Parameters that shape an answer must make sense (FHIR R4 http#parameters, search#summary, search#elements).
  private func checkAnswerParameters(_ query: QueryString, _ interaction: Interaction) throws(Fault) {
    guard !query.parameters.isEmpty else { return }
    if let pretty = query["_pretty"], pretty != "true", pretty != "false" {
      throw Fault(.invalid, "The '_pretty' parameter must be true or false.", code: "value")
    }
    // A search reads the others by itself.
    switch interaction {
    case .search, .compartmentSearch: return
    default: break
    }
    if let summary = query["_summary"], !["true", "false", "text", "data", "count"].contains(summary) {
      throw Fault(.invalid, "The '_summary' parameter must be true, text, data, count or false.", code: "value")
    }
    if let elements = query["_elements"], elements.allSatisfy({ $0 == " " || $0 == "," || $0 == "\"" }) {
      throw Fault(.invalid, "The '_elements' parameter names no element.", code: "value")
    }
  }

  // MARK: The call

  private func call(_ interaction: Interaction, _ request: HTTPRequest, _ query: QueryString, _ mount: FHIRMount)
    throws(Fault) -> Call
  {
    var call = Call(interaction, base: try base(request, mount.entrance))
    call.query = query
    call.usesPartialIndices = request.header("x-ms-use-partial-indices") == "true"
    if let preference = request.header("prefer") { call.preference = try Preference(header: preference) }
    switch interaction {
    case .read, .vread:
      call.conditions.ifNoneMatch = request.header("if-none-match")
      call.conditions.ifModifiedSince = try request.single("if-modified-since")
    case .bundle:
      if let header = try request.single("x-bundle-processing-logic") {
        call.bundleProcessing = try BundleProcessing(header: header)
      }
    default:
      guard interaction.isWrite else { break }
      // The service says which of them go together.
      call.conditions.ifMatch = request.header("if-match")
      call.conditions.ifNoneMatch = request.header("if-none-match")
      call.conditions.ifNoneExist = try request.single("if-none-exist")
      call.provenance = try request.single("x-provenance")
    }
    return call
  }

  /// Whether an interaction would keep an event loop from its other connections.
  private func isLong(_ interaction: Interaction, _ request: HTTPRequest) -> Bool {
    switch interaction {
    case .read, .vread, .delete, .versions: false
    case .create, .update: request.body.count > Self.loopBodyBytesMax
    // The engine's threads do the work; here it is parsed only.
    case .search, .compartmentSearch:
      request.target.utf8.count > Self.loopQueryBytesMax || request.body.count > Self.loopQueryBytesMax
    default: true
    }
  }

  /// Off the event loop.
  func aside<Outcome: Sendable>(
    _ work: @escaping @Sendable () async throws(Fault) -> Outcome
  ) async throws(Fault) -> Outcome {
    let outcome = await withTaskExecutorPreference(globalConcurrentExecutor) { () async -> Result<Outcome, Fault> in
      do throws(Fault) {
        return .success(try await work())
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }

  private func perform(
    _ call: Call, _ request: HTTPRequest, _ mount: FHIRMount, _ decision: Decision
  ) async throws(Fault) -> Answer {
    var call = call
    let hasBody = !request.body.isEmpty || !call.interaction.allowsNoBody
    let mayHaveBody = request.method == .post || request.method == .put || request.method == .patch
    if mayHaveBody, call.interaction.takesResource, hasBody {
      do throws(Fault) {
        call.resource =
          if let binary = mount.binary, binary.isWritten(by: call.interaction) {
            try binary.resource(request, call.interaction)
          } else {
            try mount.representation.resource(request)
          }
      } catch {
        guard error.category == .invalid, call.interaction.isValidation else { throw error }
        // What cannot be read is not valid, and to be told so is what was asked for.
        return Answer(200, resource: OperationOutcome.json(error, id: mount.service.newID()))
      }
    }
    return try await mount.service.perform(call, decision)
  }

  // MARK: The answer

  /// - Parameter content: set if a Binary's content may be wanted.
  private func render(
    _ answer: Answer, _ interaction: Interaction, _ request: HTTPRequest, _ content: BinaryContent?, _ trace: Trace,
    _ mount: FHIRMount
  ) throws(Fault) -> HTTPResponse {
    var format = trace.format
    var response: HTTPResponse
    if let found = try content?.answer(answer, accept: request.header("accept"), format: &format) {
      response = found
    } else {
      response = HTTPResponse(status: answer.status)
      response.headers.reserveCapacity(10)
      if case .versions = interaction, case .json = format {
        response.body = .bytes(versions(mount.service))
      } else if let resource = answer.resource {
        response.body = .bytes(try mount.representation.encode(resource, as: format, isPretty: trace.isPretty))
      }
      if response.body.count != 0 { response.headers.append(("Content-Type", format.contentType)) }
    }
    if let etag = answer.etag { response.headers.append(("ETag", etag)) }
    if let modified = answer.lastModified { response.headers.append(("Last-Modified", modified.httpDate)) }
    if let location = answer.location {
      response.headers.append((isCreation(interaction, answer) ? "Location" : "Content-Location", location))
    }
    if let deleted = answer.itemsDeleted { response.headers.append(("Items-Deleted", String(deleted))) }
    // A version may be kept by the client itself, and asked after by its tag; nothing else may be kept.
    let isVersion = answer.version != nil && answer.status < 400
    response.headers.append(("Cache-Control", isVersion ? "private, no-cache" : "no-store"))
    response.headers.append(("Vary", "Accept"))
    return response
  }

  /// FHIR R4 http#create, #ccreate, #upsert: where the resource is that was made, or that made making it needless.
  private func isCreation(_ interaction: Interaction, _ answer: Answer) -> Bool {
    if case .create = interaction { return true }
    // A job's state is no resource of its own.
    if case .operation = interaction { return false }
    return answer.status == 201
  }

  /// `$versions` for those who ask for plain JSON
  /// (FHIR R4 capabilitystatement-operation-versions.html: "a simple format").
  private func versions(_ service: FHIRService) -> [UInt8] {
    let version = service.schema.release
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("versions")
    writer.beginArray()
    writer.string(version)
    writer.endArray()
    writer.member("default", version)
    writer.endObject()
    return writer.bytes
  }
}

extension Route.Method {
  /// nil for OPTIONS and methods FHIR does not know.
  init?(_ method: HTTPMethod) {
    switch method {
    case .get: self = .get
    case .head: self = .head
    case .post: self = .post
    case .put: self = .put
    case .patch: self = .patch
    case .delete: self = .delete
    case .options, .other: return nil
    }
  }
}
