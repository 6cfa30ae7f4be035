import JSONCore
import JSONQuery

/// An expression of a template, compiled, with its place in the mapping.
struct TemplateExpression: Sendable {
  enum Language: String, Sendable { case jsonPath = "JsonPath", jmesPath = "JmesPath" }

  enum Compiled: Sendable {
    case jsonPath(JSONPath)
    case jmesPath(JMESPath)
  }

  /// The member of the template it stands in, such as `values[0].valueExpression`.
  let field: String
  let text: String
  let compiled: Compiled
  let line: Int
  let column: Int

  var language: Language {
    switch compiled {
    case .jsonPath: .jsonPath
    case .jmesPath: .jmesPath
    }
  }
}

/// Where expressions look: a document, and in it the whole event with the matched token, or the matched token alone.
struct TemplateContext {
  let document: JSONDocument
  let start: JSONNode?
  let overlay: JSONOverlay?
}

/// What an expression found.
enum TemplateValue {
  case none
  case node(JSONNode)
  case computed(JMESPathValue)
}

extension TemplateExpression {
  /// Compiles a text; nil with a problem if it is no expression.
  init?(
    _ text: String, _ language: Language, at node: JSONNode, field: String, _ reader: inout MappingReader,
    _ settings: MappingSettings
  ) {
    self.field = field
    self.text = text
    (line, column) = reader.position(node)
    do {
      switch language {
      case .jsonPath: compiled = .jsonPath(try JSONPath(text, limits: settings.query))
      case .jmesPath:
        var options = JMESPath.Options()
        options.dividesIntegersWhole = settings.dividesIntegersWhole
        compiled = .jmesPath(try JMESPath(text, options: options, limits: settings.query))
      }
    } catch {
      let message =
        "The \(language.rawValue) expression cannot be read at character \(error.offset + 1): \(error.message)."
      reader.report(message, in: node, offset: error.offset, field)
      return nil
    }
  }

  /// What a message must have for the expression to select anything.
  var requirement: JSONNames.Requirement {
    if case .jsonPath(let path) = compiled { return path.requirement }
    return .none
  }

  /// All it selects: the nodes of a path, the elements of a projection, or one value.
  func matches(in context: TemplateContext) throws(MappingFailure) -> [TemplateValue] {
    do {
      switch compiled {
      case .jsonPath(let path):
        return try path.nodes(in: context.document, from: context.start, adding: context.overlay).map { .node($0) }
      case .jmesPath(let path):
        switch try path.selection(in: context.document, from: context.start, adding: context.overlay) {
        case .projection(let values): return values.map { TemplateExpression.value($0, context) }
        case .value(let value):
          let value = TemplateExpression.value(value, context)
          if case .none = value { return [] }
          return [value]
        }
      }
    } catch {
      throw failure(error)
    }
  }

  /// The one value it selects. A projection of one element is an array, as existing services have it.
  func value(in context: TemplateContext) throws(MappingFailure) -> TemplateValue {
    do {
      switch compiled {
      case .jsonPath(let path):
        let node = try path.node(in: context.document, from: context.start, adding: context.overlay)
        return node.map { .node($0) } ?? .none
      case .jmesPath(let path):
        switch try path.selection(in: context.document, from: context.start, adding: context.overlay) {
        case .value(let value): return TemplateExpression.value(value, context)
        case .projection(let values):
          guard values.count <= 1 else {
            throw JSONQueryError(.multipleResults, "it selects \(values.count) values where one was expected", at: 0)
          }
          return .computed(.array(values))
        }
      }
    } catch {
      throw failure(error)
    }
  }

  private static func value(_ value: JMESPathValue, _ context: TemplateContext) -> TemplateValue {
    switch value {
    case .null: .none
    case .node(let node): context.document.kind(node) == .null ? .none : .node(node)
    default: .computed(value)
    }
  }

  private func failure(_ error: any Error) -> MappingFailure {
    let error = error as? JSONQueryError
    return failure(.templateExpression, error?.message ?? "it cannot be evaluated", offset: error?.offset)
  }

  func failure(_ kind: MappingFailure.Kind, _ message: String, offset: Int? = nil) -> MappingFailure {
    MappingFailure(
      kind, "[\(field)] \(message)", field: field, expression: text, line: line, column: column, offset: offset)
  }
}
