import Base
import FHIRService
import Foundation
import JSONCore
import TestSupport
import Testing

/// `:in`, `:not-in`, `:above`, `:below` of tokens (FHIR R4 search §2.1.1.4.10) over value sets and code systems that
/// are stored here.
@Suite struct TerminologySearchTests {
  private static let system = "http://codes.example/animals"

  /// mammal > dog > (terrier, poodle); mammal > cat; bird; terrier is also subsumed by 'small' by a property.
  private static let animals = """
    {"resourceType":"CodeSystem","id":"animals","url":"\(system)","version":"1.0.0","status":"active",
     "content":"complete","property":[
       {"code":"subsumedBy","type":"code"},{"code":"legs","type":"integer"},{"code":"inactive","type":"boolean"},
       {"code":"group","type":"code","uri":"http://hl7.org/fhir/concept-properties#parent"}],
     "concept":[
      {"code":"mammal","concept":[
        {"code":"dog","property":[{"code":"legs","valueInteger":4}],"concept":[
          {"code":"terrier","property":[{"code":"subsumedBy","valueCode":"small"},{"code":"legs","valueInteger":4}]},
          {"code":"poodle"}]},
        {"code":"cat","property":[{"code":"legs","valueInteger":4}]}]},
      {"code":"bird","property":[{"code":"legs","valueInteger":2}]},
      {"code":"dodo","property":[{"code":"inactive","valueBoolean":true},{"code":"group","valueCode":"bird"}]},
      {"code":"small"}]}
    """

  private static func observation(_ id: String, _ system: String, _ codes: String...) -> String {
    let coding = codes.map { #"{"system":"\#(system)","code":"\#($0)"}"# }.joined(separator: ",")
    return #"{"resourceType":"Observation","id":"\#(id)","status":"final","code":{"coding":[\#(coding)]}}"#
  }

  private static func valueSet(_ id: String, _ compose: String, version: String = "1", more: String = "") -> String {
    """
    {"resourceType":"ValueSet","id":"\(id)","url":"http://sets.example/\(id)","version":"\(version)","status":"active",
     \(more)"compose":\(compose)}
    """
  }

  private static func put(_ service: TestService, _ url: String, _ json: String) async throws {
    let reply = try await service.send(.put, url, json)
    #expect(reply.status < 300, "\(url): \(reply.text)")
  }

  private static func put(_ service: TestService, valueSet id: String, _ compose: String) async throws {
    try await put(service, "ValueSet/\(id)", valueSet(id, compose))
  }

  /// One observation for each code of the animals, its id the code.
  private static func withAnimals(_ body: (TestService) async throws -> Void) async throws {
    try await withService { service in
      try await put(service, "CodeSystem/animals", animals)
      for code in ["mammal", "dog", "terrier", "poodle", "cat", "bird", "dodo", "small", "unlisted"] {
        try await put(service, "Observation/\(code)", observation(code, system, code))
      }
      try await put(service, "Observation/other", observation("other", "http://codes.example/other", "dog"))
      try await put(
        service, "Observation/none", #"{"resourceType":"Observation","id":"none","status":"final","code":{"text":"x"}}"#
      )
      try await body(service)
    }
  }

  private static func expect(_ service: TestService, _ url: String, _ ids: String) async throws {
    let escaped = url.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? url
    let reply = try await service.send(.get, "\(escaped)&_count=100")
    #expect(reply.status == 200, "\(url): \(reply.text)")
    #expect(reply.ids.sorted() == ids.split(separator: " ").map(String.init).sorted(), "\(url)")
  }

  private static func refused(_ service: TestService, _ url: String, _ word: String) async throws {
    let escaped = url.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? url
    let reply = try await service.send(.get, escaped)
    #expect(reply.status == 400, "\(url): \(reply.status)")
    #expect(reply.text.contains(word), "\(url): \(reply.text)")
  }

  @Test func hierarchies() async throws {
    try await Self.withAnimals { service in
      let s = Self.system
      try await Self.expect(service, "Observation?code:below=\(s)|mammal", "mammal dog terrier poodle cat")
      try await Self.expect(service, "Observation?code:below=\(s)|dog", "dog terrier poodle")
      try await Self.expect(service, "Observation?code:below=\(s)|small", "small terrier")
      try await Self.expect(service, "Observation?code:below=\(s)|bird", "bird dodo")
      try await Self.expect(service, "Observation?code:below=\(s)|dog,\(s)|bird", "dog terrier poodle bird dodo")
      try await Self.expect(service, "Observation?code:above=\(s)|terrier", "terrier dog mammal small")
      try await Self.expect(service, "Observation?code:above=\(s)|mammal", "mammal")
      // A code that the system does not have is below itself only.
      try await Self.expect(service, "Observation?code:below=\(s)|unlisted", "unlisted")
      // Without a system the code is looked for in the systems in use; the code itself is meant in any of them.
      try await Self.expect(service, "Observation?code:below=dog", "dog terrier poodle other")
      try await Self.expect(service, "Observation?_filter=code ss \(s)|dog", "dog terrier poodle")
      try await Self.expect(service, "Observation?_filter=code sb \(s)|poodle", "poodle dog mammal")
      try await Self.refused(service, "Observation?code:below=http://unknown.example|x", "http://unknown.example")
      try await Self.refused(service, "Observation?code:below=\(s)|", "expected")
      // A system of the standard's own without a stored code system has no hierarchy here.
      try await Self.expect(
        service, "Observation?status:below=http://hl7.org/fhir/observation-status|final&_id=dog", "dog")
    }
  }

  @Test func composedValueSets() async throws {
    try await Self.withAnimals { service in
      let s = Self.system
      func include(_ filters: String) -> String { #"{"include":[{"system":"\#(s)","filter":[\#(filters)]}]}"# }
      func filter(_ property: String, _ op: String, _ value: String) -> String {
        #"{"property":"\#(property)","op":"\#(op)","value":"\#(value)"}"#
      }
      let sets: [(String, String, String)] = [
        ("listed", #"{"include":[{"system":"\#(s)","concept":[{"code":"dog"},{"code":"nowhere"}]}]}"#, "dog"),
        ("whole", #"{"include":[{"system":"\#(s)"}]}"#, "mammal dog terrier poodle cat bird dodo small"),
        ("active", #"{"inactive":false,"include":[{"system":"\#(s)"}]}"#, "mammal dog terrier poodle cat bird small"),
        ("elsewhere", #"{"include":[{"system":"http://codes.example/other"}]}"#, "other"),
        ("isa", include(filter("concept", "is-a", "dog")), "dog terrier poodle"),
        ("descendants", include(filter("concept", "descendent-of", "dog")), "terrier poodle"),
        ("below", include(filter("parent", "=", "mammal")), "dog cat"),
        ("isnota", include(filter("concept", "is-not-a", "mammal")), "bird dodo small"),
        ("generalizes", include(filter("concept", "generalizes", "poodle")), "poodle dog mammal"),
        ("fourlegs", include(filter("legs", "=", "4")), "dog terrier cat"),
        ("legsin", include(filter("legs", "in", "2, 3")), "bird"),
        ("haslegs", include(filter("legs", "exists", "true")), "dog terrier cat bird"),
        ("both", include("\(filter("concept", "is-a", "dog")),\(filter("legs", "=", "4"))"), "dog terrier"),
        (
          "excluding",
          #"{"include":[{"system":"\#(s)","filter":[\#(filter("concept", "is-a", "dog"))]}],"#
            + #""exclude":[{"system":"\#(s)","concept":[{"code":"dog"}]}]}"#, "terrier poodle"
        ),
        ("imported", #"{"include":[{"valueSet":["http://sets.example/isa"]}]}"#, "dog terrier poodle"),
        (
          "atonce", #"{"include":[{"valueSet":["http://sets.example/isa","http://sets.example/fourlegs|1"]}]}"#,
          "dog terrier"
        ),
        ("of", #"{"include":[{"system":"\#(s)","valueSet":["http://sets.example/isa"]}]}"#, "dog terrier poodle"),
        (
          "union",
          #"{"include":[{"valueSet":["http://sets.example/isa"]},{"valueSet":["http://sets.example/elsewhere"]}]}"#,
          "dog terrier poodle other"
        ),
        ("empty", #"{"include":[{"system":"\#(s)","concept":[{"code":"nowhere"}]}]}"#, ""),
      ]
      let all = Set(
        "mammal dog terrier poodle cat bird dodo small unlisted other none".split(separator: " ").map(String.init))
      for (id, compose, _) in sets { try await Self.put(service, valueSet: id, compose) }
      for (id, _, expected) in sets {
        try await Self.expect(service, "Observation?code:in=http://sets.example/\(id)", expected)
        try await Self.expect(service, "Observation?code:in=ValueSet/\(id)", expected)
        // What has no code is not in it either.
        let rest = all.subtracting(expected.split(separator: " ").map(String.init)).joined(separator: " ")
        try await Self.expect(service, "Observation?code:not-in=http://sets.example/\(id)", rest)
      }
      try await Self.expect(service, "Observation?code:in=ValueSet/isa,ValueSet/legsin", "dog terrier poodle bird")
      try await Self.expect(service, "Observation?code:in=ValueSet/isa&code:not-in=ValueSet/fourlegs", "poodle")
      try await Self.expect(
        service, "Observation?_filter=code in ValueSet/isa and not(code in http://sets.example/fourlegs)", "poodle")
      try await Self.expect(service, "Observation?code:in=ValueSet/isa&_sort=-_id", "dog terrier poodle")
    }
  }

  @Test func whatCannotBeListed() async throws {
    try await Self.withAnimals { service in
      let s = Self.system
      let sets = [
        (
          "regex", #"{"include":[{"system":"\#(s)","filter":[{"property":"code","op":"regex","value":"d.*"}]}]}"#,
          "regex"
        ),
        (
          "loinc",
          #"{"include":[{"system":"http://loinc.org","filter":[{"property":"concept","op":"is-a","value":"x"}]}]}"#,
          "http://loinc.org"
        ),
        (
          "minus",
          #"{"include":[{"system":"http://loinc.org"}],"exclude":[{"system":"http://loinc.org","concept":[{"code":"x"}]}]}"#,
          "http://loinc.org"
        ),
        ("missing", #"{"include":[{"valueSet":["http://sets.example/nowhere"]}]}"#, "http://sets.example/nowhere"),
        ("circle", #"{"include":[{"valueSet":["http://sets.example/circle2"]}]}"#, "upon itself"),
        ("circle2", #"{"include":[{"valueSet":["http://sets.example/circle"]}]}"#, "upon itself"),
        ("self", #"{"include":[{"valueSet":["http://sets.example/self"]}]}"#, "upon itself"),
      ]
      for (id, compose, _) in sets { try await Self.put(service, valueSet: id, compose) }
      for (id, _, word) in sets {
        try await Self.refused(service, "Observation?code:in=http://sets.example/\(id)", word)
        try await Self.refused(service, "Observation?code:not-in=http://sets.example/\(id)", word)
      }
      try await Self.refused(service, "Observation?code:in=http://sets.example/unknown", "http://sets.example/unknown")
      try await Self.refused(service, "Observation?code:in=ValueSet/unknown", "ValueSet/unknown")
      try await Self.refused(service, "Observation?code:in=ValueSet/", "ValueSet/")
      // Media types cannot be listed, though a required binding names them.
      try await Self.refused(service, "Observation?code:in=http://hl7.org/fhir/ValueSet/mimetypes", "mimetypes")
      try await Self.refused(service, "Patient?_filter=gender in nothing", "nothing")
    }
  }

  @Test func versions() async throws {
    try await Self.withAnimals { service in
      for (id, version, status, code) in [
        ("v9", "9.0", "active", "cat"), ("v10", "10.0", "active", "dog"), ("v11", "11.0", "draft", "bird"),
      ] {
        try await Self.put(
          service, "ValueSet/\(id)",
          """
          {"resourceType":"ValueSet","id":"\(id)","url":"http://sets.example/v","version":"\(version)","status":"\(status)",
           "compose":{"include":[{"system":"\(Self.system)","concept":[{"code":"\(code)"}]}]}}
          """)
      }
      try await Self.expect(service, "Observation?code:in=http://sets.example/v|9.0", "cat")
      try await Self.expect(service, "Observation?code:in=http://sets.example/v|11.0", "bird")
      try await Self.expect(service, "Observation?code:in=http://sets.example/v", "dog")
      try await Self.refused(service, "Observation?code:in=http://sets.example/v|12.0", "http://sets.example/v|12.0")
      // A version of the code system that is not here.
      try await Self.put(
        service, valueSet: "old",
        #"{"include":[{"system":"\#(Self.system)","version":"0.1","filter":[{"property":"concept","op":"is-a","value":"dog"}]}]}"#
      )
      try await Self.refused(service, "Observation?code:in=ValueSet/old", "animals|0.1")
    }
  }

  @Test func expansions() async throws {
    try await Self.withAnimals { service in
      func expanded(_ id: String, _ more: String) -> String {
        Self.valueSet(
          id, #"{"include":[{"system":"\#(Self.system)","concept":[{"code":"cat"}]}]}"#,
          more: #""expansion":{"timestamp":"2024-01-01",\#(more)},"#)
      }
      let nested = #"""
        "contains":[{"system":"\#(Self.system)","code":"dog","contains":[{"system":"\#(Self.system)","code":"poodle"}]}]
        """#
      try await Self.put(service, "ValueSet/e1", expanded("e1", nested))
      try await Self.expect(service, "Observation?code:in=ValueSet/e1", "dog poodle")
      try await Self.put(service, "ValueSet/e2", expanded("e2", #""total":2,\#(nested)"#))
      try await Self.expect(service, "Observation?code:in=ValueSet/e2", "dog poodle")
      // A part of an expansion is none: the definition counts.
      try await Self.put(service, "ValueSet/e3", expanded("e3", #""total":3,\#(nested)"#))
      try await Self.expect(service, "Observation?code:in=ValueSet/e3", "cat")
      try await Self.put(
        service, "ValueSet/e4", expanded("e4", #""parameter":[{"name":"filter","valueString":"d"}],\#(nested)"#))
      try await Self.expect(service, "Observation?code:in=ValueSet/e4", "cat")
    }
  }

  @Test func theStandardsOwnValueSets() async throws {
    try await withService { service in
      for gender in ["male", "female", "other"] {
        try await Self.put(
          service, "Patient/\(gender)", #"{"resourceType":"Patient","id":"\#(gender)","gender":"\#(gender)"}"#)
      }
      try await Self.expect(
        service, "Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", "male female other")
      try await Self.expect(
        service, "Patient?gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "")
      try await Self.refused(service, "Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender|9.9", "9.9")
      // A stored one goes before it, and through a chain it is the same.
      try await Self.put(
        service, "ValueSet/mine",
        """
        {"resourceType":"ValueSet","id":"mine","url":"http://sets.example/mine","status":"active","compose":{
          "include":[{"valueSet":["http://hl7.org/fhir/ValueSet/administrative-gender"]}],
          "exclude":[{"system":"http://hl7.org/fhir/administrative-gender","concept":[{"code":"male"}]}]}}
        """)
      try await Self.expect(service, "Patient?gender:in=http://sets.example/mine", "female other")
      for gender in ["male", "female"] {
        try await Self.put(
          service, "Observation/\(gender)",
          """
          {"resourceType":"Observation","id":"\(gender)","status":"final","code":{"text":"x"},
           "subject":{"reference":"Patient/\(gender)"}}
          """)
      }
      try await Self.expect(service, "Observation?subject:Patient.gender:in=http://sets.example/mine", "female")
      try await Self.expect(
        service,
        "Patient?gender:in=http://sets.example/mine&_has:Observation:subject:status:in=http://hl7.org/fhir/ValueSet/observation-status",
        "female")
    }
  }

  @Test func manyCodes() async throws {
    try await withService { service in
      func codes(_ count: Int) -> String {
        (0..<count).map { #"{"code":"c\#($0)"}"# }.joined(separator: ",")
      }
      for (id, count) in [("most", 10_000), ("over", 10_001)] {
        try await Self.put(
          service, valueSet: id,
          #"{"include":[{"system":"\#(Self.system)","concept":[\#(codes(count))]}]}"#)
      }
      for number in [0, 9_999, 10_000] {
        try await Self.put(service, "Observation/o\(number)", Self.observation("o\(number)", Self.system, "c\(number)"))
      }
      try await Self.expect(service, "Observation?code:in=ValueSet/most", "o0 o9999")
      try await Self.expect(service, "Observation?code:not-in=ValueSet/most", "o10000")
      try await Self.expect(service, "Observation?code:in=ValueSet/most&_id=o9999&_sort=date", "o9999")
      try await Self.refused(service, "Observation?code:in=ValueSet/over", "10000")
      try await Self.refused(service, "Observation?code:in=ValueSet/most&code:not-in=ValueSet/most", "10000")
    }
  }

  @Test func withinConditionalInteractionsAndBatches() async throws {
    try await Self.withAnimals { service in
      try await Self.put(
        service, valueSet: "pets",
        #"{"include":[{"system":"\#(Self.system)","concept":[{"code":"dog"},{"code":"cat"}]}]}"#)
      let body = Self.observation("fresh", Self.system, "cat").replacingOccurrences(of: #""id":"fresh","#, with: "")
      let found = try await service.send(.post, "Observation", body, ifNoneExist: "code:in=ValueSet/pets&code=dog")
      #expect(found.status == 200, "\(found.text)")
      let created = try await service.send(.post, "Observation", body, ifNoneExist: "code:below=\(Self.system)|nothing")
      #expect(created.status == 201, "\(created.text)")
      let batch = try await service.send(
        .post, "",
        #"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation?code:in=ValueSet/pets&_id=dog"}}]}"#
      )
      #expect(batch.entries.first?["resource"]?["entry"]?.count == 1, "\(batch.text)")
      let deleted = try await service.send(.delete, "Observation?code:in=ValueSet/pets&_count=10")
      #expect(deleted.answer?.itemsDeleted == 3)
    }
  }

  // MARK: Published terminology

  /// ActEncounterCode as HL7 publishes it: the children of `_ActEncounterCode`, which itself is excluded.
  @Test(.enabled(if: ConformanceData.has("fhir-r4-core/package"), "needs data set fhir-r4-core"))
  func actEncounterCode() async throws {
    try await withService { service in
      for name in ["CodeSystem-v3-ActCode", "ValueSet-v3-ActEncounterCode"] {
        let resource = try ConformanceData.read("fhir-r4-core/package/\(name).json").value
        let id = try #require(resource["id"]?.string)
        let type = try #require(resource["resourceType"]?.string)
        try await Self.put(service, "\(type)/\(id)", String(decoding: resource.json, as: UTF8.self))
      }
      for code in [
        "AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR", "_ActEncounterCode",
        "FAMPOP",
      ] {
        try await Self.put(
          service, "Encounter/e-\(code.filter { $0 != "_" })",
          """
          {"resourceType":"Encounter","id":"e-\(code.filter { $0 != "_" })","status":"finished",
           "class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"\(code)"}}
          """)
      }
      try await Self.expect(
        service, "Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode",
        "e-AMB e-EMER e-FLD e-HH e-IMP e-ACUTE e-NONAC e-OBSENC e-PRENC e-SS e-VR")
      try await Self.expect(
        service, "Encounter?class:below=http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP", "e-IMP e-ACUTE e-NONAC")
    }
  }

  /// The terminology ecosystem's own tests: the codes of their published expansions.
  @Test(.enabled(if: ConformanceData.has("tests-terminology/simple"), "needs data set tests-terminology"))
  func terminologyEcosystem() async throws {
    try await withService { service in
      func codeSystem(_ path: String) async throws -> (url: String, codes: [String]) {
        let resource = try ConformanceData.read("tests-terminology/\(path).json").value
        let id = try #require(resource["id"]?.string)
        try await Self.put(service, "CodeSystem/\(id)", String(decoding: resource.json, as: UTF8.self))
        func codes(_ concepts: [JSONValue]) -> [String] {
          concepts.flatMap { [$0["code"]?.string ?? ""] + codes($0["concept"]?.elements ?? []) }
        }
        return (try #require(resource["url"]?.string), codes(resource["concept"]?.elements ?? []))
      }
      for path in ["simple/codesystem-simple", "inactive/codesystem-inactive"] {
        let (url, codes) = try await codeSystem(path)
        for code in codes {
          try await Self.put(service, "Observation/\(code)", Self.observation(code, url, code))
        }
      }
      for (set, expansion) in [
        ("simple/valueset-all", "simple/simple-expand-all-response-valueSet"),
        ("inactive/valueset-all-active", "inactive/inactive-active-expand-all-response-valueSet"),
        ("inactive/valueset-all", "inactive/inactive-expand-all-response-valueSet"),
      ] {
        let resource = try ConformanceData.read("tests-terminology/\(set).json").value
        let id = try #require(resource["id"]?.string)
        try await Self.put(service, "ValueSet/\(id)", String(decoding: resource.json, as: UTF8.self))
        let contains = try ConformanceData.read("tests-terminology/\(expansion).json").value["expansion"]?["contains"]
        let expected = (contains?.elements ?? []).compactMap { $0["code"]?.string }
        #expect(!expected.isEmpty)
        try await Self.expect(
          service, "Observation?code:in=\(try #require(resource["url"]?.string))", expected.joined(separator: " "))
      }
    }
  }
}
