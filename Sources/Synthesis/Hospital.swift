/// A hospital with its people, and the insurers: what many patients share.
///
/// They depend on nothing but their number, not on the seed, so that every run and every patient means the same ones.
struct Hospital: Sendable {
  /// The part a practitioner plays at the hospital, in the order of `practitioners`.
  enum Part: Int, CaseIterable, Sendable {
    case familyDoctor, secondFamilyDoctor, thirdFamilyDoctor, cardiologist, emergencyDoctor, surgeon, radiologist
  }

  struct Practitioner: Sendable {
    let identity: Identity
    let number: Int
    let family: String
    let given: String
    let isFemale: Bool
    var displayName: String { "Dr. \(given) \(family)" }
  }

  let number: Int
  let name: String
  let street: String
  let city: String
  let state: String
  let postalCode: String
  /// Decimal degrees (WGS84), of the city.
  let latitude: FixedDecimal
  let longitude: FixedDecimal
  let zone: Zone
  let organization: Identity
  let location: Identity
  let practitioners: [Practitioner]

  private init(number: Int, columns: [Substring]) {
    self.number = number
    name = String(columns[0])
    street = String(columns[1])
    city = String(columns[2])
    state = String(columns[3])
    postalCode = String(columns[4])
    latitude = FixedDecimal(mantissa: TableText.number(columns[5]), digits: 4)
    longitude = FixedDecimal(mantissa: TableText.number(columns[6]), digits: 4)
    zone = Zone(standardOffset: TableText.number(columns[7]), observesDaylightTime: columns[8] == "dst")
    var random = RandomSource(seed: Hospital.seed, index: UInt64(number), stream: 0)
    organization = Identity(.organization, from: &random)
    location = Identity(.location, from: &random)
    practitioners = Part.allCases.map { part in
      let isFemale = random.chance(0.5)
      return Practitioner(
        identity: Identity(.practitioner, from: &random), number: number * 100 + part.rawValue,
        family: random.pick(Name.family), given: random.pick(isFemale ? Name.female : Name.male), isFemale: isFemale)
    }
  }

  fileprivate static let seed: UInt64 = 0x4163_6573_6F00_0001

  static let all = TableText.rows(text).enumerated().map { Hospital(number: $0.offset + 1, columns: $0.element) }

  /// Invented hospitals in existing cities; degrees times 10,000; minutes east of UTC.
  private static let text = """
    # name|street|city|state|postal code|latitude|longitude|offset|daylight time
    Harbor Light Medical Center|100 Harbor Walk|Boston|MA|02110|423584|-710598|-300|dst
    Three Rivers Community Hospital|22 Riverbank Road|Pittsburgh|PA|15222|404406|-799959|-300|dst
    Magnolia Regional Hospital|710 Magnolia Avenue|Atlanta|GA|30303|337490|-843880|-300|dst
    Lakefront General Hospital|48 Lakefront Drive|Chicago|IL|60601|418781|-876298|-360|dst
    Prairie Rose Clinic|5 Prairie Rose Lane|Omaha|NE|68102|412565|-959345|-360|dst
    Bayou Bend Hospital|1300 Bayou Bend|Houston|TX|77002|297604|-953698|-360|dst
    Front Range Medical Center|860 Foothill Street|Denver|CO|80202|397392|-1049903|-420|dst
    Saguaro Health Center|2400 Saguaro Road|Phoenix|AZ|85004|334484|-1120740|-420|-
    Golden Hills Hospital|77 Golden Hill Street|Oakland|CA|94607|378044|-1222712|-480|dst
    Sound View Medical Center|915 Sound View Avenue|Seattle|WA|98101|476062|-1223321|-480|dst
    """
}

/// Who pays.
struct Insurer: Sendable {
  let number: Int
  let identity: Identity
  let name: String

  static let all = ["Bluestem Mutual Health", "Keystone Care Plan", "Evergreen Family Insurance", "Summit Senior Plan"]
    .enumerated().map { number, name in
      var random = RandomSource(seed: Hospital.seed, index: UInt64(number), stream: 1)
      return Insurer(number: number + 1, identity: Identity(.organization, from: &random), name: name)
    }
}
