public import Base
public import FHIRModel
public import FHIRSearch
public import FHIRStore
public import JSONCore

/// What is asked of a FHIR service (FHIR R4 http.html), whichever protocol asked.
public enum Interaction: Sendable {
  case capabilities
  case versions
  case read(Schema.TypeID, id: String)
  case vread(Schema.TypeID, id: String, version: String)
  case create(Schema.TypeID)
  case update(Schema.TypeID, id: String)
  case conditionalUpdate(Schema.TypeID, QueryString)
  case patch(Schema.TypeID, id: String)
  case conditionalPatch(Schema.TypeID, QueryString)
  case delete(Schema.TypeID, id: String)
  case conditionalDelete(Schema.TypeID, QueryString)
  /// `$purge-history`
  case purgeHistory(Schema.TypeID, id: String)
  /// A nil type is a search of the whole system.
  case search(Schema.TypeID?, QueryString)
  /// A nil type is `*`: every type that the compartment has.
  case compartmentSearch(Compartment, Schema.TypeID?, QueryString)
  case history(HistoryScope, QueryString)
  /// A batch or transaction; the Bundle says which.
  case bundle
  /// `$fhirpath`
  case fhirPath(QueryString)
  case operation(Operation)
}

extension Interaction {
  /// Whether it changes resources; batches and transactions count by their entries.
  public var isWrite: Bool {
    switch self {
    case .create, .update, .conditionalUpdate, .patch, .conditionalPatch, .delete, .conditionalDelete, .purgeHistory:
      true
    case .operation(let operation): operation.isWrite
    case .capabilities, .versions, .read, .vread, .search, .compartmentSearch, .history, .bundle, .fhirPath: false
    }
  }

  /// Whether its body is a resource.
  public var takesResource: Bool {
    switch self {
    case .create, .update, .conditionalUpdate, .patch, .conditionalPatch, .bundle, .fhirPath: true
    case .operation(let operation): operation.takesResource
    case .capabilities, .versions, .read, .vread, .search, .compartmentSearch, .history, .delete, .conditionalDelete,
      .purgeHistory:
      false
    }
  }

  /// Whether it asks if a resource is valid, so that a flaw of its body is an answer and no fault.
  public var isValidation: Bool {
    if case .operation(let operation) = self { return operation.code == .validate }
    return false
  }

  /// Whether it makes sense without a body as well: an operation whose parameters are all in the query.
  public var allowsNoBody: Bool {
    if case .operation = self { return true }
    return false
  }
}

/// The conditions a request puts on what it finds (RFC 9110 §13, FHIR R4 http#cond-update).
public struct Conditions: Sendable {
  public var ifMatch: String?
  public var ifNoneMatch: String?
  public var ifModifiedSince: String?
  public var ifNoneExist: String?

  public init() {}
}

/// What a client prefers (FHIR R4 http#ops; search#errors).
public struct Preference: Sendable {
  public enum Return: String, Sendable { case minimal, representation, operationOutcome = "OperationOutcome" }

  public var returned: Return?
  public var isStrict = false

  public init() {}

  /// Reads a `Prefer` header.
  /// - Throws: `.invalid` for a value of `return` or `handling` that is none.
  public init(header: String) throws(Fault) {
    for item in header.split(whereSeparator: { $0 == ";" || $0 == "," }) {
      let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { $0.trimmed }
      let value = pair.count == 2 ? pair[1] : ""
      switch pair.first {
      case "return":
        guard let wanted = Return(rawValue: value) else {
          throw Fault(
            .invalid, "The preference 'return=\(value)' is not one of minimal, representation, OperationOutcome.")
        }
        returned = wanted
      case "handling":
        guard value == "strict" || value == "lenient" else {
          throw Fault(.invalid, "The preference 'handling=\(value)' is not one of strict, lenient.")
        }
        isStrict = value == "strict"
      default: continue
      }
    }
  }
}

/// What a client says of a bundle's entries by `x-bundle-processing-logic`: whether they may be carried out side by
/// side. They are carried out one after the other in either case, which is one of the orders that both allow.
public enum BundleProcessing: String, Sendable {
  case parallel, sequential

  /// Reads the header, whose case does not matter.
  /// - Throws: `.invalid` for anything else.
  public init(header: String) throws(Fault) {
    guard let value = Self(rawValue: header.lowercased()) else {
      throw Fault(
        .invalid, "The x-bundle-processing-logic header '\(header)' is not one of parallel, sequential.",
        code: "value")
    }
    self = value
  }
}

/// A resource inside a parsed document.
public struct ResourceNode: Sendable {
  public let document: JSONDocument
  public let node: JSONNode

  public init(_ document: JSONDocument, _ node: JSONNode) {
    self.document = document
    self.node = node
  }

  public init(_ document: JSONDocument) { self.init(document, document.root) }
}

/// An interaction with all that comes with it: the one form in which a service is asked.
public struct Call: Sendable {
  public var interaction: Interaction
  public var conditions = Conditions()
  public var preference = Preference()
  /// The parameters of the address that say how to write, such as `_hardDelete` and `_meta-history`.
  public var query = QueryString()
  /// Whether parameters answer that not every resource is indexed for (`x-ms-use-partial-indices`).
  public var usesPartialIndices = false
  /// The `X-Provenance` header's JSON.
  public var provenance: String?
  /// The body's resource.
  public var resource: ResourceNode?
  /// How the entries of a bundle may be carried out.
  public var bundleProcessing: BundleProcessing?
  /// The service's address as the client sees it, without a slash at its end.
  public var base: String
  /// What the capability statement says of authentication; nil where there is none.
  public var security: ServiceSecurity?
  /// Is told what became of each entry of a bundle.
  public var trail: AccessTrail?

  public init(_ interaction: Interaction, base: String) {
    self.interaction = interaction
    self.base = base
  }
}

extension Substring {
  /// Without white space and quotes around it.
  var trimmed: String {
    var text = self
    while let first = text.first, first == " " || first == "\t" || first == "\"" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" || last == "\"" { text.removeLast() }
    return String(text)
  }
}
