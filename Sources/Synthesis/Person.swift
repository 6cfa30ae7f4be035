import Base

/// Who a synthetic patient is, and the dispositions that shape the record.
struct Person: Sendable {
  enum Smoking: Int, Sendable { case never, former, current }

  let number: Int
  let isFemale: Bool
  let given: [String]
  let family: String
  let maidenName: String?
  let hospital: Hospital
  let insurer: Insurer
  let memberNumber: Int
  /// Days since 1970-01-01, local.
  let birthDay: Int
  /// The last moment of the record: death, or the reference date.
  let end: Moment
  let isDeceased: Bool
  let street: String
  let unit: Int?
  let postalCode: String
  let phone: Int
  let isMarried: Bool
  let maritalStatus: Int
  let language: Int
  let race: Int
  let isHispanic: Bool
  let contactGiven: String
  let contactIsFemale: Bool

  // Dispositions
  /// Centimetres when grown up.
  let adultHeight: Double
  /// Body mass index at 18.
  let slimness: Double
  let smoking: Smoking
  /// 1 for most; the few with much more care have more.
  let frailty: Double
  let pressureOffset: Double
  let lipidOffset: Double

  var familyDoctor: Hospital.Part { Hospital.Part(rawValue: number % 3) ?? .familyDoctor }

  /// The age in whole years on a day.
  func age(onDay day: Int) -> Int {
    let birth = Instant.civil(days: birthDay)
    let date = Instant.civil(days: day)
    let hadBirthday = (date.month, date.day) >= (birth.month, birth.day)
    return date.year - birth.year - (hadBirthday ? 0 : 1)
  }

  /// The age in years with a fraction.
  func exactAge(onDay day: Int) -> Double { Double(day - birthDay) / 365.25 }

  /// How many of 1,000 have each age by decade, 0 … 90+.
  private static let agePyramid = [118, 128, 138, 135, 125, 126, 116, 74, 32, 8]
  /// How many of 1,000 of each decade have died at that age.
  private static let deceasedPerMille = [6, 5, 12, 18, 30, 60, 110, 190, 300, 480]

  init(number: Int, referenceDay: Int, random: inout RandomSource) {
    self.number = number
    isFemale = random.chance(0.508)
    hospital = random.pick(Hospital.all)
    let decade = random.pick(weights: Person.agePyramid)
    // Old enough to have been seen once.
    let ageInDays = max(14, decade * 3_652 + random.below(3_652))
    isDeceased = ageInDays > 40 && random.below(1_000) < Person.deceasedPerMille[decade]
    let endDay = isDeceased ? referenceDay - 1 - random.below(2_900) : referenceDay
    end = Moment(day: endDay, second: isDeceased ? random.below(86_400) : 0, zone: hospital.zone)
    birthDay = endDay - ageInDays
    let age = ageInDays / 365

    let names = isFemale ? Name.female : Name.male
    let first = random.pick(names)
    let second = random.pick(names)
    given = second == first || random.chance(0.3) ? [first] : [first, second]
    family = random.pick(Name.family)
    let wasMarried = age >= 20 && random.chance(age < 30 ? 0.25 : 0.72)
    isMarried = wasMarried && random.chance(age < 70 ? 0.82 : 0.6)
    maritalStatus = isMarried ? 1 : wasMarried ? (age < 70 ? 2 : 3) : 0
    let birthFamily = random.pick(Name.family)
    maidenName = wasMarried && isFemale && birthFamily != family && random.chance(0.6) ? birthFamily : nil
    insurer = Insurer.all[age >= 65 ? 3 : random.below(3)]
    memberNumber = 100_000_000 + random.below(900_000_000)
    street = "\(random.within(1...980)) \(random.pick(Name.streets)) \(random.pick(Name.streetKinds))"
    unit = random.chance(0.28) ? random.within(1...40) : nil
    postalCode = hospital.postalCode
    // 555-0100 to 555-0199 are kept for fiction (North American Numbering Plan).
    phone = random.within(100...199)
    race = random.pick(weights: [70, 14, 10, 3, 3])
    isHispanic = random.chance(0.19)
    language = isHispanic && random.chance(0.45) ? 1 : random.pick(weights: [92, 3, 3, 2])
    contactIsFemale = random.chance(0.5)
    contactGiven = random.pick(contactIsFemale ? Name.female : Name.male)

    adultHeight = isFemale ? random.normal(163, 6.4) : random.normal(176.5, 7)
    slimness = max(17.5, random.normal(22.6, 2.4) + (random.chance(0.25) ? random.unit() * 7 : 0))
    let smokes = random.unit()
    smoking = age < 16 ? .never : smokes < 0.13 ? .current : smokes < 0.36 && age > 25 ? .former : .never
    frailty = random.chance(0.04) ? 3 + random.unit() * 4 : random.chance(0.14) ? 1.5 + random.unit() * 1.5 : 1
    pressureOffset = random.normal(0, 5)
    lipidOffset = random.normal(0, 18)
  }
}

extension Person {
  /// Body height as a part of the adult one, at ages 0 … 18.
  private static let growth: [Double] = [
    0.285, 0.43, 0.495, 0.545, 0.585, 0.625, 0.66, 0.695, 0.73, 0.76, 0.79, 0.825, 0.86, 0.90, 0.94, 0.97, 0.985, 0.995,
    1,
  ]
  /// A usual body mass index at ages 0 … 18, in relation to the one at 18.
  private static let childMass: [Double] = [
    0.60, 0.77, 0.74, 0.72, 0.71, 0.70, 0.70, 0.71, 0.73, 0.75, 0.77, 0.80, 0.83, 0.86, 0.90, 0.93, 0.95, 0.98, 1,
  ]

  private static func interpolate(_ table: [Double], at place: Double) -> Double {
    guard place > 0 else { return table[0] }
    let index = Int(place)
    guard index + 1 < table.count else { return table[table.count - 1] }
    return table[index] + (table[index + 1] - table[index]) * (place - Double(index))
  }

  /// Body height in centimetres at an age; the old lose a little.
  func height(atAge age: Double) -> Double {
    adultHeight * Person.interpolate(Person.growth, at: age) - max(0, age - 60) * 0.08
  }

  /// The usual body mass index at an age.
  func massIndex(atAge age: Double) -> Double {
    age < 18
      ? slimness * Person.interpolate(Person.childMass, at: age)
      : slimness + (min(age, 62) - 18) * 0.115 - max(0, age - 70) * 0.06
  }
}
