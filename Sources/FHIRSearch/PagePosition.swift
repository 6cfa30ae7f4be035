/// A value that a page's order compares; `none` is a missing one.
public enum SortValue: Sendable, Hashable {
  case none
  case integer(Int64)
  case real(Double)
  case text(String)
}

/// The place of a row in a search's order: its sort keys' values, then its key.
public struct PagePosition: Sendable, Hashable {
  /// One for each sort key; empty in order of creation.
  public var values: [SortValue]
  public var key: Int64

  public init(values: [SortValue] = [], key: Int64) {
    self.values = values
    self.key = key
  }
}
