import JSONCore

/// One template of a FHIR mapping (`CodeValueFhir`): what Observation a type of measurement becomes.
struct FHIRTemplate: Sendable {
  /// What one Observation spans; the raw values are those of `periodInterval`.
  enum Interval: Int, Sendable {
    case correlation = -1
    case single = 0
    case hour = 60
    case day = 1_440
  }

  struct Code: Sendable {
    let code: String?
    let system: String?
    let display: String?
  }

  struct Concept: Sendable {
    let text: String?
    let codes: [Code]
  }

  enum ValueType: Sendable {
    /// Its period in ticks and as it is written.
    case sampledData(period: Int64, lexeme: String, unit: String?)
    case quantity(unit: String?, system: String?, code: String?)
    case string
    case codeableConcept(Concept)

    /// The member of an Observation that holds it.
    var member: String {
      switch self {
      case .sampledData: "valueSampledData"
      case .quantity: "valueQuantity"
      case .string: "valueString"
      case .codeableConcept: "valueCodeableConcept"
      }
    }
  }

  struct Value: Sendable {
    let name: String
    let type: ValueType
  }

  struct Component: Sendable {
    let codes: [Code]
    let value: Value
  }

  /// Its place in the collection, from 0.
  let index: Int
  let typeName: String
  let interval: Interval
  let categories: [Concept]
  let codes: [Code]
  let value: Value?
  let components: [Component]
}
