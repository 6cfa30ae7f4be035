/// One template of a device mapping: which messages it is about, and what it takes from them.
struct DeviceTemplate: Sendable {
  enum Kind: String, Sendable, CaseIterable {
    case calculated = "CalculatedContent"
    case jsonPath = "JsonPathContent"
    case iotJsonPath = "IotJsonPathContent"
    case iotCentralJsonPath = "IotCentralJsonPathContent"

    /// Whether the type's name may end in "Template".
    var takesSuffix: Bool { self == .jsonPath || self == .iotJsonPath }
  }

  struct Value: Sendable {
    let name: String
    let expression: TemplateExpression
    let isRequired: Bool
  }

  let kind: Kind
  /// Its place in the collection, from 0.
  let index: Int
  let typeName: String
  let typeMatch: TemplateExpression
  let deviceID: TemplateExpression
  /// The first that gives a time counts.
  let timestamps: [TemplateExpression]
  let patientID: TemplateExpression?
  let encounterID: TemplateExpression?
  /// If it is there it must give a value.
  let correlationID: TemplateExpression?
  let values: [Value]

  /// In a calculated template expressions see the whole event, with the match in `matchedToken`; in all others the
  /// match alone.
  var seesEvent: Bool { kind == .calculated }
}
