import Base
import FHIRModel

/// `_include` and `_revinclude` (FHIR R4 search#include). The words of the outcomes are Azure's.
extension SearchQueryParser {
  func readInclude(_ parameter: QueryString.Parameter, _ search: inout SearchQuery) throws(Fault) {
    let isReverse = parameter.name.hasPrefix("_rev")
    // `:recurse` is STU3's word for `:iterate`.
    let isIterative = parameter.name.contains(":")
    let parts = parameter.value.split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, !first.isEmpty, parts.count <= 3, parts.count > 1 || first == "*" else {
      throw Self.invalid(parameter, "Expected [type]:[search parameter] or [type]:[search parameter]:[target type].")
    }
    let source = first == "*" ? nil : try resourceType(first)
    let target = try includeTarget(parts)
    let code = parts.count > 1 && parts[1] != "*" ? parts[1] : nil
    let reference = try code.map { code throws(Fault) in try includeReference(code, source, parameter) }
    if isReverse && isIterative {
      // Every type that refers to anything at all, again and again: Azure passes over it too.
      guard let reference else { return }
      if target == nil && targets([reference]).count > 1 {
        throw Fault(
          .invalid,
          "The '\(parameter.name)=\(parameter.value)' search parameter has multiple target types. Please specify a "
            + "target type.", code: "invalid")
      }
    }
    let include = SearchInclude(
      isReverse: isReverse, isIterative: isIterative, source: source, code: code.map(String.init), target: target)
    if !search.includes.contains(include) { search.includes.append(include) }
  }

  private func resourceType(_ name: Substring) throws(Fault) -> Schema.TypeID {
    guard let type = schema.resourceType(String(name)) else {
      throw Fault(.invalid, "Resource type '\(SearchText.excerpt(name))' is not supported.", code: "not-supported")
    }
    return type
  }

  private func includeTarget(_ parts: [Substring]) throws(Fault) -> Schema.TypeID? {
    guard parts.count == 3 else { return nil }
    guard parts[2].contains(where: { !$0.isWhitespace }) else {
      throw Fault(.invalid, "The target resource type cannot be empty.", code: "invalid")
    }
    return try resourceType(parts[2])
  }

  private func includeReference(
    _ code: Substring, _ source: Schema.TypeID?, _ parameter: QueryString.Parameter
  ) throws(Fault) -> SearchParameter {
    guard let source else {
      throw Self.invalid(parameter, "A search parameter is named with its resource type: Observation:subject.")
    }
    guard let reference = parameters.parameter(source, String(code)) else {
      throw Fault(.invalid, unsupported(code, [source]), code: "not-supported")
    }
    guard reference.kind == .reference else {
      throw Self.invalid(parameter, "The search parameter '\(code)' is not a reference.")
    }
    return reference
  }
}
