public import Base
import JSONCore

/// The one place where faults become FHIR: an HTTP status and an OperationOutcome (FHIR R4 operationoutcome.html).
public enum OperationOutcome {
  /// The status of each category, and the issue-type code where a reason has none of its own.
  private static let table: [Fault.Category: (status: Int, code: String)] = [
    .notFound: (404, "not-found"), .gone: (410, "deleted"), .invalid: (400, "invalid"),
    .unprocessable: (422, "processing"), .conflict: (409, "conflict"), .preconditionFailed: (412, "conflict"),
    .forbidden: (403, "forbidden"), .unauthenticated: (401, "login"), .unsupported: (400, "not-supported"),
    .methodNotAllowed: (405, "not-supported"), .notAcceptable: (406, "not-supported"),
    .unsupportedMediaType: (415, "not-supported"), .tooLarge: (413, "too-long"), .tooMany: (429, "throttled"),
    .tooSlow: (503, "timeout"), .busy: (503, "throttled"), .unavailable: (503, "transient"),
    .outcomeUnknown: (503, "transient"), .internal: (500, "exception"),
  ]

  public static func status(of fault: Fault) -> Int { table[fault.category]?.status ?? 500 }

  /// The outcome of a fault as JSON.
  public static func json(_ fault: Fault, id: String) -> [UInt8] {
    json(fault.reasons, id: id, code: table[fault.category]?.code ?? "exception")
  }

  /// An outcome with these issues.
  public static func json(_ reasons: [Fault.Reason], id: String, code: String = "informational") -> [UInt8] {
    var writer = JSONWriter(reserving: 256)
    write(reasons, id: id, code: code, to: &writer)
    return writer.bytes
  }

  static func write(_ reasons: [Fault.Reason], id: String, code: String, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("resourceType", "OperationOutcome")
    writer.member("id", id)
    writer.key("issue")
    writer.beginArray()
    // An outcome has at least one issue.
    for reason in reasons.isEmpty ? [Fault.Reason("No details are known.")] : reasons {
      writer.beginObject()
      writer.member("severity", reason.severity.rawValue)
      writer.member("code", reason.code ?? code)
      writer.member("diagnostics", reason.diagnostics)
      if let expression = reason.expression {
        writer.key("expression")
        writer.beginArray()
        writer.string(expression)
        writer.endArray()
      }
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
