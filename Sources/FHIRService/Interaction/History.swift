import Base
import FHIRModel
import FHIRSearch
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#history.
  func history(_ scope: HistoryScope, _ query: QueryString, _ call: Call, _ permit: Permit) async throws -> Answer {
    let request = try HistoryRequest(query, limits: limits, clock: clock, seal: store.seal)
    let page = try await store.read(within: permit.restriction) { try self.page(scope, request, $0) }
    return try answer(page, request, scope, call)
  }

  /// The same inside a transaction or snapshot.
  func history(_ scope: HistoryScope, _ query: QueryString, _ call: Call, _ view: StoreView) throws -> Answer {
    let request = try HistoryRequest(query, limits: limits, clock: clock, seal: store.seal)
    return try answer(try page(scope, request, view), request, scope, call)
  }

  private func page(_ scope: HistoryScope, _ request: HistoryRequest, _ view: StoreView) throws -> HistoryPage? {
    var page = try view.history(scope, request.window)
    try page?.versions.removeAll { try !shows($0, view) }
    return page
  }

  private func answer(_ found: HistoryPage?, _ request: HistoryRequest, _ scope: HistoryScope, _ call: Call) throws
    -> Answer
  {
    let address: String
    switch scope {
    case .system: address = "\(call.base)/_history"
    case .type(let type): address = "\(call.base)/\(schema.name(type))/_history"
    case .instance(let type, let id):
      guard found != nil else { throw notFound(type, id) }
      address = "\(call.base)/\(schema.name(type))/\(id)/_history"
    }
    let page = found ?? HistoryPage()
    var links = [BundleWriter.Link("self", BundleWriter.link(address, request.link, request.pagingToken))]
    if let next = page.next {
      let token = PagingToken(position: next).sealed(for: request.link, with: store.seal)
      links.append(BundleWriter.Link("next", BundleWriter.link(address, request.link, token)))
    }
    var bundle = BundleWriter(
      "history", id: newID(), now: clock.now(), total: page.total, links: links,
      shape: try ResourceShape(call.query, schema: schema))
    for version in page.versions { bundle.add(version: version, base: call.base) }
    return Answer(200, resource: bundle.finish())
  }
}

/// The parameters of a history (FHIR R4 http#history). Others are dropped from its links.
struct HistoryRequest {
  var window: HistoryWindow
  let link: String
  let pagingToken: String?

  init(_ query: QueryString, limits: Limits, clock: Clock, seal: SipHash) throws(Fault) {
    window = HistoryWindow(count: limits.searchCountDefault, bytesMax: limits.pageBytesMax)
    var understood: [String] = []
    var seen: Set<String> = []
    for parameter in query.parameters {
      switch parameter.name {
      case "_count":
        guard let count = Int(parameter.value), count >= 0 else {
          throw Fault(.invalid, "The '_count' parameter value '\(parameter.value)' is invalid.")
        }
        window.count = min(count, limits.searchCountMax)
      case "_since":
        window.since = try Self.instant(parameter)
      case "_before":
        window.before = try Self.instant(parameter)
        if let before = window.before, before > clock.now() {
          // Azure's wording, which its clients compare.
          throw Fault(.invalid, "Parameter _before cannot a be a value in the future")
        }
      case "_at":
        window.current = try Self.period(parameter, clock)
      case "_sort":
        guard parameter.value == "_lastUpdated" || parameter.value == "-_lastUpdated" else {
          throw Fault(
            .invalid, "Sorting by the '\(parameter.value)' parameter is not supported.", code: "not-supported")
        }
        window.isAscending = parameter.value == "_lastUpdated"
      case "_summary" where parameter.value == "count": window.count = 0
      case "_format", "_pretty":
        understood.append(parameter.raw)
        continue
      default: continue
      }
      guard seen.insert(parameter.name).inserted else {
        throw Fault(.invalid, "The parameter '\(parameter.name)' is given more than once.")
      }
      understood.append(parameter.raw)
    }
    guard window.current == nil || (window.since == nil && window.before == nil) else {
      throw Fault(.invalid, "The parameter '_at' cannot be combined with '_since' or '_before'.")
    }
    link = understood.joined(separator: "&")
    pagingToken = query["ct"]
    if let text = pagingToken {
      guard let token = PagingToken(text, for: link, with: seal) else {
        throw Fault(.invalid, "The paging token 'ct' is not one of this query's.", code: "value")
      }
      window.after = token.position
    }
  }

  /// The whole milliseconds that an `_at` covers: an instant, or a day, month or year.
  private static func period(_ parameter: QueryString.Parameter, _ clock: Clock) throws(Fault)
    -> ClosedRange<Instant>
  {
    guard let date = FHIRDateTime(parameter.value, as: .search), date.low <= date.high else {
      throw Fault(.invalid, "The '_at' parameter value '\(parameter.value)' is not a date or time.")
    }
    func floor(_ microseconds: Int64) -> Instant {
      Instant(milliseconds: microseconds >= 0 ? microseconds / 1_000 : (microseconds - 999) / 1_000)
    }
    guard floor(date.low) <= clock.now() else {
      throw Fault(.invalid, "The parameter '_at' cannot be a value in the future.")
    }
    return floor(date.low)...floor(date.high)
  }

  private static func instant(_ parameter: QueryString.Parameter) throws(Fault) -> Instant {
    guard let date = FHIRDateTime(parameter.value, as: .search) else {
      throw Fault(.invalid, "The '\(parameter.name)' parameter value '\(parameter.value)' is not a date or time.")
    }
    // A time finer than a millisecond starts within one: the next whole one is the first not before it.
    return Instant(milliseconds: (date.low + 999) / 1_000)
  }
}
