import Base
import FHIRModel
import FHIRPath
import FHIRSearch
import JSONCore

extension FHIRService {
  /// `$fhirpath`: the value of an expression on a resource that comes with the request.
  ///
  /// No standard defines the operation; parameters and answer follow the server API of the public FHIRPath Lab
  /// (github.com/brianpos/fhirpath-lab, server-api.md). With a `context` the expression is evaluated once for each item
  /// that the context selects. Nothing is read from the store: `resolve()` finds what is contained in the resource or
  /// in the same Bundle.
  ///
  /// - Throws: `.invalid` for a request or an expression that cannot be read, `.unprocessable` for one that cannot be
  ///   evaluated or costs too much, `.unsupported` for what needs terminology.
  func fhirPath(_ query: QueryString, _ call: Call) throws(Fault) -> Answer {
    let request = try fhirPathRequest(query, call.resource)
    let run = FHIRPathRun(request, schema: schema, limits: limits, now: clock.now())
    var answer = FHIRPathAnswer(request, schema: schema)
    let items = try run.contextItems()
    let program = try run.program(sharedBy: items.count)
    for (index, item) in items.enumerated() {
      guard !Task.isCancelled else { throw Fault(.tooSlow, "The evaluation was cancelled.") }
      let (values, traces) = try run.evaluate(program, on: item)
      try answer.append(values, traces, of: request.context == nil ? nil : item, index: index)
    }
    return Answer(200, resource: answer.finish())
  }
}
