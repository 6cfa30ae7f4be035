/// What can be asked of a FHIR service, as far as permission goes: FHIR's codes of interactions (FHIR R4 http.html),
/// the conditional and hard forms that need more, operations by their names, and the two ways a search reaches other
/// resources than its own.
public enum FHIRInteraction: String, Sendable, CaseIterable {
  // For everybody
  case capabilities
  case versions = "$versions"
  case smartConfiguration = "smart-configuration"
  // Reading
  case read
  case vread
  case historyInstance = "history-instance"
  case historyType = "history-type"
  case historySystem = "history-system"
  case searchType = "search-type"
  case searchSystem = "search-system"
  case searchCompartment = "search-compartment"
  /// A resource that is in an answer because another is: `_include`, `_revinclude`, `:iterate`.
  case include
  /// A resource whose content decides what is found or in which order: chains, `_has`, `_sort` and `_filter` over it.
  case chain
  // Writing
  case create
  case update
  /// An update that would create, where that is known.
  case updateCreate = "update-create"
  case patch
  case delete
  case hardDelete = "hard-delete"
  case conditionalCreate = "conditional-create"
  case conditionalUpdate = "conditional-update"
  case conditionalPatch = "conditional-patch"
  case conditionalDelete = "conditional-delete"
  case conditionalHardDelete = "conditional-hard-delete"
  case purgeHistory = "$purge-history"
  // Each entry is asked about by itself.
  case batch
  case transaction
  // Operations
  case everything = "$everything"
  case docRef = "$docref"
  case expand = "$expand"
  case memberMatch = "$member-match"
  case fhirPath = "$fhirpath"
  case graphQL = "$graphql"
  case validate = "$validate"
  case convertData = "$convert-data"
  case export = "$export"
  case exportStatus = "$export-status"
  case exportCancel = "$export-cancel"
  case `import` = "$import"
  case importStatus = "$import-status"
  case importCancel = "$import-cancel"
  case reindex = "$reindex"
  case bulkDelete = "$bulk-delete"
  case bulkHardDelete = "$bulk-hard-delete"
  case bulkDeleteStatus = "$bulk-delete-status"
  case bulkDeleteCancel = "$bulk-delete-cancel"
  case bulkUpdate = "$bulk-update"
  case bulkUpdateStatus = "$bulk-update-status"
  case bulkUpdateCancel = "$bulk-update-cancel"
  case searchParameterStatus = "$status"
  case searchParameterStatusUpdate = "$status-update"
}

extension FHIRInteraction {
  /// Whether it is for everybody, without a token: it says nothing of anybody.
  public var isAnonymous: Bool { self == .capabilities || self == .versions || self == .smartConfiguration }

  /// Whether it changes resources of the type it names.
  public var isWrite: Bool {
    switch self {
    case .create, .update, .updateCreate, .patch, .delete, .hardDelete, .conditionalCreate, .conditionalUpdate,
      .conditionalPatch, .conditionalDelete, .conditionalHardDelete, .purgeHistory:
      true
    default: false
    }
  }

  /// The sets of data actions of which one, complete, is enough; nil for what is not asked of a role at all.
  public var requiredActions: [DataActions]? {
    switch self {
    case .capabilities, .versions, .smartConfiguration: nil
    case .batch, .transaction: nil
    case .read, .vread: [.read, .readByID]
    case .historyInstance, .historyType, .historySystem, .searchType, .searchSystem, .searchCompartment, .include,
      .chain:
      [.read, .search]
    case .create: [.write, .create]
    case .update: [.write, .update]
    case .updateCreate: [.write, .create, .update]
    case .patch: [[.read, .write], .update]
    case .delete: [.delete]
    case .hardDelete, .purgeHistory: [[.delete, .hardDelete]]
    case .conditionalCreate: [[.read, .write], [.search, .create]]
    case .conditionalUpdate, .conditionalPatch: [[.read, .write], [.search, .update]]
    case .conditionalDelete: [[.read, .delete], [.search, .delete]]
    case .conditionalHardDelete: [[.read, .delete, .hardDelete], [.search, .delete, .hardDelete]]
    case .everything, .docRef, .expand, .memberMatch, .fhirPath, .graphQL, .searchParameterStatus,
      .bulkDeleteStatus:
      [.read]
    case .validate: [.resourceValidate]
    case .convertData: [.convertData]
    case .export, .exportStatus, .exportCancel: [.export]
    case .import, .importStatus, .importCancel: [.import]
    case .reindex: [.reindex]
    case .bulkDelete, .bulkDeleteCancel: [.delete]
    case .bulkHardDelete: [[.delete, .hardDelete]]
    case .bulkUpdate, .bulkUpdateStatus, .bulkUpdateCancel: [.bulkOperator]
    case .searchParameterStatusUpdate: [.searchParameter]
    }
  }

  /// The sets of letters of SMART scopes of which one, complete, is enough (SMART App Launch 2.2, table of the
  /// permissions); nil for what no scope allows.
  public var requiredPermissions: [SMARTScope.Permissions]? {
    switch self {
    case .capabilities, .versions, .smartConfiguration, .batch, .transaction: nil
    case .read, .vread, .historyInstance: [.read]
    case .historyType, .historySystem, .searchType, .searchSystem, .searchCompartment, .include, .chain: [.search]
    case .create: [.create]
    case .update: [.update]
    case .updateCreate: [.update, .create]
    case .patch: [.update]
    case .delete, .hardDelete, .purgeHistory: [.delete]
    case .conditionalCreate: [[.search, .create]]
    case .conditionalUpdate, .conditionalPatch: [[.search, .update]]
    case .conditionalDelete, .conditionalHardDelete: [[.search, .delete]]
    case .everything: [[.read, .search]]
    case .docRef: [.search]
    case .expand: [.read, .search]
    case .export, .exportStatus, .exportCancel: [.search]
    case .memberMatch, .fhirPath, .graphQL, .validate, .convertData, .import, .importStatus, .importCancel, .reindex,
      .bulkDelete, .bulkHardDelete, .bulkDeleteStatus, .bulkDeleteCancel, .bulkUpdate, .bulkUpdateStatus,
      .bulkUpdateCancel, .searchParameterStatus, .searchParameterStatusUpdate:
      nil
    }
  }

  /// What writing a resource of this type takes besides.
  static func additionalActions(forWriting type: String) -> DataActions {
    switch type {
    case "StructureDefinition", "ValueSet", "CodeSystem": .editProfileDefinitions
    case "SearchParameter": .reindex
    default: []
    }
  }
}

/// What can be asked of a DICOM service, as far as permission goes.
public enum DICOMInteractionKind: String, Sendable, CaseIterable {
  case capabilities
  case retrieve, search
  case changeFeed = "change-feed"
  case partitions
  case operationStatus = "operation-status"
  case extendedQueryTagRead = "extended-query-tag-read"
  case extendedQueryTagWrite = "extended-query-tag-write"
  case extendedQueryTagDelete = "extended-query-tag-delete"
  case store, delete, update, export
  case workitemRead = "workitem-read"
  case workitemWrite = "workitem-write"

  public var isAnonymous: Bool { self == .capabilities }

  /// nil for what is for everybody.
  public var requiredActions: DICOMActions? {
    switch self {
    case .capabilities: nil
    case .retrieve, .search, .changeFeed, .partitions, .operationStatus, .extendedQueryTagRead, .workitemRead: .read
    case .extendedQueryTagWrite, .extendedQueryTagDelete: .manageExtendedQueryTags
    case .store, .update, .workitemWrite: .write
    case .delete: .delete
    case .export: .export
    }
  }
}
