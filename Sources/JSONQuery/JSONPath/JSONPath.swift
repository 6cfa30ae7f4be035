public import JSONCore

/// A path through JSON in the dialect of existing device mappings, compiled once and evaluated over a document's tape.
///
/// The dialect is that of Json.NET's `SelectTokens`; see `JSONPathParser` for how it differs from RFC 9535.
public struct JSONPath: Sendable {
  /// The text it was compiled from.
  public let expression: String
  private let steps: [JSONPathStep]
  private let limits: JSONQueryLimits
  /// Whether it cannot select more than one node, so that it is walked without lists.
  private let isSingular: Bool
  /// What a document must have for the path to select anything.
  public let requirement: JSONNames.Requirement

  /// Compiles an expression.
  /// - Throws: `JSONQueryError` with its place in the expression.
  public init(_ expression: String, limits: JSONQueryLimits = JSONQueryLimits()) throws(JSONQueryError) {
    self.expression = expression
    self.limits = limits
    var parser = JSONPathParser(expression, limits: limits)
    do {
      steps = try parser.parse()
    } catch {
      throw error.located(in: expression)
    }
    isSingular = steps.allSatisfy {
      switch $0 {
      case .field, .index: true
      default: false
      }
    }
    requirement = JSONNames.Requirement(steps.flatMap(\.requiredNames))
  }

  /// The nodes that the path selects, in document order of its steps.
  /// - Parameters:
  ///   - start: where `$` is; the document's root if it is not given.
  ///   - overlay: a member that the document's root seems to have; it counts where `start` is the root.
  /// - Throws: `JSONQueryError` when a limit is reached.
  public func nodes(
    in document: JSONDocument, from start: JSONNode? = nil, adding overlay: JSONOverlay? = nil
  ) throws(JSONQueryError) -> [JSONNode] {
    if isSingular { return try singular(document, start, overlay).map { [$0] } ?? [] }
    var evaluation = JSONPathEvaluation(document, start, overlay, limits)
    return try evaluation.nodes(steps, resultsMax: limits.resultsMax)
  }

  /// The one node that the path selects, nil if there is none.
  /// - Throws: `multipleResults` if there are more.
  public func node(
    in document: JSONDocument, from start: JSONNode? = nil, adding overlay: JSONOverlay? = nil
  ) throws(JSONQueryError) -> JSONNode? {
    if isSingular { return try singular(document, start, overlay) }
    var evaluation = JSONPathEvaluation(document, start, overlay, limits)
    let nodes = try evaluation.nodes(steps, resultsMax: limits.resultsMax)
    guard nodes.count <= 1 else {
      throw JSONQueryError(.multipleResults, "the path selects \(nodes.count) values where one was expected", at: 0)
    }
    return nodes.first
  }

  private func singular(
    _ document: JSONDocument, _ start: JSONNode?, _ overlay: JSONOverlay?
  ) throws(JSONQueryError) -> JSONNode? {
    let evaluation = JSONPathEvaluation(document, start, overlay, limits)
    var node = evaluation.root
    for step in steps {
      switch step {
      case .field(let key):
        guard let member = evaluation.member(node, key) else { return nil }
        node = member
      case .index(let index):
        guard let element = try evaluation.element(node, index) else { return nil }
        node = element
      default: return nil
      }
    }
    return evaluation.real(node)
  }
}
