/// One value an element has for the index, before it is known which parameter or composite it is for.
enum ExtractedValue: Hashable {
  case token(system: String, code: String)
  case string(FoldedText)
  /// The words that go with a token.
  case text(FoldedText)
  case reference(type: String, id: String)
  /// A reference to a contained resource, by its place in `contained`.
  case local(type: String, place: Int)
  case uri(String)
  case date(low: Int64, high: Int64)
  case number(low: Double, high: Double)
  /// `isSampled`: the bounds of many values.
  case quantity(system: String, code: String, low: Double, high: Double, isSampled: Bool = false)
  case position(latitude: Double, longitude: Double)

  func row(_ parameter: Int32) -> IndexRow {
    switch self {
    case .token(let system, let code): .token(parameter: parameter, system: system, code: code)
    case .string(let text), .text(let text):
      .string(parameter: parameter, folded: text.folded, text: text.text, several: false)
    case .reference(let type, let id): .reference(parameter: parameter, type: type, id: id)
    case .local(let type, let place):
      .reference(parameter: parameter | SearchParameter.localOffset, type: type, id: String(place))
    case .uri(let value): .uri(parameter: parameter, value: value)
    case .date(let low, let high): .date(parameter: parameter, low: low, high: high, several: false)
    case .number(let low, let high): .number(parameter: parameter, low: low, high: high, several: false)
    case .quantity(let system, let code, let low, let high, let isSampled):
      .quantity(parameter: parameter, system: system, code: code, low: low, high: high, several: isSampled)
    case .position(let latitude, let longitude):
      .position(parameter: parameter, latitude: latitude, longitude: longitude)
    }
  }

  /// Takes this value as the first component; false where its kind cannot be one.
  func fillFirst(_ row: inout CompositeRow) -> Bool {
    switch self {
    case .token(let system, let code): (row.system1, row.code1) = (system, code)
    case .reference(let type, let id): (row.system1, row.code1) = (type, id)
    case .uri(let value): row.code1 = value
    default: return false
    }
    return true
  }

  /// Takes this value as the second component; false where its kind cannot be one.
  func fillSecond(_ row: inout CompositeRow) -> Bool {
    switch self {
    case .token(let system, let code): (row.system2, row.text2) = (system, code)
    case .reference(let type, let id): (row.system2, row.text2) = (type, id)
    case .string(let text): row.text2 = text.folded
    case .uri(let value): row.text2 = value
    case .date(let low, let high): row.bounds2 = .date(low: low, high: high)
    case .number(let low, let high): row.bounds2 = .number(low: low, high: high)
    case .quantity(let system, let code, let low, let high, _):
      (row.system2, row.text2, row.bounds2) = (system, code, .number(low: low, high: high))
    case .text, .local, .position: return false
    }
    return true
  }

  /// Takes this value as the third component; false where its kind cannot be one.
  func fillThird(_ row: inout CompositeRow) -> Bool {
    switch self {
    case .number(let low, let high): row.bounds3 = .number(low: low, high: high)
    case .date(let low, let high): row.bounds3 = .date(low: low, high: high)
    default: return false
    }
    return true
  }
}

/// What the index keeps of a text, with what it is compared by.
struct FoldedText: Hashable {
  let text: String
  let folded: String

  init(_ text: String) {
    self.text = IndexText.cut(text)
    folded = IndexText.folded(text)
  }
}
