import FHIRModel
import FHIRSearch
import FHIRStore

/// Whether a resource at hand, as it will be stored or as it once was, is within what a caller may see: what the index
/// answers for those that stand.
///
/// It knows the conditions that permissions are made of: compartments, codes, references, addresses, texts, and what
/// must be missing. Another condition holds of nothing, so that it lets nothing pass by mistake.
struct ResourceMatch {
  let type: Schema.TypeID
  let id: String
  let rows: [IndexRow]
  let parameters: SearchParameters

  private var schema: Schema { parameters.schema }

  func isWithin(_ extent: Restriction.Extent) -> Bool {
    switch extent {
    case .nothing: false
    case .all: true
    case .matching(let criterion): matches(criterion)
    }
  }

  /// Permissions are two floors deep: alternatives of conditions.
  private func matches(_ criterion: SearchCriterion, depth: Int = 0) -> Bool {
    guard depth < 8 else { return false }
    switch criterion {
    case .all(let criteria): return criteria.allSatisfy { matches($0, depth: depth + 1) }
    case .any(let criteria): return criteria.contains { matches($0, depth: depth + 1) }
    case .condition(let condition): return matches(condition)
    case .chain, .reverseChain, .notReferenced, .types, .fullText, .not: return false
    }
  }

  private func matches(_ condition: SearchCondition) -> Bool {
    let own = condition.parameters.filter { $0.resourceType == type }
    if own.contains(where: { $0.code == "_id" }) {
      return condition.modifier == nil && condition.values.contains(.token(system: .any, code: id))
    }
    guard !own.contains(where: \.isAnsweredByResource) else { return false }
    let parts = own.flatMap { parameters.indexed($0) }
    switch condition.modifier {
    case .missing:
      guard condition.values == [.missing(true)] else { return false }
      return !parts.contains { part in rows.contains { isValue($0, of: part) } }
    case nil:
      return parts.contains { part in
        rows.contains { row in isValue(row, of: part) && condition.values.contains { isMet($0, by: row) } }
      }
    default: return false
    }
  }

  private func isValue(_ row: IndexRow, of part: SearchParameter) -> Bool {
    guard row.parameter == part.number else { return false }
    switch row {
    case .missing, .contained, .within: return false
    case .reference(_, let target, let id):
      guard let sole = part.soleTarget else { return true }
      // An address names the type before the id.
      return target.isEmpty ? id.contains("/\(schema.name(sole))/") : target == schema.name(sole)
    default: return true
    }
  }

  private func isMet(_ value: SearchValue, by row: IndexRow) -> Bool {
    switch (value, row) {
    case (.reference(let type, let id), .reference(_, let target, let other)):
      return !type.isEmpty && type == target && id == other
    case (.token(let system, let code), .token(_, let own, let ownCode)):
      guard !IndexRow.isPseudoSystem(own), code.map({ $0 == ownCode }) ?? true else { return false }
      switch system {
      case .any: return code != nil
      case .none: return own.isEmpty && code != nil
      case .uri(let uri): return own == uri
      }
    case (.uri(let uri), .uri(_, let own)): return uri == own
    case (.string(let text), .string(_, let folded, _, _)):
      return folded.utf8.starts(with: TextFolding.fold(text).utf8)
    default: return false
    }
  }
}
