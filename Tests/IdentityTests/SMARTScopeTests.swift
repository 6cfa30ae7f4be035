import Identity
import Testing

@Suite struct SMARTScopeTests {
  static func tolerant(_ text: String) throws -> SMARTScope? { try SMARTScope.parse(text, .tolerant) }

  /// SMART App Launch 2.2: the examples and tables of "Scopes for requesting FHIR resources".
  @Test(
    "scopes of the standard",
    arguments: [
      ("patient/*.rs", "patient/*.rs"), ("user/*.cruds", "user/*.cruds"), ("system/*.cruds", "system/*.cruds"),
      ("patient/Observation.rs", "patient/Observation.rs"), ("patient/Observation.c", "patient/Observation.c"),
      ("user/Appointment.cu", "user/Appointment.cu"), ("system/Patient.r", "system/Patient.r"),
      ("patient/Observation.read", "patient/Observation.read"), ("patient/*.write", "patient/*.write"),
      ("user/*.*", "user/*.*"), ("system/Observation.*", "system/Observation.*"),
      (
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
      ),
      ("patient/Observation.rs?code=a&category=b", "patient/Observation.rs?category=b&code=a"),
      (
        "patient/Observation.rs?code=http%3A%2F%2Floinc.org%7C4548-4",
        "patient/Observation.rs?code=http://loinc.org|4548-4"
      ),
      ("patient/Observation.rs?code=a%26b%3Dc", "patient/Observation.rs?code=a%26b%3Dc"),
      ("patient/Observation.rs?date=ge2020", "patient/Observation.rs?date=ge2020"),
      ("patient/Observation.rs?status=final,amended", "patient/Observation.rs?status=final,amended"),
      ("patient/Observation.rs?note=a+b", "patient/Observation.rs?note=a%20b"),
    ])
  func standard(_ text: String, _ normal: String) throws {
    let scope = try #require(try SMARTScope.parse(text))
    #expect(scope.text == normal)
    #expect(try SMARTScope.parse(normal) == scope)
    #expect(try Self.tolerant(text) == scope)
  }

  @Test("every permission of version 2 in order, all 31") func permissions() throws {
    for bits in 1..<32 {
      let letters = "cruds".enumerated().filter { bits & (1 << $0.offset) != 0 }.map { String($0.element) }.joined()
      let scope = try #require(try SMARTScope.parse("user/Patient.\(letters)"))
      #expect(scope.permissions.text == letters)
      #expect(scope.version == .v2)
    }
  }

  @Test("version 1 is read as version 2: read is rs, write is cud, * is cruds") func version1() throws {
    #expect(try SMARTScope.parse("patient/*.read")?.permissions.text == "rs")
    #expect(try SMARTScope.parse("patient/*.write")?.permissions.text == "cud")
    #expect(try SMARTScope.parse("patient/*.*")?.permissions.text == "cruds")
    #expect(try SMARTScope.parse("patient/*.*")?.version == .v1)
    #expect(try SMARTScope.parse("patient/*.*")?.type == nil)
  }

  @Test(
    "what begins like a scope and is none",
    arguments: [
      "patient/Observation", "patient/", "patient/.rs", "patient/*.", "user/Patient.dus", "patient/Patient.rr",
      "patient/Patient.x", "patient/Patient.readx", "patient/Patient.rs/", "patient/Patient.rsread",
      "patient/Patient.rs.rs", "patient/patient.rs", "patient/Pat1ent.rs", "patient/Pätient.rs", "patient/**.rs",
      "patient/*Patient.rs", "patient/Patient.RS", "patient/Patient.Read", "patient/Patient.rs?",
      "patient/Patient.rs?a",
      "patient/Patient.rs?a=", "patient/Patient.rs?=a", "patient/Patient.rs?a=1&", "patient/Patient.rs?a=1&&b=2",
      "patient/Patient.rs?name:exact=x", "patient/Patient.rs?organization.name=x",
      "patient/Patient.rs?_has:Observation:patient:code=x",
      "patient/Patient.rs?_has=x", "patient/Patient.rs?_include=Patient:organization",
      "patient/Patient.rs?_revinclude=*",
      "patient/Patient.rs?_count=1", "patient/Patient.rs?_filter=a", "patient/Patient.rs?_sort=a",
      "patient/Patient.read?a=1",
      "patient/Patient.rs?a=%zz", "patient/Patient.rs?a=%2", "patient/Patient.rs?a=%ff",
      "patient/Patient.rs?na%6De%3Aexact=x",
      "system/../Patient.rs", "user/Patient.rs\n",
    ])
  func malformed(_ text: String) {
    #expect(throws: ScopeError.self, "\(text)") { try SMARTScope.parse(text) }
  }

  @Test(
    "what is no scope for resources at all",
    arguments: [
      "openid", "launch/patient", "fhirUser", "patients/Patient.rs", "Patient/Patient.rs", "user", "user.read",
      "User.Read",
      "patient.Observation.read", "practitioner/Patient.rs", "https://example.org/scope", "user_impersonation", "",
    ])
  func others(_ text: String) throws {
    #expect(try SMARTScope.parse(text) == nil)
  }

  @Test(
    "the spellings of Entra, as Microsoft's server reads them",
    arguments: [
      ("patient.Observation.read", "patient/Observation.read"), ("patient$Observation.rs", "patient/Observation.rs"),
      ("user.all.all", "user/*.*"), ("patient/all.rs", "patient/*.rs"), ("system.all.read", "system/*.read"),
      ("patient%2fObservation.rs", "patient/Observation.rs"), ("patient%2FObservation%2Ers", "patient/Observation.rs"),
      ("patient/Observation.sr", "patient/Observation.rs"), ("user/Patient.sdurc", "user/Patient.cruds"),
      ("patient/Observation.rs%3Fcode%3Da", "patient/Observation.rs?code=a"),
    ])
  func entra(_ text: String, _ normal: String) throws {
    #expect(try Self.tolerant(text)?.text == normal)
  }

  @Test(
    "what Microsoft's server refuses too",
    arguments: [
      "patient/Observation.rrs", "patient.Observation.rsx", "patient/Observation.rs extra", "patient/Obs ervation.rs",
      "patient/Observation.readwrite", "patient$Observation.none",
    ])
  func entraMalformed(_ text: String) {
    #expect(throws: ScopeError.self, "\(text)") { try Self.tolerant(text) }
  }

  @Test("an escape inside a value adds no condition and takes none away") func smuggling() throws {
    let scope = try #require(try Self.tolerant("patient/Observation.rs?category=a%26code%3Db"))
    #expect(scope.conditions == [SMARTScope.Condition("category", "a&code=b")])
    #expect(throws: ScopeError.self) { try Self.tolerant("patient/Observation%3Acode.rs") }
  }

  @Test("types that the release does not have") func unknownType() throws {
    let grammar = SMARTScope.Grammar(allowsAnyOrder: true, allowsEntraSpelling: true) { $0 == "Patient" }
    #expect(try SMARTScope.parse("user/Patient.rs", grammar) != nil)
    #expect(throws: ScopeError.self) { try SMARTScope.parse("user/Unicorn.rs", grammar) }
    #expect(throws: ScopeError.self) { try SMARTScope.parse("user$Unicorn.rs", grammar) }
  }

  @Test("a scope at its limit and past it") func length() throws {
    let head = "patient/Patient.rs?name="
    let longest = head + String(repeating: "x", count: 2048 - head.utf8.count)
    #expect(try SMARTScope.parse(longest) != nil)
    #expect { try SMARTScope.parse(longest + "x") } throws: { ($0 as? ScopeError)?.code == .tooLong }
    let many = (0..<20).map { "a=\($0)" }.joined(separator: "&")
    #expect(try SMARTScope.parse("patient/Patient.rs?" + many)?.conditions.count == 20)
    #expect(throws: ScopeError.self) { try SMARTScope.parse("patient/Patient.rs?" + many + "&a=20") }
  }

  @Test(
    "which scope covers which",
    arguments: [
      ("patient/Observation.rs", "patient/*.rs", true), ("patient/*.rs", "patient/Observation.rs", false),
      ("patient/Observation.r", "patient/Observation.rs", true),
      ("patient/Observation.rs", "patient/Observation.r", false),
      ("patient/Observation.rs", "user/Observation.rs", false), ("user/*.rs", "system/*.cruds", false),
      ("patient/*.read", "patient/*.rs", true), ("patient/*.rs", "patient/*.read", true),
      ("patient/*.write", "patient/*.cud", true), ("patient/*.*", "patient/*.cruds", true),
      ("patient/Observation.rs?code=a", "patient/Observation.rs", true),
      ("patient/Observation.rs", "patient/Observation.rs?code=a", false),
      ("patient/Observation.rs?code=a&category=b", "patient/Observation.rs?code=a", true),
      ("patient/Observation.rs?code=a", "patient/Observation.rs?code=b", false),
      ("patient/Observation.rs?code=a", "patient/*.cruds", true),
    ])
  func covering(_ one: String, _ other: String, _ expected: Bool) throws {
    let a = try #require(try SMARTScope.parse(one))
    let b = try #require(try SMARTScope.parse(other))
    #expect(a.isCovered(by: b) == expected)
  }
}

@Suite struct SMARTScopesTests {
  @Test("a request of a standalone launch") func request() throws {
    let scopes = try SMARTScopes(
      "launch/patient openid fhirUser offline_access patient/*.rs launch launch/encounter email")
    #expect(scopes.hasOpenID && scopes.hasFHIRUser && scopes.hasOfflineAccess && !scopes.hasOnlineAccess)
    #expect(scopes.launches == [.init("patient"), .init(nil), .init("encounter")])
    #expect(scopes.resources.map(\.text) == ["patient/*.rs"])
    #expect(scopes.others == ["email"])
    #expect(scopes.text == "openid fhirUser offline_access launch/patient launch launch/encounter patient/*.rs email")
    #expect(try SMARTScopes(scopes.text).text == scopes.text)
    #expect(try SMARTScopes("launch/list?role=friend").launches == [.init("list", role: "friend")])
    #expect(try SMARTScopes("").text == "")
    #expect(try SMARTScopes("  openid   openid ").text == "openid")
  }

  @Test("scopes that others cover are left out") func normalised() throws {
    let scopes = try SMARTScopes(
      "patient/Observation.r patient/*.rs patient/Observation.rs?code=a patient/*.rs patient/*.read")
    #expect(scopes.normalised.map(\.text) == ["patient/*.rs"])
  }

  @Test("one bad scope refuses them all") func bad() {
    #expect(throws: ScopeError.self) { try SMARTScopes("openid patient/Observation.xyz") }
  }

  @Test(
    "what is granted of a request",
    arguments: [
      ("patient/*.rs", "patient/*.cruds", "patient/*.rs"),
      ("patient/*.cruds", "patient/*.rs", "patient/*.rs"),
      ("patient/*.rs", "patient/Observation.rs patient/Condition.r", "patient/Observation.rs patient/Condition.r"),
      (
        "patient/Observation.cruds", "patient/Observation.rs patient/Observation.cu",
        "patient/Observation.rs patient/Observation.cu"
      ),
      ("patient/Observation.cru", "patient/Observation.r patient/Observation.cu", "patient/Observation.cru"),
      ("patient/Observation.rs", "patient/Observation.rs?category=a", "patient/Observation.rs?category=a"),
      (
        "patient/Observation.rs?code=x", "patient/Observation.rs?category=a", "patient/Observation.rs?category=a&code=x"
      ),
      ("patient/*.read", "patient/*.rs", "patient/*.read"), ("patient/*.*", "patient/*.rs", "patient/*.read"),
      ("patient/*.read patient/Observation.c", "patient/*.cruds", "patient/*.rs patient/Observation.c"),
      ("patient/*.read", "patient/Observation.r", ""),
      ("patient/*.read", "patient/Observation.rs", "patient/Observation.read"),
      ("system/*.rs", "patient/*.rs", ""), ("user/*.rs", "", ""),
      (
        "openid fhirUser offline_access launch/patient", "openid fhirUser launch/patient",
        "openid fhirUser launch/patient"
      ),
      ("launch/encounter email", "launch/patient", ""),
    ])
  func granted(_ requested: String, _ allowed: String, _ expected: String) throws {
    let most = try SMARTScopes(allowed)
    let granted = try SMARTScopes(requested).granted(within: most)
    #expect(granted.text == expected)
    #expect(granted.isSubset(of: most))
    #expect(granted.isSubset(of: try SMARTScopes(requested)))
  }

  @Test("no combination is granted more than was asked for or allowed") func never() throws {
    let pieces = [
      "patient/*.rs", "patient/*.cruds", "patient/Observation.rs", "patient/Observation.cu", "user/*.rs",
      "user/Patient.cruds", "patient/Observation.rs?code=a", "patient/Observation.rs?category=b", "system/*.*",
      "system/Patient.read", "patient/*.write",
    ]
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let a = try SMARTScopes(pieces.filter { _ in Bool.random(using: &generator) })
      let b = try SMARTScopes(pieces.filter { _ in Bool.random(using: &generator) })
      let granted = a.granted(within: b)
      #expect(granted.isSubset(of: a))
      #expect(granted.isSubset(of: b))
      if a.isSubset(of: b) { #expect(granted.isSubset(of: a) && a.isSubset(of: granted)) }
    }
  }
}
