/// One kind of search, with many different values.
struct SearchShape {
  /// What is asked of it.
  enum Goal: Equatable {
    /// A small part of the resources matches: fast by itself, and no slower in a larger store.
    case selective
    /// Many match, and one page of them is shown: no slower in a larger store.
    case page
    /// Costs what another shape costs.
    case costOf(String)
    /// Counts so many hits in a second.
    case counting
  }

  let name: String
  /// For the table.
  let title: String
  let goal: Goal
  /// Made when they are wanted, as some need a walk through many pages.
  let addresses: () throws -> [SearchAddress]

  /// Whether one of the names given on the command line means this shape.
  func isMeant(by names: [String]) -> Bool {
    names.isEmpty || names.contains { name == $0 || name.hasPrefix("\($0)-") }
  }
}

/// What is asked for once.
enum SearchAddress {
  /// `Type/id`.
  case read(String)
  /// `Type?parameters`.
  case search(String)
  /// Path and query of a link.
  case page(String)

  func request(_ requests: Requests) -> [UInt8] {
    switch self {
    case .read(let reference): requests.read(reference)
    case .search(let query): requests.search(query)
    case .page(let link): requests.get(link)
    }
  }

  /// The same with a further parameter; nil for what takes none: a link's token is bound to its query.
  func adding(_ parameter: String) -> SearchAddress? {
    switch self {
    case .read, .page: nil
    case .search(let query): .search("\(query)&\(parameter)")
    }
  }
}
