import Base
import FHIRModel
import FHIRPath
import JSONCore

/// Writes what `$fhirpath` answers: a Parameters resource by the FHIRPath Lab's convention.
///
/// `parameters` repeats what was asked; then comes one `result` for each item of the context, whose parts are the
/// items of the expression's value, each named by its type, and what was traced.
///
/// The convention gives a `result` both a value (the context's path) and parts, and an item without a fitting value[x]
/// only an extension; R4's inv-1 wants exactly one of value, resource and part. Every client of this API expects the
/// convention, so it wins.
struct FHIRPathAnswer {
  /// Bytes of all results. One expression can select the same large element many times.
  static let bytesMax = 16 * 1024 * 1024

  private var parts: FHIRPathPartWriter
  private let request: FHIRPathRequest
  /// Where the results begin.
  private let start: Int

  init(_ request: FHIRPathRequest, schema: Schema) {
    self.request = request
    parts = FHIRPathPartWriter(schema: schema, resource: request.resource)
    parts.writer.beginObject()
    parts.writer.member("resourceType", "Parameters")
    parts.writer.member("id", "fhirpath")
    parts.writer.key("parameter")
    parts.writer.beginArray()
    FHIRPathAnswer.writeRequest(request, schema, to: &parts.writer)
    start = parts.writer.bytes.count
  }

  private static func writeRequest(_ request: FHIRPathRequest, _ schema: Schema, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", "parameters")
    writer.key("part")
    writer.beginArray()
    write("evaluator", "Aceso (FHIR \(schema.fhirVersion))", to: &writer)
    write("expression", request.expression, to: &writer)
    if let context = request.context { write("context", context, to: &writer) }
    if let resource = request.resource, let value = resource.value {
      writer.beginObject()
      writer.member("name", "resource")
      writer.key("resource")
      writer.value(resource.document, value)
      writer.endObject()
    }
    for variables in request.variableParameters { writer.value(variables.document, variables.node) }
    writer.endArray()
    writer.endObject()
  }

  private static func write(_ name: String, _ text: String, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", name)
    writer.member("valueString", text)
    writer.endObject()
  }

  /// Adds the result for one item of the context; for the whole resource if `item` is nil.
  mutating func append(
    _ values: [FHIRPathItem], _ traces: [FHIRPathTrace], of item: FHIRPathItem?, index: Int
  ) throws(Fault) {
    parts.writer.beginObject()
    parts.writer.member("name", "result")
    if let item {
      let path = parts.path(of: item) ?? "\(request.context ?? "")[\(index)]"
      if PrimitiveCheck.isValid(path, as: .string) { parts.writer.member("valueString", path) }
    }
    if !values.isEmpty || !traces.isEmpty {
      parts.writer.key("part")
      parts.writer.beginArray()
      try append(values)
      for trace in traces { try append(trace) }
      parts.writer.endArray()
    }
    parts.writer.endObject()
    try checkSize()
  }

  private mutating func append(_ items: [FHIRPathItem]) throws(Fault) {
    for item in items {
      parts.append(item)
      try checkSize()
    }
  }

  private mutating func append(_ trace: FHIRPathTrace) throws(Fault) {
    parts.writer.beginObject()
    parts.writer.member("name", "trace")
    if PrimitiveCheck.isValid(trace.name, as: .string) { parts.writer.member("valueString", trace.name) }
    if !trace.items.isEmpty {
      parts.writer.key("part")
      parts.writer.beginArray()
      try append(trace.items)
      parts.writer.endArray()
    }
    parts.writer.endObject()
  }

  private func checkSize() throws(Fault) {
    guard parts.writer.bytes.count - start <= Self.bytesMax else {
      throw Fault(
        .unprocessable, "The result is larger than \(Self.bytesMax) bytes; select less.", code: "too-costly")
    }
  }

  mutating func finish() -> [UInt8] {
    parts.writer.endArray()
    parts.writer.endObject()
    return parts.writer.bytes
  }
}
