import Base
import FHIRModel
import FHIRPath
import Synchronization

/// The evaluations of one `$fhirpath` request: the context's, then the expression's for each of its items. All of the
/// latter together may cost what one expression may.
struct FHIRPathRun {
  /// Items of a context: each is an evaluation of its own.
  static let contextItemsMax = 5_000

  private let request: FHIRPathRequest
  private let schema: Schema
  private let limits: Limits
  private let now: Instant

  init(_ request: FHIRPathRequest, schema: Schema, limits: Limits, now: Instant) {
    self.request = request
    self.schema = schema
    self.limits = limits
    self.now = now
  }

  /// What the expression is evaluated on, one after the other: what the context selects; without a context the
  /// resource; nil for an evaluation without a focus.
  func contextItems() throws(Fault) -> [FHIRPathItem?] {
    let resource = request.resource.map { FHIRPathItem.node($0) }
    guard let text = request.context else { return [resource] }
    let program = try program(text, "context", stepsMax: limits.fhirPathStepsMax)
    let items: [FHIRPathItem]
    do {
      items = try program.evaluate(in: environment(resource))
    } catch {
      throw error.fault("context", text)
    }
    guard items.count <= Self.contextItemsMax else {
      throw Fault(
        .unprocessable, "The context selects \(items.count) items; at most \(Self.contextItemsMax) can be evaluated.",
        code: "too-costly")
    }
    return items
  }

  /// The expression, with an equal share of the steps for each of so many evaluations.
  func program(sharedBy count: Int) throws(Fault) -> FHIRPathProgram {
    try program(request.expression, "expression", stepsMax: limits.fhirPathStepsMax / max(count, 1))
  }

  private func program(_ text: String, _ parameter: String, stepsMax: Int) throws(Fault) -> FHIRPathProgram {
    var limits = FHIRPathLimits()
    limits.expressionBytesMax = self.limits.fhirPathBytesMax
    limits.stepsMax = stepsMax
    do {
      return try FHIRPathProgram(text, schema: schema, limits: limits)
    } catch {
      throw error.fault(parameter, text)
    }
  }

  /// The expression's value on one item, and what it traced.
  func evaluate(
    _ program: FHIRPathProgram, on item: FHIRPathItem?
  ) throws(Fault) -> (values: [FHIRPathItem], traces: [FHIRPathTrace]) {
    let log = FHIRPathTraceLog()
    var environment = environment(item)
    environment.trace = { name, items in log.add(name, items) }
    do {
      let values = try program.evaluate(in: environment)
      return (values, try log.traces())
    } catch let error as FHIRPathError {
      throw error.fault("expression", program.expression)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(.internal, "The expression could not be evaluated.")
    }
  }

  /// `%resource` and `%rootResource` are the request's resource, whatever the focus (FHIRPath Lab, "Evaluation Notes").
  private func environment(_ item: FHIRPathItem?) -> FHIRPathContext {
    var environment = FHIRPathContext(focus: item.map { [$0] } ?? [], now: now)
    environment.resource = request.resource
    environment.rootResource = request.resource
    environment.variables = request.variables
    return environment
  }
}

/// What one call of `trace()` showed.
struct FHIRPathTrace: Sendable {
  let name: String
  let items: [FHIRPathItem]
}

/// Collects what an evaluation traces; an expression can trace on each of its steps, so the log is bounded.
final class FHIRPathTraceLog: Sendable {
  static let tracesMax = 1_000
  static let itemsMax = 10_000
  static let nameCharactersMax = 200

  private struct State {
    var traces: [FHIRPathTrace] = []
    var items = 0
    var isFull = false
  }

  private let state = Mutex(State())

  func add(_ name: String, _ items: [FHIRPathItem]) {
    state.withLock { state in
      guard state.traces.count < Self.tracesMax, items.count <= Self.itemsMax - state.items else {
        state.isFull = true
        return
      }
      state.items += items.count
      state.traces.append(FHIRPathTrace(name: String(name.prefix(Self.nameCharactersMax)), items: items))
    }
  }

  /// - Throws: `.unprocessable` if there was more than the log holds.
  func traces() throws(Fault) -> [FHIRPathTrace] {
    let (traces, isFull) = state.withLock { ($0.traces, $0.isFull) }
    guard !isFull else {
      throw Fault(
        .unprocessable, "The expression traces more than \(Self.tracesMax) times or \(Self.itemsMax) items.",
        code: "too-costly")
    }
    return traces
  }
}

extension FHIRPathError {
  /// For the client, with the place in its text.
  func fault(_ parameter: String, _ text: String) -> Fault {
    let before = String(decoding: text.utf8.prefix(max(offset, 0)), as: UTF8.self).unicodeScalars
    let line = before.reduce(1) { $1 == "\n" ? $0 + 1 : $0 }
    let column = before.reversed().prefix { $0 != "\n" }.count + 1
    let place = "in '\(parameter)' at line \(line), column \(column)"
    switch code {
    case .syntax: return Fault(.invalid, "FHIRPath syntax error \(place): \(message).", code: "invalid")
    case .semantic: return Fault(.invalid, "FHIRPath error \(place): \(message).", code: "invalid")
    case .execution: return Fault(.unprocessable, "FHIRPath error \(place): \(message).", code: "processing")
    case .tooCostly:
      return Fault(.unprocessable, "The FHIRPath is too costly, \(place): \(message).", code: "too-costly")
    case .unsupported: return Fault(.unsupported, "FHIRPath error \(place): \(message).", code: "not-supported")
    }
  }
}
