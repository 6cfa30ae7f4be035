import JSONCore

/// The tree of an expression.
indirect enum JMESPathSyntax: Sendable {
  case current
  case field(JSONKey)
  case literal(JMESPathValue)
  case index(Int)
  case slice(start: Int?, stop: Int?, step: Int)
  /// `a.b`, `a[0]`: the second on what the first gives.
  case subexpression(JMESPathSyntax, JMESPathSyntax)
  case pipe(JMESPathSyntax, JMESPathSyntax)
  /// The second on each element of what the first gives.
  case projection(JMESPathSyntax, JMESPathSyntax)
  /// The second on each member's value of what the first gives.
  case valueProjection(JMESPathSyntax, JMESPathSyntax)
  case filterProjection(JMESPathSyntax, JMESPathSyntax, condition: JMESPathSyntax)
  case flatten(JMESPathSyntax)
  case or(JMESPathSyntax, JMESPathSyntax)
  case and(JMESPathSyntax, JMESPathSyntax)
  case not(JMESPathSyntax)
  case comparison(JMESPathComparator, JMESPathSyntax, JMESPathSyntax)
  case multiSelectList([JMESPathSyntax])
  case multiSelectHash([(name: String, value: JMESPathSyntax)])
  case function(JMESPathFunction, [JMESPathSyntax], offset: Int)
  /// `&expression`, an argument that the function evaluates.
  case expression(JMESPathSyntax)
}
