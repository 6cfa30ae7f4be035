/// What went wrong, in one small closed set of categories that every protocol maps in exactly one file.
///
/// A fault carries reasons for the caller (`reasons`, which may quote what the caller sent) and prints only its
/// category: `description` never holds a data value, so a fault may be logged as it is.
public struct Fault: Error, Sendable, Equatable {
  /// The closed set of categories.
  public enum Category: String, Sendable, CaseIterable {
    case notFound, gone, invalid, unprocessable, conflict, preconditionFailed
    case forbidden, unauthenticated
    case unsupported, methodNotAllowed, notAcceptable, unsupportedMediaType
    case tooLarge, tooMany, tooSlow
    case busy, unavailable
    /// A commit whose outcome is not known: it may or may not have happened.
    case outcomeUnknown
    case `internal`
  }

  /// One reason, as FHIR's OperationOutcome.issue tells it; other protocols use what they can.
  public struct Reason: Sendable, Equatable {
    public enum Severity: String, Sendable { case fatal, error, warning, information }
    public var severity: Severity
    /// A code of http://hl7.org/fhir/issue-type, or nil for the category's own.
    public var code: String?
    /// For the caller: what is wrong, where, and what would be right.
    public var diagnostics: String
    /// The place, as a FHIRPath expression (`Patient.name[0].given`), where there is one.
    public var expression: String?

    public init(_ diagnostics: String, code: String? = nil, severity: Severity = .error, at expression: String? = nil) {
      self.severity = severity
      self.code = code
      self.diagnostics = diagnostics
      self.expression = expression
    }
  }

  public var category: Category
  public var reasons: [Reason]

  public init(_ category: Category, _ reasons: [Reason]) {
    self.category = category
    self.reasons = reasons
  }

  /// A fault with a single reason.
  public init(_ category: Category, _ diagnostics: String, code: String? = nil, at expression: String? = nil) {
    self.init(category, [Reason(diagnostics, code: code, at: expression)])
  }
}

extension Fault: CustomStringConvertible {
  /// The category alone: safe to log.
  public var description: String { "Fault(\(category.rawValue))" }
}
