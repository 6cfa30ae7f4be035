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
  /// Plans by their parameters' numbers, kept from one set of parameters to the next.
  private let compiled: PlanCache

  /// Counts up when a resource's rows change although its parameters do not: stores index anew what an older version
  /// indexed.
  public static let version = 3

  /// Resources contained in one that are indexed: the first so many.
  public static let containedMax = 1_000
  private static let contained: JSONKey = "contained"
  private static let id: JSONKey = "id"
  private static let resourceType: JSONKey = "resourceType"

  public convenience init(_ parameters: SearchParameters, limits: Limits) {
    self.init(parameters, limits: limits, PlanCache(), ElementShape.table(parameters.schema))
  }

  /// The same for other parameters of the same store: a number means one definition forever, so what was compiled
  /// serves again.
  public func with(_ parameters: SearchParameters) -> IndexExtractor {
    IndexExtractor(parameters, limits: limits, compiled, shapes)
  }

  private init(
    _ parameters: SearchParameters, limits: Limits, _ compiled: PlanCache, _ shapes: [ElementShape?]
  ) {
    self.parameters = parameters
    self.schema = parameters.schema
    self.limits = limits
    self.shapes = shapes
    self.compiled = compiled
    self.plans = Mutex([:])
  }

  private final class PlanCache: Sendable {
    let plans = Mutex<[Int32: IndexPlan?]>([:])
  }

  /// The index rows of a resource, each once, and those of the resources that it contains.
  /// - Parameter only: the numbers of the parameters asked; nil for all.
  /// - Throws: `.tooLarge` when there are more than a resource may have.
  public func rows(
    of document: JSONDocument, _ resource: JSONNode, _ type: Schema.TypeID, only: Set<Int32>? = nil
  ) throws(Fault) -> [IndexRow] {
    let focus = FHIRPathNode(document: document, value: resource, type: type)
    var reader = ValueReader(document: document, schema: schema)
    guard let list = document.member(resource, Self.contained), document.kind(list) == .array else {
      return try rows(of: focus, &reader, only: only)
    }
    let contained = contained(list, reader)
    for (place, id, inner) in contained.reversed() where !id.isEmpty {
      reader.contained[id] = (schema.name(inner.type), place)
    }
    var rows = try rows(of: focus, &reader, only: only)
    for (place, id, inner) in contained {
      rows.append(.contained(place: place, container: schema.name(type), type: schema.name(inner.type), id: id))
      let own = try self.rows(
        of: inner, &reader, only: only, offset: SearchParameter.containedOffset, beside: rows.count)
      for row in own { rows.append(.within(place: place, row)) }
    }
    return rows
  }

  /// The resources of a `contained`, with their places and ids.
  private func contained(_ list: JSONNode, _ reader: ValueReader) -> [(place: Int, id: String, FHIRPathNode)] {
    reader.document.elements(list).enumerated().prefix(Self.containedMax).compactMap { place, inner in
      let type = reader.string(inner, Self.resourceType).flatMap { schema.resourceType($0) }
      let id = reader.string(inner, Self.id).map { IndexText.cut($0) } ?? ""
      return type.map { (place, id, FHIRPathNode(document: reader.document, value: inner, type: $0)) }
    }
  }

  /// - Parameters:
  ///   - offset: is added to the parameters' numbers.
  ///   - count: rows that there are already.
  private func rows(
    of focus: FHIRPathNode, _ reader: inout ValueReader, only: Set<Int32>?, offset: Int32 = 0, beside count: Int = 0
  ) throws(Fault) -> [IndexRow] {
    var rows = RowList()
    for plan in plans(for: focus.type) where only?.contains(plan.number) ?? true {
      let number = plan.number + offset
      rows.begin()
      if plan.kind == .composite {
        appendComposite(plan, number, focus, &reader, &rows.rows)
      } else {
        read(plan.source, focus, &reader)
        for value in reader.values { rows.rows.append(value.row(number)) }
      }
      rows.end(plan, number, elements: reader.elementCount)
      guard rows.rows.count + count <= limits.indexRowsMax else {
        throw Fault(
          .tooLarge, "The resource has more than \(limits.indexRowsMax) values for search.", code: "too-costly")
      }
    }
    return rows.rows
  }

  private func plans(for type: Schema.TypeID) -> [IndexPlan] {
    if let known = plans.withLock({ $0[type] }) { return known }
    let compiled = parameters.parameters(type).filter { parameters.parts[$0.number] == nil }.compactMap { plan($0) }
    plans.withLock { $0[type] = compiled }
    return compiled
  }

  private func plan(_ parameter: SearchParameter) -> IndexPlan? {
    if let known = compiled.plans.withLock({ $0[parameter.number] }) { return known }
    // Every published expression compiles (a test holds that), and others are checked before they are taken.
    let plan = (try? IndexPlan(parameter, schema)).flatMap { $0 }
    compiled.plans.withLock { $0[parameter.number] = .some(plan) }
    return plan
  }

  /// Fills `reader.values` with what a parameter or component says about `focus`.
  private func read(_ source: IndexPlan.Source, _ focus: FHIRPathNode, _ reader: inout ValueReader) {
    reader.begin(source)
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
      case .string(let text) where source.kind == .string:
        reader.values.append(.string(FoldedText(text)))
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
    _ plan: IndexPlan, _ number: Int32, _ focus: FHIRPathNode, _ reader: inout ValueReader, _ rows: inout [IndexRow]
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
      appendCombinations(number, values, &rows)
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
