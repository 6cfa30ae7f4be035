import Base
import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search §2.1.1.4: the values of each kind of parameter.
@Suite struct SearchValueTests {
  private func values(_ type: String, _ code: String, _ text: String) throws -> [SearchValue] {
    let query = "\(code)=\(QueryString.encode(text))"
    return try #require(SearchQueryParserTests.parse(query, [type]).conditions.first, "\(query)").values
  }

  private func isRefused(_ type: String, _ code: String, _ text: String) -> Bool {
    SearchQueryParserTests.refusal("\(code)=\(QueryString.encode(text))", [type])?.category == .invalid
  }

  @Test func tokens() throws {
    func tokens(_ text: String) throws -> [SearchValue] { try values("Observation", "code", text) }
    #expect(try tokens("a") == [.token(system: .any, code: "a")])
    #expect(try tokens("s|a") == [.token(system: .uri("s"), code: "a")])
    #expect(try tokens("|a") == [.token(system: .none, code: "a")])
    #expect(try tokens("s|") == [.token(system: .uri("s"), code: nil)])
    #expect(try tokens("a,s|b") == [.token(system: .any, code: "a"), .token(system: .uri("s"), code: "b")])
    #expect(try tokens(#"a\,b"#) == [.token(system: .any, code: "a,b")])
    #expect(try tokens(#"a\|b"#) == [.token(system: .any, code: "a|b")])
    #expect(try tokens(#"s|a\|b"#) == [.token(system: .uri("s"), code: "a|b")])
    #expect(try tokens(#"a\\"#) == [.token(system: .any, code: #"a\"#)])
    #expect(try tokens(#"a\\,b"#) == [.token(system: .any, code: #"a\"#), .token(system: .any, code: "b")])
    #expect(try tokens(#"a\$b"#) == [.token(system: .any, code: "a$b")])
    // A backslash before anything else stands for itself.
    #expect(try tokens(#"a\b\"#) == [.token(system: .any, code: #"a\b\"#)])
    #expect(try tokens(" a ") == [.token(system: .any, code: " a ")])
    #expect(isRefused("Observation", "code", "a|b|c"))
    #expect(isRefused("Observation", "code", "|"))
  }

  @Test func strings() throws {
    #expect(try values("Patient", "name", #"Richard\,Muller,x"#) == [.string("Richard,Muller"), .string("x")])
    #expect(try values("Patient", "name", "a|b$c") == [.string("a|b$c")])
    #expect(try values("Patient", "name", "eqA") == [.string("eqA")])
  }

  @Test func references() throws {
    func reference(_ text: String, _ code: String = "subject") throws -> SearchValue? {
      try values("Observation", code, text).first
    }
    #expect(try reference("23") == .reference(type: "", id: "23"))
    #expect(try reference("Patient/23") == .reference(type: "Patient", id: "23"))
    #expect(try reference("Patient/23/_history/4") == .reference(type: "Patient", id: "23"))
    #expect(try reference("23", "subject:Patient") == .reference(type: "Patient", id: "23"))
    #expect(try reference("Patient/23", "subject:Patient") == .reference(type: "Patient", id: "23"))
    #expect(try reference("http://a.b/fhir/Patient/23") == .reference(type: "", id: "http://a.b/fhir/Patient/23"))
    #expect(
      try reference("http://a.b/fhir/Patient/23/_history/1") == .reference(type: "", id: "http://a.b/fhir/Patient/23"))
    #expect(try reference("urn:uuid:1") == .reference(type: "", id: "urn:uuid:1"))
    // Names are case-sensitive.
    #expect(try reference("patient/23") == .reference(type: "", id: "patient/23"))
  }

  /// URLs of the service's own resources are references to them (FHIR R4 search#reference); no others are.
  @Test(arguments: [
    ("http://h/f/Patient/23", "Patient", "23"), ("http://h/f/Patient/23/_history/2", "Patient", "23"),
    ("http://h/f/Nothing/23", "", "http://h/f/Nothing/23"), ("http://h/f2/Patient/23", "", "http://h/f2/Patient/23"),
    ("http://h/f/x/Patient/23", "", "http://h/f/x/Patient/23"),
    ("https://h/f/Patient/23", "", "https://h/f/Patient/23"),
    ("http://h/f/Patient", "", "http://h/f/Patient"), ("http://h/f/Patient/", "", "http://h/f/Patient/"),
    ("http://h/f/Patient/a|1", "", "http://h/f/Patient/a|1"), ("http://h/f", "", "http://h/f"),
  ])
  func ownURLs(url: String, type: String, id: String) throws {
    for query in ["subject", "_filter"] {
      let text = query == "_filter" ? "_filter=subject eq \"\(url)\"" : "subject=\(QueryString.encode(url))"
      let search = try SearchQueryParserTests.parse(text, ["Observation"], base: "http://h/f")
      #expect(search.base == "http://h/f")
      #expect(search.conditions.first?.values == [.reference(type: type, id: id)], "\(text)")
      #expect(search.conditions.first?.base == "http://h/f")
    }
    let typed = try SearchQueryParserTests.parse(
      "subject:Patient=\(QueryString.encode(url))", ["Observation"], base: "http://h/f")
    if type == "Patient" { #expect(typed.conditions.first?.values == [.reference(type: "Patient", id: id)]) }
  }

  // MARK: Long values

  /// What the index keeps of a text is all that it can be found by: longer values are refused, not sought in vain.
  @Test(arguments: [
    ("name", 4_096), ("name:contains", 4_096), ("name:exact", 4_092), ("identifier", 4_092), ("identifier:text", 4_096),
    ("identifier:not", 4_092), ("organization", 4_092), ("_profile", 4_092), ("_source:below", 4_092),
    ("organization.name", 4_096),
  ])
  func longValues(name: String, most: Int) throws {
    let text = String(repeating: "a", count: most)
    _ = try SearchQueryParserTests.parse("\(name)=\(text)")
    let reason = try #require(SearchQueryParserTests.refusal("\(name)=\(text)a")?.reasons.first)
    let code = name.split(separator: ":")[0].split(separator: ".").last ?? ""
    #expect(reason.code == "too-long")
    #expect(reason.diagnostics.contains("'\(code)'") && reason.diagnostics.contains("\(most) bytes"), "\(reason)")
    // What counts is the text meant: an alternative for itself, without its escapes.
    _ = try SearchQueryParserTests.parse("\(name)=\(text),b")
    if name != "_profile" { _ = try SearchQueryParserTests.parse(#"\#(name)=\,\#(text.dropFirst())"#) }
  }

  @Test func longValuesInFilters() throws {
    let text = String(repeating: "a", count: 4_093)
    for test in ["family eq", "identifier eq", "organization re", "_profile eq", "identifier ne"] {
      #expect(
        SearchQueryParserTests.refusal("_filter=\(test) \"\(text)\"")?.reasons.first?.code == "too-long", "\(test)")
    }
    _ = try SearchQueryParserTests.parse("_filter=family sw \"\(text)\"")
  }

  /// A modifier and a value that name different types contradict each other: nothing may match.
  @Test func contradictingTargetTypes() throws {
    let value = try values("Observation", "subject:Patient", "Group/23").first
    #expect(value == .reference(type: "Patient", id: "Group/23"))
  }

  @Test func uris() throws {
    #expect(try values("ValueSet", "url", "http://a/b|1#c") == [.uri("http://a/b|1#c")])
    #expect(try values("ValueSet", "url", #"urn:a\,b"#) == [.uri("urn:a,b")])
  }

  private static let day: Int64 = 86_400_000_000
  /// 2013-01-14T00:00:00Z, from `date -u -d 2013-01-14 +%s`.
  private static let start: Int64 = 1_358_121_600_000_000

  @Test func dates() throws {
    func date(_ text: String) throws -> SearchValue? { try values("Patient", "birthdate", text).first }
    let day = Self.day
    let start = Self.start
    #expect(try date("2013-01-14") == .date(.eq, low: start, high: start + day - 1))
    for comparator in SearchComparator.allCases where comparator != .ap {
      #expect(try date("\(comparator.rawValue)2013-01-14") == .date(comparator, low: start, high: start + day - 1))
    }
    #expect(try date("2013-01-14T10:00Z") == .date(.eq, low: start + 36_000_000_000, high: start + 36_059_999_999))
    #expect(try date("2013-01-14T10:00") == .date(.eq, low: start + 36_000_000_000, high: start + 36_059_999_999))
    #expect(
      try date("2013-01-14T12:00:00+02:00") == .date(.eq, low: start + 36_000_000_000, high: start + 36_000_999_999))
    #expect(
      try date("2013-01-14T10:00:00.5Z") == .date(.eq, low: start + 36_000_500_000, high: start + 36_000_599_999))
    #expect(try date("2013-01") == .date(.eq, low: start - 13 * day, high: start + 18 * day - 1))
    #expect(try date("2013") == .date(.eq, low: start - 13 * day, high: start + 352 * day - 1))
    #expect(try date("2012-02-29") == .date(.eq, low: start - 320 * day, high: start - 319 * day - 1))
    for wrong in [
      "", "05", "2013-13", "2013-02-30", "1973-02-30", "2013-1-1", "***", "!", "zz2013", "eq", "eqeq2013",
      "2013-01-14T",
      "2013-01-14T10", "2013-01-14T25:00", "2013-01-14T10:00:00.", "2013-01-14T10:00+15:00", "20130114", "2013-01-14 ",
      "EQ2013", "0000", "2013-01-14T10:00:00z", "1979-12-31T01:01:09.123456789012345678",
    ] {
      #expect(isRefused("Patient", "birthdate", wrong), "\(wrong)")
    }
  }

  /// A zone's plus, unescaped in a URL, arrives as a space.
  @Test func plusOfAZone() throws {
    let condition = try #require(
      SearchQueryParserTests.parse("date=2013-01-14T12:00:00+02:00", ["Observation"]).conditions.first)
    #expect(condition.values == [.date(.eq, low: Self.start + 36_000_000_000, high: Self.start + 36_000_999_999)])
  }

  /// `ap`: a tenth of the distance to now on either side, so a wider period around the value.
  @Test func approximateDates() throws {
    guard case .date(.ap, let low, let high)? = try values("Patient", "birthdate", "ap2013-01-14").first else {
      Issue.record("no ap")
      return
    }
    // 2013-01-14 to 2023-11-14T22:13:20Z (the parser's now) is 3,956.9 days.
    #expect(low < Self.start - 390 * Self.day && low > Self.start - 400 * Self.day)
    #expect(high > Self.start + 390 * Self.day && high < Self.start + 401 * Self.day)
  }

  @Test func numbers() throws {
    func number(_ text: String) throws -> (SearchComparator, Double, Double, Double)? {
      guard
        case .number(let comparator, let low, let high, let exact)? = try values("RiskAssessment", "probability", text)
          .first
      else { return nil }
      return (comparator, low, high, exact)
    }
    // FHIR R4 search#number: 100 is [99.5, 100.5), 100.00 is [99.995, 100.005), 1e2 is [95, 105).
    #expect(try #require(try number("100")) == (.eq, 99.5, 100.5, 100))
    #expect(try #require(try number("100.00")) == (.eq, 99.995, 100.005, 100))
    #expect(try #require(try number("1e2")) == (.eq, 95, 105, 100))
    #expect(try #require(try number("2.00e-3")) == (.eq, 0.001995, 0.002005, 0.002))
    #expect(try #require(try number("-5")) == (.eq, -5.5, -4.5, -5))
    #expect(try #require(try number("0.8")) == (.eq, 0.75, 0.85, 0.8))
    for comparator in SearchComparator.allCases where comparator != .ap {
      #expect(try #require(try number("\(comparator.rawValue)100")) == (comparator, 99.5, 100.5, 100))
    }
    let about = try #require(try number("ap100"))
    #expect((about.1, about.2) == (90, 110))
    let negative = try #require(try number("ap-100"))
    #expect((negative.1, negative.2) == (-110, -90))
    for wrong in [
      "", "gt", "foo", "1,5x", "0x10", "1e", "--1", "+1", " 1", "1 ", "NaN", "Infinity", "1e999999", "GT5", "1..2",
      ".5",
      "5.", "1|2", "gt" + String(repeating: "1", count: 47), "gt" + String(repeating: "9", count: 400) + "e400",
    ] {
      #expect(isRefused("RiskAssessment", "probability", wrong), "\(wrong)")
    }
  }

  @Test func quantities() throws {
    func quantity(_ text: String) throws -> SearchValue? { try values("Observation", "value-quantity", text).first }
    let amount = SearchAmount(try #require(FHIRDecimal("5.4")), isApproximate: false)
    #expect((amount.low, amount.high, amount.exact) == (5.35, 5.45, 5.4))
    func expected(_ comparator: SearchComparator, _ system: String?, _ code: String?) -> SearchValue {
      .quantity(comparator, amount, system: system, code: code)
    }
    #expect(try quantity("5.4") == expected(.eq, nil, nil))
    #expect(try quantity("5.4|http://example.org|mg") == expected(.eq, "http://example.org", "mg"))
    #expect(
      try quantity("5.4|http://unitsofmeasure.org|mg") == expected(.eq, "http://unitsofmeasure.org", "mg"))
    #expect(try quantity("5.4|http://unitsofmeasure.org|furz") == expected(.eq, "http://unitsofmeasure.org", "furz"))
    #expect(try quantity("5.4||mg") == expected(.eq, nil, "mg"))
    #expect(try quantity("5.4|http://unitsofmeasure.org|") == expected(.eq, "http://unitsofmeasure.org", nil))
    #expect(try quantity("5.4|http://unitsofmeasure.org") == expected(.eq, "http://unitsofmeasure.org", nil))
    #expect(try quantity("le5.4||mg") == expected(.le, nil, "mg"))
    #expect(try quantity(#"5.4||a\|b"#) == expected(.eq, nil, "a|b"))
    for wrong in ["", "|s|c", "5.4|s|c|d", "mg", "5.4 mg", "5.4|", "gt|s|c"] {
      #expect(isRefused("Observation", "value-quantity", wrong), "\(wrong)")
    }
  }

  /// FHIR R4 search#composite: each part by its own definition's kind, prefixes and escapes inside.
  @Test func composites() throws {
    func first(_ type: String, _ code: String, _ text: String) throws -> SearchValue? {
      try values(type, code, text).first
    }
    let quantity = SearchValue.quantity(
      .gt, SearchAmount(try #require(FHIRDecimal("5.4")), isApproximate: false), system: "http://example.org",
      code: "mg")
    #expect(
      try first("Observation", "code-value-quantity", "http://loinc.org|1-2$gt5.4|http://example.org|mg")
        == .composite([.token(system: .uri("http://loinc.org"), code: "1-2"), quantity]))
    #expect(
      try first("Observation", "code-value-string", #"a\$b$x\,y"#)
        == .composite([.token(system: .any, code: "a$b"), .string("x,y")]))
    #expect(
      try values("Observation", "code-value-concept", "a$b,c$|d") == [
        .composite([.token(system: .any, code: "a"), .token(system: .any, code: "b")]),
        .composite([.token(system: .any, code: "c"), .token(system: .none, code: "d")]),
      ])
    #expect(
      try first("DocumentReference", "relationship", "DocumentReference/1$replaces")
        == .composite([.reference(type: "DocumentReference", id: "1"), .token(system: .any, code: "replaces")]))
    let day = SearchValue.date(.ge, low: Self.start, high: Self.start + Self.day - 1)
    #expect(
      try first("Observation", "code-value-date", "a$ge2013-01-14")
        == .composite([.token(system: .any, code: "a"), day]))
    guard
      case .composite(let parts)? = try first(
        "MolecularSequence", "referenceseqid-window-coordinate", "NC_1$ge10$le20")
    else {
      Issue.record("no composite")
      return
    }
    #expect(parts.count == 3)
    for wrong in ["a", "a$", "$b", "$", "a$b$c", #"a\$b"#, "a$5 mg", "a$zz5", "a|b|c$5", "a$5|s|c|d"] {
      #expect(isRefused("Observation", "code-value-quantity", wrong), "\(wrong)")
    }
    #expect(isRefused("Observation", "code-value-quantity:exact", "a$5"))
    #expect(try first("Observation", "code-value-quantity:missing", "true") == .missing(true))
  }

  /// FHIR R4 location.html#positional.
  @Test func near() throws {
    func near(_ text: String) throws -> SearchValue? { try values("Location", "near", text).first }
    func at(_ meters: Double) -> SearchValue { .near(latitude: -83.694810, longitude: 42.256500, meters: meters) }
    #expect(try near("-83.694810|42.256500|11.20|km") == at(11_200))
    #expect(try near("-83.694810|42.256500|11.20") == at(11_200))
    #expect(try near("-83.694810|42.256500|11.20|") == at(11_200))
    #expect(try near("-83.694810|42.256500|500|m") == at(500))
    #expect(try near("-83.694810|42.256500|1|[mi_i]") == at(1_609.344))
    #expect(try near("-83.694810|42.256500|0") == at(0))
    #expect(try near("-83.694810|42.256500") == at(50_000))
    #expect(try near("-83.694810|42.256500||km") == at(50_000))
    #expect(try near("-83.694810|42.256500|1e300|km") == at(20_050_000))
    #expect(try near("90|-180|1") == .near(latitude: 90, longitude: -180, meters: 1_000))
    for wrong in [
      "", "1", "1|", "|1", "a|b", "90.1|0", "-91|0", "0|180.5", "0|0|-1", "0|0|x", "0|0|1|parsec", "0|0|1|km|x", "1,2",
      "NaN|0", "0|0|1e999999",
    ] {
      #expect(isRefused("Location", "near", wrong), "\(wrong)")
    }
  }
}
