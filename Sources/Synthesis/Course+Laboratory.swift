extension Course {
  /// Draws blood and reports a panel with its results.
  mutating func report(_ panel: Panel, in place: Int, at time: Moment? = nil) {
    let stay = record.encounters[place]
    let effective = min(time ?? stay.start.advanced(bySeconds: random.within(5...11) * 60), stay.end)
    let issued = clamped(effective.advanced(bySeconds: random.within(70...1_100) * 60))
    let first = record.observations.count
    let row = Panel.table[panel]
    for (measurement, value) in zip(row.results, values(of: panel, onDay: effective.day)) {
      let rounded = FixedDecimal(value, digits: Measurement.table[measurement].digits)
      observe(measurement, .quantity(rounded), in: place, at: effective, issued: issued)
    }
    record.reports.append(
      PatientRecord.DiagnosticReport(
        identity: Identity(.diagnosticReport, from: &identities), encounter: place, effective: effective,
        issued: issued, content: .panel(panel, results: first..<record.observations.count)))
    record.encounters[place].charges.append(
      PatientRecord.Charge(concept: row.concept.codeableConcept, cents: row.price))
  }

  /// Values in the order of the panel's results.
  private mutating func values(of panel: Panel, onDay day: Int) -> [Double] {
    switch panel {
    case .hba1c: [hba1c(onDay: day)]
    case .metabolic: metabolic(onDay: day)
    case .lipids: lipids(onDay: day)
    case .bloodCount: bloodCount(onDay: day)
    case .albuminCreatinine: [max(2, random.normal(isActive(.kidneyDisease, onDay: day) ? 90 : 16, 9))]
    }
  }

  private mutating func hba1c(onDay day: Int) -> Double {
    if let item = lasting.first(where: { $0.problem == .diabetes && $0.isActive(onDay: day) }) {
      // High when found, then better with treatment.
      let years = Double(day - item.onsetDay) / 365
      return max(6.5, control + max(0, 1.4 - years * 1.6) + random.normal(0, 0.25))
    }
    return isActive(.prediabetes, onDay: day) ? random.normal(6.0, 0.1) : min(5.6, random.normal(5.2, 0.18))
  }

  private mutating func metabolic(onDay day: Int) -> [Double] {
    // The estimated average glucose of an HbA1c (D. M. Nathan et al. 2008), fasting somewhat below.
    let glucose = (28.7 * hba1c(onDay: day) - 46.7) * 0.88 + random.normal(0, 4)
    let hasKidneyDisease = isActive(.kidneyDisease, onDay: day)
    let creatinine = hasKidneyDisease ? random.normal(1.75, 0.2) : random.normal(person.isFemale ? 0.8 : 0.98, 0.09)
    let sodium = random.normal(140, 1.7)
    let bicarbonate = random.normal(hasKidneyDisease ? 22.5 : 25.2, 1.2)
    return [
      max(62, glucose), max(5, creatinine * 14.5 + random.normal(0, 1.5)), max(0.4, creatinine),
      random.normal(9.5, 0.3),
      sodium, random.normal(hasKidneyDisease ? 4.8 : 4.2, 0.25), sodium - bicarbonate - random.normal(11, 1),
      bicarbonate,
    ]
  }

  private mutating func lipids(onDay day: Int) -> [Double] {
    let isHigh = isActive(.hyperlipidemia, onDay: day)
    let isTreated = isHigh && latestOrder[Drug.atorvastatin.rawValue] != nil
    let total = max(110, random.normal(isHigh ? (isTreated ? 196 : 248) : 176, 9) + person.lipidOffset)
    let triglycerides = min(390, max(45, random.normal(isHigh ? 178 : 112, 24) + person.slimness - 22))
    let hdl = max(26, random.normal(person.isFemale ? 57 : 48, 5))
    // Friedewald, from the values as they are written.
    let ldl = total.rounded() - hdl.rounded() - triglycerides.rounded() / 5
    return [total, triglycerides, hdl, max(20, ldl)]
  }

  private mutating func bloodCount(onDay day: Int) -> [Double] {
    let isAnemic = isActive(.anemia, onDay: day)
    let hemoglobin = random.normal(isAnemic ? 10.4 : person.isFemale ? 13.6 : 15.1, 0.5)
    let mcv = random.normal(isAnemic ? 76 : 90, 2.5)
    let hematocrit = hemoglobin * 2.98 + random.normal(0, 0.3)
    return [
      max(2.5, random.normal(7.2, 1.3)), hematocrit * 10 / mcv, hemoglobin, hematocrit, mcv,
      max(90, random.normal(255, 42)),
    ]
  }
}
