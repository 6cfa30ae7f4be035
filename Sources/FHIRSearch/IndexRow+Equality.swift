/// Rows are the same where the store would hold them as the same: byte by byte. Swift's strings are equal already where
/// they look alike (`ü` as one scalar or two), of which a search for an exact text or code would miss one.
extension IndexRow {
  public static func == (a: IndexRow, b: IndexRow) -> Bool {
    switch (a, b) {
    case (.token(let a, let system, let code), .token(let b, let otherSystem, let otherCode)):
      a == b && isSame(code, otherCode) && isSame(system, otherSystem)
    case (.string(let a, let folded, let text, let several), .string(let b, let otherFolded, let other, let others)):
      a == b && several == others && isSame(folded, otherFolded) && isSame(text, other)
    case (.reference(let a, let type, let id), .reference(let b, let otherType, let otherID)):
      a == b && isSame(id, otherID) && isSame(type, otherType)
    case (.date(let a, let low, let high, let several), .date(let b, let otherLow, let otherHigh, let others)):
      a == b && low == otherLow && high == otherHigh && several == others
    case (.number(let a, let low, let high, let several), .number(let b, let otherLow, let otherHigh, let others)):
      a == b && low == otherLow && high == otherHigh && several == others
    case (
      .quantity(let a, let system, let code, let low, let high, let several),
      .quantity(let b, let otherSystem, let otherCode, let otherLow, let otherHigh, let others)
    ):
      a == b && low == otherLow && high == otherHigh && several == others && isSame(code, otherCode)
        && isSame(system, otherSystem)
    case (.uri(let a, let value), .uri(let b, let other)): a == b && isSame(value, other)
    case (.composite(let a), .composite(let b)): a == b
    case (.position(let a, let latitude, let longitude), .position(let b, let otherLatitude, let otherLongitude)):
      a == b && latitude == otherLatitude && longitude == otherLongitude
    case (.missing(let a), .missing(let b)): a == b
    case (.contained(let a, let container, let type, let id), .contained(let b, let other, let otherType, let otherID)):
      a == b && isSame(container, other) && isSame(type, otherType) && isSame(id, otherID)
    case (.within(let a, let row), .within(let b, let other)): a == b && row == other
    default: false
    }
  }

  fileprivate static func isSame(_ a: String, _ b: String) -> Bool { a == b && a.utf8.elementsEqual(b.utf8) }
}

extension CompositeRow {
  public static func == (a: CompositeRow, b: CompositeRow) -> Bool {
    a.parameter == b.parameter && IndexRow.isSame(a.code1, b.code1) && IndexRow.isSame(a.text2, b.text2)
      && IndexRow.isSame(a.system1, b.system1) && IndexRow.isSame(a.system2, b.system2) && a.bounds2 == b.bounds2
      && a.bounds3 == b.bounds3
  }
}
