import FHIRModel
import FHIRPath
import JSONCore
import Testing

/// What the standard's text says beyond the official suite, by its own examples where it has some.
@Suite struct SemanticsTests {
  private static let patient = #"""
    {"resourceType":"Patient","id":"p","active":true,"birthDate":"1974-12-25",
     "name":[{"given":["Peter",null,"James"],
      "_given":[null,{"extension":[{"url":"http://x.org/e","valueString":"v"}]},null],
      "family":"Chalmers"}],
     "contained":[{"resourceType":"Organization","id":"o","name":"Org"}],
     "managingOrganization":{"reference":"#o"},
     "extension":[{"url":"http://x.org/q",
      "valueQuantity":{"value":2.0,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}],
     "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>x</p></div>"}}
    """#

  private func evaluate(
    _ expression: String, on text: String = Self.patient, type: String = "Patient",
    change: (inout FHIRPathContext) -> Void = { _ in }
  ) throws -> [String] {
    let document = try JSONDocument(text)
    let program = try FHIRPathProgram(expression, schema: .r4)
    let id = try #require(Schema.r4.type(type))
    var context = FHIRPathContext(document: document, node: document.root, type: id, now: OfficialSuite.now)
    change(&context)
    return try program.evaluate(in: context).map { Rendering.text($0) }
  }

  @Test(arguments: [
    ("'abc'.replace('', 'x')", ["xaxbxcx"]),
    (
      #"'11/30/1972'.replaceMatches('\\b(?<month>\\d{1,2})/(?<day>\\d{1,2})/(?<year>\\d{2,4})\\b', "#
        + "'${day}-${month}-${year}')",
      ["30-11-1972"]
    ),
    ("'abcdefg'.indexOf('bc')", ["1"]), ("'abcdefg'.lastIndexOf('g')", ["6"]), ("'abc'.lastIndexOf('a')", ["0"]),
    ("'abcdefg'.substring(6, 2)", ["g"]), ("'abcdefg'.substring(7, 1)", []), ("'\u{1F600}b'.length()", ["2"]),
    ("'a,b'.split(',')", ["a", "b"]), ("'ABC'.matches('^abc$', 'i')", ["true"]),
    ("'N8000123123'.matches('N[0-9]{8}')", ["true"]),
    ("'N8000123123'.matches('^N[0-9]{8}$')", ["false"]), ("'aab'.matches('^(a|ab)(c|bcd)?b$')", ["false"]),
    ("'x-1y22'.replaceMatches('[0-9]+', '<$0>')", ["x-<1>y<22>"]), ("'aaa'.replaceMatches('a*?', '-')", ["-a-a-a-"]),
    ("'abd'.matches('^(a|ab|abc)d$')", ["true"]), ("'abce'.matches('^(a|ab|abc)d$')", ["false"]),
    ("'zz'.matches('^(x|y|z){2}$')", ["true"]), ("'aXbX'.replaceMatches('(.)X', '$1')", ["ab"]),
    ("'\\u00e9'.escape('json')", ["\u{e9}"]),
  ])
  func strings(_ expression: String, _ expected: [String]) throws {
    #expect(try evaluate(expression) == expected)
  }

  @Test(arguments: [
    ("1 'cm' = 10 'mm'", ["true"]), ("1 '[lb_av]' = 453.59237 'g'", ["true"]), ("37 'Cel' = 98.6 '[degF]'", ["true"]),
    ("100 'km/h' > 27 'm/s'", ["true"]), ("1 'g' = 1 'm'", []), ("1 'g' < 1 'm'", []), ("1 year = 1 'a'", []),
    ("1 year ~ 1 'a'", ["true"]), ("1 second = 1 's'", ["true"]), ("7 days = 1 week", ["true"]),
    ("1 year = 12 months", ["true"]), ("3 'g' + 5 'mg'", ["3005 'mg'"]), ("12 'g' / 4 'g'", ["3 '1'"]),
    ("1 'mmol/L' = 1 'mol/m3'", ["true"]), ("5 'mm[Hg]'.comparable(1 'kPa')", ["true"]), ("1 'notaunit' = 1 'm'", []),
    ("(1 'm').toQuantity('cm')", ["100 'cm'"]), ("1 '10*3/uL' = 1 '10*9/L'", ["true"]),
  ])
  func quantities(_ expression: String, _ expected: [String]) throws {
    #expect(try evaluate(expression) == expected)
  }

  @Test(arguments: [
    ("@2016-01-31 + 1 month", ["2016-02-29"]), ("@2020-02-29 + 1 year", ["2021-02-28"]),
    ("@2014 + 24 months", ["2016"]),
    ("@2012-01-01T10:00:00Z = @2012-01-01T12:00:00+02:00", ["true"]), ("@2012-01 < @2012-01-15", []),
    ("@2012-01 < @2012-02-15", ["true"]), ("@2012-01-03T10:00Z > @2011", ["true"]), ("@2012-01-01T10:00Z > @2011", []),
    ("@T10:00 = @T10:00:00", []),
    ("today() = now().toDate()", ["true"]), ("@2012-03-04T05:06:07.089.secondOf()", ["7"]),
    ("@2012.precision()", ["4"]),
    ("@T10:30.lowBoundary(9)", ["10:30:00.000"]), ("@2014-02.highBoundary()", ["2014-02-28"]),
  ])
  func dates(_ expression: String, _ expected: [String]) throws {
    #expect(try evaluate(expression) == expected)
  }

  @Test(arguments: [
    ("iif({}, 1, 2)", ["2"]), ("{} and false", ["false"]), ("{} or true", ["true"]), ("{} implies true", ["true"]),
    ("5 div 2", ["2"]), ("-5 mod 3", ["-2"]), ("1.0 / 0", []), ("9223372036854775807 + 1", []),
    ("0.1 + 0.2 = 0.3", ["true"]),
    ("(1 | 2).combine(2).distinct().count()", ["2"]), ("(3 | 1 | 2).sort()", ["1", "2", "3"]),
    ("(1 | 2 | 3).sort($this desc)", ["3", "2", "1"]),
    ("(1|2|3).aggregate(iif($total.empty(), $this, iif($this < $total, $this, $total)))", ["1"]),
    ("coalesce({}, 2, 3)", ["2"]), ("2147483648.toString().convertsToInteger()", ["false"]),
    ("defineVariable('x', 1).select(%x + 1)", ["2"]), ("(1|2|3)[1]", ["2"]), ("(1|2).exists($this > 1)", ["true"]),
    ("1 in (1.0 | 2)", ["true"]), ("16.sqrt()", ["4"]), ("3.14159.round(3)", ["3.142"]), ("(-1.6).round()", ["-2"]),
  ])
  func operators(_ expression: String, _ expected: [String]) throws {
    #expect(try evaluate(expression) == expected)
  }

  @Test(arguments: [
    ("name.given", ["Peter", "(no value)", "James"]), ("name.given.hasValue()", ["false"]),
    ("name.given[1].extension('http://x.org/e').value", ["v"]), ("name.given.where($this = 'James')", ["James"]),
    ("managingOrganization.resolve().name", ["Org"]),
    ("managingOrganization.where(resolve() is Organization).exists()", ["true"]),
    ("contained[0].select(%resource.id)", ["p"]), ("extension.value > 1500 'g'", ["true"]),
    ("extension.value = 2 'kg'", ["true"]),
    ("birthDate is date", ["true"]), ("birthDate.type().name", ["date"]), ("active.type().namespace", ["FHIR"]),
    ("text.div.htmlChecks()", ["true"]), ("children().where($this is HumanName).family", ["Chalmers"]),
    ("descendants().where($this is Quantity).code", ["kg"]),
    ("%`vs-administrative-gender`", ["http://hl7.org/fhir/ValueSet/administrative-gender"]),
    ("Observation.code", []), ("Resource.id", ["p"]), ("name.given.getValue()", []),
    ("birthDate.getValue()", ["1974-12-25"]),
    ("active = true", ["true"]), ("nothing.like.this", []),
  ])
  func fhir(_ expression: String, _ expected: [String]) throws {
    #expect(try evaluate(expression) == expected)
  }

  @Test(arguments: [
    "", "1 +", "name.", "'a", "name[", "(1", "1 2", "@2015-13-01", "@T25:00", "unknown()", "name.first(1)",
    "'a'.substring()",
    "{1}", "$that", "a.$index", "'\\q'", "'\\u12'", "1 /* ", "%", "name is NoSuchType", "§",
  ])
  func refusesWhatIsNoFHIRPath(_ expression: String) {
    #expect(throws: FHIRPathError.self) { _ = try FHIRPathProgram(expression, schema: .r4) }
  }

  @Test(arguments: [
    "%nothing", "1 + 'a'", "1 < 'a'", "name.given.single()", "name.given.length()", "@2015-01-01 + 1 'mo'",
    "@2015-01-01 + 1",
    "'a'.matches('(')", "'a'.matches('(?=a)')", "'a'.matches('(a)\\\\1')", "$index",
    "birthDate.memberOf('http://x.org/vs')",
    "conformsTo('http://x.org/p')", "(1|2) and true", "'x'.encode('rot13')", "defineVariable('context')", "iif('x', 1)",
  ])
  func endsInAnError(_ expression: String) throws {
    #expect(throws: FHIRPathError.self) { _ = try evaluate(expression) }
  }

  @Test func asksItsSurroundings() throws {
    let other = try JSONDocument(#"{"resourceType":"Patient","id":"z","gender":"male"}"#)
    let type = try #require(Schema.r4.type("Patient"))
    let text = #"{"resourceType":"Observation","subject":{"reference":"Patient/z"}}"#
    let found = try evaluate("subject.resolve().gender & %who", on: text, type: "Observation") { context in
      context.resolver = { reference in
        reference == "Patient/z" ? FHIRPathNode(document: other, value: other.root, type: type) : nil
      }
      context.variables["who"] = [.string("!")]
    }
    #expect(found == ["male!"])
    #expect(
      try evaluate("'a'.memberOf('http://x.org/vs')") { $0.memberOf = { _, url in url == "http://x.org/vs" } } == [
        "true"
      ])
  }

  @Test func rootResourceIsTheContainer() throws {
    let document = try JSONDocument(Self.patient)
    let contained = try #require(
      document.member(document.root, "contained").flatMap { document.elements($0).first { _ in true } })
    let type = try #require(Schema.r4.type("Organization"))
    let program = try FHIRPathProgram("%resource.id | %rootResource.id | id", schema: .r4, context: type)
    let context = FHIRPathContext(document: document, node: contained, type: type, now: OfficialSuite.now)
    #expect(try program.evaluate(in: context).map { Rendering.text($0) } == ["o", "p"])
  }

  @Test func strictReadingKnowsTheElements() throws {
    let patient = try #require(Schema.r4.type("Patient"))
    for good in [
      "Patient.name.given", "name.where(use = 'official').family", "contained.id", "extension('x').value", "id",
    ] {
      _ = try FHIRPathProgram(good, schema: .r4, context: patient, isStrict: true)
    }
    for bad in [
      "Patient.nam", "name.given1", "Encounter.status", "name.where(usage = 'x')", "children().first()",
      "contact.birthDate",
    ] {
      #expect(throws: FHIRPathError.self) {
        _ = try FHIRPathProgram(bad, schema: .r4, context: patient, isStrict: true)
      }
    }
  }
}
