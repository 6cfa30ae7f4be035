import Base

/// The shapes that are measured.
///
/// Ranges are narrowed as the store grows, so that their results are of the same size. Names and codes match more in a
/// larger store; the table shows how many, and a page of ten is shown all the same.
extension SearchShape {
  private static let valuesMax = 300
  private static let orValueCount = 1_000
  /// Pages measured one after another, beginning with the first and with this one.
  private static let pageCount = 16
  private static let deepPage = 1_000
  private static let weight = "http://loinc.org|29463-7"
  private static let kilogram = "http://unitsofmeasure.org|kg"

  static func catalogue(_ samples: SearchSamples) -> [SearchShape] {
    plain(samples) + joined(samples) + sorted(samples) + counted(samples)
  }

  private init(_ name: String, _ title: String, _ goal: Goal, _ queries: [String]) {
    self.init(name: name, title: title, goal: goal) { Self.some(of: queries).map(SearchAddress.search) }
  }

  /// At most so many, evenly from the whole list, each once.
  private static func some(of queries: [String]) -> [String] {
    var seen: Set<String> = []
    let different = queries.filter { seen.insert($0).inserted }
    let count = min(valuesMax, different.count)
    return (0..<count).map { different[$0 * different.count / count] }
  }

  // MARK: - Conditions of one resource

  private static func plain(_ samples: SearchSamples) -> [SearchShape] {
    let patients = samples.patients
    let prefixes = patients.flatMap(\.given).filter { $0.utf8.count > 4 && $0.utf8.allSatisfy { $0 < 128 } }
    return [
      SearchShape(name: "id-read", title: "`Patient/id`", goal: .selective) {
        patients.map { .read("Patient/\($0.id)") }
      },
      SearchShape("id", "`Patient?_id`", .selective, patients.map { "Patient?_id=\($0.id)" }),
      SearchShape(
        "identifier", "`Patient?identifier`, with system", .selective,
        patients.map { "Patient?identifier=\($0.identifier)" }),
      SearchShape(
        "name", "`Patient?name`, 4 letters of a given name", .selective, prefixes.map { "Patient?name=\($0.prefix(4))" }
      ),
      SearchShape(
        "patient-code-date", "`Observation?patient&code&date=ge&date=lt`, two months", .selective,
        samples.observations.map {
          "Observation?patient=Patient/\($0.patient)&code=\($0.code)&\(days(around: $0.day, from: -30, count: 60))"
        }),
    ] + quantities(samples) + frequent(samples)
  }

  private static func quantities(_ samples: SearchSamples) -> [SearchShape] {
    let weights = samples.observations.filter { $0.code == weight }.compactMap { tenths($0.value) }
    func query(_ low: Int, _ high: Int) -> String {
      "Observation?code=\(weight)&value-quantity=gt\(decimal(low))|\(kilogram)"
        + "&value-quantity=lt\(decimal(high))|\(kilogram)"
    }
    let width = samples.narrowing
    return [
      SearchShape(
        "quantity", "`Observation?code&value-quantity=gt&value-quantity=lt`, narrow", .selective,
        weights.map { query(max(0, $0 - 1 - width / 2), $0 - width / 2 + width) }),
      SearchShape(
        "quantity-wide", "the same, most values", .page,
        (0..<valuesMax).map { query(300 + $0, 900 + 2 * $0) }),
    ]
  }

  private static func frequent(_ samples: SearchSamples) -> [SearchShape] {
    guard let code = samples.observationCodes.first else { return [] }
    let queries = samples.observations.filter { $0.code == code }.map {
      "Observation?code=\(code)&\(days(around: $0.day, from: 0, count: samples.narrowing))"
    }
    return [
      SearchShape(
        "code-date", "`Observation?code&date=ge&date=lt`, most frequent code, few days", .selective, queries),
      SearchShape("code-date-sorted", "the same, `_sort=-date`", .selective, queries.map { "\($0)&_sort=-date" }),
    ]
  }

  // MARK: - Joins

  private static func joined(_ samples: SearchSamples) -> [SearchShape] {
    let patients = samples.patients
    let frequent = samples.observationCodes.first ?? ""
    let codes = samples.observationCodes.flatMap { code in ["female", "male"].map { (gender: $0, code: code) } }
    return [
      SearchShape(
        "chain", "`Encounter?patient.identifier`", .selective,
        patients.map { "Encounter?patient.identifier=\($0.identifier)" }),
      SearchShape(
        "chain-name", "`Observation?subject:Patient.name&code`, a family name, most frequent code", .selective,
        patients.map(\.family).filter { $0.utf8.allSatisfy { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a } }.map {
          "Observation?subject:Patient.name=\($0)&code=\(frequent)"
        }),
      SearchShape(
        "chain-gender", "`Observation?patient.gender&code`", .page,
        codes.map { "Observation?patient.gender=\($0.gender)&code=\($0.code)" }),
      SearchShape(
        "has-one", "`Patient?_has:Encounter:patient:_id`", .selective,
        samples.encounters.map { "Patient?_has:Encounter:patient:_id=\($0)" }),
      SearchShape(
        "has-rare", "`Patient?_has:Condition:patient:code`, rare codes", .selective,
        samples.conditionCodes.suffix(6).map { "Patient?_has:Condition:patient:code=\($0)" }),
      SearchShape(
        "has-frequent", "`Patient?_has:Observation:patient:code`, frequent codes", .page,
        samples.observationCodes.prefix(6).map { "Patient?_has:Observation:patient:code=\($0)" }),
      SearchShape(
        "include", "`Encounter?_id&_include=Encounter:patient`", .selective,
        samples.encounters.map { "Encounter?_id=\($0)&_include=Encounter:patient" }),
      SearchShape(
        "include-reverse", "`Encounter?_id&_include=Encounter:patient&_revinclude=Observation:encounter`", .selective,
        samples.encounters.map {
          "Encounter?_id=\($0)&_include=Encounter:patient&_revinclude=Observation:encounter"
        }),
      SearchShape(
        "include-page", "`Encounter?patient`, including its practitioners and Observations", .page,
        patients.map {
          "Encounter?patient=\($0.id)&_include=Encounter:practitioner&_revinclude=Observation:encounter"
        }),
    ]
  }

  // MARK: - Order

  private static func sorted(_ samples: SearchSamples) -> [SearchShape] {
    let observations = "Observation?_sort=-date,code,_lastUpdated&_count=10"
    let people = "Patient?_sort=family,birthdate,_id&_count=10"
    func pages(_ query: String, from first: Int) -> () throws -> [SearchAddress] {
      { try walk(query, from: first, samples.client) }
    }
    return [
      SearchShape(
        name: "sort-people", title: "`Patient?_sort=family,birthdate,_id`, first pages", goal: .page,
        addresses: pages(people, from: 1)),
      SearchShape(
        name: "sort-first", title: "`Observation?_sort=-date,code,_lastUpdated`, first pages", goal: .page,
        addresses: pages(observations, from: 1)),
      SearchShape(
        name: "sort-deep", title: "the same, pages from \(deepPage) on", goal: .costOf("sort-first"),
        addresses: pages(observations, from: deepPage)),
    ]
  }

  /// Some pages of a search, found by its next links.
  private static func walk(_ query: String, from first: Int, _ client: ServiceClient) throws -> [SearchAddress] {
    var pages = [SearchAddress.search(query)]
    var answer = try client.search(query)
    while pages.count < first - 1 + pageCount, let next = answer.link("next") {
      pages.append(.page(next))
      answer = try client.page(at: next)
    }
    // A small store ends before; then its last pages are the deep ones.
    return Array(pages.dropFirst(first - 1).isEmpty ? pages.suffix(pageCount) : pages.dropFirst(first - 1))
  }

  // MARK: - Many hits, many values

  private static func counted(_ samples: SearchSamples) -> [SearchShape] {
    let code = samples.observationCodes.first ?? ""
    let ids = samples.observations.map(\.id)
    let lists = (0..<valuesMax / 6).map { place in
      // A step without a common divisor with most counts, so that each list is spread over the store.
      (0..<min(orValueCount, ids.count)).map { ids[($0 * 61 + place * 17) % ids.count] }.joined(separator: ",")
    }
    let unknown = (0..<valuesMax / 6).map { place in
      let codes = (0..<orValueCount - 2).map { "\(100_000 + place * orValueCount + $0)-0" }
      let known = [0, 1].map { samples.observationCodes[(place + $0) % samples.observationCodes.count] }
      return (codes + known).joined(separator: ",")
    }
    return [
      SearchShape(
        "count", "`Observation?code&_summary=count`, most frequent code", .counting,
        ["Observation?code=\(code)&_summary=count"]),
      SearchShape(
        "or-codes", "`Observation?code`, \(orValueCount) values, two of them known", .page,
        unknown.map { "Observation?code=\($0)" }),
      SearchShape(
        "or-ids", "`Observation?_id`, \(orValueCount) values", .page, lists.map { "Observation?_id=\($0)" }),
    ]
  }

  // MARK: - Values

  /// `date=ge…&date=lt…` of some days.
  private static func days(around day: String, from offset: Int, count: Int) -> String {
    let parts = day.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3 else { return "date=\(day)" }
    let first = Instant.days(year: parts[0], month: parts[1], day: parts[2]) + offset
    return "date=ge\(text(ofDay: first))&date=lt\(text(ofDay: first + count))"
  }

  private static func text(ofDay day: Int) -> String {
    let date = Instant.civil(days: day)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(date.year)-\(two(date.month))-\(two(date.day))"
  }

  /// A decimal with one digit after the point, in tenths.
  private static func tenths(_ value: String?) -> Int? {
    guard let parts = value?.split(separator: "."), parts.count == 2, parts[1].utf8.count == 1 else { return nil }
    return Int(parts[0] + parts[1])
  }

  private static func decimal(_ tenths: Int) -> String { "\(tenths / 10).\(tenths % 10)" }
}
