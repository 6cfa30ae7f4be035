/// What is measured in patients and in their blood.
enum Measurement: Int, CaseIterable, Sendable {
  case height, weight, bmi, bloodPressure, systolic, diastolic, heartRate, respiratoryRate, temperature
  case oxygenSaturation, smokingStatus
  case hba1c
  case glucose, ureaNitrogen, creatinine, calcium, sodium, potassium, chloride, carbonDioxide
  case cholesterol, triglycerides, hdl, ldl
  case leukocytes, erythrocytes, hemoglobin, hematocrit, mcv, platelets
  case albuminCreatinine
}

struct MeasurementRow: Sendable {
  enum Category: String, CaseIterable { case vital, laboratory, social }

  let concept: Concept
  let category: Category
  /// Digits after the decimal point.
  let digits: Int
  /// The unit as a person reads it, and its UCUM code.
  let unit: String
  let code: String
  /// The reference range, where there is one.
  let low: FixedDecimal?
  let high: FixedDecimal?

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.loinc, columns[1], columns[2])
    category = Category(rawValue: String(columns[3])) ?? .vital
    let digits = TableText.number(columns[4])
    self.digits = digits
    code = String(columns[5])
    unit = columns[6].isEmpty ? String(columns[5]) : String(columns[6])
    func bound(_ column: Substring) -> FixedDecimal? { Double(column).map { FixedDecimal($0, digits: digits) } }
    low = bound(columns[7])
    high = bound(columns[8])
  }
}

extension Measurement {
  static let table = Table<Measurement, MeasurementRow>(text, row: MeasurementRow.init)

  private static let text = """
    # case|LOINC|display|category|digits|UCUM|unit as shown|low|high
    height|8302-2|Body height|vital|1|cm|||
    weight|29463-7|Body weight|vital|1|kg|||
    bmi|39156-5|Body mass index (BMI) [Ratio]|vital|1|kg/m2|||
    bloodPressure|85354-9|Blood pressure panel with all children optional|vital|0|mm[Hg]|mmHg||
    systolic|8480-6|Systolic blood pressure|vital|0|mm[Hg]|mmHg||
    diastolic|8462-4|Diastolic blood pressure|vital|0|mm[Hg]|mmHg||
    heartRate|8867-4|Heart rate|vital|0|/min|beats/minute||
    respiratoryRate|9279-1|Respiratory rate|vital|0|/min|breaths/minute||
    temperature|8310-5|Body temperature|vital|1|Cel|°C||
    oxygenSaturation|2708-6|Oxygen saturation in Arterial blood|vital|0|%|||
    smokingStatus|72166-2|Tobacco smoking status|social|0||||
    hba1c|4548-4|Hemoglobin A1c/Hemoglobin.total in Blood|laboratory|1|%||4.0|5.6
    glucose|2339-0|Glucose [Mass/volume] in Blood|laboratory|0|mg/dL||70|99
    ureaNitrogen|6299-2|Urea nitrogen [Mass/volume] in Blood|laboratory|0|mg/dL||7|20
    creatinine|38483-4|Creatinine [Mass/volume] in Blood|laboratory|2|mg/dL||0.60|1.30
    calcium|49765-1|Calcium [Mass/volume] in Blood|laboratory|1|mg/dL||8.5|10.5
    sodium|2947-0|Sodium [Moles/volume] in Blood|laboratory|0|mmol/L||135|145
    potassium|6298-4|Potassium [Moles/volume] in Blood|laboratory|1|mmol/L||3.5|5.1
    chloride|2069-3|Chloride [Moles/volume] in Blood|laboratory|0|mmol/L||98|107
    carbonDioxide|20565-8|Carbon dioxide, total [Moles/volume] in Blood|laboratory|0|mmol/L||22|29
    cholesterol|2093-3|Cholesterol [Mass/volume] in Serum or Plasma|laboratory|0|mg/dL||100|199
    triglycerides|2571-8|Triglyceride [Mass/volume] in Serum or Plasma|laboratory|0|mg/dL||30|149
    hdl|2085-9|Cholesterol in HDL [Mass/volume] in Serum or Plasma|laboratory|0|mg/dL||40|90
    ldl|13457-7|Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation|laboratory|0|mg/dL||40|129
    leukocytes|6690-2|Leukocytes [#/volume] in Blood by Automated count|laboratory|1|10*3/uL||4.5|11.0
    erythrocytes|789-8|Erythrocytes [#/volume] in Blood by Automated count|laboratory|2|10*6/uL||3.90|5.70
    hemoglobin|718-7|Hemoglobin [Mass/volume] in Blood|laboratory|1|g/dL||12.0|17.5
    hematocrit|4544-3|Hematocrit [Volume Fraction] of Blood by Automated count|laboratory|1|%||36.0|51.0
    mcv|787-2|MCV [Entitic volume] by Automated count|laboratory|0|fL||80|100
    platelets|777-3|Platelets [#/volume] in Blood by Automated count|laboratory|0|10*3/uL||150|400
    albuminCreatinine|14959-1|Microalbumin/Creatinine [Mass Ratio] in Urine|laboratory|0|mg/g||0|29
    """
}

/// Laboratory results that are reported together.
enum Panel: Int, CaseIterable, Sendable {
  case hba1c, metabolic, lipids, bloodCount, albuminCreatinine

  static let table = Table<Panel, PanelRow>(text, row: PanelRow.init)

  private static let text = """
    # case|LOINC|display|results|cents
    hba1c|4548-4|Hemoglobin A1c/Hemoglobin.total in Blood|hba1c|4200
    metabolic|51990-0|Basic metabolic panel - Blood|glucose,ureaNitrogen,creatinine,calcium,sodium,potassium,chloride,carbonDioxide|5300
    lipids|24331-1|Lipid 1996 panel - Serum or Plasma|cholesterol,triglycerides,hdl,ldl|6100
    bloodCount|58410-2|CBC panel - Blood by Automated count|leukocytes,erythrocytes,hemoglobin,hematocrit,mcv,platelets|3900
    albuminCreatinine|14959-1|Microalbumin/Creatinine [Mass Ratio] in Urine|albuminCreatinine|3400
    """
}

struct PanelRow: Sendable {
  let concept: Concept
  let results: [Measurement]
  let price: Int

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.loinc, columns[1], columns[2])
    results = TableText.keys(columns[3], of: Measurement.self)
    price = TableText.number(columns[4])
  }
}
