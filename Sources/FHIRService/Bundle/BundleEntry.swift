import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// One entry of a batch or transaction, read as a call.
struct BundleEntry: Sendable {
  let place: Int
  let method: Route.Method
  let url: String
  let fullURL: String?
  let call: Call
  let permit: Permit

  var isWrite: Bool { call.interaction.isWrite }

  /// Whether it computes for so long that a transaction, which keeps all writers waiting, must not wait for it.
  var isCostly: Bool {
    switch call.interaction {
    case .fhirPath: true
    case .operation(let operation): operation.code == .validate || operation.code == .memberMatch
    default: false
    }
  }

  /// FHIR R4 http#trules: deletions first, then creations, updates, and reads last.
  var rank: Int {
    switch method {
    case .delete: 0
    case .post: 1
    case .put, .patch: 2
    case .get, .head: 3
    }
  }
}

extension FHIRService {
  /// Reads an entry's request (FHIR R4 bundle.html, Bundle.entry.request).
  /// - Throws: what is wrong with it, and `.forbidden` where the decision does not allow it.
  func entry(
    _ value: JSONValue, _ place: Int, of bundle: Call, _ decision: Decision
  ) throws(Fault) -> BundleEntry {
    let path = "Bundle.entry[\(place)].request"
    guard let request = value["request"], let methodName = request["method"]?.string, let url = request["url"]?.string
    else { throw Fault(.invalid, "The entry has no request with a method and a url.", code: "required", at: path) }
    guard let method = Route.Method(rawValue: methodName) else {
      throw Fault(.invalid, "The method is none of GET, HEAD, POST, PUT, PATCH, DELETE.", code: "value", at: path)
    }
    let (segments, query) = Self.split(url)
    let interaction = try route.interaction(method, segments, query)
    if case .bundle = interaction { throw Fault(.invalid, "A bundle within a bundle cannot be carried out.", at: path) }
    if case .operation(let operation) = interaction, operation.isWrite {
      throw Fault(
        .unsupported, "The operation $\(operation.code.rawValue) cannot be called within a bundle.", at: path)
    }
    var call = Call(interaction, base: bundle.base)
    call.preference = bundle.preference
    call.security = bundle.security
    call.query = query
    call.conditions.ifMatch = request["ifMatch"]?.string
    call.conditions.ifNoneMatch = request["ifNoneMatch"]?.string
    // A bundle has an instant where HTTP has a date.
    if let text = request["ifModifiedSince"]?.string, let since = FHIRDateTime(text, as: .instant) {
      call.conditions.ifModifiedSince = Instant(milliseconds: since.low / 1_000).httpDate
    }
    call.conditions.ifNoneExist = request["ifNoneExist"]?.string
    call.resource = value["resource"].map { ResourceNode($0.document, $0.node) }
    let permit: Permit
    do {
      permit = try self.permit(call, decision)
    } catch {
      bundle.trail?.add(call, OperationOutcome.status(of: error))
      throw error
    }
    return BundleEntry(
      place: place, method: method, url: url, fullURL: value["fullUrl"]?.string, call: call, permit: permit)
  }

  private static func split(_ url: String) -> (segments: [String], QueryString) {
    let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let segments = parts[0].split(separator: "/").map(String.init)
    return (segments, QueryString(parsing: parts.count == 2 ? parts[1] : ""))
  }
}
