/// Something in a mapping that keeps it from being used, or that its author should know.
public struct MappingProblem: Sendable, Equatable {
  public enum Severity: String, Sendable { case error, warning }

  public let severity: Severity
  /// For the mapping's author: what is wrong, and what would be right.
  public let message: String
  /// 1-based place in the mapping's text.
  public let line: Int
  /// 1-based, in bytes.
  public let column: Int
  /// The place of the template in its collection, from 0; nil for the collection itself.
  public let template: Int?
  /// The template's `typeName`, where it has one.
  public let typeName: String?
  /// The member of the template, such as `values[0].valueName`.
  public let field: String?

  public init(
    _ severity: Severity, _ message: String, line: Int, column: Int, template: Int? = nil, typeName: String? = nil,
    field: String? = nil
  ) {
    self.severity = severity
    self.message = message
    self.line = line
    self.column = column
    self.template = template
    self.typeName = typeName
    self.field = field
  }
}

/// Why a mapping cannot be used: all that is wrong with it at once.
public struct MappingError: Error, Sendable, Equatable, CustomStringConvertible {
  public let problems: [MappingProblem]

  public init(_ problems: [MappingProblem]) { self.problems = problems }

  public var description: String { "MappingError(\(problems.count) problems)" }
}

/// Why one message or one group of measurements came to nothing. The kinds have the names of existing services' logs.
public struct MappingFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// The message is no JSON.
    case invalidDataFormat = "InvalidDataFormatException"
    /// A value that must be there is not, or is no such value.
    case incompatibleData = "IncompatibleDataException"
    /// An expression gives several values, or cannot be evaluated on this message.
    case templateExpression = "TemplateExpressionException"
    /// The FHIR mapping has no template for the type.
    case templateNotFound = "TemplateNotFoundException"
    /// A measurement grouped by correlation id has none.
    case correlationIdNotDefined = "CorrelationIdNotDefinedException"
    /// A Quantity whose value is no number, or not one value.
    case invalidQuantity = "InvalidQuantityFhirValueException"
    /// The measurements cannot become the Observation that the mapping describes.
    case fhirDataMapping = "FhirDataMappingException"
  }

  public let kind: Kind
  /// For the mapping's author; it may quote the mapping, never a message.
  public let message: String
  /// The place of the template in its collection, from 0.
  public let template: Int?
  public let typeName: String?
  /// The member of the template, such as `timestampExpression`.
  public let field: String?
  /// The expression that failed.
  public let expression: String?
  /// 1-based place of the expression in the mapping's text.
  public let line: Int?
  public let column: Int?
  /// Byte offset inside the expression, where the failure has one.
  public let offset: Int?

  public init(
    _ kind: Kind, _ message: String, template: Int? = nil, typeName: String? = nil, field: String? = nil,
    expression: String? = nil, line: Int? = nil, column: Int? = nil, offset: Int? = nil
  ) {
    self.kind = kind
    self.message = message
    self.template = template
    self.typeName = typeName
    self.field = field
    self.expression = expression
    self.line = line
    self.column = column
    self.offset = offset
  }

  public var description: String { "MappingFailure(\(kind.rawValue))" }
}
