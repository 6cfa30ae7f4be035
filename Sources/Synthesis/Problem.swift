/// The conditions patients may have.
enum Problem: Int, CaseIterable, Sendable {
  // lasting
  case obesity, prediabetes, diabetes, hypertension, hyperlipidemia, kidneyDisease, obstructiveLungDisease, asthma
  case heartFailure, coronaryDisease, osteoarthritis, osteoporosis, hypothyroidism, depression, reflux, anemia
  // passing
  case viralSinusitis, viralPharyngitis, bronchitis, otitis, strepThroat, urinaryInfection, pneumonia
  case ankleSprain, forearmFracture, laceration, appendicitis, infarction, stroke
}

/// What the tables say about a condition.
struct ProblemRow: Sendable {
  enum Course: String { case lasting, passing }
  enum Care: String { case ambulatory, emergency, inpatient }

  let concept: Concept
  let course: Course
  /// Lasting: how many of 1,000 have it at ages 0–17, 18–39, 40–64, 65+. Passing: how often 1,000 get it in a year.
  let frequency: [Int]
  /// Days until it is over; 0 for never.
  let days: Int
  let care: Care
  let drugs: [Drug]
  let treatments: [Treatment]
  let exams: [Exam]
  /// What helps, for the care plan; no plan without.
  let activities: [Activity]

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.snomed, columns[1], columns[2])
    course = Course(rawValue: String(columns[3])) ?? .passing
    frequency = columns[4...7].map(TableText.number)
    days = TableText.number(columns[8])
    care = Care(rawValue: String(columns[9])) ?? .ambulatory
    drugs = TableText.keys(columns[10], of: Drug.self)
    treatments = TableText.keys(columns[11], of: Treatment.self)
    exams = TableText.keys(columns[12], of: Exam.self)
    activities = TableText.keys(columns[13], of: Activity.self)
  }

  /// The table's figure for an age in years.
  func frequency(atAge age: Int) -> Double {
    Double(frequency[age < 18 ? 0 : age < 40 ? 1 : age < 65 ? 2 : 3]) / 1_000
  }
}

extension Problem {
  /// Frequencies are round figures of our own choice, in the order of magnitude of the general population.
  static let table = Table<Problem, ProblemRow>(text, row: ProblemRow.init)

  private static let text = """
    # case|SNOMED CT|display|course|0-17|18-39|40-64|65+|days|care|drugs|treatments|exams|activities
    obesity|162864005|Body mass index 30+ - obesity (finding)|lasting|0|0|0|0|0|ambulatory||||lightExercise
    prediabetes|15777000|Prediabetes|lasting|0|60|200|250|0|ambulatory||||
    diabetes|44054006|Diabetes mellitus type 2 (disorder)|lasting|0|25|130|230|0|ambulatory|metformin|||diabeticDiet,lightExercise
    hypertension|38341003|Hypertensive disorder, systemic arterial (disorder)|lasting|0|80|320|590|0|ambulatory|lisinopril,amlodipine|||lowSaltDiet,lightExercise
    hyperlipidemia|55822004|Hyperlipidemia (disorder)|lasting|0|60|260|420|0|ambulatory|atorvastatin|||lightExercise
    kidneyDisease|433144002|Chronic kidney disease stage 3 (disorder)|lasting|0|2|30|150|0|ambulatory||||
    obstructiveLungDisease|13645005|Chronic obstructive lung disease (disorder)|lasting|0|3|40|90|0|ambulatory|albuterol||chestXRay|respiratoryTherapy
    asthma|195967001|Asthma (disorder)|lasting|80|80|75|60|0|ambulatory|albuterol|||respiratoryTherapy
    heartFailure|88805009|Chronic congestive heart failure (disorder)|lasting|0|1|12|70|0|ambulatory|furosemide||echocardiogram|lowSaltDiet
    coronaryDisease|53741008|Coronary arteriosclerosis (disorder)|lasting|0|3|50|160|0|ambulatory|aspirin||echocardiogram|
    osteoarthritis|239873007|Osteoarthritis of knee (disorder)|lasting|0|10|90|220|0|ambulatory|naproxen|||
    osteoporosis|64859006|Osteoporosis (disorder)|lasting|0|0|25|110|0|ambulatory||||
    hypothyroidism|40930008|Hypothyroidism (disorder)|lasting|2|15|50|80|0|ambulatory|levothyroxine|||
    depression|35489007|Depressive disorder (disorder)|lasting|20|90|85|55|540|ambulatory|sertraline|depressionScreening||
    reflux|235595009|Gastroesophageal reflux disease (disorder)|lasting|5|90|160|190|720|ambulatory|omeprazole|||
    anemia|271737000|Anemia (disorder)|lasting|20|40|45|90|365|ambulatory||||
    viralSinusitis|444814009|Viral sinusitis (disorder)|passing|70|110|90|60|14|ambulatory||||
    viralPharyngitis|195662009|Acute viral pharyngitis (disorder)|passing|110|70|50|30|10|ambulatory|acetaminophen|||
    bronchitis|10509002|Acute bronchitis (disorder)|passing|60|50|60|70|18|ambulatory|acetaminophen|||
    otitis|65363002|Otitis media (disorder)|passing|130|5|3|2|12|ambulatory|amoxicillin|||
    strepThroat|43878008|Streptococcal sore throat (disorder)|passing|60|20|8|4|10|ambulatory|amoxicillin|||
    urinaryInfection|68566005|Urinary tract infectious disease (disorder)|passing|15|60|50|90|9|ambulatory|nitrofurantoin|||
    pneumonia|233604007|Pneumonia (disorder)|passing|10|5|10|35|24|emergency|amoxicillin||chestXRay|
    ankleSprain|44465007|Sprain of ankle (disorder)|passing|20|18|12|8|21|ambulatory|acetaminophen|||
    forearmFracture|65966004|Fracture of forearm (disorder)|passing|15|6|6|14|60|emergency|acetaminophen|immobilization|forearmXRay|
    laceration|283371005|Laceration of forearm (disorder)|passing|14|16|10|9|16|emergency||woundSuture||
    appendicitis|74400008|Appendicitis (disorder)|passing|2|2|1|1|12|inpatient|acetaminophen|appendectomy||
    infarction|22298006|Myocardial infarction (disorder)|passing|0|0|4|12|30|inpatient|aspirin|coronaryIntervention|echocardiogram|
    stroke|230690007|Cerebrovascular accident (disorder)|passing|0|0|2|10|30|inpatient|aspirin||headCT|
    """
}
