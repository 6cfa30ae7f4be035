import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// `$reindex`, as Azure has it: of the system by a job, of one resource at once.
extension FHIRService {
  /// What only reads: a job's state, the active job, what one resource would be indexed by.
  func reindex(_ operation: Operation, _ call: Call, _ view: StoreView) throws -> Answer {
    switch operation.target {
    case .instance(let type, let id):
      let body = try indexable(type, id, view).body
      let catalog = store.catalog
      return answer(try rows(body, type, catalog), type, catalog)
    case .job(let id):
      guard let job = try view.reindexJob(id) else { throw noJob(id) }
      return answer(job, 200, call)
    default:
      guard let job = try view.activeReindexJob() else { return Answer(200, resource: Self.noParameters) }
      return answer(job, 200, call)
    }
  }

  private static let noParameters = Array(#"{"resourceType":"Parameters"}"#.utf8)

  func changeReindex(_ operation: Operation, _ call: Call, _ permit: Permit) async throws -> Answer {
    switch operation.target {
    case .instance(let type, let id): return try await reindex(type, id, permit)
    case .job(let id):
      guard let job = try await store.cancelReindex(id) else { throw noJob(id) }
      return answer(job, 202, call)
    default:
      let job = try await store.scheduleReindex(newID(), try options(operation, call))
      reindexing.wake()
      return answer(job, 201, call)
    }
  }

  private func noJob(_ id: String) -> Fault { Fault(.notFound, "There is no reindex job '\(id)'.") }

  // MARK: One resource

  private func indexable(_ type: Schema.TypeID, _ id: String, _ view: StoreView) throws
    -> (resource: StoredVersion, body: ResourceBody)
  {
    guard let found = try view.current(type, id) else { throw notFound(type, id) }
    guard let body = found.body else { throw gone(type, id) }
    return (found, body)
  }

  /// A resource that changes again and again is indexed each time it does.
  private static let attemptsMax = 5

  private func reindex(_ type: Schema.TypeID, _ id: String, _ permit: Permit) async throws -> Answer {
    for _ in 0..<Self.attemptsMax {
      let catalog = store.catalog
      let (resource, body, indexed) = try store.point(within: permit.restriction) { view in
        let (resource, body) = try indexable(type, id, view)
        return (resource, body, try view.indexed(resource))
      }
      let rows = try rows(body, type, catalog)
      if try await store.reindex(resource, indexed, rows: rows, for: catalog) { return answer(rows, type, catalog) }
    }
    throw Fault(.conflict, "The resource changes too fast to be indexed by itself.")
  }

  // MARK: What was asked for

  private static let resourcesMax = 10_000

  /// Whether the body is `{"resourceType":"Parameters","parameter":[]}`: FHIR's JSON has no empty arrays (R4
  /// json.html#2.6.2), but Azure's documentation sends just this.
  private func saysNothing(_ call: Call) -> Bool {
    guard let resource = call.resource else { return false }
    let value = JSONValue(resource.document, resource.node)
    guard value["resourceType"]?.string == "Parameters", let list = value["parameter"], list.kind == .array else {
      return false
    }
    return list.elements.isEmpty && value.members.count == 2
  }

  private func options(_ operation: Operation, _ call: Call) throws(Fault) -> ReindexJob.Options {
    var options = ReindexJob.Options()
    let given = saysNothing(call) ? operation.query.parameters : try query(operation, call).parameters
    var names: Set<String> = []
    for parameter in given {
      let value = parameter.value
      guard names.insert(parameter.name).inserted else {
        throw Fault(
          .invalid, "The parameter '\(parameter.name.prefix(80))' is given more than once.", code: "duplicate")
      }
      switch parameter.name {
      case "maximumNumberOfResourcesPerQuery":
        options.resourcesPerQuery = try number(parameter.name, value, 1...Self.resourcesMax)
      case "maximumNumberOfResourcesPerWrite":
        options.resourcesPerWrite = try number(parameter.name, value, 1...Self.resourcesMax)
      case "queryDelayIntervalInMilliseconds":
        options.delayMilliseconds = try number(parameter.name, value, 0...500_000)
      case "maximumConcurrency": options.concurrency = try number(parameter.name, value, 1...10)
      // There is no store whose use could be measured so; the range is checked all the same.
      case "targetDataStoreUsagePercentage": _ = try number(parameter.name, value, 1...100)
      case "targetResourceTypes": options.types = try types(value)
      case "targetSearchParameterTypes": options.parameters = try parameters(value)
      case "_format", "_pretty": continue
      default:
        throw Fault(
          .invalid, "The parameter '\(parameter.name.prefix(80))' is not one of $reindex's.", code: "not-supported")
      }
    }
    guard options.types == nil || options.parameters == nil else {
      throw Fault(.invalid, "targetResourceTypes and targetSearchParameterTypes exclude each other.")
    }
    return options
  }

  /// A whole number, as an integer or as a decimal that is one.
  private func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) throws(Fault) -> Int {
    let whole = text.hasSuffix(".0") ? text.dropLast(2) : text[...]
    guard let number = Int(whole), range.contains(number) else {
      throw Fault(
        .invalid, "The parameter '\(name)' must be a number from \(range.lowerBound) to \(range.upperBound).",
        code: "value")
    }
    return number
  }

  private func list(_ text: String) -> [String] {
    text.split(separator: ",").map { item in
      String(item.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }.filter { !$0.isEmpty }
  }

  private func types(_ text: String) throws(Fault) -> Set<Schema.TypeID>? {
    var found: Set<Schema.TypeID> = []
    for name in list(text) {
      guard let type = schema.resourceType(name) else {
        throw Fault(
          .invalid, "targetResourceTypes names '\(name.prefix(80))', which is no resource type.", code: "value")
      }
      found.insert(type)
    }
    return found.isEmpty ? nil : found
  }

  private func parameters(_ text: String) throws(Fault) -> Set<String>? {
    let urls = Set(list(text))
    let known = store.catalog.indexed
    let all = Set(schema.resourceTypes.flatMap { known.parameters($0).map(\.definition.url) })
    if let unknown = urls.subtracting(all).min() {
      throw Fault(
        .invalid, "targetSearchParameterTypes names '\(unknown.prefix(160))', which is no search parameter here.",
        code: "value")
    }
    return urls.isEmpty ? nil : urls
  }
}
