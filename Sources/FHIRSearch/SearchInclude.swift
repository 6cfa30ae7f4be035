public import FHIRModel

/// An `_include` or `_revinclude` (FHIR R4 search#include).
public struct SearchInclude: Sendable, Hashable {
  /// `_revinclude`: what refers to the matches, instead of what they refer to.
  public let isReverse: Bool
  /// `:iterate` (or `:recurse`): applies to included resources as well.
  public let isIterative: Bool
  /// The type whose references are meant; nil for `*`.
  public let source: Schema.TypeID?
  /// The reference parameter's code; nil for `*`.
  public let code: String?
  /// Only targets of this type; nil for every type.
  public let target: Schema.TypeID?

  public init(
    isReverse: Bool, isIterative: Bool, source: Schema.TypeID?, code: String?, target: Schema.TypeID? = nil
  ) {
    self.isReverse = isReverse
    self.isIterative = isIterative
    self.source = source
    self.code = code
    self.target = target
  }
}
