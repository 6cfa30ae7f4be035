import Base
public import FHIRModel
import FHIRSearch
import FHIRStore

/// One compartment: the resources that belong to a patient, an encounter, … (FHIR R4 compartmentdefinition.html).
public struct Compartment: Sendable, Hashable {
  /// The type of the resource that the compartment is of.
  public let type: Schema.TypeID
  /// Its logical id. The resource itself need not exist, nor does it belong to what a search of its compartment finds.
  public let id: String

  public init(_ type: Schema.TypeID, id: String) {
    self.type = type
    self.id = id
  }
}

extension FHIRService {
  /// FHIR R4 search §2.1.1.2, "compartment context": `Patient/1/Observation` and `Patient/1/*` (a nil type).
  func search(
    _ compartment: Compartment, _ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ permit: Permit
  ) async throws -> Answer {
    let search = try parse(compartment, type, query, call)
    return try await page(of: search, at: address(compartment, type, call), call, permit)
  }

  /// The same inside a transaction or snapshot.
  func search(
    _ compartment: Compartment, _ type: Schema.TypeID?, _ query: QueryString, _ call: Call, _ view: StoreView
  ) throws -> Answer {
    let search = try parse(compartment, type, query, call)
    let found = try found(search, try position(search), view)
    return Answer(200, resource: try searchset(found, search, at: address(compartment, type, call), call))
  }

  private func address(_ compartment: Compartment, _ type: Schema.TypeID?, _ call: Call) -> String {
    "\(call.base)/\(schema.name(compartment.type))/\(compartment.id)/\(type.map { schema.name($0) } ?? "*")"
  }

  private func parse(_ compartment: Compartment, _ type: Schema.TypeID?, _ query: QueryString, _ call: Call)
    throws(Fault) -> SearchQuery
  {
    var search = try parse(type, query, call)
    restrict(&search, to: compartment)
    return search
  }

  /// Narrows a search to what is in a compartment.
  func restrict(_ search: inout SearchQuery, to compartment: Compartment) {
    let members = schema.compartment(schema.name(compartment.type))?.parameters ?? [:]
    let searched = search.types.isEmpty ? schema.resourceTypes : search.types
    search.types = searched.filter { !(members[$0] ?? []).isEmpty }
    let parameters = search.types.flatMap { type in
      (members[type] ?? []).compactMap { store.parameters.parameter(type, $0) }
    }
    guard !parameters.isEmpty else {
      search.matchesNothing = true
      return
    }
    let subject = SearchValue.reference(type: schema.name(compartment.type), id: compartment.id)
    search.criteria.append(
      .condition(SearchCondition(parameters: parameters, modifier: nil, values: [subject], base: search.base)))
  }
}
