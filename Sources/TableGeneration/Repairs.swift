/// Places where the published definitions are wrong, each with the reason. They are repaired here and nowhere else, and
/// listed in docs/internals/tables.md.
enum Repairs {
  struct ElementType {
    let type: String
    let reason: String
  }

  /// By the path where the element is declared first.
  static let elementTypes = [
    "Resource.id": ElementType(
      type: "id",
      reason:
        "R4 and R4B declare a system type with the FHIR type `string`; R4 resource#id says `id`, as do STU3 and R5"),
    "Element.id": ElementType(
      type: "string",
      reason:
        "R4B and R5 declare `id` for data types, `string` for backbone elements; its definition says \"any string value "
        + "that does not contain spaces\", and the definitions' own ids (`Extension.value[x]`) are no `id`"),
  ]

  struct Spelling {
    let wrong: String
    let right: String
  }

  /// In expressions: FHIR's primitives begin with a small letter, and names of types and functions are
  /// case-sensitive. In STU3 many, in R4 and R4B only in Observation-code-value-date. In R5 one alternative of
  /// clinical-date lacks its type.
  static let spellings = [
    Spelling(wrong: ".as(DateTime)", right: ".as(dateTime)"),
    Spelling(wrong: ".as(Date)", right: ".as(date)"),
    Spelling(wrong: ".as(String)", right: ".as(string)"),
    Spelling(wrong: ".as(Uri)", right: ".as(uri)"),
    Spelling(wrong: "htmlchecks()", right: "htmlChecks()"),
    Spelling(
      wrong: "(start | requestedPeriod.start).first()",
      right: "(Appointment.start | Appointment.requestedPeriod.start).first()"),
  ]

  struct SearchParameter {
    /// The releases that have the defect; the others do without the repair.
    let versions: [String]
    var expression: String?
    var components: [(definition: String, expression: String)]?
    let reason: String
  }

  /// By the last segment of the URL.
  static let searchParameters: KeyValuePairs<String, SearchParameter> = [
    "DocumentReference-relationship": SearchParameter(
      versions: ["3.0.1", "3.0.2", "4.0.1", "4.3.0", "5.0.0"],
      components: [("DocumentReference-relatesto", "target"), ("DocumentReference-relation", "code")],
      reason: "the components' expressions are exchanged: `relatesto` is the reference, `relation` is the code"),
    "InsurancePlan-name": SearchParameter(
      versions: ["4.0.1", "4.3.0"], expression: "InsurancePlan.name | InsurancePlan.alias",
      reason: "`name | alias` lacks the type that every other expression begins with"),
    "Appointment-requested-period": SearchParameter(
      versions: ["5.0.0"], expression: "Appointment.requestedPeriod",
      reason: "`requestedPeriod` lacks the type that every other expression begins with"),
    "Ingredient-manufacturer": SearchParameter(
      versions: ["4.3.0"], expression: "Ingredient.manufacturer.manufacturer",
      reason: "`Ingredient.manufacturer` is no reference but holds one; R5 repairs it so"),
    "ImagingStudy-reason": without("ImagingStudy.reason.concept"),
    "Medication-form": without("Medication.doseForm"),
    "MedicationKnowledge-packaging-cost": without("MedicationKnowledge.packaging.cost.cost.ofType(Money)"),
    "MedicationKnowledge-packaging-cost-concept": without(
      "MedicationKnowledge.packaging.cost.cost.ofType(CodeableConcept)"),
    "Observation-value-markdown": SearchParameter(
      versions: ["5.0.0"],
      expression: "Observation.value.ofType(string) | Observation.value.ofType(CodeableConcept).text",
      reason: "`Observation.value` is no markdown; the description says: if the value is a string"),
    "Observation-code-value-string": SearchParameter(
      versions: ["5.0.0"],
      components: [("clinical-code", "code"), ("Observation-value-markdown", "value.ofType(string)")],
      reason: "the component names Observation-value-string, which is published as Observation-value-markdown"),
    "Observation-code-value-concept": stu3Code("Observation-value-concept", "value.as(CodeableConcept)"),
    "Observation-code-value-date": stu3Code("Observation-value-date", "value.as(dateTime) | value.as(Period)"),
    "Observation-code-value-quantity": stu3Code("Observation-value-quantity", "value.as(Quantity)"),
    "Observation-code-value-string": stu3Code("Observation-value-string", "value.as(string)"),
  ]

  private static func without(_ expression: String) -> SearchParameter {
    SearchParameter(
      versions: ["5.0.0"], expression: expression,
      reason: "published without an expression; its description names the element")
  }

  private static func stu3Code(_ definition: String, _ expression: String) -> SearchParameter {
    SearchParameter(
      versions: ["3.0.1", "3.0.2"], components: [("clinical-code", "code"), (definition, expression)],
      reason: "the component names Observation-code, which is not published; `code` is defined by clinical-code")
  }

  /// The repair of that search parameter in that release.
  static func searchParameter(_ id: String, in version: String) -> SearchParameter? {
    searchParameters.first { $0.key == id && $0.value.versions.contains(version) }?.value
  }

  /// An expression with its types' names spelled right.
  static func spelled(_ expression: String) -> String {
    spellings.reduce(expression) { $0.replacing($1.wrong, with: $1.right) }
  }
}
