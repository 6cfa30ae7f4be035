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
    let focus = FHIRPathNode(document: document, value: resource, type: type)
    var rows: [IndexRow] = []
    rows.reserveCapacity(32)
    var seen: Set<IndexRow> = []
    var reader = ValueReader(document: document, schema: schema)
    for plan in plans(for: type) {
      let start = rows.count
      if plan.kind == .composite {
        appendComposite(plan, focus, &reader, &rows)
      } else {
        read(plan.source, focus, &reader)
        for value in reader.values { rows.append(value.row(plan.number)) }
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

  /// Fills `reader.values` with what a parameter or component says about `focus`.
  private func read(_ source: IndexPlan.Source, _ focus: FHIRPathNode, _ reader: inout ValueReader) {
    reader.begin(binding: source.binding, soleTarget: source.soleTarget)
    guard let start = focus.value else { return }
    // Nearly every expression is a plain path: walked on the tape, without a collection.
    let isWalked = source.program.forEachNode(in: focus.document, from: start, type: focus.type) { node, type in
      if let shape = shapes[Int(type.rawValue)] { reader.read(node, shape, as: source.kind) }
    }
    if isWalked { return }
    for item in evaluate(source.program, focus) {
      switch item {
      case .node(let node):
        guard let value = node.value, let shape = shapes[Int(node.type.rawValue)] else { continue }
        reader.read(value, shape, as: source.kind)
      case .boolean(let value) where source.kind == .token:
        reader.values.append(.token(system: "", code: value ? "true" : "false"))
      case .string(let text) where source.kind == .string: reader.values.append(.string(ValueReader.cut(text)))
      case .string(let text) where source.kind == .token: reader.values.append(.token(system: "", code: text))
      default: continue
      }
    }
  }

  private func evaluate(_ program: FHIRPathProgram, _ focus: FHIRPathNode) -> [FHIRPathItem] {
    // An expression that fails on a resource says nothing about it.
    (try? program.evaluate(in: FHIRPathContext(focus: [.node(focus)], now: Instant(milliseconds: 0)))) ?? []
  }

  private func appendComposite(
    _ plan: IndexPlan, _ focus: FHIRPathNode, _ reader: inout ValueReader, _ rows: inout [IndexRow]
  ) {
    guard let start = focus.value else { return }
    var elements: [FHIRPathNode] = []
    let isWalked = plan.source.program.forEachNode(in: focus.document, from: start, type: focus.type) { node, type in
      elements.append(FHIRPathNode(document: focus.document, value: node, type: type))
    }
    if !isWalked {
      elements = evaluate(plan.source.program, focus).compactMap { if case .node(let node) = $0 { node } else { nil } }
    }
    for element in elements {
      var values: [[ExtractedValue]] = []
      for component in plan.components {
        read(component, element, &reader)
        // Every component must have a value, or the element says nothing.
        if reader.values.isEmpty { break }
        values.append(reader.values)
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
