import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import Identity

/// What one call may see and change: the decision, applied to its interaction.
struct Permit: Sendable {
  /// What its reads see. A write changes nothing that is out of it.
  let restriction: Restriction
  let interaction: FHIRInteraction
  /// nil: everything.
  let access: Access?

  static let everything = Permit(restriction: .none, interaction: .capabilities, access: nil)
}

extension FHIRService {
  private static let forbidden = Fault(.forbidden, "Authorization failed.")

  /// Whether a call may be carried out at all, and within what.
  /// - Throws: `.forbidden` where nothing of it is allowed, whatever is stored.
  func permit(_ call: Call, _ decision: Decision) throws(Fault) -> Permit {
    guard let access = decision.access else { return .everything }
    let isHard = call.query["_hardDelete"] == "true" || call.query["hardDelete"] == "true"
    let asked = call.interaction.access(isHard: isHard, isConditional: call.conditions.ifNoneExist != nil)
    if asked.isAnonymous { return Permit(restriction: .nothing, interaction: asked, access: access) }
    let type = call.interaction.accessedType
    let restriction = restriction(asked, type, access)
    guard isAllowed(asked, type, restriction, access) else { throw Self.forbidden }
    return Permit(restriction: restriction, interaction: asked, access: access)
  }

  private func isAllowed(
    _ asked: FHIRInteraction, _ type: Schema.TypeID?, _ restriction: Restriction, _ access: Access
  ) -> Bool {
    switch asked {
    case .update:
      guard let type else { return false }
      // What comes to be needs less than what changes, and which of both it is only the store knows.
      return restriction.allows(type) || self.restriction(.updateCreate, type, access).allows(type)
    case .reindex where type != nil:
      // The answer is what the resource says for search.
      guard let type else { return false }
      return !access.rules.decision(asked, schema.name(type)).isDenied && restriction.allows(type)
    case .batch, .transaction, .validate, .reindex, .fhirPath, .searchParameterStatus, .searchParameterStatusUpdate:
      return !access.rules.decision(asked, type.map { schema.name($0) }).isDenied
    default:
      guard let type else { return !access.rules.decision(asked, nil).isDenied }
      return restriction.allows(type)
    }
  }

  /// What an interaction sees under some rules.
  func restriction(_ interaction: FHIRInteraction, _ type: Schema.TypeID?, _ access: Access?) -> Restriction {
    // The subject of `$everything` is asked about otherwise than what belongs to it.
    if interaction == .everything, let access { return everything(of: type, access) }
    return restriction(interaction, access)
  }

  /// The same for what sees resources of all types alike.
  func restriction(_ interaction: FHIRInteraction, _ access: Access?) -> Restriction {
    guard let access else { return .none }
    let catalog = store.catalog
    return access.restriction(interaction, catalog.generation) {
      let filters = AccessCriteria(catalog.searchable, limits: limits, clock: clock)
      let rules = access.rules
      let asked: FHIRInteraction
      switch interaction {
      case .batch, .transaction, .fhirPath, .searchParameterStatus, .searchParameterStatusUpdate: return .nothing
      case .validate, .reindex: asked = .read
      default: asked = interaction
      }
      let refusesJoins = rules.decision(.include, nil).isDenied
      if rules.scopes == nil, !asked.isWrite, !refusesJoins, rules.decision(asked, nil) == .allowed { return .none }
      return Restriction(
        found: filters.sight(rules, asked), joined: filters.sight(rules, .include), refusesJoins: refusesJoins)
    }
  }

  private func everything(of type: Schema.TypeID?, _ access: Access) -> Restriction {
    let members = restriction(.searchType, access)
    let rules = access.rules
    guard let type else { return .nothing }
    let own = AccessCriteria(store.catalog.searchable, limits: limits, clock: clock)
      .extent(rules.decision(.everything, schema.name(type)), type)
    let sight = Restriction.Sight { $0 == type ? own : members.extent($0) }
    return Restriction(found: sight, joined: sight)
  }
}

/// Makes search criteria of what rules say.
struct AccessCriteria: Sendable {
  private let parameters: SearchParameters
  private let limits: Limits
  private let clock: Clock

  private var schema: Schema { parameters.schema }

  /// - Parameter parameters: those that answer: what not every resource is indexed for would let pass too much.
  init(_ parameters: SearchParameters, limits: Limits, clock: Clock) {
    self.parameters = parameters
    self.limits = limits
    self.clock = clock
  }

  func sight(_ rules: AccessRules, _ interaction: FHIRInteraction) -> Restriction.Sight {
    Restriction.Sight { extent(rules.decision(interaction, schema.name($0)), $0) }
  }

  func extent(_ decision: AccessDecision, _ type: Schema.TypeID) -> Restriction.Extent {
    switch decision {
    case .allowed: return .all
    case .denied: return .nothing
    case .restricted(let filters):
      let own = filters.filter { $0.type.map { $0 == schema.name(type) } ?? true }
      if own.contains(where: { $0.compartment == nil && $0.conditions.isEmpty && $0.missing.isEmpty }) { return .all }
      let criteria = own.compactMap { criterion($0, type) }
      return criteria.isEmpty ? .nothing : .matching(.any(criteria))
    }
  }

  /// nil where no resource of the type can pass: a filter that cannot be understood lets nothing pass.
  private func criterion(_ filter: AccessFilter, _ type: Schema.TypeID) -> SearchCriterion? {
    var all: [SearchCriterion] = []
    if let compartment = filter.compartment {
      guard let member = member(of: compartment, type) else { return nil }
      all.append(member)
    }
    if !filter.conditions.isEmpty {
      let parser = SearchQueryParser(parameters, limits: limits, clock: clock, isStrict: true)
      let query = QueryString(
        filter.conditions.map { QueryString.Parameter(raw: "", name: $0.parameter, value: $0.value) })
      guard let parsed = try? parser.parse(query, types: [type]), !parsed.matchesNothing,
        parsed.criteria.count == filter.conditions.count
      else { return nil }
      all += parsed.criteria
    }
    for code in filter.missing {
      guard let parameter = parameters.parameter(type, code) else { return nil }
      all.append(
        .condition(SearchCondition(parameters: [parameter], modifier: .missing, values: [.missing(true)])))
    }
    return .all(all)
  }

  /// Being in a compartment (FHIR R4 compartmentdefinition.html): one of the type's parameters for it refers to the
  /// compartment's resource, or it is that resource.
  ///
  /// References are told by type and id alone. Those that were stored as addresses of this server count as another
  /// server's: which address it is would be told by a header of the caller's.
  private func member(of compartment: AccessFilter.Compartment, _ type: Schema.TypeID) -> SearchCriterion? {
    var ways: [SearchCriterion] = []
    if schema.name(type) == compartment.type, let id = parameters.parameter(type, "_id") {
      let own = SearchValue.token(system: .any, code: compartment.id)
      ways.append(.condition(SearchCondition(parameters: [id], modifier: nil, values: [own])))
    }
    let codes = schema.compartment(compartment.type)?.parameters[type] ?? []
    let members = codes.compactMap { parameters.parameter(type, $0) }
    if !members.isEmpty {
      let subject = SearchValue.reference(type: compartment.type, id: compartment.id)
      ways.append(.condition(SearchCondition(parameters: members, modifier: nil, values: [subject])))
    }
    return ways.isEmpty ? nil : .any(ways)
  }
}
