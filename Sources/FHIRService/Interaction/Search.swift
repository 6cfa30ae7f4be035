import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// FHIR R4 http#search.
  func search(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ permit: Permit) async throws -> Answer {
    try await page(of: try parse(type, query, call), at: address(type, call), call, permit)
  }

  /// The same inside a transaction or snapshot.
  func search(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ view: StoreView) throws -> Answer {
    let search = try parse(type, query, call)
    let found = try found(search, try position(search), view)
    return Answer(200, resource: try searchset(found, search, at: address(type, call), call))
  }

  /// A page, written where it was read: a change of thread would cost more than that takes.
  func page(of search: SearchQuery, at address: String, _ call: Call, _ permit: Permit) async throws -> Answer {
    let after = try position(search)
    try await bringUpText(for: search)
    let service = self
    let page = try await store.read(within: permit.restriction, seconds: limits.searchSecondsMax, isRecent: true) {
      view in
      try service.searchset(service.found(search, after, view), search, at: address, call)
    }
    return Answer(200, resource: page)
  }

  func address(_ type: Schema.TypeID?, _ call: Call) -> String {
    type.map { "\(call.base)/\(schema.name($0))" } ?? call.base
  }

  func parse(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call) throws(Fault) -> SearchQuery {
    let catalog = store.catalog
    let parser = SearchQueryParser(
      call.usesPartialIndices ? catalog.indexed : catalog.searchable, limits: limits, clock: clock,
      isStrict: call.preference.isStrict, base: call.base)
    // A shape that makes no sense is refused before anything is looked up.
    _ = try ResourceShape(query, schema: schema)
    return try parser.parse(query, types: type.map { [$0] } ?? [])
  }

  /// A page with what it brings along.
  struct Found: Sendable {
    var page: SearchPage
    var included = IncludedPage()
    /// The page's own place, for the link to what else it includes.
    var after: PagePosition?
  }

  func found(_ search: SearchQuery, _ after: PagePosition?, _ view: StoreView) throws -> Found {
    let isCount = search.summary == .count || search.count == 0
    let wantsTotal = isCount || (search.total.map { $0 != .none } ?? false) && after == nil
    var page = try view.search(
      try resolved(search, view), after: after, count: isCount ? 0 : search.count ?? limits.searchCountDefault,
      bytesMax: limits.pageBytesMax, withTotal: wantsTotal)
    guard !search.includes.isEmpty else { return Found(page: page, after: after) }
    let matches = page
    let included = try view.explained("include", in: &page.explanation, rows: \.resources.count) {
      try self.included(search, matches, after: 0, view)
    }
    return Found(page: page, included: included, after: after)
  }

  func included(_ search: SearchQuery, _ page: SearchPage, after: Int64, _ view: StoreView) throws -> IncludedPage {
    guard !search.includes.isEmpty, !page.matches.isEmpty else { return IncludedPage() }
    let contained = page.contained.compactMap { $0 }
    // Where containers come back it is these, and what was found in them, that refer to what is included.
    let matches =
      page.contained.isEmpty || search.containedType == .container
      ? page.matches : zip(page.matches, page.contained).filter { $0.1 == nil }.map(\.0)
    return try view.included(
      search.includes, with: matches, contained: contained, after: after,
      count: search.includesCount ?? limits.includesCountDefault, keysMax: limits.includesMax,
      bytesMax: limits.pageBytesMax, base: search.base)
  }

  func position(_ search: SearchQuery) throws(Fault) -> PagePosition? {
    guard let text = search.pagingToken else { return nil }
    // Without an order asked for, pages are in the order of creation or in one of the store's own.
    for keys in search.sort.isEmpty ? [0, StoreView.freeOrderValues] : [search.sort.count] {
      if let position = PagePosition(text, for: search.nextLink, with: store.seal, keys: keys) { return position }
    }
    throw Fault(.invalid, "The paging token 'ct' is not one of this query's.", code: "value")
  }

  /// FHIR R4 bundle.html#searchset.
  func searchset(_ found: Found, _ search: SearchQuery, at address: String, _ call: Call) throws(Fault) -> [UInt8] {
    let page = found.page
    let shape = try ResourceShape(QueryString(search.understood), schema: schema)
    var links = [BundleWriter.Link("self", BundleWriter.link(address, search.link, search.pagingToken))]
    if let next = page.next {
      let token = next.sealed(for: search.nextLink, with: store.seal)
      links.append(BundleWriter.Link("next", BundleWriter.link(address, search.nextLink, token)))
    }
    var reasons = search.warnings
    if let related = related(found, search, at: address) {
      links.append(related)
      reasons.append(Self.isTruncated)
    }
    if found.included.isTruncated { reasons.append(Self.isCutShort) }
    var bundle = BundleWriter("searchset", id: newID(), now: clock.now(), total: page.total, links: links, shape: shape)
    if !reasons.isEmpty { bundle.add(outcome: OperationOutcome.json(reasons, id: newID())) }
    if let explanation = page.explanation {
      bundle.add(outcome: OperationOutcome.json(explanation.reasons, id: newID()))
    }
    for (place, match) in page.matches.enumerated() {
      let contained = page.contained.indices.contains(place) ? page.contained[place] : nil
      bundle.add(match: match, contained, score: page.scores[match.key], base: call.base)
    }
    for resource in found.included.resources { bundle.add(included: resource, base: call.base) }
    return bundle.finish()
  }

  private static let isTruncated = Fault.Reason(
    "Included items are truncated. Use the related link in the response to retrieve all included items.",
    code: "incomplete", severity: .warning)
  private static let isCutShort = Fault.Reason(
    "The matches include more resources than this server looks for; narrow the search.", code: "incomplete",
    severity: .warning)

  /// The link to what a page includes besides: `$includes`, which finds the page's matches again.
  private func related(_ found: Found, _ search: SearchQuery, at address: String) -> BundleWriter.Link? {
    guard let next = found.included.next else { return nil }
    let token = IncludesCursor(page: found.after, last: found.page.lastKey ?? 0, after: next)
      .sealed(for: search.nextLink, with: store.seal)
    return BundleWriter.Link(
      "related", BundleWriter.link("\(address)/$includes", search.nextLink, token, named: "includesCt"))
  }
}

extension SearchExplanation {
  /// The steps as issues: each says what was done, how many rows it gave, how much work that was, and how long it took.
  fileprivate var reasons: [Fault.Reason] {
    steps.map { step in
      let rows = step.rows.map { ", \($0) rows" } ?? ""
      return Fault.Reason(
        "\(step.text)\(rows), \(step.engineSteps) engine steps, \(step.microseconds) µs", code: "informational",
        severity: .information)
    }
  }
}
