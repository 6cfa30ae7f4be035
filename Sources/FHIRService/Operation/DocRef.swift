import Base
import FHIRModel
import FHIRSearch
import FHIRStore

extension FHIRService {
  private static let docRefParameters: Set<String> = ["patient", "start", "end", "type", "_count"]
  /// Parameters of the definition that ask for documents made on demand, or of a certain profile.
  private static let unsupportedDocRefParameters: Set<String> = ["on-demand", "profile"]

  /// `DocumentReference/$docref` (US Core OperationDefinition/docref): references to a patient's documents.
  ///
  /// Nothing is made on demand; who asks for that, or for a profile, gets no references and is told why.
  func docRef(_ operation: Operation, _ call: Call, _ view: StoreView) throws -> Answer {
    let parameters = try query(operation, call)
    let asked = try OperationQuery(
      parameters, known: Self.docRefParameters.union(Self.unsupportedDocRefParameters),
      isStrict: call.preference.isStrict)
    var search = try docRefSearch(asked)
    search.pagingToken = parameters["ct"]
    let unsupported = asked.understood.map(\.name).filter(Self.unsupportedDocRefParameters.contains)
    for name in Set(unsupported).sorted() {
      search.matchesNothing = true
      search.warnings.append(
        Fault.Reason("The \"\(name)\" parameter is not supported.", code: "not-supported", severity: .error))
    }
    let found = try found(search, try position(search), view)
    return Answer(
      200, resource: try searchset(found, search, at: "\(call.base)/DocumentReference/$docref", call))
  }

  private func docRefSearch(_ asked: OperationQuery) throws(Fault) -> SearchQuery {
    guard let type = schema.resourceType("DocumentReference"), let patient = try asked.single("patient") else {
      throw Fault(.invalid, "The parameter 'patient' is needed.", code: "required")
    }
    var conditions = [QueryString.Parameter(raw: "", name: "patient", value: patient)]
    conditions += asked.understood.filter { $0.name == "type" && !$0.value.isEmpty }
    let parser = SearchQueryParser(store.parameters, limits: limits, clock: clock, isStrict: true)
    var search = try parser.parse(QueryString(conditions), types: [type])
    let (start, end) = (try asked.date("start"), try asked.date("end"))
    if start != nil || end != nil, let period = store.parameters.parameter(type, "period") {
      // The documented care lies wholly within what is asked for.
      let range = SearchValue.date(.eq, low: start?.low ?? .min, high: end?.high ?? .max)
      search.criteria.append(.condition(SearchCondition(parameters: [period], modifier: nil, values: [range])))
    }
    search.count = try asked.count(max: limits.searchCountMax)
    search.understood = asked.understood
    search.warnings = asked.warnings
    return search
  }
}
