import TestSupport

/// Resources that searches stumble over: values missing, several, open-ended, partial, without systems, in all
/// scripts, longer than the index takes, and references of every form. Deterministic.
struct NastyResources {
  private var random = SeededGenerator(seed: 4)
  /// Type, id and JSON.
  private(set) var all: [(type: String, id: String, json: String)] = []

  init() {
    organizations()
    locations()
    practitioners()
    patients()
    encounters()
    observations()
    conditions()
    knowledge()
    others()
  }

  private mutating func pick<T>(_ list: [T]) -> T { list[Int(random.next() % UInt64(list.count))] }
  private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  private mutating func add(_ type: String, _ number: Int, _ members: [String?]) {
    // What a resource's kind has in common: labels.
    var meta: [String] = []
    if chance(25) {
      meta.append(#""tag":[\#(Self.coding(pick(["http://t.example/a", ""]), pick(["red", "Red", "blue"])))]"#)
    }
    if chance(20) {
      meta.append(
        #""profile":["\#(pick(Self.profiles))"]"#
      )
    }
    if chance(15) {
      meta.append(
        #""source":"\#(pick(["http://s.example/a", "http://s.example/a#f", "urn:uuid:x", "http://s.example/a/b"]))""#)
    }
    let id = "\(type.lowercased().prefix(4))-\(number)"
    let narrative = chance(20) ? narrative() : nil
    var parts = [#""resourceType":"\#(type)""#, #""id":"\#(id)""#]
    if !meta.isEmpty { parts.append(#""meta":{\#(meta.joined(separator: ","))}"#) }
    if let narrative { parts.append(#""text":{"status":"generated","div":"\#(narrative)"}"#) }
    parts += members.compactMap { $0 }
    all.append((type, id, "{\(parts.joined(separator: ","))}"))
  }

  private mutating func narrative() -> String {
    let words = [
      "known <b>asth</b>ma", "left lung", "Größe", "H<sub>2</sub>O &amp; salt", "seit 1980", "Smith", "lung left",
    ]
    let lines = (0...(random.next() % 3)).map { _ in "<p>\(pick(words))</p>" }
    return #"<div xmlns=\"http://www.w3.org/1999/xhtml\">\#(lines.joined())</div>"#
  }

  private static let profiles = [
    "http://p.example/one", "http://p.example/one|1", "http://p.example/one|2", "http://p.example/one/two",
    "urn:oid:1.2.3", "http://p.example/one|1#x",
  ]

  // MARK: Elements

  private static func coding(_ system: String, _ code: String, _ display: String? = nil) -> String {
    var parts: [String] = []
    if !system.isEmpty { parts.append(#""system":"\#(system)""#) }
    if !code.isEmpty { parts.append(#""code":"\#(code)""#) }
    if let display { parts.append(#""display":"\#(display)""#) }
    return "{\(parts.joined(separator: ","))}"
  }

  private static let names = [
    "Müller", "Muller", "MÜLLER", "Mu\u{308}ller", "Mullerson", "Ångström", "Angstrom", "Ørsted", "Łukasz", "Straße",
    "Strasse", "Παπαδόπουλος", "ΠΑΠΑΔΌΠΟΥΛΟΣ", "Иванов", "ИВАНОВ", "山田", "O'Brien", "de la  Cruz", "De La Cruz",
    "Smith, John",
    "a$b|c", "İstanbul", "Nguyễn", "Nguyen", "J", "j", "Zoë", "Zoe", "%_", "😀 Smile", "Smith", "Smithson", "smith",
  ]
  private static let long = String(repeating: "Langer Name ", count: 60)
  static let veryLong = String(repeating: "Überlänge ", count: 500)

  private static let dates = [
    "1979-12-31", "1980", "1980-05", "1980-05-11", "1980-05-11T16:32:15Z", "1980-05-11T16:32:15.500Z", "1981-01-01",
    "1980-05-11T18:32:15+02:00", "1980-05-11T23:59:59-05:00", "1980-02-29", "1900", "2024-02-29",
    "2024-12-31T23:59:59.999Z",
    "2025-01-01T00:00:00Z", "2025-01-01", "2025", "1969-12-31T23:59:59.999Z", "1980-05-10",
  ]

  private mutating func period() -> String {
    let starts = ["1979-12-31", "1980", "1980-05", "1980-05-11", "2024-06-01T08:00:00Z", "1980-05-16"]
    let ends = ["1980-05-11", "1980-05-17", "1981", "2024-06-01T09:30:00+02:00", "2025-01-01", "2025-06"]
    let (start, end) = (pick(Array(starts.prefix(4))), pick(ends))
    switch random.next() % 4 {
    case 0: return #"{"start":"\#(pick(starts))"}"#
    case 1: return #"{"end":"\#(end)"}"#
    default: return end < start ? #"{"start":"\#(start)"}"# : #"{"start":"\#(start)","end":"\#(end)"}"#
    }
  }

  private static let identifierTypes = "http://terminology.hl7.org/CodeSystem/v2-0203"

  private mutating func identifier() -> String {
    var parts: [String] = []
    if chance(70) {
      parts.append(#""system":"\#(pick(["http://i.example/mrn", "http://i.example/ssn", "urn:oid:1.2"]))""#)
    }
    parts.append(#""value":"\#(pick(["1", "01", "A-1", "a-1", "x|y", "x,y", "7"]))""#)
    if chance(50) {
      let codes = pick(["MR", "SS", "mr"])
      let text = chance(50) ? #","text":"\#(pick(["Medical Record", "Médical", "Social"]))""# : ""
      parts.append(
        #""type":{"coding":[\#(Self.coding(pick([Self.identifierTypes, ""]), codes))]\#(text)}"#
      )
    }
    return "{\(parts.joined(separator: ","))}"
  }

  private mutating func concept() -> String {
    let codes = ["8867-4", "85354-9", "29463-7", "A", "a", "b-1"]
    var parts: [String] = []
    if chance(85) {
      var codings = [
        Self.coding(
          pick(["http://loinc.org", "http://c.example/codes", ""]), pick(codes),
          chance(40) ? pick(["Heart rate", "Herzfrequenz", "Größe"]) : nil)
      ]
      if chance(30) { codings.append(Self.coding("http://loinc.org", pick(codes))) }
      parts.append(#""coding":[\#(codings.joined(separator: ","))]"#)
    }
    if parts.isEmpty || chance(40) { parts.append(#""text":"\#(pick(["Heart rate", "heart beat", "Größe", "x"]))""#) }
    return "{\(parts.joined(separator: ","))}"
  }

  private static let numbers = [
    "5", "5.0", "5.000", "4.99", "5.01", "-3", "-3.5", "0", "0.002", "2e-3", "2.00E-3", "1E3", "1000", "99.5", "100",
    "100.4",
    "0.1", "0.15", "0.25", "1e-9", "123456789012", "95", "105",
  ]

  /// No more than a hundred (ras-2).
  private static let probabilities = [
    "5", "5.0", "4.99", "0", "0.002", "2e-3", "2.00E-3", "99.5", "100", "0.15", "1E1", "95",
  ]

  private static func unit(_ code: String) -> String {
    #""unit":"\#(code)","system":"http://unitsofmeasure.org","code":"\#(code)""#
  }

  private mutating func quantity() -> String {
    var parts = [#""value":\#(pick(Self.numbers))"#]
    if chance(12) { parts.append(#""comparator":"\#(pick(["<", ">", "<=", ">="]))""#) }
    switch random.next() % 5 {
    case 0: parts.append(#""unit":"\#(pick(["mg", "pieces", "Stück"]))""#)
    case 1: parts.append(#""system":"http://q.example/units","code":"mg""#)
    case 2: break
    default:
      let unit = pick(["mg", "g", "kg", "cm", "m"])
      parts.append(#""unit":"\#(pick([unit, "human"]))","system":"http://unitsofmeasure.org","code":"\#(unit)""#)
    }
    return "{\(parts.joined(separator: ","))}"
  }

  private mutating func reference(_ types: [String], _ count: Int) -> String {
    let type = pick(types)
    let id = "\(type.lowercased().prefix(4))-\(random.next() % UInt64(count))"
    switch random.next() % 15 {
    case 0: return #"{"reference":"\#(type)/\#(id)/_history/1"}"#
    case 1: return #"{"reference":"http://other.example/fhir/\#(type)/\#(id)"}"#
    case 2: return #"{"reference":"http://other.example/fhir/\#(type)/\#(id)/_history/2"}"#
    case 3: return #"{"reference":"urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"}"#
    case 4: return #"{"reference":"\#(type)/missing-\#(random.next() % 3)"}"#
    case 5: return #"{"identifier":\#(identifier())}"#
    case 6: return #"{"reference":"\#(type)/\#(id)","identifier":\#(identifier()),"display":"x"}"#
    case 7: return #"{"reference":"\#(pick(["ijk", id]))"}"#
    case 8, 9: return #"{"reference":"\#(OracleServer.base)/\#(type)/\#(id)"}"#
    case 10: return #"{"reference":"\#(OracleServer.base)/\#(type)/\#(id)/_history/1"}"#
    default: return #"{"reference":"\#(type)/\#(id)"}"#
    }
  }

  private mutating func several(_ percent: UInt64, _ most: UInt64, _ name: String, _ element: (inout Self) -> String)
    -> String?
  {
    guard chance(percent) else { return nil }
    let count = 1 + random.next() % most
    return "\"\(name)\":[\((0..<count).map { _ in element(&self) }.joined(separator: ","))]"
  }

  private mutating func one(_ percent: UInt64, _ name: String, _ element: (inout Self) -> String) -> String? {
    chance(percent) ? "\"\(name)\":\(element(&self))" : nil
  }

  private mutating func address(_ uses: [String] = ["home", "work", "old"]) -> String {
    var parts = [#""city":"\#(pick(["Seattle", "SEATTLE", "Sea", "Sèattle", "Köln"]))""#]
    if chance(50) { parts.append(#""line":["\#(pick(["1 Main St", "Hauptstraße 7"]))"]"#) }
    if chance(50) { parts.append(#""postalCode":"\#(pick(["98101", "98102", "50667"]))""#) }
    if chance(50) { parts.append(#""use":"\#(pick(uses))""#) }
    if chance(30) { parts.append(#""country":"\#(pick(["US", "us", "Deutschland"]))""#) }
    return "{\(parts.joined(separator: ","))}"
  }

  private mutating func humanName() -> String {
    var parts: [String] = []
    if chance(80) { parts.append(#""family":"\#(pick(Self.names))""#) }
    if chance(70) { parts.append(#""given":["\#(pick(Self.names))","\#(pick(Self.names))"]"#) }
    if chance(20) { parts.append(#""prefix":["Dr."]"#) }
    if parts.isEmpty || chance(10) { parts.append(#""text":"\#(pick([Self.long, "Anna \(pick(Self.names))"]))""#) }
    if chance(4) { parts.append(#""suffix":["\#(Self.veryLong)"]"#) }
    return "{\(parts.joined(separator: ","))}"
  }

  // MARK: Resources

  private mutating func organizations() {
    for number in 0..<12 {
      add(
        "Organization", number,
        [
          #""name":"\#(pick(Self.names)) Clinic""#, several(40, 2, "alias") { #""\#($0.pick(Self.names))""# },
          one(60, "partOf") { $0.reference(["Organization"], 12) }, several(60, 2, "identifier") { $0.identifier() },
          several(50, 2, "address") { $0.address(["work", "old"]) },
          one(70, "active") { $0.pick(["true", "false"]) },
        ])
    }
  }

  private mutating func locations() {
    for number in 0..<24 {
      let latitude = pick(["47.6", "47.60", "47.7", "-33.9", "0", "89.9", "-89.9", "51.5"])
      let longitude = pick(["-122.3", "-122.33", "179.95", "-179.95", "0", "151.2", "-0.1"])
      add(
        "Location", number,
        [
          one(80, "name") { #""\#($0.pick(Self.names))""# }, several(40, 2, "alias") { #""\#($0.pick(Self.names))""# },
          one(70, "position") { _ in #"{"longitude":\#(longitude),"latitude":\#(latitude)}"# },
          one(50, "partOf") { $0.reference(["Location"], 24) },
          one(50, "managingOrganization") { $0.reference(["Organization"], 12) },
          one(50, "status") { #""\#($0.pick(["active", "inactive", "suspended"]))""# },
        ])
    }
  }

  private mutating func practitioners() {
    for number in 0..<10 {
      add(
        "Practitioner", number,
        [
          several(85, 2, "name") { $0.humanName() }, several(60, 2, "identifier") { $0.identifier() },
          one(60, "gender") { #""\#($0.pick(["male", "female"]))""# }, several(30, 1, "address") { $0.address() },
        ])
    }
  }

  private mutating func patients() {
    for number in 0..<70 {
      add(
        "Patient", number,
        [
          several(85, 3, "name") { $0.humanName() }, several(60, 3, "identifier") { $0.identifier() },
          one(60, "gender") { #""\#($0.pick(["male", "female", "other", "unknown"]))""# },
          one(70, "birthDate") {
            "\"\($0.pick(["1970-01-01", "1970-01", "1970", "1980-05-11", "1980-05", "2000-02-29", "1970-12-31"]))\""
          },
          one(20, "deceasedDateTime") { "\"\($0.pick(Self.dates))\"" }, several(50, 2, "address") { $0.address() },
          one(70, "active") { $0.pick(["true", "false"]) },
          several(40, 2, "generalPractitioner") { $0.reference(["Practitioner", "Organization"], 10) },
          one(50, "managingOrganization") { $0.reference(["Organization"], 12) },
          several(20, 2, "link") { #"{"other":\#($0.reference(["Patient"], 70)),"type":"seealso"}"# },
          several(40, 2, "telecom") {
            #"{"system":"\#($0.pick(["phone", "email"]))","value":"\#($0.pick(["555-1", "a@b.org", "A@b.org"]))"}"#
          },
        ])
    }
  }

  private mutating func encounters() {
    for number in 0..<40 {
      add(
        "Encounter", number,
        [
          #""status":"\#(pick(["planned", "finished", "in-progress"]))""#,
          #""class":\#(Self.coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", pick(["AMB", "IMP"])))"#,
          one(80, "period") { $0.period() }, one(85, "subject") { $0.reference(["Patient", "Group"], 70) },
          one(40, "partOf") { $0.reference(["Encounter"], 40) },
          one(30, "length") { #"{"value":\#($0.pick(Self.numbers)),\#(Self.unit($0.pick(["min", "h"])))}"# },
          several(50, 2, "type") { $0.concept() },
          several(40, 2, "location") { #"{"location":\#($0.reference(["Location"], 24)),"period":\#($0.period())}"# },
          several(40, 2, "participant") { #"{"individual":\#($0.reference(["Practitioner"], 10))}"# },
          one(40, "serviceProvider") { $0.reference(["Organization"], 12) },
        ])
    }
  }

  private mutating func value(_ includingSamples: Bool) -> String? {
    switch random.next() % 10 {
    case 0...3: return #""valueQuantity":\#(quantity())"#
    case 4, 5: return #""valueCodeableConcept":\#(concept())"#
    case 6: return #""valueString":"\#(pick(Self.names + [Self.long]))""#
    case 7: return #""valueDateTime":"\#(pick(Self.dates))""#
    case 8 where includingSamples:
      return
        #""valueSampledData":{"origin":{"value":\#(pick(["0", "1", "-2.5"])),\#(Self.unit("mg"))},"period":10,"#
        + #""dimensions":1,"data":"2 4 E 3 -1"}"#
    case 8: return #""valuePeriod":\#(period())"#
    default: return nil
    }
  }

  private mutating func observations() {
    for number in 0..<160 {
      let time = pick(["DateTime", "DateTime", "DateTime", "Period", "Instant", "Timing", "none"])
      var effective: String?
      switch time {
      case "DateTime": effective = #""effectiveDateTime":"\#(pick(Self.dates))""#
      case "Period": effective = #""effectivePeriod":\#(period())"#
      case "Instant":
        effective = #""effectiveInstant":"\#(pick(["1980-05-11T16:32:15.500Z", "2024-12-31T23:59:59.999Z"]))""#
      case "Timing":
        effective =
          chance(50)
          ? #""effectiveTiming":{"event":["\#(pick(Self.dates))","\#(pick(Self.dates))"]}"#
          : #""effectiveTiming":{"repeat":{"boundsPeriod":\#(period())}}"#
      default: break
      }
      add(
        "Observation", number,
        [
          #""status":"\#(pick(["final", "amended", "preliminary"]))""#, #""code":\#(concept())"#,
          several(60, 2, "category") { $0.concept() },
          one(90, "subject") { $0.reference(["Patient", "Patient", "Patient", "Group", "Location"], 70) },
          one(40, "encounter") { $0.reference(["Encounter"], 40) },
          several(30, 2, "performer") { $0.reference(["Practitioner", "Organization"], 10) },
          several(20, 3, "hasMember") { $0.reference(["Observation"], 160) }, effective, value(true),
          several(30, 3, "component") { #"{"code":\#($0.concept())\#($0.value(false).map { "," + $0 } ?? "")}"# },
        ])
    }
  }

  private mutating func conditions() {
    for number in 0..<30 {
      let years = Self.unit("a")
      let onset = [
        #""onsetDateTime":"\#(pick(Self.dates))""#, #""onsetPeriod":\#(period())"#,
        #""onsetString":"\#(pick(Self.names))""#,
        #""onsetRange":{"low":{"value":\#(random.next() % 30),\#(years)},"high":{"value":40,\#(years)}}"#,
      ]
      add(
        "Condition", number,
        [
          #""subject":\#(reference(["Patient"], 70))"#, one(80, "code") { $0.concept() },
          chance(80) ? pick(onset) : nil,
          one(50, "recordedDate") { "\"\($0.pick(Self.dates))\"" },
          one(40, "encounter") { $0.reference(["Encounter"], 40) },
        ])
    }
    for number in 0..<30 {
      add(
        "RiskAssessment", number,
        [
          #""status":"final""#, #""subject":\#(reference(["Patient"], 70))"#,
          several(85, 2, "prediction") { state in
            let number = state.pick(Self.probabilities)
            return state.chance(70)
              ? #"{"probabilityDecimal":\#(number)}"#
              : #"{"probabilityRange":{"low":{"value":\#(state.pick(["1", "0.5"]))},"#
                + #""high":{"value":\#(state.pick(["5", "50"]))}}}"#
          },
        ])
    }
  }

  private mutating func knowledge() {
    let urls = [
      "http://v.example", "http://v.example/", "http://v.example/a", "http://v.example/a/b", "http://v.example/ab",
      "http://v.example/a/b/c", "https://v.example/a", "urn:oid:1.2.3.4", "urn:oid:1.2.3.4.5", "http://V.example/a",
      "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "http://v.example/a#f",
    ]
    for number in 0..<30 {
      add(
        "ValueSet", number,
        [
          #""status":"\#(pick(["draft", "active"]))""#, one(85, "url") { #""\#($0.pick(urls))""# },
          one(40, "version") { #""\#($0.pick(["1", "2", "1.0"]))""# },
          one(70, "title") { #""\#($0.pick(Self.names))""# },
          one(60, "date") { "\"\($0.pick(Self.dates.filter { !$0.contains(".") }))\"" },
          several(40, 2, "useContext") { state in
            let code = Self.coding("http://u.example", state.pick(["age", "focus"]))
            return state.chance(50)
              ? #"{"code":\#(code),"valueQuantity":\#(state.quantity())}"#
              : #"{"code":\#(code),"valueCodeableConcept":\#(state.concept())}"#
          },
          several(40, 2, "jurisdiction") { $0.concept() },
        ])
    }
    for number in 0..<12 {
      let start = random.next() % 20
      add(
        "MolecularSequence", number,
        [
          #""coordinateSystem":0"#, one(60, "patient") { $0.reference(["Patient"], 70) },
          one(85, "referenceSeq") {
            // One of the two names the sequence (msq-5, msq-6).
            let name =
              $0.chance(60)
              ? #""referenceSeqId":\#($0.concept())"# : #""chromosome":\#($0.concept()),"genomeBuild":"GRCh38""#
            return #"{\#(name),"windowStart":\#(start),"windowEnd":\#(start + $0.random.next() % 9)}"#
          },
          several(50, 3, "variant") { #"{"start":\#($0.random.next() % 9),"end":\#(9 + $0.random.next() % 9)}"# },
        ])
    }
  }

  private mutating func others() {
    for number in 0..<8 {
      add(
        "Group", number,
        [
          #""type":"person","actual":true"#,
          several(70, 4, "member") { #"{"entity":\#($0.reference(["Patient"], 70))}"# },
          several(50, 2, "characteristic") {
            #"{"code":\#($0.concept()),"valueCodeableConcept":\#($0.concept()),"exclude":\#($0.chance(50))}"#
          },
        ])
      add(
        "List", number,
        [
          #""status":"current","mode":"working""#, one(60, "title") { #""\#($0.pick(Self.names))""# },
          one(50, "date") { "\"\($0.pick(Self.dates.filter { !$0.contains(".") }))\"" },
          several(85, 8, "entry") { #"{"item":\#($0.reference(["Patient", "Observation", "Encounter"], 30))}"# },
        ])
    }
    for number in 0..<16 {
      add(
        "DocumentReference", number,
        [
          #""status":"current","content":[{"attachment":{"url":"http://d.example/\#(number % 5)"}}]"#,
          one(60, "subject") { $0.reference(["Patient"], 70) }, one(60, "date") { _ in "\"2024-12-31T23:59:59.999Z\"" },
          several(60, 2, "relatesTo") {
            #"{"code":"\#($0.pick(["replaces", "appends"]))","target":\#($0.reference(["DocumentReference"], 16))}"#
          },
        ])
      add(
        "MedicationRequest", number,
        [
          #""status":"active","intent":"\#(pick(["order", "plan"]))","subject":\#(reference(["Patient"], 70))"#,
          #""medicationCodeableConcept":\#(concept())"#, one(60, "authoredOn") { "\"\($0.pick(Self.dates))\"" },
          several(50, 2, "dosageInstruction") {
            #"{"timing":{"event":["\#($0.pick(Self.dates))","\#($0.pick(Self.dates))"]}}"#
          },
        ])
    }
  }
}
