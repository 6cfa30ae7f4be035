public import JSONCore

/// A JMESPath expression (jmespath.org), compiled once and evaluated over a document's tape, with the functions that
/// device mappings have besides: `add`, `subtract`, `multiply`, `divide`, `pow`, `insertString`, `fromUnixTimestamp`
/// and `fromUnixTimestampMs`.
public struct JMESPath: Sendable {
  /// What an expression may be read to mean where existing services differ from their documents.
  public struct Options: Sendable, Equatable {
    /// Whether `divide` of two whole numbers drops the remainder, as existing services do.
    public var dividesIntegersWhole = true

    public init() {}
  }

  /// The text it was compiled from.
  public let expression: String
  private let syntax: JMESPathSyntax
  private let options: Options
  private let limits: JSONQueryLimits

  /// Compiles an expression.
  /// - Throws: `JSONQueryError` with its place: syntax, unknown functions, wrong numbers of arguments.
  public init(
    _ expression: String, options: Options = Options(), limits: JSONQueryLimits = JSONQueryLimits()
  ) throws(JSONQueryError) {
    self.expression = expression
    self.options = options
    self.limits = limits
    var parser = JMESPathParser(limits: limits)
    do {
      syntax = try parser.parse(expression)
    } catch {
      throw error.located(in: expression)
    }
  }

  /// The expression's value on a node; nodes in it are of `document`.
  /// - Parameters:
  ///   - start: the node to begin with; the document's root if it is not given.
  ///   - overlay: a member that the document's root seems to have; it counts where `start` is the root.
  /// - Throws: `JSONQueryError` for wrong types of arguments, values that cannot be, and limits.
  public func value(
    in document: JSONDocument, from start: JSONNode? = nil, adding overlay: JSONOverlay? = nil
  ) throws(JSONQueryError) -> JMESPathValue {
    switch try selection(in: document, from: start, adding: overlay) {
    case .value(let value): value
    case .projection(let values): .array(values)
    }
  }

  /// The expression's value, with a projection told apart from an array.
  public func selection(
    in document: JSONDocument, from start: JSONNode? = nil, adding overlay: JSONOverlay? = nil
  ) throws(JSONQueryError) -> JMESPathSelection {
    var evaluation = JMESPathEvaluation(document, options, limits)
    do {
      return try evaluation.selection(syntax, evaluation.root(start, overlay))
    } catch {
      throw error.located(in: expression)
    }
  }

  /// Writes a value of this document as JSON.
  public static func write(_ value: JMESPathValue, of document: JSONDocument, to writer: inout JSONWriter) {
    switch value {
    case .node(let node): writer.value(document, node)
    case .null: writer.null()
    case .bool(let value): writer.bool(value)
    case .number(let value): writer.number(lexeme: value.json)
    case .string(let value): writer.string(value)
    case .array(let elements):
      writer.beginArray()
      for element in elements { write(element, of: document, to: &writer) }
      writer.endArray()
    case .object(let members):
      writer.beginObject()
      for (name, value) in members {
        writer.key(name)
        write(value, of: document, to: &writer)
      }
      writer.endObject()
    }
  }
}
