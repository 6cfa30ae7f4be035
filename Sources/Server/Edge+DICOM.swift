import Base
import BlobStore
import DICOMService
import DICOMweb
import HTTPServer
import Synchronization

extension Edge {
  /// Bytes of an answer's pieces that are put together before they are handed to the socket.
  private static let pieceBytes = 64 * 1024

  /// How many bytes the body of a request may have that a DICOM service reads as it comes; nil for all others.
  func streamedBytesMax(_ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders) -> Int? {
    guard method == .post, let (mount, path) = dicomMount(target, headers) else { return nil }
    let segments = path.prefix { $0 != UInt8(ascii: "?") }.split(separator: UInt8(ascii: "/"))
    return segments.contains { $0.elementsEqual("studies".utf8) } ? mount.storeBytesMax : nil
  }

  /// A target without the NULs by which some clients pad UIDs to an even length (PS3.5 §9.1).
  func unpadded(_ request: HTTPRequest) -> String {
    let target = request.target
    guard target.contains("%00"), dicomMount(target, request.headers) != nil else { return target }
    let end = target.firstIndex(of: "?") ?? target.endIndex
    return String(target[..<end]).replacing("%00", with: "") + target[end...]
  }

  /// The DICOM service that a request seems to be for by its head, before it is known whether its forwarded host is to
  /// be believed, and what of the target is below it. Where it turns out to be for another, no harm is done: that one
  /// takes no streamed body.
  private func dicomMount(_ target: String, _ headers: HTTPHeaders) -> (DICOMMount, Substring.UTF8View)? {
    let table = mounts.current
    if let domain {
      let host = headers["x-forwarded-host"]?.split(separator: ",").last.map(String.init) ?? headers["host"] ?? ""
      if let labels = PublicAddress.labels(of: host.filter { $0 != " " }, below: domain),
        case .dicom(let mount)? = table.mount(host: labels)
      {
        return (mount, target[...].utf8)
      }
    }
    for case .dicom(let mount) in table.all where mount.entrance.holds(target) {
      return (mount, target.utf8.dropFirst(mount.path.utf8.count))
    }
    return nil
  }

  /// A request below a DICOM service's address (PS3.18 §8).
  func serve(
    _ request: HTTPRequest, _ path: [String], _ query: Substring, _ mount: DICOMMount, _ trace: inout Trace
  ) async throws(Fault) -> HTTPResponse {
    var path = path[...]
    var version = DICOMVersion.standard
    var segment = ""
    if let first = path.first, let named = DICOMVersion(segment: first) {
      version = named
      segment = "/" + first
      path = path.dropFirst()
    }
    trace.isMicrosoft = version != .standard
    trace.auditHeaders = request.headers.lines(beginningWith: AuditHeaders.dicomPrefix)
    if let flaw = AuditHeaders.flaw(trace.auditHeaders) { throw Fault(.invalid, flaw) }
    // What the service can do is for everybody (PS3.18 §8.9).
    if let gate = mount.gate, request.method != .options { try await admit(request, gate, &trace) }
    let parameters = try QueryParameters(query: query)
    let route = try route(request, Array(path), parameters, mount, &trace)
    guard let route else { return options(trace.allowed.filter { $0 != "OPTIONS" }, &trace) }
    trace.activity = Activity(route.interaction)
    trace.interaction = route.interaction
    let base = try base(request, mount.entrance)
    var call = DICOMCall(route.interaction, version: version, base: base + segment)
    call.partition = route.partition
    call.parameters = parameters
    call.accept = request.headers.values("accept")
    call.contentType = request.header("content-type")
    call.ifNoneMatch = request.header("if-none-match")
    call.range = request.header("range")
    call.wantsOriginal = request.header("msdicom-request-original")?.lowercased() == "true"
    let body = StreamedBody(request.stream)
    call.body = body.map { body in .stream { try await body.next() } } ?? .whole(request.body.bytes)
    let decision = trace.caller?.dicomDecision ?? (mount.gate == nil ? .everything : .nothing)
    return try await perform(call, body, mount, decision)
  }

  private func perform(
    _ call: DICOMCall, _ body: StreamedBody?, _ mount: DICOMMount, _ decision: DICOMDecision
  ) async throws(Fault) -> HTTPResponse {
    do throws(Fault) {
      let answer = try await aside { () async throws(Fault) in
        try await mount.service.perform(call, decision)
      }
      return render(answer, call, mount)
    } catch {
      // Whatever the service made of it: the client hears why its body was not read to the end.
      guard let failure = body?.failure else { throw error }
      return Fault.dicomAnswer(failure.status, failure.diagnostics)
    }
  }

  /// What is asked for; nil for OPTIONS of a route that has no capabilities of its own.
  private func route(
    _ request: HTTPRequest, _ path: [String], _ parameters: QueryParameters, _ mount: DICOMMount,
    _ trace: inout Trace
  ) throws(Fault) -> DICOMRoute? {
    func found(_ method: DICOMRoute.Method) throws(Fault) -> DICOMRoute {
      try DICOMRoute(method, path, parameters: parameters, hasPartitions: mount.service.hasPartitions)
    }
    do throws(Fault) {
      guard let method = DICOMRoute.Method(rawValue: request.method.name) else {
        throw Fault(.methodNotAllowed, "This method is not offered here.")
      }
      return try found(method)
    } catch {
      guard error.category == .methodNotAllowed || request.method == .options else { throw error }
      let methods = DICOMRoute.Method.allCases.filter { $0 != .options && (try? found($0)) != nil }
      guard !methods.isEmpty else { throw error }
      trace.allowed = methods.map(\.rawValue) + ["OPTIONS"]
      if request.method == .options { return nil }
      throw error
    }
  }

  // MARK: Answers

  private func render(_ answer: DICOMAnswer, _ call: DICOMCall, _ mount: DICOMMount) -> HTTPResponse {
    var response = HTTPResponse(status: answer.status, headers: answer.headers)
    if response.header("cache-control") == nil {
      // A tag makes no sense to somebody who may keep nothing.
      let mayKeep = response.header("etag") != nil
      response.headers.append(("Cache-Control", mayKeep ? "private, no-cache" : "no-store"))
    }
    response.headers.append(("Vary", "Accept"))
    switch answer.content {
    case .empty: break
    case .bytes(let bytes): response.body = .bytes(bytes)
    case .pieces(let count, let next):
      response.body = .stream(count: count) { writer in
        do {
          try await Self.send(next, to: writer)
        } catch let error where !(error is HTTPStreamClosed) && !(error is CancellationError) {
          // The head has said that all is well: only a connection that ends early says that it is not.
          mount.log.write(
            .warning, "answer cut off",
            [
              "route": .text("\(mount.path)/\(Activity.shape(call.interaction))"),
              "reason": .text((error as? Fault)?.category.rawValue ?? "internal"),
            ])
          throw error
        }
      }
    }
    return response
  }

  private static func send(_ next: () async throws -> DICOMAnswer.Piece?, to writer: HTTPBodyWriter) async throws {
    var waiting: [UInt8] = []
    while let piece = try await next() {
      switch piece {
      case .bytes(let bytes):
        if waiting.isEmpty { waiting = bytes } else { waiting += bytes }
        if waiting.count < pieceBytes { continue }
      case .file(let file, let range):
        if !waiting.isEmpty { try await writer.write(waiting) }
        waiting = []
        try await writer.write(HTTPFile(descriptor: file.descriptor, owner: file), range)
        continue
      }
      try await writer.write(waiting)
      waiting = []
    }
    if !waiting.isEmpty { try await writer.write(waiting) }
  }

  /// A fault as a DICOM service tells it.
  func dicomOutcome(_ fault: Fault, _ trace: Trace) -> HTTPResponse {
    var response = fault.dicomAnswer
    if response.status == 405 { response.headers.append(("Allow", trace.allowed.joined(separator: ", "))) }
    if response.status == 503 || response.status == 429 {
      response.headers.append(("Retry-After", String(trace.retryAfterSeconds)))
    }
    addChallenge(to: &response, trace)
    return response
  }

  /// What Microsoft's clients read off every answer below a version.
  func addVersions(to response: inout HTTPResponse) {
    response.headers.append(("api-supported-versions", "1.0, 2.0"))
    response.headers.append(("api-deprecated-versions", "1.0-prerelease"))
  }
}

/// A request's body on its way to a DICOM service, and why it broke off, if it did.
private final class StreamedBody: Sendable {
  private let stream: HTTPBodyStream
  private let broken = Mutex<HTTPBodyError?>(nil)

  /// nil without a stream.
  init?(_ stream: HTTPBodyStream?) {
    guard let stream else { return nil }
    self.stream = stream
  }

  var failure: HTTPBodyError? { broken.withLock { $0 } }

  func next() async throws(Fault) -> [UInt8]? {
    do throws(HTTPBodyError) {
      return try await stream.next()
    } catch {
      broken.withLock { $0 = error }
      throw Fault(error.status == 413 ? .tooLarge : .invalid, error.diagnostics)
    }
  }
}
