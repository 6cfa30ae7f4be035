extension Course {
  /// One visit, from arrival to charges.
  mutating func attend(_ visit: Visit) {
    let place = open(visit)
    let stay = record.encounters[place]
    recordLastingProblems(in: place)
    switch visit.kind {
    case .wellness: checkUp(place)
    case .followUp: followUp(place)
    case .problem, .emergency, .inpatient:
      if let problem = visit.reason, Problem.table[problem].course == .passing {
        treatPassing(problem, in: place)
      } else {
        measureVitals(in: place, at: stay.start.advanced(bySeconds: 240), sick: nil, full: false)
      }
    }
    if visit.kind == .inpatient { watch(place) }
    if visit.kind == .inpatient || visit.kind == .emergency { document(place) }
  }

  private mutating func open(_ visit: Visit) -> Int {
    let row = VisitKind.table[visit.kind]
    let isUrgent = visit.kind == .emergency || visit.kind == .inpatient
    let second = isUrgent ? random.below(80_000) : 8 * 3_600 + random.below(102) * 300 + random.below(60)
    let start = max(
      Moment(day: visit.day, second: second, zone: person.hospital.zone), busyUntil.advanced(bySeconds: 3_600))
    let isLast = person.isDeceased && visit.kind == .inpatient && visit.reason == nil
    let length = random.within(row.minutes) * 60
    let end = isLast ? person.end : clamped(start.advanced(bySeconds: length))
    let part: Hospital.Part =
      switch visit.kind {
      case .emergency: .emergencyDoctor
      case .inpatient: visit.reason == .appendicitis ? .surgeon : .cardiologist
      case .followUp where visit.reason == .coronaryDisease || visit.reason == .heartFailure: .cardiologist
      default: person.familyDoctor
      }
    record.encounters.append(
      PatientRecord.Encounter(
        identity: Identity(.encounter, from: &identities), kind: visit.kind, start: min(start, end), end: end,
        reason: visit.reason, part: part, isLast: isLast, claim: Identity(.claim, from: &identities),
        benefit: Identity(.explanationOfBenefit, from: &identities)))
    busyUntil = end
    return record.encounters.count - 1
  }

  /// A preventive visit.
  private mutating func checkUp(_ place: Int) {
    let stay = record.encounters[place]
    let day = stay.start.day
    let age = person.age(onDay: day)
    let moment = clamped(stay.start.advanced(bySeconds: random.within(2...6) * 60))
    measureVitals(in: place, at: moment, sick: nil, full: true)
    if age >= 16 { askSmoking(in: place, at: moment) }
    immunize(in: place)
    if age >= 18 { perform(.medicationReconciliation, in: place, reason: nil) }
    if age >= 18, random.chance(0.3) { perform(.depressionScreening, in: place, reason: nil) }
    if age >= 50, random.chance(0.12) { perform(.colonoscopy, in: place, reason: nil) }
    if person.isFemale, age >= 50, age < 75, random.chance(0.5) { examine(.mammography, in: place) }
    if age >= 40 {
      if random.chance(0.65) { report(.metabolic, in: place) }
      if random.chance(0.6) { report(.lipids, in: place) }
    }
    if random.chance(age >= 40 ? 0.4 : 0.15) { report(.bloodCount, in: place) }
    let isAtRisk = isActive(.prediabetes, onDay: day) || isActive(.diabetes, onDay: day)
    if isAtRisk || (age >= 35 && random.chance(0.25)) { report(.hba1c, in: place) }
    renewOrders(in: place)
  }

  /// A visit because of what lasts.
  private mutating func followUp(_ place: Int) {
    let stay = record.encounters[place]
    let day = stay.start.day
    let moment = clamped(stay.start.advanced(bySeconds: random.within(2...6) * 60))
    measureVitals(in: place, at: moment, sick: nil, full: false)
    if isActive(.diabetes, onDay: day) {
      report(.hba1c, in: place)
      if random.chance(0.35) { report(.albuminCreatinine, in: place) }
    }
    let needsMetabolic = isActive(.kidneyDisease, onDay: day) || isActive(.heartFailure, onDay: day)
    if needsMetabolic || random.chance(0.25) { report(.metabolic, in: place) }
    if isActive(.hyperlipidemia, onDay: day), random.chance(0.35) { report(.lipids, in: place) }
    if isActive(.anemia, onDay: day) { report(.bloodCount, in: place) }
    renewOrders(in: place)
  }

  /// A visit because of what passes.
  private mutating func treatPassing(_ problem: Problem, in place: Int) {
    let stay = record.encounters[place]
    let row = Problem.table[problem]
    let moment = clamped(stay.start.advanced(bySeconds: random.within(2...6) * 60))
    measureVitals(in: place, at: moment, sick: problem, full: false)
    let onset = max(
      stay.start.advanced(bySeconds: -random.within(1...60) * 3_600),
      Moment(day: person.birthDay + 1, second: 0, zone: person.hospital.zone))
    let over = onset.advanced(bySeconds: (row.days * 3 / 4 + random.below(row.days / 2 + 1)) * 86_400)
    let condition = diagnose(
      problem, in: place, onset: row.care == .ambulatory ? onset : stay.start,
      abatement: over > stay.start && over < person.end ? over : nil)
    for treatment in row.treatments { perform(treatment, in: place, reason: problem) }
    for exam in row.exams { examine(exam, in: place) }
    if stay.kind != .problem {
      report(.bloodCount, in: place)
      if stay.kind == .inpatient { report(.metabolic, in: place) }
    }
    for drug in row.drugs where random.chance(0.8) { order(drug, in: place, reason: condition) }
  }

  /// The further days of a stay: vital signs every day, blood every other day.
  private mutating func watch(_ place: Int) {
    let stay = record.encounters[place]
    var moment = stay.start.advanced(bySeconds: 20 * 3_600)
    var day = 0
    while moment < stay.end, day < 4 {
      measureVitals(in: place, at: moment, sick: stay.reason ?? .pneumonia, full: false)
      if day % 2 == 0 { report(.metabolic, in: place, at: moment) }
      moment = moment.advanced(bySeconds: 86_400 + random.within(-90...90) * 60)
      day += 1
    }
  }
}
