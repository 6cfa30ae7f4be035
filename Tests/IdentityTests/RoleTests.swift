import Identity
import JSONCore
import Testing

@Suite struct RoleTests {
  /// The interactions that each action of Microsoft's open-source server is enough for, written from its list of
  /// required actions, action by action.
  static let alone: [(DataActions, Set<FHIRInteraction>)] = [
    (
      .read,
      [
        .read, .vread, .historyInstance, .historyType, .historySystem, .searchType, .searchSystem, .searchCompartment,
        .include, .chain, .everything, .docRef, .expand, .memberMatch, .fhirPath, .graphQL, .searchParameterStatus,
        .bulkDeleteStatus,
      ]
    ),
    (.write, [.create, .update, .updateCreate]),
    (.delete, [.delete, .bulkDelete, .bulkDeleteCancel]),
    (.hardDelete, []),
    (.export, [.export, .exportStatus, .exportCancel]),
    (.resourceValidate, [.validate]), (.reindex, [.reindex]), (.convertData, [.convertData]),
    (.editProfileDefinitions, []), (.import, [.import, .importStatus, .importCancel]),
    (.searchParameter, [.searchParameterStatusUpdate]),
    (.bulkOperator, [.bulkUpdate, .bulkUpdateStatus, .bulkUpdateCancel]),
    (
      .search,
      [
        .historyInstance, .historyType, .historySystem, .searchType, .searchSystem, .searchCompartment, .include,
        .chain,
      ]
    ),
    (.readByID, [.read, .vread]), (.create, [.create, .updateCreate]), (.update, [.update, .updateCreate, .patch]),
  ]

  /// What more than one action is needed for.
  static let together: [(DataActions, Set<FHIRInteraction>)] = [
    ([.read, .write], [.patch, .conditionalCreate, .conditionalUpdate, .conditionalPatch]),
    ([.search, .create], [.conditionalCreate]), ([.search, .update], [.conditionalUpdate, .conditionalPatch]),
    ([.read, .delete], [.conditionalDelete]), ([.search, .delete], [.conditionalDelete]),
    ([.delete, .hardDelete], [.hardDelete, .purgeHistory, .bulkHardDelete]),
    ([.read, .delete, .hardDelete], [.conditionalHardDelete]),
    ([.search, .delete, .hardDelete], [.conditionalHardDelete]),
  ]

  static func expected(_ actions: DataActions, _ interaction: FHIRInteraction) -> Bool {
    if [.capabilities, .versions, .smartConfiguration].contains(interaction) { return true }
    if interaction == .batch || interaction == .transaction { return !actions.isEmpty }
    return (alone + together).contains { actions.isSuperset(of: $0.0) && $0.1.contains(interaction) }
  }

  static func rules(_ roles: [String]) throws -> AccessRules {
    var principal = Principal(subject: "s", issuer: "i")
    principal.roles = roles
    return try AccessRules(principal)
  }

  /// Azure's and the open-source server's tables of roles.
  static let table: [(String, DataActions)] = [
    ("FHIR Data Reader", [.read]), ("FHIR Data Exporter", [.read, .export]), ("FHIR Data Importer", [.read, .import]),
    ("FHIR Data Converter", [.convertData]), ("FHIR Data Contributor", .all),
    (
      "FHIR Data Writer",
      [.read, .write, .delete, .export, .resourceValidate, .reindex, .convertData, .editProfileDefinitions, .import]
    ),
    ("globalReader", [.read, .resourceValidate]), ("globalExporter", [.read, .export]),
    ("globalConverter", [.read, .convertData]), ("globalImporter", [.read, .import]), ("globalAdmin", .all),
    ("DICOM Data Owner", []), ("DICOM Data Reader", []), ("Search Parameter Manager", [.searchParameter]),
    ("no such role", []), ("fhir data reader", []),
  ]

  @Test("every role and interaction", arguments: table)
  func matrix(_ role: String, _ actions: DataActions) throws {
    let rules = try Self.rules([role])
    #expect(rules.actions == actions)
    for interaction in FHIRInteraction.allCases {
      let expected = Self.expected(actions, interaction)
      #expect(rules.decision(interaction, "Patient") == (expected ? .allowed : .denied), "\(role) \(interaction)")
    }
  }

  @Test("every single action, and every pair") func actions() throws {
    let bits = Self.alone.map(\.0)
    for (place, first) in bits.enumerated() {
      for second in bits[place...] {
        let both = first.union(second)
        var settings = AccessSettings()
        settings.roles = RoleTable([Role("r", both)])
        var principal = Principal(subject: "s", issuer: "i")
        principal.roles = ["r"]
        let rules = try AccessRules(principal, settings)
        for interaction in FHIRInteraction.allCases {
          #expect(
            rules.decision(interaction, "Patient") == (Self.expected(both, interaction) ? .allowed : .denied),
            "\(both.azureNames) \(interaction)")
        }
      }
    }
  }

  @Test("profiles and search parameters need more to be written, not to be read") func conformance() throws {
    for type in ["StructureDefinition", "ValueSet", "CodeSystem"] {
      #expect(try Self.rules(["globalWriter"]).decision(.create, type) == .denied)
      #expect(try Self.rules(["globalWriter"]).decision(.conditionalDelete, type) == .denied)
      #expect(try Self.rules(["globalWriter"]).decision(.read, type) == .allowed)
      #expect(try Self.rules(["globalAdmin"]).decision(.create, type) == .allowed)
      #expect(try Self.rules(["FHIR Data Writer"]).decision(.update, type) == .allowed)
    }
    var settings = AccessSettings()
    settings.roles = RoleTable([Role("w", [.read, .write])])
    var principal = Principal(subject: "s", issuer: "i")
    principal.roles = ["w"]
    #expect(try AccessRules(principal, settings).decision(.create, "SearchParameter") == .denied)
    #expect(try AccessRules(principal, settings).decision(.create, "Patient") == .allowed)
  }

  @Test("hard deletion is not for writers") func hardDelete() throws {
    #expect(try Self.rules(["globalWriter"]).decision(.hardDelete, "Patient") == .denied)
    #expect(try Self.rules(["FHIR Data Writer"]).decision(.hardDelete, "Patient") == .denied)
    #expect(try Self.rules(["globalAdmin"]).decision(.hardDelete, "Patient") == .allowed)
    #expect(try Self.rules(["FHIR Data Bulk Operator"]).decision(.hardDelete, "Patient") == .allowed)
  }

  @Test("roles add up, and may be named by their ids") func several() throws {
    let rules = try Self.rules(["3db33094-8700-4567-8da5-1501d4e7e843", "FHIR Data Converter", "other"])
    #expect(rules.actions == [.read, .export, .convertData])
  }

  @Test("without a role nothing is allowed but what is for everybody") func nobody() throws {
    for rules in [try Self.rules([]), AccessRules.anonymous] {
      for interaction in FHIRInteraction.allCases {
        #expect(rules.decision(interaction, "Patient") == (interaction.isAnonymous ? .allowed : .denied))
      }
      #expect(!rules.allowsSomething)
    }
    for interaction in FHIRInteraction.allCases {
      #expect(AccessRules.everything.decision(interaction, "StructureDefinition") == .allowed)
    }
  }

  @Test("objects of API for FHIR's access policies may do everything") func accessPolicies() throws {
    var settings = AccessSettings()
    settings.accessPolicies = ["i": ["c487e7d1"]]
    var principal = Principal(subject: "s", issuer: "i")
    principal.objectID = "c487e7d1"
    #expect(try AccessRules(principal, settings).decision(.hardDelete, "Patient") == .allowed)
    principal.objectID = "other"
    #expect(try AccessRules(principal, settings).decision(.read, "Patient") == .denied)
    principal.objectID = "c487e7d1"
    principal.issuer = "another"
    #expect(try AccessRules(principal, settings).decision(.read, "Patient") == .denied)
  }

  @Test("names of actions") func names() {
    #expect(DataActions.read.azureNames == ["Microsoft.HealthcareApis/workspaces/fhirservices/resources/read"])
    #expect(
      DataActions.hardDelete.azureNames
        == ["Microsoft.HealthcareApis/workspaces/fhirservices/resources/hardDelete/action"])
    #expect(
      DICOMActions.read.azureNames == ["Microsoft.HealthcareApis/workspaces/dicomservices/resources/read"])
    #expect(!DataActions.all.contains(.smart))
    #expect(DataActions.all.azureNames.count == 16)
  }

  static func role(_ json: String) throws -> Role { try Role(JSONDocument(json).value) }

  @Test("roles of files") func custom() throws {
    let auditor = try Self.role(
      #"{"name":"auditor","dataActions":["read","export"],"notDataActions":[],"scopes":["/"]}"#)
    #expect(auditor.actions == [.read, .export])
    let writer = try Self.role(
      #"{"name":"w","dataActions":["*"],"notDataActions":["hardDelete","editProfileDefinitions"]}"#)
    #expect(writer.actions == DataActions.all.subtracting([.hardDelete, .editProfileDefinitions]))
    #expect(writer.dicomActions == [])
    let smart = try Self.role(#"{"name":"s","dataActions":["*","smart"]}"#)
    #expect(smart.actions == DataActions.all.union(.smart))
    let dicom = try Self.role(#"{"name":"d","service":"dicom","dataActions":["read","manageExtendedQueryTags"]}"#)
    #expect(dicom.dicomActions == [.read, .manageExtendedQueryTags])
    #expect(dicom.actions == [])
    let contributor = try Self.role(
      """
      {"properties":{"roleName":"FHIR Data Contributor","permissions":[{"dataActions":[
       "Microsoft.HealthcareApis/services/fhir/resources/*","Microsoft.HealthcareApis/workspaces/fhirservices/resources/*"],
       "notDataActions":["Microsoft.HealthcareApis/services/fhir/resources/smart/action",
       "Microsoft.HealthcareApis/workspaces/fhirservices/resources/smart/action"]}]}}
      """)
    #expect(contributor.actions == .all)
    #expect(contributor.name == "FHIR Data Contributor")
    let both = try Self.role(#"{"name":"b","dataActions":["Microsoft.HealthcareApis/workspaces/*/read"]}"#)
    #expect(both.actions == .read)
    #expect(both.dicomActions == .read)
  }

  @Test(
    "roles that are none",
    arguments: [
      "{}", "[]", #"{"name":""}"#, #"{"name":"x","dataActions":["raed"]}"#, #"{"name":"x","dataActions":"read"}"#,
      #"{"name":"x","dataActions":[7]}"#, #"{"name":"x","dataActions":[""]}"#, #"{"name":"x","scopes":["/Patient"]}"#,
      #"{"name":"x","service":"iot","dataActions":["read"]}"#,
      #"{"name":"x","dataActions":["Microsoft.Storage/*/read"]}"#,
      #"{"name":"x","service":"dicom","dataActions":["convertData"]}"#,
    ])
  func badRoles(_ json: String) {
    #expect(throws: RoleError.self, "\(json)") { try Self.role(json) }
  }

  @Test("DICOM: roles and interactions") func dicom() throws {
    let owner = try Self.rules(["DICOM Data Owner"])
    let reader = try Self.rules(["DICOM Data Reader"])
    let reading: Set<DICOMInteractionKind> = [
      .capabilities, .retrieve, .search, .changeFeed, .partitions, .operationStatus, .extendedQueryTagRead,
      .workitemRead,
    ]
    for interaction in DICOMInteractionKind.allCases {
      #expect(owner.allows(interaction))
      #expect(reader.allows(interaction) == reading.contains(interaction))
      #expect(try Self.rules(["FHIR Data Contributor"]).allows(interaction) == (interaction == .capabilities))
    }
  }
}
