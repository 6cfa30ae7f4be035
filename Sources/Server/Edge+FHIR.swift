import Base
import FHIRModel
import FHIRSearch
import FHIRService
import HTTPServer
import JSONCore

extension Edge {
  /// A request below a FHIR service's base (FHIR R4 http.html).
  func serve(
    _ request: HTTPRequest, _ path: [String], _ query: Substring, _ mount: FHIRMount, _ trace: inout Trace
  ) async throws(Fault) -> HTTPResponse {
    let query = query.isEmpty ? QueryString() : QueryString(parsing: query)
    guard let method = Route.Method(request.method) else { return try other(request, path, mount, &trace) }
    let form = try form(request, method, path)
    let interaction = try route(request, method, path, query, form, mount, &trace)
    trace.activity = Activity(interaction)
    trace.format = try Negotiation.format(
      accept: request.header("accept"), format: query["_format"] ?? form?["_format"])
    try checkAnswerParameters(query, interaction)
    let call = try call(interaction, request, query, mount)
    trace.call = call
    let decision = decide(request)
    let answer =
      isLong(interaction, request)
      ? try await aside(call, request, method, mount.service, decision)
      : try await perform(call, request, method, mount.service, decision)
    return render(answer, interaction, method, trace, mount)
  }

  /// Who asks, and what they may see: nobody is known yet, so the server listens where only its own machine reaches it.
  private func decide(_ request: HTTPRequest) -> Decision { .everything }

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

  /// The methods a path takes; none if it leads nowhere.
  private func allowed(_ path: [String], _ mount: FHIRMount) -> [String] {
    let methods: [Route.Method] = [.get, .head, .post, .put, .patch, .delete]
    return methods.filter { method in
      (try? mount.service.route.interaction(method, path, QueryString())) != nil
    }.map(\.rawValue)
  }

  /// The parameters in the body of a search by POST.
  private func form(_ request: HTTPRequest, _ method: Route.Method, _ path: [String]) throws(Fault) -> QueryString? {
    guard method == .post, path.last == "_search", path.count <= 2, !request.body.isEmpty else { return nil }
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
    if case .search = interaction { return }
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
    let host = request.host ?? defaultHost
    guard HostField.isValid(host) else {
      throw Fault(.invalid, "The Host header is not a host name or address with an optional port.", code: "value")
    }
    var call = Call(interaction, base: "http://\(host)\(mount.path)")
    call.query = query
    if let preference = request.header("prefer") { call.preference = try Preference(header: preference) }
    switch interaction {
    case .read, .vread:
      call.conditions.ifNoneMatch = request.header("if-none-match")
      call.conditions.ifModifiedSince = request.header("if-modified-since")
    case .create:
      call.conditions.ifNoneExist = request.header("if-none-exist")
      call.provenance = request.header("x-provenance")
    case .update, .conditionalUpdate, .delete:
      call.conditions.ifMatch = request.header("if-match")
      call.provenance = request.header("x-provenance")
    default: break
    }
    return call
  }

  /// Whether an interaction would keep an event loop from its other connections.
  private func isLong(_ interaction: Interaction, _ request: HTTPRequest) -> Bool {
    switch interaction {
    case .read, .vread, .delete, .versions: false
    case .create, .update: request.body.count > Self.loopBodyBytesMax
    default: true
    }
  }

  private func aside(
    _ call: Call, _ request: HTTPRequest, _ method: Route.Method, _ service: FHIRService, _ decision: Decision
  ) async throws(Fault) -> Answer {
    let outcome = await withTaskExecutorPreference(globalConcurrentExecutor) { () async -> Result<Answer, Fault> in
      do throws(Fault) {
        return .success(try await self.perform(call, request, method, service, decision))
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }

  private func perform(
    _ call: Call, _ request: HTTPRequest, _ method: Route.Method, _ service: FHIRService, _ decision: Decision
  ) async throws(Fault) -> Answer {
    var call = call
    if method == .post || method == .put, call.interaction.takesResource {
      call.resource = try resource(request, service.limits)
    }
    return try await service.perform(call, decision)
  }

  /// The body's resource, parsed from the bytes it came in.
  private func resource(_ request: HTTPRequest, _ limits: Limits) throws(Fault) -> ResourceNode {
    if request.body.isEmpty {
      throw Fault(.invalid, "The request has no body; a resource was expected.", code: "required")
    }
    try Negotiation.checkJSON(request.header("content-type"))
    var json = JSONLimits()
    json.depthMax = limits.jsonDepthMax
    json.nodesMax = limits.jsonNodesMax
    let parsed = request.body.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try JSONDocument(bytes, limits: json) }
    }
    switch parsed {
    case .success(let document): return ResourceNode(document)
    case .failure(let error): throw Fault(.invalid, error.message, code: "structure")
    }
  }

  // MARK: The answer

  private func render(
    _ answer: Answer, _ interaction: Interaction, _ method: Route.Method, _ trace: Trace, _ mount: FHIRMount
  ) -> HTTPResponse {
    var response = HTTPResponse(status: answer.status)
    response.headers.reserveCapacity(10)
    if case .versions = interaction, case .json = trace.format {
      response.body = .bytes(versions(mount.service))
    } else if let resource = answer.resource {
      response.body = .bytes(resource)
    }
    if response.body.count != 0 { response.headers.append(("Content-Type", trace.format.contentType)) }
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
    return answer.status == 201
  }

  /// `$versions` for those who ask for plain JSON
  /// (FHIR R4 capabilitystatement-operation-versions.html: "a simple format").
  private func versions(_ service: FHIRService) -> [UInt8] {
    let version = service.schema.fhirVersion.split(separator: ".").prefix(2).joined(separator: ".")
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
