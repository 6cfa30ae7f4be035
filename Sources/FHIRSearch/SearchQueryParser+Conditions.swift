import Base
import FHIRModel

/// A parameter of a resource's own: its modifier and its values.
extension SearchQueryParser {
  func condition(
    _ name: Substring, _ value: String, _ types: [Schema.TypeID], _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    let (code, suffix) = Self.split(name)
    let found = try common(code, name, types)
    let modifier = try SearchModifier(suffix, found[0], schema)
    let form = form(found[0], modifier)
    let values = try values(value, form, &budget)
    return .condition(SearchCondition(parameters: found, modifier: modifier.modifier, values: values, base: base))
  }

  func form(_ parameter: SearchParameter, _ modifier: SearchModifier) -> SearchValue.Form {
    SearchValue.Form(parameter, modifier, schema, now: clock.now(), base: base)
  }

  /// The parameter as each of the types has it; never empty.
  func common(_ code: Substring, _ name: Substring, _ types: [Schema.TypeID]) throws(Fault) -> [SearchParameter] {
    let key = String(code)
    let found = types.compactMap { parameters.parameter($0, key) }
    guard let first = found.first, first.isSearchable(schema) else {
      throw Fault(.invalid, unsupported(name, types), code: "not-supported")
    }
    guard found.count == types.count, found.allSatisfy({ $0.kind == first.kind }) else {
      throw Fault(
        .invalid, "The search parameter '\(code)' is not common to all searched resource types.", code: "not-supported")
    }
    return found
  }

  private func values(_ text: String, _ form: SearchValue.Form, _ budget: inout SearchBudget) throws(Fault)
    -> [SearchValue]
  {
    if form.modifier == .missing {
      guard text == "true" || text == "false" else {
        throw Fault(.invalid, "The value of '\(form.code):missing' must be 'true' or 'false'.")
      }
      try budget.spend(values: 1)
      return [.missing(text == "true")]
    }
    let pieces = SearchText.split(text, at: UInt8(ascii: ",")).filter { !$0.isEmpty }
    guard pieces.count <= limits.searchValuesMax else {
      throw Fault(
        .invalid, "The search parameter '\(form.code)' takes at most \(limits.searchValuesMax) values.",
        code: "too-costly")
    }
    var values: [SearchValue] = []
    var seen: Set<SearchValue> = []
    for piece in pieces {
      let value = try SearchValue(piece, form)
      if seen.insert(value).inserted { values.append(value) }
    }
    guard !values.isEmpty else { throw Fault(.invalid, "The search parameter '\(form.code)' has no value.") }
    try budget.spend(values: values.count)
    return values
  }
}
