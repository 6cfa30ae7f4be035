public import Base
public import FHIRModel
import FHIRPath
public import JSONCore
import Synchronization

/// Extracts what a resource says under every search parameter of its type.
public final class IndexExtractor: Sendable {
  private let parameters: SearchParameters
  private let schema: Schema
  private let limits: Limits
  private let shapes: [ElementShape?]
  /// Compiled at first use of a type: a server rarely sees all 146.
  private let plans: Mutex<[Schema.TypeID: [IndexPlan]]>

  public init(_ parameters: SearchParameters, limits: Limits) {
    self.parameters = parameters
    self.schema = parameters.schema
    self.limits = limits
    self.shapes = ElementShape.table(parameters.schema)
    self.plans = Mutex([:])
  }

  /// The index rows of a resource, each once.
  /// - Throws: `.tooLarge` when there are more than a resource may have.
  public func rows(of document: JSONDocument, _ resource: JSONNode, _ type: Schema.TypeID) throws(Fault) -> [IndexRow] {
    let context = FHIRPathContext(
      document: document, node: resource, type: type, now: Instant(milliseconds: 0))
    var rows: [IndexRow] = []
    rows.reserveCapacity(32)
    var seen: Set<IndexRow> = []
    for plan in plans(for: type) {
      let start = rows.count
      if plan.kind == .composite {
        appendComposite(plan, context, document, &rows)
      } else {
        for value in values(plan.program, plan.kind, plan.binding, plan.soleTarget, context, document) {
          rows.append(value.row(plan.number))
        }
      }
      if rows.count - start > 1 { Self.removeDuplicates(&rows, from: start, &seen) }
      guard rows.count <= limits.indexRowsMax else {
        throw Fault(
          .tooLarge, "The resource has more than \(limits.indexRowsMax) values for search.", code: "too-costly")
      }
    }
    return rows
  }

  private static func removeDuplicates(_ rows: inout [IndexRow], from start: Int, _ seen: inout Set<IndexRow>) {
    seen.removeAll(keepingCapacity: true)
    var kept = start
    for place in start..<rows.count where seen.insert(rows[place]).inserted {
      rows[kept] = rows[place]
      kept += 1
    }
    rows.removeLast(rows.count - kept)
  }

  private func plans(for type: Schema.TypeID) -> [IndexPlan] {
    if let known = plans.withLock({ $0[type] }) { return known }
    let compiled = parameters.parameters(type).compactMap { parameter in
      // Every published expression compiles (a test holds that); one that did not would index nothing.
      try? IndexPlan(parameter, schema)
    }
    plans.withLock { $0[type] = compiled }
    return compiled
  }

  private func evaluate(_ program: FHIRPathProgram, _ context: FHIRPathContext) -> [FHIRPathItem] {
    // An expression that fails on a resource says nothing about it.
    (try? program.evaluate(in: context)) ?? []
  }

  private func values(
    _ program: FHIRPathProgram, _ kind: SearchParameter.Kind, _ binding: Schema.BindingID?, _ soleTarget: String?,
    _ context: FHIRPathContext, _ document: JSONDocument
  ) -> [ExtractedValue] {
    var reader = ValueReader(document: document, schema: schema, binding: binding, soleTarget: soleTarget)
    for item in evaluate(program, context) {
      switch item {
      case .node(let node):
        if let value = node.value, let shape = shapes[Int(node.type.rawValue)] { reader.read(value, shape, as: kind) }
      case .boolean(let value) where kind == .token:
        reader.values.append(.token(system: "", code: value ? "true" : "false"))
      case .string(let text) where kind == .string: reader.values.append(.string(ValueReader.cut(text)))
      case .string(let text) where kind == .token: reader.values.append(.token(system: "", code: text))
      default: continue
      }
    }
    return reader.values
  }

  private func appendComposite(
    _ plan: IndexPlan, _ context: FHIRPathContext, _ document: JSONDocument, _ rows: inout [IndexRow]
  ) {
    for item in evaluate(plan.program, context) {
      var element = context
      element.focus = [item]
      var values: [[ExtractedValue]] = []
      for component in plan.components {
        let found = self.values(component.program, component.kind, component.binding, nil, element, document)
        // Every component must have a value, or the element says nothing.
        if found.isEmpty { break }
        values.append(found)
      }
      guard values.count == plan.components.count else { continue }
      appendCombinations(plan.number, values, &rows)
    }
  }

  private func appendCombinations(_ number: Int32, _ values: [[ExtractedValue]], _ rows: inout [IndexRow]) {
    for first in values[0] {
      for second in values[1] {
        var row = CompositeRow(parameter: number)
        guard first.fillFirst(&row), second.fillSecond(&row), rows.count <= limits.indexRowsMax else { continue }
        if values.count == 2 {
          rows.append(.composite(row))
          continue
        }
        for third in values[2] {
          var complete = row
          if third.fillThird(&complete) { rows.append(.composite(complete)) }
        }
      }
    }
  }
}
