extension Course {
  @discardableResult
  mutating func diagnose(_ problem: Problem, in place: Int, onset: Moment, abatement: Moment?) -> Int {
    record.conditions.append(
      PatientRecord.Condition(
        identity: Identity(.condition, from: &identities), problem: problem, encounter: place, onset: onset,
        abatement: abatement, recorded: record.encounters[place].start))
    let index = record.conditions.count - 1
    record.encounters[place].diagnoses.append(index)
    return index
  }

  /// Lasting conditions that have begun and are not in the record yet: diagnosis, first drugs, care plan.
  mutating func recordLastingProblems(in place: Int) {
    let start = record.encounters[place].start
    if place == 0 { recordAllergies(at: start) }
    for index in lasting.indices where lasting[index].condition == nil {
      let item = lasting[index]
      guard item.onsetDay <= start.day, item.isActive(onDay: start.day) else { continue }
      let zone = person.hospital.zone
      let onset = min(Moment(day: item.onsetDay, second: random.within(28_000...60_000), zone: zone), start)
      let abatement = item.endDay.map { Moment(day: $0, second: 43_200, zone: zone) }
      let condition = diagnose(item.problem, in: place, onset: onset, abatement: abatement)
      lasting[index].condition = condition
      let row = Problem.table[item.problem]
      if item.onsetDay >= windowStart {
        for treatment in row.treatments { perform(treatment, in: place, reason: item.problem) }
        for exam in row.exams { examine(exam, in: place) }
      }
      for drug in row.drugs where drug != .amlodipine || random.chance(0.4) {
        order(drug, in: place, reason: condition)
      }
      plan(item.problem, condition: condition, in: place)
    }
  }

  private mutating func recordAllergies(at moment: Moment) {
    guard random.chance(0.14) else { return }
    let count = 1 + random.count(rate: 0.7, max: 3)
    var left = Allergy.allCases
    for _ in 0..<count {
      let allergy = left.remove(at: random.below(left.count))
      let span = moment.day - person.birthDay
      let day = person.birthDay + span / 8 + random.below(max(1, span / 2))
      let onset = min(Moment(day: day, second: 43_200, zone: person.hospital.zone), moment)
      record.allergies.append(
        PatientRecord.AllergyIntolerance(
          identity: Identity(.allergyIntolerance, from: &identities), allergy: allergy, onset: onset,
          recorded: moment, isSevere: random.chance(0.15)))
    }
  }

  /// A care plan with its goal.
  private mutating func plan(_ problem: Problem, condition: Int, in place: Int) {
    let start = record.encounters[place].start
    guard !Problem.table[problem].activities.isEmpty else { return }
    let target: (Measurement, FixedDecimal)? =
      switch problem {
      case .diabetes: (.hba1c, FixedDecimal(mantissa: 70, digits: 1))
      case .hypertension: (.systolic, FixedDecimal(mantissa: 135, digits: 0))
      case .hyperlipidemia: (.ldl, FixedDecimal(mantissa: 129, digits: 0))
      case .obesity: (.bmi, FixedDecimal(mantissa: 300, digits: 1))
      default: nil
      }
    let first = record.goals.count
    if let (measurement, value) = target {
      record.goals.append(
        PatientRecord.Goal(
          identity: Identity(.goal, from: &identities), condition: condition, measurement: measurement,
          isAtMost: value, start: start))
    }
    record.carePlans.append(
      PatientRecord.CarePlan(
        identity: Identity(.carePlan, from: &identities), condition: condition, encounter: place, start: start,
        goals: first..<record.goals.count))
  }

  mutating func perform(_ treatment: Treatment, in place: Int, reason: Problem?) {
    let stay = record.encounters[place]
    let row = Treatment.table[treatment]
    let start = min(stay.start.advanced(bySeconds: random.within(3...9) * 60), stay.end)
    record.procedures.append(
      PatientRecord.Procedure(
        identity: Identity(.procedure, from: &identities), treatment: treatment, encounter: place, start: start,
        end: clamped(start.advanced(bySeconds: row.minutes * 60)), reason: reason))
    record.encounters[place].charges.append(
      PatientRecord.Charge(concept: row.concept.codeableConcept, cents: row.price))
  }

  /// An image order, the study, and the radiologist's report.
  mutating func examine(_ exam: Exam, in place: Int) {
    let stay = record.encounters[place]
    let row = Exam.table[exam]
    let ordered = min(stay.start.advanced(bySeconds: 300), stay.end)
    let started = clamped(ordered.advanced(bySeconds: random.within(10...45) * 60))
    let series = (0..<random.within(row.series)).map { _ in
      PatientRecord.ImagingStudy.Series(
        uid: Identity(.imagingStudy, from: &identities),
        instances: (0..<random.within(row.instances)).map { _ in Identity(.imagingStudy, from: &identities) })
    }
    let isAbnormal = stay.reason != nil && random.chance(0.6)
    record.studies.append(
      PatientRecord.ImagingStudy(
        identity: Identity(.imagingStudy, from: &identities), order: Identity(.serviceRequest, from: &identities),
        accession: 10_000_000 + random.below(90_000_000), exam: exam, encounter: place, ordered: ordered,
        started: started, series: series, conclusion: row.conclusions[isAbnormal ? row.conclusions.count - 1 : 0]))
    record.reports.append(
      PatientRecord.DiagnosticReport(
        identity: Identity(.diagnosticReport, from: &identities), encounter: place, effective: started,
        issued: clamped(started.advanced(bySeconds: random.within(20...400) * 60)),
        content: .imaging(study: record.studies.count - 1)))
    record.encounters[place].charges.append(
      PatientRecord.Charge(concept: row.concept.codeableConcept, cents: row.price))
  }

  /// Vaccines that have come due since the last time.
  mutating func immunize(in place: Int) {
    let stay = record.encounters[place]
    let month = (stay.start.day - person.birthDay) * 12 / 365
    for vaccine in Vaccine.allCases {
      let row = Vaccine.table[vaccine]
      let due = row.doses(byMonth: month)
      guard due > row.doses(byMonth: immunizedMonth) else { continue }
      guard random.chance(vaccine == .influenza ? 0.6 : 0.93) else { continue }
      record.immunizations.append(
        PatientRecord.Immunization(
          identity: Identity(.immunization, from: &identities), vaccine: vaccine, encounter: place,
          occurrence: min(stay.start.advanced(bySeconds: 600), stay.end), dose: due, lot: random.below(90_000)))
      record.encounters[place].charges.append(
        PatientRecord.Charge(concept: row.concept.codeableConcept, cents: row.price))
    }
    immunizedMonth = month
  }

  /// A note on a stay, as text.
  mutating func document(_ place: Int) {
    let stay = record.encounters[place]
    let age = person.age(onDay: stay.start.day)
    let subject = "\(age)-year-old \(person.isFemale ? "woman" : "man")"
    let reason = stay.reason.map { Problem.table[$0].concept.display } ?? "general decline"
    let course = stay.isLast ? "The patient died in hospital." : "Discharged home in stable condition."
    let advice = random.pick([
      "Follow-up with the family doctor within two weeks.", "Return at once if symptoms come back.",
      "Rest for one week, then activity as tolerated.",
    ])
    let text =
      "Reason for stay: \(reason).\n\(subject), seen at \(person.hospital.name).\n\(course)\n"
      + (stay.isLast ? "" : "\(advice)\n")
    record.documents.append(
      PatientRecord.DocumentReference(
        identity: Identity(.documentReference, from: &identities), encounter: place, date: stay.end, text: text))
  }
}
