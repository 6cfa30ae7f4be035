/// What is known of one patient, before it is written in any form. Members that name another resource hold its place
/// in the record's arrays.
struct PatientRecord: Sendable {
  struct Encounter: Sendable {
    let identity: Identity
    let kind: VisitKind
    let start: Moment
    let end: Moment
    let reason: Problem?
    let part: Hospital.Part
    /// The patient died in this stay.
    var isLast = false
    /// What is charged, beside the visit itself.
    var charges: [Charge] = []
    /// The conditions found in it.
    var diagnoses: [Int] = []
    let claim: Identity
    let benefit: Identity
  }

  struct Charge: Sendable {
    /// A CodeableConcept.
    let concept: [UInt8]
    let cents: Int
  }

  struct Condition: Sendable {
    let identity: Identity
    let problem: Problem
    let encounter: Int
    let onset: Moment
    let abatement: Moment?
    let recorded: Moment
  }

  struct Observation: Sendable {
    enum Value: Sendable {
      case quantity(FixedDecimal)
      case bloodPressure(systolic: Int, diastolic: Int)
      case concept(Concept)
    }
    let identity: Identity
    let measurement: Measurement
    let encounter: Int
    let effective: Moment
    let issued: Moment
    let value: Value
  }

  struct DiagnosticReport: Sendable {
    enum Content: Sendable {
      case panel(Panel, results: Range<Int>)
      case imaging(study: Int)
    }
    let identity: Identity
    let encounter: Int
    let effective: Moment
    let issued: Moment
    let content: Content
  }

  struct ImagingStudy: Sendable {
    struct Series: Sendable {
      let uid: Identity
      let instances: [Identity]
    }
    let identity: Identity
    let order: Identity
    let accession: Int
    let exam: Exam
    let encounter: Int
    let ordered: Moment
    let started: Moment
    let series: [Series]
    let conclusion: String
  }

  struct Procedure: Sendable {
    let identity: Identity
    let treatment: Treatment
    let encounter: Int
    let start: Moment
    let end: Moment
    let reason: Problem?
  }

  struct Immunization: Sendable {
    let identity: Identity
    let vaccine: Vaccine
    let encounter: Int
    let occurrence: Moment
    let dose: Int
    let lot: Int
  }

  struct MedicationRequest: Sendable {
    enum Status: String, Sendable { case active, completed, stopped }
    let identity: Identity
    let claim: Identity
    let drug: Drug
    let encounter: Int
    let authored: Moment
    let reason: Int?
    var status: Status
  }

  struct AllergyIntolerance: Sendable {
    let identity: Identity
    let allergy: Allergy
    let onset: Moment
    let recorded: Moment
    let isSevere: Bool
  }

  struct CarePlan: Sendable {
    let identity: Identity
    let condition: Int
    let encounter: Int
    let start: Moment
    let goals: Range<Int>
  }

  struct Goal: Sendable {
    let identity: Identity
    let condition: Int
    let measurement: Measurement
    let isAtMost: FixedDecimal
    let start: Moment
    var isAchieved = false
  }

  struct DocumentReference: Sendable {
    let identity: Identity
    let encounter: Int
    let date: Moment
    let text: String
  }

  let person: Person
  let patient: Identity
  let coverage: Identity
  let careTeam: Identity
  var encounters: [Encounter] = []
  var conditions: [Condition] = []
  var allergies: [AllergyIntolerance] = []
  var goals: [Goal] = []
  var carePlans: [CarePlan] = []
  var observations: [Observation] = []
  var reports: [DiagnosticReport] = []
  var studies: [ImagingStudy] = []
  var procedures: [Procedure] = []
  var immunizations: [Immunization] = []
  var medications: [MedicationRequest] = []
  var documents: [DocumentReference] = []
}

/// Why a patient comes, which decides the class of the encounter and what is done.
enum VisitKind: Int, CaseIterable, Sendable {
  case wellness, followUp, problem, emergency, inpatient

  /// The type of the encounter.
  static let table = Table<VisitKind, VisitRow>(text, row: VisitRow.init)

  private static let text = """
    # case|SNOMED CT|display|ActCode|display|minutes from|to|cents
    wellness|185349003|Encounter for check up (procedure)|AMB|ambulatory|25|50|14500
    followUp|390906007|Follow-up encounter (procedure)|AMB|ambulatory|15|30|9800
    problem|185347001|Encounter for problem (procedure)|AMB|ambulatory|12|35|11200
    emergency|50849002|Emergency room admission (procedure)|EMER|emergency|90|360|98500
    inpatient|183452005|Hospital admission (procedure)|IMP|inpatient encounter|2000|9000|840000
    """
}

struct VisitRow: Sendable {
  let concept: Concept
  /// A code of http://terminology.hl7.org/CodeSystem/v3-ActCode.
  let actCode: Concept
  let minutes: ClosedRange<Int>
  let price: Int

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.snomed, columns[1], columns[2])
    actCode = Concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", columns[3], columns[4])
    minutes = TableText.number(columns[5])...TableText.number(columns[6])
    price = TableText.number(columns[7])
  }
}
