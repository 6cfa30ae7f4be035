import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// A job's state, in the words of Azure's.
  func answer(_ job: ReindexJob, _ status: Int, _ call: Call) -> Answer {
    var writer = JSONWriter(reserving: 1_024)
    writer.beginObject()
    writer.member("resourceType", "Parameters")
    writer.member("id", job.id)
    writer.key("parameter")
    writer.beginArray()
    writer.parameter("id", "valueString", job.id)
    writer.parameter("status", "valueString", job.status.text)
    writer.parameter("lastModified", "valueDateTime", job.updated.fhir)
    writer.parameter("queuedTime", "valueDateTime", job.created.fhir)
    if let started = job.started { writer.parameter("startTime", "valueDateTime", started.fhir) }
    writer.counts(done: job.done, of: job.total, job.status)
    let types = job.progress.map { schema.name($0.type) }
    if !types.isEmpty { writer.parameter("resources", "valueString", types.joined(separator: ",")) }
    let counts = job.progress.filter { $0.total > 0 }.map { "\(schema.name($0.type)):\($0.done) of \($0.total)" }
    if !counts.isEmpty {
      writer.parameter(
        "resourceReindexProgressByResource (CountReindexed of Count)", "valueString", counts.joined(separator: ","))
    }
    if !job.parameters.isEmpty {
      writer.parameter("searchParams", "valueString", job.parameters.joined(separator: ","))
      for progress in progressByParameter(job) {
        writer.beginObject()
        writer.member("name", "searchParameterProgress")
        writer.key("part")
        writer.beginArray()
        writer.parameter("url", "valueUri", progress.url)
        writer.counts(done: progress.done, of: progress.total, job.status)
        writer.endArray()
        writer.endObject()
      }
    }
    let options = [
      ("maximumConcurrency", job.options.concurrency),
      ("maximumNumberOfResourcesPerQuery", job.options.resourcesPerQuery),
      ("maximumNumberOfResourcesPerWrite", job.options.resourcesPerWrite),
      ("queryDelayIntervalInMilliseconds", job.options.delayMilliseconds),
    ]
    for (name, value) in options { writer.parameter(name, decimal: "\(value).0") }
    if !job.failures.isEmpty {
      writer.parameter("failureDetails", "valueString", job.failures.joined(separator: "\n"))
    }
    writer.endArray()
    writer.endObject()
    var answer = Answer(status, resource: writer.bytes)
    answer.location = "\(call.base)/_operations/reindex/\(job.id)"
    return answer
  }

  /// For each parameter of a job that there still is, how many resources of its types there are to index and are done.
  private func progressByParameter(_ job: ReindexJob) -> [(url: String, done: Int, total: Int)] {
    let parameters = store.catalog.indexed
    var counts: [String: (done: Int, total: Int)] = [:]
    for progress in job.progress {
      for url in Set(parameters.parameters(progress.type).map(\.definition.url)) {
        counts[url, default: (0, 0)].done += progress.done
        counts[url, default: (0, 0)].total += progress.total
      }
    }
    return job.parameters.compactMap { url in counts[url].map { (url, $0.done, $0.total) } }
  }

  /// What a resource says for search, one parameter for each index row.
  func answer(_ rows: [IndexRow], _ type: Schema.TypeID, _ catalog: SearchCatalog) -> Answer {
    // Several parameters may be answered from the same rows.
    var codes: [Int32: [String]] = [:]
    for parameter in catalog.indexed.parameters(type) {
      for part in catalog.indexed.indexed(parameter) { codes[part.number, default: []].append(parameter.code) }
    }
    var writer = JSONWriter(reserving: 2_048)
    writer.beginObject()
    writer.member("resourceType", "Parameters")
    let told = rows.flatMap { row in
      row.text.map { text in (codes[row.parameter] ?? []).map { (code: $0, text: text) } } ?? []
    }
    if !told.isEmpty {
      writer.key("parameter")
      writer.beginArray()
      for (code, text) in told { writer.parameter(code, "valueString", text) }
      writer.endArray()
    }
    writer.endObject()
    return Answer(200, resource: writer.bytes)
  }
}

extension ReindexJob.Status {
  fileprivate var text: String {
    switch self {
    case .queued: "Queued"
    case .running: "Running"
    case .completed: "Completed"
    case .failed: "Failed"
    case .canceled: "Canceled"
    }
  }
}

extension JSONWriter {
  mutating func parameter(_ name: String, _ valueName: String, _ value: String) {
    beginObject()
    member("name", name)
    key(valueName)
    string(value)
    endObject()
  }

  fileprivate mutating func counts(done: Int, of total: Int, _ status: ReindexJob.Status) {
    parameter("totalResourcesToReindex", decimal: "\(total).0")
    parameter("resourcesSuccessfullyReindexed", decimal: "\(done).0")
    parameter("progress", decimal: Self.percent(done, of: total, status))
  }

  /// Hundredths, with one digit behind the point: a hundred only when the parameters answer.
  private static func percent(_ done: Int, of total: Int, _ status: ReindexJob.Status) -> String {
    if status == .completed { return "100.0" }
    guard total > 0 else { return "0.0" }
    let tenths = min(999, done * 1_000 / total)
    return "\(tenths / 10).\(tenths % 10)"
  }

  fileprivate mutating func parameter(_ name: String, decimal: String) {
    beginObject()
    member("name", name)
    key("valueDecimal")
    number(lexeme: decimal)
    endObject()
  }
}

// MARK: - Index rows as text

extension IndexRow {
  /// The row as a search would ask for it; nil for rows that only serve the index.
  fileprivate var text: String? {
    switch self {
    case .token(_, let system, let code):
      if Self.isPseudoSystem(system) { return nil }
      return system.isEmpty ? code : "\(system)|\(code)"
    case .string(_, _, let text, _): return text
    case .reference(_, let type, let id): return type.isEmpty ? id : "\(type)/\(id)"
    case .date(_, let low, let high, _): return Self.text(low: low, high: high)
    case .number(_, let low, let high, _): return Self.text(low: low, high: high)
    case .quantity(_, let system, let code, let low, let high, _):
      if Self.isPseudoSystem(system) { return nil }
      return "\(Self.text(low: low, high: high))|\(system)|\(code)"
    case .uri(_, let value): return value
    case .composite(let row): return Self.text(row)
    case .position(_, let latitude, let longitude): return "\(latitude)|\(longitude)"
    case .missing, .contained, .within: return nil
    }
  }

  private static func text(low: Double, high: Double) -> String { low == high ? "\(low)" : "\(low)..\(high)" }

  private static func text(low: Int64, high: Int64) -> String {
    let start = low == .min ? "" : Instant(milliseconds: low / 1_000).fhir
    let end = high == .max ? "" : Instant(milliseconds: high / 1_000).fhir
    return low == high ? start : "\(start)..\(end)"
  }

  private static func text(_ row: CompositeRow) -> String? {
    if isPseudoSystem(row.system2) { return nil }
    let first = row.system1.isEmpty ? row.code1 : "\(row.system1)|\(row.code1)"
    let second = [text(row.bounds2), row.system2, row.text2].filter { !$0.isEmpty }.joined(separator: "|")
    let third = text(row.bounds3)
    return third.isEmpty ? "\(first)$\(second)" : "\(first)$\(second)$\(third)"
  }

  private static func text(_ bounds: CompositeRow.Bounds) -> String {
    switch bounds {
    case .none: ""
    case .date(let low, let high): text(low: low, high: high)
    case .number(let low, let high): text(low: low, high: high)
    }
  }
}
