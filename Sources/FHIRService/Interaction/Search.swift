import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// FHIR R4 http#search.
  func search(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ decision: Decision) async throws -> Answer {
    let search = try parse(type, query, call)
    let after = try position(search)
    let service = self
    let page = try await store.read(within: decision.restriction) { try service.page(search, after, $0) }
    return Answer(200, resource: try searchset(page, search, at: address(type, call), call))
  }

  /// The same inside a transaction or snapshot.
  func search(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ view: StoreView) throws -> Answer {
    let search = try parse(type, query, call)
    let page = try page(search, try position(search), view)
    return Answer(200, resource: try searchset(page, search, at: address(type, call), call))
  }

  private func address(_ type: Schema.TypeID?, _ call: Call) -> String {
    type.map { "\(call.base)/\(schema.name($0))" } ?? call.base
  }

  func parse(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call) throws(Fault) -> SearchQuery {
    let parser = SearchQueryParser(
      store.parameters, limits: limits, clock: clock, isStrict: call.preference.isStrict)
    // A shape that makes no sense is refused before anything is looked up.
    _ = try ResourceShape(query, schema: schema)
    return try parser.parse(query, types: type.map { [$0] } ?? [])
  }

  func page(_ search: SearchQuery, _ after: Int64?, _ view: StoreView) throws -> SearchPage {
    let isCount = search.summary == .count || search.count == 0
    let wantsTotal = isCount || (search.total.map { $0 != .none } ?? false) && after == nil
    return try view.search(
      search, after: after, count: isCount ? 0 : search.count ?? limits.searchCountDefault,
      bytesMax: limits.pageBytesMax, withTotal: wantsTotal)
  }

  func position(_ search: SearchQuery) throws(Fault) -> Int64? {
    guard let text = search.pagingToken else { return nil }
    guard let token = PagingToken(text, for: search.nextLink, with: store.seal) else {
      throw Fault(.invalid, "The paging token 'ct' is not one of this query's.", code: "value")
    }
    return token.position
  }

  /// FHIR R4 bundle.html#searchset.
  func searchset(_ page: SearchPage, _ search: SearchQuery, at address: String, _ call: Call) throws(Fault)
    -> [UInt8]
  {
    let shape = try ResourceShape(QueryString(search.understood), schema: schema)
    var links = [BundleWriter.Link("self", BundleWriter.link(address, search.link, search.pagingToken))]
    if let next = page.next {
      let token = PagingToken(position: next).sealed(for: search.nextLink, with: store.seal)
      links.append(BundleWriter.Link("next", BundleWriter.link(address, search.nextLink, token)))
    }
    var bundle = BundleWriter("searchset", id: newID(), now: clock.now(), total: page.total, links: links, shape: shape)
    if !search.warnings.isEmpty {
      bundle.add(outcome: OperationOutcome.json(search.warnings, id: newID()))
    }
    for match in page.matches { bundle.add(match: match, base: call.base) }
    return bundle.finish()
  }
}
