import Base
import FHIRModel
import FHIRSearch
import FHIRStore

/// Where a page of `$includes` starts: the search's page, and the included resource behind which it begins.
struct IncludesCursor: Sendable {
  /// The place behind which the page of matches begins; nil for the first.
  let page: PagePosition?
  /// The key of the page's last match.
  let last: Int64
  /// The key of the last resource included so far.
  let after: Int64

  init(page: PagePosition?, last: Int64, after: Int64) {
    (self.page, self.last, self.after) = (page, last, after)
  }

  /// The token's values: the page's own, if it is not the first, behind these.
  func sealed(for query: String, with seal: SipHash) -> String {
    let values: [SortValue] = [.integer(last), .integer(after), .integer(page == nil ? 0 : 1)] + (page?.values ?? [])
    return PagePosition(values: values, key: page?.key ?? 0).sealed(for: query, with: seal)
  }

  /// nil unless the token was made for this query.
  init?(_ text: String, for search: SearchQuery, with seal: SipHash) {
    let keys = [0, search.sort.isEmpty ? StoreView.freeOrderValues : search.sort.count]
    let sealed = keys.lazy.compactMap { PagePosition(text, for: search.nextLink, with: seal, keys: 3 + $0) }.first
    guard let sealed, case .integer(let last) = sealed.values[0], case .integer(let after) = sealed.values[1],
      case .integer(let isLater) = sealed.values[2]
    else { return nil }
    let position = PagePosition(values: Array(sealed.values[3...]), key: sealed.key)
    self.init(page: isLater == 1 ? position : nil, last: last, after: after)
  }
}

extension FHIRService {
  /// `$includes`: what a page of matches includes beyond the page itself, as its `related` link asks for it.
  func includes(_ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ view: StoreView) throws -> Answer {
    let search = try parse(type, query, call)
    guard let text = query["includesCt"],
      let cursor = IncludesCursor(text, for: search, with: store.seal)
    else {
      throw Fault(.invalid, "$includes needs the 'includesCt' of a search's related link.", code: "value")
    }
    let found = try view.search(
      try resolved(search, view), after: cursor.page, count: search.count ?? limits.searchCountDefault,
      bytesMax: limits.pageBytesMax)
    // What came in between does not belong to the page.
    let page = try included(search, found.through(cursor.last), after: cursor.after, view)
    return Answer(200, resource: try includesBundle(page, cursor, search, text, at: address(type, call), call))
  }

  private func includesBundle(
    _ page: IncludedPage, _ cursor: IncludesCursor, _ search: SearchQuery, _ token: String, at address: String,
    _ call: Call
  ) throws(Fault) -> [UInt8] {
    let shape = try ResourceShape(QueryString(search.understood), schema: schema)
    let own = "\(address)/$includes"
    var links = [BundleWriter.Link("self", BundleWriter.link(own, search.nextLink, token, named: "includesCt"))]
    if let next = page.next {
      let following = IncludesCursor(page: cursor.page, last: cursor.last, after: next)
        .sealed(for: search.nextLink, with: store.seal)
      links.append(
        BundleWriter.Link("next", BundleWriter.link(own, search.nextLink, following, named: "includesCt")))
    }
    var bundle = BundleWriter("searchset", id: newID(), now: clock.now(), links: links, shape: shape)
    for resource in page.resources { bundle.add(included: resource, base: call.base) }
    return bundle.finish()
  }
}
