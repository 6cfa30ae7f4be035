/// A `_filter` as it is written (FHIR R4 search_filter.html), before its names are looked up.
indirect enum FilterExpression {
  case test(FilterTest)
  case all([FilterExpression])
  case any([FilterExpression])
  case not(FilterExpression)
}

/// `path op value`.
struct FilterTest {
  /// What leads to the parameter: `subject[name co "pet"].`, `subject:Patient.`, `_has:Observation:patient:`.
  enum Step {
    case reference(Substring, FilterExpression?)
    case reverse(type: Substring, reference: Substring)
  }

  var steps: [Step] = []
  var parameter: Substring = ""
  var operation = FilterOperator.eq
  var value = ""
  /// Where it stands, for errors: characters from the beginning of the filter, from 1.
  var position = 1

  /// The path from a step on, for looking up its first name.
  func name(from step: Int) -> Substring {
    guard steps.indices.contains(step) else { return parameter }
    switch steps[step] {
    case .reference(let name, _): return name + "."
    case .reverse: return "_has:"
    }
  }
}

/// The operators of `_filter`.
enum FilterOperator: String, CaseIterable {
  case eq, ne, co, sw, ew, gt, lt, ge, le, ap, sa, eb, pr, po, ss, sb, `in`, ni, re
}
