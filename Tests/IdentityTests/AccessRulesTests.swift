import Base
import Identity
import Testing

@Suite struct AccessRulesTests {
  static func principal(
    _ scopes: String, roles: [String] = [], user: String? = nil, patient: String? = nil, client: String? = nil
  ) -> Principal {
    var principal = Principal(subject: "s", issuer: "i", client: client)
    principal.scopes = scopes.split(separator: " ").map(String.init)
    principal.roles = roles
    principal.fhirUser = user
    principal.patient = patient
    return principal
  }

  static func rules(
    _ scopes: String, roles: [String] = [], user: String? = nil, patient: String? = nil,
    _ settings: AccessSettings = AccessSettings()
  ) throws -> AccessRules {
    try AccessRules(principal(scopes, roles: roles, user: user, patient: patient), settings)
  }

  static let alice = AccessFilter.Compartment(type: "Patient", id: "alice")

  /// SMART App Launch 2.2, the table of what each letter permits.
  static let letterTable: [(String, Set<FHIRInteraction>)] = [
    ("c", [.create, .updateCreate]),
    ("r", [.read, .vread, .historyInstance, .expand]),
    ("u", [.update, .updateCreate, .patch]), ("d", [.delete]),
    (
      "s",
      [
        .searchType, .searchSystem, .searchCompartment, .historyType, .historySystem, .include, .chain, .docRef,
        .expand,
        .export, .exportStatus, .exportCancel,
      ]
    ),
  ]

  @Test("letters and interactions", arguments: letterTable)
  func letters(_ letter: String, _ allowed: Set<FHIRInteraction>) throws {
    let rules = try Self.rules("system/Observation.\(letter)")
    for interaction in FHIRInteraction.allCases {
      let always: Set<FHIRInteraction> = [.capabilities, .versions, .smartConfiguration, .batch, .transaction]
      let isAllowed = allowed.contains(interaction) || always.contains(interaction)
      #expect(
        rules.decision(interaction, "Observation") == (isAllowed ? .allowed : .denied), "\(letter) \(interaction)")
      #expect(
        rules.decision(interaction, "Patient") == (always.contains(interaction) ? .allowed : .denied),
        "\(letter) \(interaction) of another type")
    }
  }

  @Test("conditional interactions need search besides") func conditional() throws {
    #expect(try Self.rules("system/Patient.c").decision(.conditionalCreate, "Patient") == .denied)
    #expect(try Self.rules("system/Patient.cs").decision(.conditionalCreate, "Patient") == .allowed)
    #expect(try Self.rules("system/Patient.us").decision(.conditionalUpdate, "Patient") == .allowed)
    #expect(try Self.rules("system/Patient.c system/*.s").decision(.conditionalCreate, "Patient") == .allowed)
    #expect(try Self.rules("system/Patient.ds").decision(.conditionalDelete, "Patient") == .allowed)
    #expect(try Self.rules("system/Patient.d").decision(.conditionalDelete, "Patient") == .denied)
  }

  @Test("a patient's scopes reach the patient's compartment and what is for everybody") func patient() throws {
    let rules = try Self.rules("patient/*.cruds", patient: "alice")
    let own = AccessFilter(type: "Observation", compartment: Self.alice)
    #expect(rules.decision(.read, "Observation") == .restricted([own]))
    #expect(rules.decision(.searchType, "Observation") == .restricted([own]))
    #expect(rules.decision(.include, "Observation") == .restricted([own]))
    #expect(rules.decision(.chain, "Observation") == .restricted([own]))
    #expect(rules.decision(.create, "Observation") == .restricted([own]))
    #expect(rules.decision(.update, "Observation") == .restricted([own]))
    for type in ["Location", "Organization", "Practitioner", "Medication"] {
      #expect(rules.decision(.read, type) == .allowed)
      // Nobody's to write.
      #expect(rules.decision(.update, type) == .restricted([AccessFilter(type: type, compartment: Self.alice)]))
    }
    #expect(
      rules.decision(.searchType, "Device")
        == .restricted([
          AccessFilter(type: "Device", compartment: Self.alice), AccessFilter(type: "Device", missing: ["patient"]),
          AccessFilter(type: "Device", conditions: [.init("patient", "Patient/alice")]),
        ]))
    for interaction in [
      FHIRInteraction.export, .memberMatch, .import, .reindex, .bulkDelete, .bulkUpdate, .convertData, .hardDelete,
      .purgeHistory,
    ] {
      #expect(rules.decision(interaction, "Patient") == .denied, "\(interaction)")
    }
  }

  @Test("the whole system: a filter for each type that may be seen") func system() throws {
    let rules = try Self.rules("patient/Observation.rs patient/Location.rs", patient: "alice")
    #expect(
      rules.decision(.searchSystem, nil)
        == .restricted([
          AccessFilter(type: "Observation", compartment: Self.alice),
          AccessFilter(type: "Location", compartment: Self.alice), AccessFilter(type: "Location"),
        ]))
    #expect(try Self.rules("system/*.rs").decision(.searchSystem, nil) == .allowed)
    #expect(
      try Self.rules("system/Patient.rs").decision(.historySystem, nil) == .restricted([AccessFilter(type: "Patient")]))
    #expect(try Self.rules("system/Patient.rs").decision(.export, nil) == .restricted([AccessFilter(type: "Patient")]))
    #expect(try Self.rules("system/*.read").decision(.export, nil) == .allowed)
    #expect(try Self.rules("user/*.cruds", user: "Practitioner/1").decision(.export, nil) == .denied)
  }

  @Test(
    "whom scopes are about",
    arguments: [
      ("patient/*.rs", nil, "alice", "Patient/alice"), ("patient/*.rs", nil, "Patient/alice", "Patient/alice"),
      ("patient/*.rs", "Patient/alice", nil, "Patient/alice"),
      ("patient/*.rs", "https://fhir.example/Patient/alice", nil, "Patient/alice"),
      ("patient/*.rs", "Practitioner/p", "alice", "Patient/alice"),
      ("user/*.rs", "Practitioner/p", "alice", "Practitioner/p"),
      ("user/*.rs", "Patient/alice", "bob", "Patient/alice"), ("patient/*.rs", "Patient/bob", "alice", "Patient/alice"),
      ("patient/*.rs", "RelatedPerson/mother", "alice", "Patient/alice"),
    ] as [(String, String?, String?, String)])
  func compartments(_ scopes: String, _ user: String?, _ patient: String?, _ expected: String) throws {
    let rules = try Self.rules(scopes, user: user, patient: patient)
    guard case .restricted(let filters) = rules.decision(.read, "Observation") else {
      Issue.record("not restricted")
      return
    }
    #expect(filters.map { "\($0.compartment?.type ?? "")/\($0.compartment?.id ?? "")" } == [expected])
  }

  @Test(
    "tokens that are refused as a whole",
    arguments: [
      ("patient/*.rs", nil, nil, AccessError.Code.patient), ("patient/*.rs", "Practitioner/p", nil, .patient),
      ("patient/*.rs", nil, "Practitioner/p", .patient), ("patient/*.rs", nil, "../alice", .patient),
      ("patient/*.rs", nil, "alice?x=1", .patient),
      ("patient/*.rs", nil, "https://evil.example/Patient/alice", .patient),
      ("user/*.rs", nil, nil, .fhirUser), ("user/*.rs", nil, "alice", .fhirUser),
      ("user/*.rs", "RelatedPerson/r", nil, .fhirUser), ("user/*.rs", "Person/r", nil, .fhirUser),
      ("user/*.rs", "alice", nil, .fhirUser), ("user/*.rs", "Patient/", nil, .fhirUser),
      ("user/*.rs", "Patient/a/_history/1", nil, .fhirUser),
      ("user/*.rs", "urn:uuid:1", nil, .fhirUser), ("user/*.rs", "ftp://x.example/Patient/1", nil, .fhirUser),
      ("user/*.rs", "https://x.example/Patient/1?a", nil, .fhirUser),
      ("user/*.rs", "https:///Patient/1", nil, .fhirUser),
      ("user/*.rs", "javascript:Patient/1", nil, .fhirUser),
      ("patient/*.rs user/*.rs", "Patient/alice", "alice", .mixedContexts),
      ("patient/*.rs system/*.rs", "Patient/alice", "alice", .mixedContexts),
      ("system/Patient.rs system/Observation.read", nil, nil, .mixedVersions),
      ("patient/Observation.xyz", nil, "alice", .scope), ("patient/Observation.rs?code:not=x", nil, "alice", .scope),
    ] as [(String, String?, String?, AccessError.Code)])
  func refused(_ scopes: String, _ user: String?, _ patient: String?, _ code: AccessError.Code) {
    #expect { try Self.rules(scopes, user: user, patient: patient) } throws: { ($0 as? AccessError)?.code == code }
  }

  @Test("mixtures, where they are allowed, add up") func mixtures() throws {
    var settings = AccessSettings()
    settings.allowsMixedContexts = true
    settings.allowsMixedVersions = true
    let rules = try Self.rules(
      "patient/Observation.rs user/Condition.rs system/Encounter.read", user: "Practitioner/p", patient: "alice",
      settings)
    #expect(
      rules.decision(.read, "Observation") == .restricted([AccessFilter(type: "Observation", compartment: Self.alice)]))
    #expect(
      rules.decision(.read, "Condition")
        == .restricted([AccessFilter(type: "Condition", compartment: .init(type: "Practitioner", id: "p"))]))
    #expect(rules.decision(.read, "Encounter") == .allowed)
    #expect(rules.decision(.read, "Patient") == .denied)
  }

  @Test("conditions: alternatives of one type, and none where another scope has none") func conditions() throws {
    let rules = try Self.rules(
      "patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs patient/Condition.rs",
      patient: "alice")
    #expect(
      rules.decision(.searchType, "Observation")
        == .restricted([
          AccessFilter(type: "Observation", compartment: Self.alice, conditions: [.init("category", "laboratory")]),
          AccessFilter(type: "Observation", compartment: Self.alice, conditions: [.init("category", "vital-signs")]),
        ]))
    #expect(
      rules.decision(.read, "Condition") == .restricted([AccessFilter(type: "Condition", compartment: Self.alice)]))
    #expect(rules.decision(.create, "Observation") == .denied)
    // Microsoft's server: no joins while such scopes are there.
    #expect(rules.decision(.include, "Condition") == .denied)
    #expect(rules.decision(.chain, "Observation") == .denied)
    let open = try Self.rules("system/Observation.rs?category=laboratory system/Observation.r")
    #expect(open.decision(.read, "Observation") == .allowed)
    #expect(
      open.decision(.searchType, "Observation")
        == .restricted([AccessFilter(type: "Observation", conditions: [.init("category", "laboratory")])]))
    var settings = AccessSettings()
    settings.allowsJoinsUnderConditions = true
    let joining = try Self.rules("system/Observation.rs?category=laboratory", settings)
    #expect(
      joining.decision(.include, "Observation")
        == .restricted([AccessFilter(type: "Observation", conditions: [.init("category", "laboratory")])]))
  }

  @Test("letters with different conditions must all hold") func joinedConditions() throws {
    let rules = try Self.rules("system/Observation.u?status=preliminary system/Observation.s?category=laboratory")
    #expect(
      rules.decision(.conditionalUpdate, "Observation")
        == .restricted([
          AccessFilter(
            type: "Observation", conditions: [.init("category", "laboratory"), .init("status", "preliminary")])
        ]))
  }

  @Test("a mix of roles and scopes: both must allow") func mix() throws {
    let reader = try Self.rules("system/*.cruds", roles: ["FHIR Data Reader"])
    #expect(reader.decision(.read, "Patient") == .allowed)
    #expect(reader.decision(.create, "Patient") == .denied)
    let contributor = try Self.rules("system/Patient.rs", roles: ["FHIR Data Contributor"])
    #expect(contributor.decision(.read, "Patient") == .allowed)
    #expect(contributor.decision(.read, "Observation") == .denied)
    #expect(contributor.decision(.create, "Patient") == .denied)
    #expect(contributor.decision(.hardDelete, "Patient") == .denied)
    let hard = try Self.rules("system/Patient.d", roles: ["FHIR Data Contributor"])
    #expect(hard.decision(.hardDelete, "Patient") == .allowed)
    // Scopes alone never delete for good, nor edit profiles.
    let alone = try Self.rules("system/*.cruds")
    #expect(alone.decision(.hardDelete, "Patient") == .denied)
    #expect(alone.decision(.delete, "Patient") == .allowed)
    #expect(alone.decision(.create, "StructureDefinition") == .denied)
  }

  @Test("Azure's rule: scopes count only with the action smart, and then roles count too") func azure() throws {
    var settings = AccessSettings()
    settings.scopeRule = .withSMARTAction
    let reader = try Self.rules("patient/Observation.rs garbage/ patient/x", roles: ["FHIR Data Reader"], settings)
    #expect(reader.scopes == nil)
    #expect(reader.decision(.read, "Patient") == .allowed)
    let smart = try Self.rules("patient/*.cruds", roles: ["FHIR SMART User"], user: "Patient/alice", settings)
    #expect(
      smart.decision(.read, "Observation") == .restricted([AccessFilter(type: "Observation", compartment: Self.alice)]))
    #expect(smart.decision(.create, "Observation") == .denied)
    #expect(
      smart.decision(.everything, "Patient") == .restricted([AccessFilter(type: "Patient", compartment: Self.alice)]))
    #expect(try Self.rules("system/*.rs", settings).decision(.read, "Patient") == .denied)
    let open = try Self.rules("patient/*.cruds", roles: ["smartUser"], user: "Patient/alice", settings)
    #expect(
      open.decision(.create, "Observation") == .restricted([AccessFilter(type: "Observation", compartment: Self.alice)])
    )
    #expect(try Self.rules("openid", roles: ["FHIR SMART User"], settings).decision(.read, "Patient") == .denied)
  }

  @Test("apps of smartIdentityProviders: what is configured, under scopes, for this app only") func applications()
    throws
  {
    var settings = AccessSettings()
    settings.applications = ["i": ["app": [.read]]]
    settings.actionsWithoutRoles = []
    let rules = try AccessRules(Self.principal("patient/*.cruds", user: "Patient/alice", client: "app"), settings)
    #expect(
      rules.decision(.read, "Observation") == .restricted([AccessFilter(type: "Observation", compartment: Self.alice)]))
    #expect(rules.decision(.create, "Observation") == .denied)
    let none = try AccessRules(Self.principal("", user: "Patient/alice", client: "app"), settings)
    #expect(none.decision(.read, "Observation") == .denied)
    let other = try AccessRules(Self.principal("patient/*.cruds", user: "Patient/alice", client: "other"), settings)
    #expect(other.decision(.read, "Observation") == .denied)
    var elsewhere = Self.principal("patient/*.cruds", user: "Patient/alice", client: "app")
    elsewhere.issuer = "another"
    #expect(try AccessRules(elsewhere, settings).decision(.read, "Observation") == .denied)
  }

  @Test("a fhirUser of another server, where servers are named") func otherServer() throws {
    var settings = AccessSettings()
    settings.fhirUserBases = ["https://fhir.example/main"]
    #expect(try Self.rules("user/*.rs", user: "https://fhir.example/main/Patient/1", settings).user?.id == "1")
    #expect(throws: AccessError.self) {
      try Self.rules("user/*.rs", user: "https://evil.example/main/Patient/1", settings)
    }
    #expect(throws: AccessError.self) {
      try Self.rules("user/*.rs", user: "https://fhir.example/main/x/Patient/1", settings)
    }
  }

  @Test("DICOM is not for tokens about one person") func dicom() throws {
    #expect(try !Self.rules("patient/*.rs", roles: ["DICOM Data Owner"], patient: "alice").allows(.retrieve))
    #expect(try Self.rules("system/*.rs", roles: ["DICOM Data Owner"]).allows(.retrieve))
    #expect(try !Self.rules("system/*.cruds").allows(.retrieve))
  }

  @Test("principals are read from claims by configurable names") func claims() async throws {
    let verified = try await Issuing.verifier().verify(
      Array(
        Issuing.token([
          "scp": "\"patient/*.rs\"", "scope": "[\"openid\",\"fhirUser launch/patient\"]", "roles": "[\"a\",\"b\"]",
          "extension_fhirUser": "\"Patient/1\"", "tid": "\"t\"", "oid": "\"o\"", "name": "7", "jti": "\"j\"",
          "realm_access": "{\"roles\":[\"deep\"]}",
        ]).utf8))
    let principal = try Principal(verified)
    #expect(principal.scopes == ["openid", "fhirUser", "launch/patient", "patient/*.rs"])
    #expect(principal.roles == ["a", "b"])
    #expect(principal.fhirUser == "Patient/1")
    #expect(principal.client == "app-1")
    #expect([principal.tenant, principal.objectID, principal.tokenID, principal.name] == ["t", "o", "j", nil])
    var names = ClaimNames()
    names.roles = ["/realm_access/roles"]
    names.subject = ["oid"]
    #expect(try Principal(verified, names).roles == ["deep"])
    #expect(try Principal(verified, names).subject == "o")
    let raw = try await Issuing.verifier().verify(
      Array(Issuing.token(["raw_scope": "\"user/*.rs\"", "scope": "\"patient/*.rs\""]).utf8))
    #expect(try Principal(raw).scopes == ["user/*.rs"])
  }

  @Test(
    "claims of the wrong kind are refused, without a subject the app is it",
    arguments: [
      (["roles": "7"], "roles"), (["roles": "[7]"], "roles"), (["scope": "{}"], "scope"),
      (["fhirUser": "[]"], "fhirUser"),
      (["patient": "7"], "patient"), (["sub": "\"\""], "sub"), (["sub": nil, "client_id": nil], "sub"),
      (["sub": "\"\(String(repeating: "s", count: 1025))\""], "sub"),
      (["scope": "\"\((0...300).map { "s\($0)" }.joined(separator: " "))\""], "scope"),
    ] as [([String: String?], String)])
  func badClaims(_ changes: [String: String?], _ name: String) async throws {
    let verified = try await Issuing.verifier().verify(Array(Issuing.token(changes).utf8))
    #expect(throws: TokenError(.claim, name)) { try Principal(verified) }
    let app = try await Issuing.verifier().verify(Array(Issuing.token(["sub": nil]).utf8))
    #expect(try Principal(app).subject == "app-1")
  }
}
