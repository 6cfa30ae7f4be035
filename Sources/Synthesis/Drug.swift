/// The drugs that are ordered.
enum Drug: Int, CaseIterable, Sendable {
  case metformin, lisinopril, amlodipine, atorvastatin, albuterol, furosemide, aspirin
  case levothyroxine, sertraline, omeprazole, naproxen, acetaminophen, amoxicillin, nitrofurantoin
}

/// What the tables say about a drug and how it is taken.
struct DrugRow: Sendable {
  let concept: Concept
  /// The dosage as a person reads it.
  let instruction: String
  /// Times a day; 0 for when needed.
  let timesADay: Int
  /// Tablets or puffs each time.
  let dose: Int
  let doseUnit: String
  /// Days one order lasts.
  let days: Int
  /// The price of one order in cents.
  let price: Int

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.rxNorm, columns[1], columns[2])
    instruction = String(columns[3])
    timesADay = TableText.number(columns[4])
    dose = TableText.number(columns[5])
    doseUnit = String(columns[6])
    days = TableText.number(columns[7])
    price = TableText.number(columns[8])
  }
}

extension Drug {
  static let table = Table<Drug, DrugRow>(text, row: DrugRow.init)

  private static let text = """
    # case|RxNorm|display|instruction|times a day|dose|unit|days|cents
    metformin|860975|24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet|One tablet with the evening meal|1|1|{tbl}|90|1240
    lisinopril|314076|lisinopril 10 MG Oral Tablet|One tablet every morning|1|1|{tbl}|90|980
    amlodipine|197361|amlodipine 5 MG Oral Tablet|One tablet every morning|1|1|{tbl}|90|1120
    atorvastatin|617310|atorvastatin 20 MG Oral Tablet|One tablet at bedtime|1|1|{tbl}|90|1460
    albuterol|745679|200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler|Two puffs when breathing is hard|0|2|{puff}|60|3995
    furosemide|313988|furosemide 40 MG Oral Tablet|One tablet every morning|1|1|{tbl}|90|870
    aspirin|243670|aspirin 81 MG Oral Tablet|One tablet a day|1|1|{tbl}|90|420
    levothyroxine|966222|levothyroxine sodium 0.05 MG Oral Tablet|One tablet before breakfast|1|1|{tbl}|90|1310
    sertraline|312941|sertraline 50 MG Oral Tablet|One tablet every morning|1|1|{tbl}|30|1090
    omeprazole|198051|omeprazole 20 MG Delayed Release Oral Capsule|One capsule before breakfast|1|1|{cap}|30|950
    naproxen|849574|naproxen sodium 220 MG Oral Tablet|One tablet twice a day with food|2|1|{tbl}|30|840
    acetaminophen|313782|acetaminophen 325 MG Oral Tablet|Two tablets for pain or fever, at most four times a day|0|2|{tbl}|7|510
    amoxicillin|308182|amoxicillin 250 MG Oral Capsule|One capsule three times a day until finished|3|1|{cap}|10|1180
    nitrofurantoin|311989|nitrofurantoin 5 MG/ML Oral Suspension|Ten millilitres four times a day until finished|4|10|mL|7|2890
    """
}
