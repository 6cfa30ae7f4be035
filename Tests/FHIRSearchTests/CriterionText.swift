import FHIRModel

@testable import FHIRSearch

/// Criteria as lines that can be read: `subject→Patient{name:exact='Ann'}`.
enum CriterionText {
  static let schema = Schema.r4

  static func text(_ query: SearchQuery) -> String { query.criteria.map(text).joined(separator: " & ") }

  static func text(_ criterion: SearchCriterion) -> String {
    switch criterion {
    case .condition(let condition):
      let modifier = condition.modifier.map { ":\($0.rawValue)" } ?? ""
      return "\(condition.code)\(modifier)=\(condition.values.map(text).joined(separator: ","))"
    case .chain(let chain):
      let targets = chain.targets.map { "\(schema.name($0.type)){\(list($0.criteria))}" }
      return "\(chain.parameters.first?.code ?? "")→\(targets.joined(separator: "|"))"
    case .reverseChain(let chain):
      return "←\(schema.name(chain.parameter.resourceType)).\(chain.parameter.code){\(list(chain.criteria))}"
    case .notReferenced(let parameters, _):
      return parameters.count > 3
        ? "unreferenced(\(parameters.count))"
        : "unreferenced(\(parameters.map { "\(schema.name($0.resourceType)).\($0.code)" }.joined(separator: ",")))"
    case .types(let types): return "type(\(types.map { schema.name($0) }.joined(separator: ",")))"
    case .fullText(let condition):
      let alternatives = condition.alternatives.map { alternative in
        alternative.phrases.map { $0.joined(separator: "_") }.joined(separator: "+")
      }
      return "\(condition.field)(\(alternatives.joined(separator: " or ")))"
    case .all(let criteria): return "(\(criteria.map(text).joined(separator: " and ")))"
    case .any(let criteria): return "(\(criteria.map(text).joined(separator: " or ")))"
    case .not(let inner): return "!\(text(inner))"
    }
  }

  private static func list(_ criteria: [SearchCriterion]) -> String { criteria.map(text).joined(separator: " & ") }

  static func text(_ value: SearchValue) -> String {
    switch value {
    case .token(.any, let code): code ?? "?"
    case .token(.none, let code): "|\(code ?? "?")"
    case .token(.uri(let system), let code): "\(system)|\(code ?? "")"
    case .string(let text): "'\(text)'"
    case .reference(let type, let id): "\(type)/\(id)"
    case .uri(let uri): "<\(uri)>"
    case .date(let comparator, let low, let high): "\(comparator)[\(Extraction.time(low)),\(Extraction.time(high))]"
    case .number(let comparator, _, _, let exact): "\(comparator)\(exact)"
    case .quantity(let comparator, let amount, let system, let code):
      "\(comparator)\(amount.exact)|\(system ?? "")|\(code ?? "")"
    case .ofType(let system, let code, let value): "\(system)|\(code)|\(value)"
    case .composite(let parts): parts.map(text).joined(separator: "$")
    case .near(let latitude, let longitude, let meters): "\(latitude)|\(longitude)|\(meters)"
    case .missing(let isMissing): "\(isMissing)"
    }
  }
}
