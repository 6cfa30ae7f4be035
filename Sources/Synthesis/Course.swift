/// The course of one patient's record: visits are planned first, then attended one after the other, and each leaves
/// its conditions, measurements, orders and charges in the record.
///
/// The record covers the last years of the life only (`windowStart` on); conditions that are older are told at the
/// first visit, as a history.
struct Course {
  /// A lasting condition, known in advance.
  struct LastingProblem {
    let problem: Problem
    let onsetDay: Int
    let endDay: Int?
    var condition: Int?

    func isActive(onDay day: Int) -> Bool { onsetDay <= day && endDay.map { day < $0 } ?? true }
  }

  /// A visit that is going to be.
  struct Visit {
    let day: Int
    let kind: VisitKind
    let reason: Problem?
  }

  let person: Person
  let windowStart: Int
  var random: RandomSource
  var identities: RandomSource
  var record: PatientRecord
  var lasting: [LastingProblem] = []
  /// The latest order of each drug, as a place in `record.medications`.
  var latestOrder: [Int?]
  /// Months of age up to which vaccines have been given.
  var immunizedMonth: Int
  /// How well a diabetic is controlled: the usual HbA1c in percent.
  let control: Double
  /// No visit before this ends.
  var busyUntil: Moment

  init(number: Int, seed: UInt64, referenceDay: Int, historyYears: Int) {
    let index = UInt64(bitPattern: Int64(number))
    random = RandomSource(seed: seed, index: index, stream: 1)
    identities = RandomSource(seed: seed, index: index, stream: 2)
    person = Person(number: number, referenceDay: referenceDay, random: &random)
    windowStart = max(person.birthDay + 2, person.end.day - historyYears * 365)
    let patient = Identity(.patient, from: &identities)
    let coverage = Identity(.coverage, from: &identities)
    let careTeam = Identity(.careTeam, from: &identities)
    record = PatientRecord(person: person, patient: patient, coverage: coverage, careTeam: careTeam)
    latestOrder = Array(repeating: nil, count: Drug.allCases.count)
    immunizedMonth = (windowStart - person.birthDay) * 12 / 365 - 1
    control = max(5.8, random.normal(7.3, 0.8))
    busyUntil = Moment(day: windowStart - 1, second: 0, zone: person.hospital.zone)
  }

  /// Lives it through.
  mutating func run() -> PatientRecord {
    chooseLastingProblems()
    for visit in planVisits() where visit.day > busyUntil.day { attend(visit) }
    closeOrders()
    judgeGoals()
    return record
  }

  func isActive(_ problem: Problem, onDay day: Int) -> Bool {
    lasting.contains { $0.problem == problem && $0.isActive(onDay: day) }
  }

  /// A moment never after the record's end.
  func clamped(_ moment: Moment) -> Moment { min(moment, person.end) }
}
