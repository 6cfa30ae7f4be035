extension Course {
  mutating func observe(
    _ measurement: Measurement, _ value: PatientRecord.Observation.Value, in place: Int, at effective: Moment,
    issued: Moment? = nil
  ) {
    record.observations.append(
      PatientRecord.Observation(
        identity: Identity(.observation, from: &identities), measurement: measurement, encounter: place,
        effective: effective, issued: issued ?? clamped(effective.advanced(bySeconds: 90)), value: value))
  }

  private mutating func observe(_ measurement: Measurement, _ value: Double, in place: Int, at moment: Moment) {
    let rounded = FixedDecimal(value, digits: Measurement.table[measurement].digits)
    observe(measurement, .quantity(rounded), in: place, at: moment)
  }

  /// Vital signs: all of them at check-ups, the telling ones otherwise.
  mutating func measureVitals(in place: Int, at time: Moment, sick: Problem?, full: Bool) {
    let moment = min(time, record.encounters[place].end)
    let day = moment.day
    let age = person.exactAge(onDay: day)
    if full || sick == nil { measureBody(in: place, at: moment, full: full) }
    if age >= 3 { measurePressure(in: place, at: moment) }
    let fever: Double? =
      switch sick {
      case .pneumonia, .otitis, .strepThroat, .urinaryInfection, .appendicitis: random.normal(38.5, 0.5)
      case .viralPharyngitis, .bronchitis, .viralSinusitis: random.normal(37.6, 0.5)
      default: nil
      }
    let rest = age < 1 ? 128 : age < 6 ? 104 : age < 13 ? 86 : 72.0
    let rate = max(46, random.normal(rest, 8)) + max(0, (fever ?? 37) - 37) * 9
    observe(.heartRate, rate, in: place, at: moment)
    if full || fever != nil {
      let breaths = age < 1 ? 34 : age < 6 ? 24 : age < 13 ? 19 : 15.0
      observe(
        .respiratoryRate, max(10, random.normal(breaths, 1.4)) + (sick == .pneumonia ? 7 : 0), in: place, at: moment)
      observe(.temperature, fever ?? random.normal(36.8, 0.2), in: place, at: moment)
    }
    let isShort = sick == .pneumonia || isActive(.obstructiveLungDisease, onDay: day)
    if isShort || sick == .bronchitis || isActive(.asthma, onDay: day) {
      observe(.oxygenSaturation, min(100, random.normal(isShort ? 93 : 97.5, 1.2)), in: place, at: moment)
    }
  }

  /// Weight, and at check-ups height and the body mass index computed from both as they are written.
  private mutating func measureBody(in place: Int, at moment: Moment, full: Bool) {
    let age = person.exactAge(onDay: moment.day)
    let height = FixedDecimal(person.height(atAge: age) + random.normal(0, 0.15), digits: 1)
    let meters = height.value / 100
    let mass = person.massIndex(atAge: age) * random.normal(1, 0.012)
    let weight = FixedDecimal(mass * meters * meters, digits: 1)
    if full { observe(.height, .quantity(height), in: place, at: moment) }
    observe(.weight, .quantity(weight), in: place, at: moment)
    if full, age >= 2 { observe(.bmi, weight.value / (meters * meters), in: place, at: moment) }
  }

  private mutating func measurePressure(in place: Int, at moment: Moment) {
    let age = person.exactAge(onDay: moment.day)
    var systolic = age < 18 ? 86 + 1.7 * age : 113 + 0.17 * (age - 30) + (person.massIndex(atAge: age) - 24) * 0.5
    systolic += person.pressureOffset + random.normal(0, 6)
    if let item = lasting.first(where: { $0.problem == .hypertension && $0.isActive(onDay: moment.day) }) {
      // Before treatment has had time to work it is higher.
      systolic += moment.day - item.onsetDay < 60 ? 28 : 11
    }
    let high = min(210, max(74, systolic))
    let low = min(high - 15, max(40, high * 0.61 + random.normal(3, 4)))
    let value = PatientRecord.Observation.Value.bloodPressure(
      systolic: Int(high.rounded()), diastolic: Int(low.rounded()))
    observe(.bloodPressure, value, in: place, at: moment)
  }

  mutating func askSmoking(in place: Int, at moment: Moment) {
    observe(.smokingStatus, .concept(Course.smokingConcepts[person.smoking.rawValue]), in: place, at: moment)
  }

  private static let smokingConcepts = [
    Concept(CodeSystem.snomed, "266919005", "Never smoked tobacco (finding)"),
    Concept(CodeSystem.snomed, "8517006", "Ex-smoker (finding)"),
    Concept(CodeSystem.snomed, "449868002", "Smokes tobacco daily (finding)"),
  ]
}
