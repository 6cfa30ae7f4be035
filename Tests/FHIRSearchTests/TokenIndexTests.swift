import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Testing

/// FHIR R4 search#token: which parts of each type make a token; search#string, search#uri.
@Suite struct TokenIndexTests {
  private static let gender = "http://hl7.org/fhir/administrative-gender"

  @Test func codesHaveTheirValueSetsSystem() throws {
    #expect(
      try Extraction.lines(#"{"resourceType":"Patient","gender":"female"}"#, "gender") == [
        "token \(Self.gender)|female"
      ])
    let observation = #"{"resourceType":"Observation","status":"final","code":{"text":"x"}}"#
    #expect(try Extraction.lines(observation, "status") == ["token http://hl7.org/fhir/observation-status|final"])
    // The type an Encounter's status is bound to, in a parameter that several types share.
    let encounter = #"{"resourceType":"Encounter","status":"planned","class":{"code":"AMB","system":"urn:c"}}"#
    #expect(try Extraction.lines(encounter, "status") == ["token http://hl7.org/fhir/encounter-status|planned"])
    #expect(try Extraction.lines(encounter, "class") == ["token urn:c|AMB"])
    // A code outside its value set, and a code without a required binding, have none.
    let language =
      #"{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"language":"en-US"}}]}"#
    #expect(try Extraction.lines(language, "language") == ["token |en-US"])
  }

  @Test func booleans() throws {
    #expect(try Extraction.lines(#"{"resourceType":"Patient","active":false}"#, "active") == ["token |false"])
    // Patient.deceased.exists() and Patient.deceased != false
    #expect(try Extraction.lines(#"{"resourceType":"Patient"}"#, "deceased") == ["token |false"])
    #expect(
      try Extraction.lines(#"{"resourceType":"Patient","deceasedBoolean":false}"#, "deceased") == ["token |false"])
    #expect(try Extraction.lines(#"{"resourceType":"Patient","deceasedBoolean":true}"#, "deceased") == ["token |true"])
    #expect(
      try Extraction.lines(#"{"resourceType":"Patient","deceasedDateTime":"2000"}"#, "deceased") == ["token |true"])
  }

  private static let code = [
    "string none (none) +", "string two (two) +", "string words (words) +", "token http://loinc.org|1", "token |2",
  ]

  @Test func codingsAndConcepts() throws {
    let json = """
      {"resourceType":"Observation","status":"final","meta":{"tag":[{"system":"urn:t","code":"a"},{"code":"b"},{"system":"urn:only"}]},
       "code":{"coding":[{"system":"http://loinc.org","code":"1"},{"code":"2","display":"two"},{"display":"none"},
                         {"system":"http://loinc.org","code":"1"}],"text":"words"},
       "category":[{"coding":[{"code":"x"}]},{"coding":[{"code":"y"}]}]}
      """
    #expect(try Extraction.lines(json, "code") == Self.code)
    #expect(try Extraction.lines(json, "category") == ["token |x", "token |y"])
    #expect(try Extraction.lines(json, "_tag") == ["token urn:t|a", "token |b"])
    #expect(try Extraction.lines(json, "combo-code") == Self.code)
  }

  @Test func identifiersAndContactPoints() throws {
    let json = """
      {"resourceType":"Patient","identifier":[{"system":"urn:s","value":"1"},{"value":"2"},{"system":"urn:empty"},
        {"type":{"coding":[{"code":"MR"}]},"system":"urn:s","value":"A|b,c"}],
       "telecom":[{"system":"phone","value":"(555) 1"},{"system":"email","value":"a@b.c"},{"system":"phone"}]}
      """
    #expect(try Extraction.lines(json, "identifier") == ["token urn:s|1", "token urn:s|A|b,c", "token |2"])
    // FHIR R4 search#token: a contact point has no system of its own.
    #expect(try Extraction.lines(json, "phone") == ["token |(555) 1"])
    #expect(try Extraction.lines(json, "email") == ["token |a@b.c"])
    #expect(try Extraction.lines(json, "telecom") == ["token |(555) 1", "token |a@b.c"])
  }

  @Test func tokensOfPlainTypes() throws {
    // Token parameters over string, uri, id and integer elements.
    #expect(
      try Extraction.lines(
        #"{"resourceType":"ValueSet","status":"draft","version":"1.0","expansion":{"timestamp":"2000","identifier":"urn:e"}}"#,
        "version") == ["token |1.0"])
    #expect(
      try Extraction.lines(
        #"{"resourceType":"OperationDefinition","name":"a","status":"draft","kind":"query","code":"c","system":true,"type":false,"instance":false}"#,
        "code") == ["token |c"])
  }

  @Test func strings() throws {
    let json = """
      {"resourceType":"Patient","name":[{"text":"Dr. Ann  Müller","family":"Müller","given":["Ann","B."],"prefix":["Dr."],
        "suffix":["Jr"],"period":{"start":"2000"},"use":"official"}],
       "address":[{"text":"all","line":["1 A St"],"city":"Köln","district":"D","state":"NW","postalCode":"50667","country":"DE","use":"home"}]}
      """
    #expect(
      try Extraction.lines(json, "name") == [
        "string Ann (ann) +", "string B. (b.) +", "string Dr. (dr.) +", "string Dr. Ann  Müller (dr. ann muller) +",
        "string Jr (jr) +", "string Müller (muller) +",
      ])
    #expect(try Extraction.lines(json, "family") == ["string Müller (muller)"])
    #expect(try Extraction.lines(json, "given") == ["string Ann (ann) +", "string B. (b.) +"])
    #expect(try Extraction.lines(json, "address").count == 7)
    #expect(try Extraction.lines(json, "address-city") == ["string Köln (koln)"])
    #expect(
      try Extraction.lines(json, "address-use") == ["token http://hl7.org/fhir/address-use|home"])
    // Observation.value-string: strings, and the text of concepts.
    let concept =
      #"{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueCodeableConcept":{"text":"Words","coding":[{"code":"1"}]}}"#
    #expect(try Extraction.lines(concept, "value-string") == ["string Words (words)"])
  }

  @Test func stringEscapesAreDecoded() throws {
    let json = #"{"resourceType":"Patient","name":[{"family":"M\u00fcller \"x\" \ud83d\ude00"}]}"#
    #expect(try Extraction.lines(json, "family") == ["string Müller \"x\" 😀 (muller \"x\" 😀)"])
  }

  /// Long text is kept to its beginning, cut between characters.
  @Test(arguments: [4_095, 4_096, 4_097, 10_000])
  func longText(length: Int) throws {
    let text = String(repeating: "a", count: length)
    let rows = try Extraction.rows(#"{"resourceType":"Patient","name":[{"family":"\#(text)"}]}"#)
    let kept = rows.compactMap { row in
      if case .string(_, _, let text, _) = row { return text.utf8.count }
      return nil
    }
    #expect(Set(kept) == [min(length, 4_096)])
    let wide = String(repeating: "a", count: length % 4) + String(repeating: "😀", count: 1_200)
    let cut = try Extraction.rows(#"{"resourceType":"Patient","name":[{"family":"\#(wide)"}]}"#)
    for case .string(_, _, let text, _) in cut { #expect(wide.unicodeScalars.starts(with: text.unicodeScalars)) }
  }

  @Test func urisAndCanonicals() throws {
    let valueSet = #"{"resourceType":"ValueSet","status":"draft","url":"http://a/V|x#y"}"#
    #expect(try Extraction.lines(valueSet, "url") == ["uri http://a/V|x#y"])
    // A canonical is found with the version it names, and without (FHIR R4 references#canonical).
    let profile = #"{"resourceType":"Patient","meta":{"profile":["http://a/P|1.0","http://a/Q"],"source":"urn:src#1"}}"#
    #expect(try Extraction.lines(profile, "_profile") == ["uri http://a/P", "uri http://a/P|1.0", "uri http://a/Q"])
    #expect(try Extraction.lines(profile, "_source") == ["uri urn:src#1"])
    // A fragment leads to something inside; alone it is a contained resource.
    let fragments = ##"{"resourceType":"Patient","meta":{"profile":["http://a/P|1#f","http://a/Q#f","#c"]}}"##
    #expect(try Extraction.lines(fragments, "_profile") == ["uri http://a/P", "uri http://a/P|1", "uri http://a/Q"])
    let contained = ##"{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"#q"}"##
    #expect(try Extraction.lines(contained, "questionnaire") == [])
    let activity = #"{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"http://a/Q|2"}"#
    #expect(try Extraction.lines(activity, "questionnaire") == ["reference /http://a/Q", "reference /http://a/Q|2"])
  }

  @Test func eachRowOnce() throws {
    let json =
      #"{"resourceType":"Patient","name":[{"family":"A"},{"family":"A"}],"identifier":[{"value":"1"},{"value":"1"}]}"#
    let rows = try Extraction.rows(json)
    #expect(Set(rows).count == rows.count)
  }

  /// Spellings that look alike are two texts, of which `:exact` finds each.
  @Test(arguments: [2, 40]) func spellingsThatLookAlike(count: Int) throws {
    let names = (0..<count).map { #"{"family":"\#($0 % 2 == 0 ? "Mu\u{308}ller" : "M\u{fc}ller")\#($0 / 2)"}"# }
    let rows = try Extraction.rows(#"{"resourceType":"Patient","name":[\#(names.joined(separator: ","))]}"#)
    let patient = try #require(Schema.r4.resourceType("Patient"))
    let number = try #require(Extraction.parameters.parameter(patient, "family")?.number)
    #expect(rows.filter { $0.parameter == number }.count == count)
  }

  @Test func rowLimit() throws {
    var limits = Limits()
    limits.indexRowsMax = 20
    let extractor = IndexExtractor(Extraction.parameters, limits: limits)
    func patient(_ count: Int) -> String {
      let list = (0..<count).map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
      return #"{"resourceType":"Patient","identifier":[\#(list)]}"#
    }
    // Beside the identifiers: `deceased` says false, and what is missing.
    let own = try Extraction.rows(patient(1)).count - 1
    #expect(try Extraction.rows(patient(20 - own), extractor: extractor).count == 20)
    do {
      _ = try Extraction.rows(patient(21 - own), extractor: extractor)
      Issue.record("no limit")
    } catch let fault as Fault {
      #expect(fault.category == .tooLarge)
    }
  }
}
