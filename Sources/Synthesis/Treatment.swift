/// The procedures that are done.
enum Treatment: Int, CaseIterable, Sendable {
  case medicationReconciliation, depressionScreening, colonoscopy, woundSuture
  case immobilization, appendectomy, coronaryIntervention
}

struct TreatmentRow: Sendable {
  let concept: Concept
  /// How long it takes.
  let minutes: Int
  let price: Int

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.snomed, columns[1], columns[2])
    minutes = TableText.number(columns[3])
    price = TableText.number(columns[4])
  }
}

extension Treatment {
  static let table = Table<Treatment, TreatmentRow>(text, row: TreatmentRow.init)

  private static let text = """
    # case|SNOMED CT|display|minutes|cents
    medicationReconciliation|430193006|Medication reconciliation (procedure)|6|2500
    depressionScreening|171207006|Depression screening (procedure)|10|4800
    colonoscopy|73761001|Colonoscopy (procedure)|35|145000
    woundSuture|288086009|Suture open wound (procedure)|18|41500
    immobilization|274474001|Bone immobilization (procedure)|25|38000
    appendectomy|80146002|Appendectomy (procedure)|70|1180000
    coronaryIntervention|415070008|Percutaneous coronary intervention (procedure)|80|2640000
    """
}

/// What a patient does at home, for care plans.
enum Activity: Int, CaseIterable, Sendable {
  case diabeticDiet, lowSaltDiet, lightExercise, respiratoryTherapy

  static let table = Table<Activity, Concept>(text) { Concept(CodeSystem.snomed, $0[1], $0[2]) }

  private static let text = """
    # case|SNOMED CT|display
    diabeticDiet|160670007|Diabetic diet (finding)
    lowSaltDiet|183063000|Low salt diet education (procedure)
    lightExercise|408580007|Physical activity target light exercise (finding)
    respiratoryTherapy|53950000|Respiratory therapy (procedure)
    """
}

/// What patients may be allergic to.
enum Allergy: Int, CaseIterable, Sendable {
  case treePollen, dustMite, shellfish, nut

  static let table = Table<Allergy, AllergyRow>(text, row: AllergyRow.init)

  private static let text = """
    # case|SNOMED CT|display|category|SNOMED CT reaction|display
    treePollen|419263009|Allergy to tree pollen (finding)|environment|76067001|Sneezing (finding)
    dustMite|232350006|House dust mite allergy (finding)|environment|418290006|Itching (finding)
    shellfish|300913006|Allergy to shellfish (finding)|food|247472004|Wheal (finding)
    nut|91934008|Allergy to nut (finding)|food|247472004|Wheal (finding)
    """
}

struct AllergyRow: Sendable {
  let concept: Concept
  /// A code of http://hl7.org/fhir/allergy-intolerance-category.
  let category: String
  let reaction: Concept

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.snomed, columns[1], columns[2])
    category = String(columns[3])
    reaction = Concept(CodeSystem.snomed, columns[4], columns[5])
  }
}
