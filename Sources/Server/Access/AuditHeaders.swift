import Base
import HTTPServer

/// Headers that a client puts into the audit log (Azure's custom audit headers): whatever follows the prefix is a name.
enum AuditHeaders {
  static let fhirPrefix = "X-MS-AZUREFHIR-AUDIT-"
  static let dicomPrefix = "X-MS-AZUREDICOM-AUDIT-"
  static let countMax = 10
  static let valueBytesMax = 2048

  /// Why a request's audit headers are refused; nil if they are not.
  static func flaw(_ headers: [(name: String, value: String)]) -> String? {
    if headers.count > countMax { return "A request has at most \(countMax) custom audit headers." }
    guard headers.allSatisfy({ $0.value.utf8.count <= valueBytesMax }) else {
      return "A custom audit header has at most \(valueBytesMax) bytes."
    }
    return nil
  }
}
