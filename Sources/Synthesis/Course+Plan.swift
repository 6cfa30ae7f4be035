extension Course {
  /// Which lasting conditions the patient gets, and when.
  mutating func chooseLastingProblems() {
    let endDay = person.end.day
    let age = person.age(onDay: endDay)
    if let day = obesityDay() { add(.obesity, onsetDay: day) }
    for problem in Problem.allCases where problem != .obesity {
      let row = Problem.table[problem]
      guard row.course == .lasting else { continue }
      let isChosen = random.chance(row.frequency(atAge: age) * risk(of: problem))
      let onset = onsetDay(of: row)
      guard isChosen else { continue }
      add(problem, onsetDay: onset)
    }
  }

  private mutating func add(_ problem: Problem, onsetDay: Int) {
    let days = Problem.table[problem].days
    var endDay: Int?
    if days > 0, random.chance(0.4) {
      let end = onsetDay + days / 2 + random.below(days)
      // What was over before the record begins is not told.
      if end <= windowStart + 30 { return }
      if end < person.end.day { endDay = end }
    }
    lasting.append(LastingProblem(problem: problem, onsetDay: onsetDay, endDay: endDay))
  }

  private func has(_ problem: Problem) -> Bool { lasting.contains { $0.problem == problem } }

  /// How much likelier than usual, by what the patient has already (the order of `Problem` matters).
  private func risk(of problem: Problem) -> Double {
    let isObese = has(.obesity)
    switch problem {
    case .prediabetes: return isObese ? 1.5 : 0.8
    case .diabetes: return (isObese ? 2.2 : 0.7) * (has(.prediabetes) ? 0 : 1.2)
    case .hypertension: return (isObese ? 1.3 : 0.85) * (has(.diabetes) ? 1.5 : 1)
    case .hyperlipidemia: return has(.diabetes) ? 1.7 : isObese ? 1.2 : 0.85
    case .kidneyDisease: return (has(.diabetes) ? 2.2 : 0.7) * (has(.hypertension) ? 1.4 : 0.6)
    case .obstructiveLungDisease: return person.smoking == .never ? 0.25 : 2.6
    case .coronaryDisease: return (has(.hyperlipidemia) ? 1.5 : 0.7) * (person.smoking == .current ? 1.8 : 0.9)
    case .osteoporosis: return person.isFemale ? 1.7 : 0.3
    case .osteoarthritis: return isObese ? 1.6 : 0.85
    case .anemia: return person.isFemale ? 1.4 : 0.6
    case .hypothyroidism: return person.isFemale ? 1.6 : 0.4
    default: return 1
    }
  }

  /// The day the body mass index passes 30, if it ever does.
  private func obesityDay() -> Int? {
    let age = person.age(onDay: person.end.day)
    guard age >= 18 else { return nil }
    return (18...age).first { person.massIndex(atAge: Double($0)) >= 30.5 }
      .map { person.birthDay + $0 * 365 + $0 / 4 + 40 }
      .flatMap { $0 < person.end.day ? $0 : nil }
  }

  /// A day between the youngest age with any frequency and the end, rather late than early.
  private mutating func onsetDay(of row: ProblemRow) -> Int {
    let youngest = [2, 20, 42, 66][row.frequency.firstIndex { $0 > 0 } ?? 0]
    let first = person.birthDay + youngest * 365
    let span = max(1, person.end.day - first - 1)
    let place = max(random.unit(), random.unit())
    return max(person.birthDay + 30, first + Int(Double(span) * place))
  }

  /// All visits in order, at most one on a day.
  mutating func planVisits() -> [Visit] {
    var visits = wellnessVisits() + followUpVisits() + passingProblemVisits()
    for item in lasting where item.onsetDay >= windowStart && item.onsetDay < person.end.day {
      visits.append(Visit(day: item.onsetDay, kind: .problem, reason: item.problem))
    }
    let lastStay = person.isDeceased && random.chance(0.75) ? person.end.day - random.within(1...5) : nil
    let limit = min(lastStay ?? person.end.day, person.end.day)
    visits = visits.map(onWeekday).filter { $0.day < limit && $0.day >= windowStart }
    if visits.isEmpty, windowStart < limit {
      let day = windowStart + random.below(limit - windowStart - 3)
      visits.append(onWeekday(Visit(day: day, kind: .wellness, reason: nil)))
    }
    if let lastStay, lastStay >= windowStart { visits.append(Visit(day: lastStay, kind: .inpatient, reason: nil)) }
    let order = visits.indices.sorted { (visits[$0].day, $0) < (visits[$1].day, $1) }
    return order.map { visits[$0] }
  }

  /// Practices are closed on Saturdays and Sundays; hospitals are not.
  private func onWeekday(_ visit: Visit) -> Visit {
    guard visit.kind != .emergency, visit.kind != .inpatient else { return visit }
    // 1970-01-01 was a Thursday.
    let weekday = ((visit.day + 4) % 7 + 7) % 7
    let delay = weekday == 6 ? 2 : weekday == 0 ? 1 : 0
    return Visit(day: visit.day + delay, kind: visit.kind, reason: visit.reason)
  }

  private mutating func wellnessVisits() -> [Visit] {
    var days = [0, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30].map { person.birthDay + 3 + $0 * 61 / 2 }
    let thirdBirthday = person.birthDay + 3 * 365 + 1
    var day = max(thirdBirthday, windowStart)
    if day > thirdBirthday { day += random.below(wellnessInterval(onDay: day)) }
    while day < person.end.day {
      days.append(day)
      day += wellnessInterval(onDay: day) - 25 + random.below(60)
    }
    return days.map { Visit(day: $0, kind: .wellness, reason: nil) }
  }

  private func wellnessInterval(onDay day: Int) -> Int {
    switch person.age(onDay: day) {
    case ..<18: 365
    case ..<40: 900
    case ..<65: 540
    default: 365
    }
  }

  private mutating func followUpVisits() -> [Visit] {
    let managed = lasting.filter { !Problem.table[$0.problem].drugs.isEmpty }
    guard let first = managed.map(\.onsetDay).min() else { return [] }
    let interval = max(21, Int(280 / (person.frailty * (0.6 + 0.2 * Double(min(managed.count, 5))))))
    var visits: [Visit] = []
    var day = max(first, windowStart) + interval / 2 + random.below(interval)
    while day < person.end.day {
      let active = managed.filter { $0.isActive(onDay: day) }
      if !active.isEmpty {
        visits.append(Visit(day: day, kind: .followUp, reason: active[random.below(active.count)].problem))
      }
      day += interval - interval / 8 + random.below(interval / 4 + 1)
    }
    return visits
  }

  private mutating func passingProblemVisits() -> [Visit] {
    var visits: [Visit] = []
    let rows = Problem.allCases.filter { Problem.table[$0].course == .passing }
    for start in stride(from: windowStart, to: person.end.day, by: 365) {
      let age = person.age(onDay: start)
      let span = min(365, person.end.day - start)
      for problem in rows {
        let row = Problem.table[problem]
        let rate = row.frequency(atAge: age) * min(person.frailty, 3) * Double(span) / 365
        for _ in 0..<random.count(rate: rate) {
          let kind: VisitKind =
            switch row.care {
            case .ambulatory: .problem
            case .emergency: .emergency
            case .inpatient: .inpatient
            }
          visits.append(Visit(day: start + random.below(span), kind: kind, reason: problem))
        }
      }
    }
    return visits
  }
}
