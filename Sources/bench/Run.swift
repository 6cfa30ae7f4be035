import Base
import Glibc
import JSONCore

/// One run of the bench, from the empty folder to the table.
struct Run {
  static let servicePath = "/default/fhir"
  static let healthPath = "/health/check"
  private static let staticConnections = 32
  static let searchConnections = 8
  private static let rawResourceCount = 20_000

  let options: Options
  let ownPath: String
  let folder: TemporaryFolder
  var report = Report()

  init(_ options: Options, ownPath: String) throws {
    self.options = options
    self.ownPath = ownPath
    folder = try TemporaryFolder()
  }

  mutating func measureAll() throws {
    defer { folder.remove() }
    Report.say("Making \(options.patients) synthetic patients …")
    let samples = try SampleResources(patients: options.patients)
    let bytes = samples.bundles.reduce(0) { $0 + $1.count }
    Report.say("\(samples.resourceCount) resources in \(samples.bundles.count) bundles, \(bytes / 1_000_000) MB\n")

    try measureStart()
    let server = try start()
    let loaded = try load(samples, server)
    try measureValidation(samples, loaded, server)
    let people = try People(server, requests(server))
    let reads = try measureReads(people, server)
    try measureXMLReads(people, reads, server)
    try measureCRUD(server)
    try measurePatches(server)
    try measureSearches(people, server)
    report.add("Memory after all this", "\((Double(server.residentBytes) / 1_048_576).text(0)) MiB")
    report.add("Orderly stop", server.stop() == 0 ? "clean" : "not clean")
    try measureRestart()
    try measureRaw(samples, loaded)
    try measureJSON(samples)
  }

  // MARK: - The server

  private func start(_ name: String = "data") throws -> ServerProcess {
    let data = "\(folder.path)/\(name)"
    return try ServerProcess(options.aceso, health: Self.healthPath, log: "\(folder.path)/server.log") { port in
      ["serve", "--data-dir", data, "--host", "127.0.0.1", "--port", "\(port)"]
    }
  }

  func requests(_ server: ServerProcess) -> Requests { Self.requests(server) }

  static func requests(_ server: ServerProcess) -> Requests {
    Requests(host: "127.0.0.1:\(server.port)", base: servicePath)
  }

  func loop<W: Workload>(_ workload: W, _ connections: Int, _ server: ServerProcess) throws -> Measurement {
    var workload = workload
    let client = LoadClient(server: server)
    _ = try client.run(&workload, connections: connections, seconds: options.warmUpSeconds)
    return try client.run(&workload, connections: connections, seconds: options.seconds)
  }

  private mutating func measureStart() throws {
    let server = try start("empty")
    usleep(500_000)
    report.add("Cold start on an empty folder", "\(server.startMilliseconds.text(0)) ms", "from exec to the first 200")
    let mebibytes = Double(server.residentBytes) / 1_048_576
    report.add("Idle memory", "\(mebibytes.text(0)) MiB", "half a second after the start")
    report.summary = [server.startMilliseconds.text(0), mebibytes.text(0)]
    server.stop()
  }

  private mutating func measureRestart() throws {
    let server = try start()
    report.add("Start with the data loaded", "\(server.startMilliseconds.text(0)) ms")
    server.stop()
  }

  // MARK: - Writing

  private mutating func load(_ samples: SampleResources, _ server: ServerProcess) throws -> Measurement {
    let requests = requests(server)
    var workload = RequestsOnce(samples.bundles.map { requests.send("POST", "", $0) })
    let measurement = try LoadClient(server: server).run(
      &workload, connections: options.loadConnections, seconds: nil)
    let perSecond = Double(samples.resourceCount) / measurement.seconds
    let perCore = Double(samples.resourceCount) / max(0.01, measurement.serverProcessorSeconds)
    report.add(
      "Transaction bundles, \(options.loadConnections) connections", "\(perSecond.text(0)) res/s",
      "\(samples.resourceCount) resources, \(perCore.text(0))/s per server core, bundle p50 "
        + "\(measurement.percentile(0.5).text(0)) ms, p99 \(measurement.percentile(0.99).text(0)) ms")
    report.note("Transaction bundles", measurement)
    report.summary.append(perSecond.text(0))
    return measurement
  }

  private mutating func measureCRUD(_ server: ServerProcess) throws {
    let mix = CRUDMix(
      requests(server), samples: SampleResources.ofEachType(), connections: options.crudConnections)
    let measurement = try loop(mix, options.crudConnections, server)
    report.add("Create, read, update, delete of 9 types, \(options.crudConnections) connections", measurement)
    report.summary.append(measurement.perSecond.text(0))
  }

  // MARK: - Reading

  private mutating func measureReads(_ people: People, _ server: ServerProcess) throws -> Measurement {
    let requests = requests(server)
    let connections = options.readConnections
    let reads = try loop(RepeatedRequests(people.ids.map { requests.read("Patient/\($0)") }), connections, server)
    let body = "\(folder.path)/body"
    SmallFile.write(body, people.body)
    let bare = try ServerProcess(ownPath, health: "/", log: "\(folder.path)/static.log") { port in
      ["static-server", "--port", "\(port)", "--body", body]
    }
    let ceiling = try loop(
      RepeatedRequests([Requests(host: "127.0.0.1:\(bare.port)", base: "").get("/default/fhir/Patient/static")]),
      connections, bare)
    bare.stop()
    let ratio = ceiling.perServerCore > 0 ? reads.perServerCore / ceiling.perServerCore : 0
    let name = "Read by id, \(people.body.count) bytes, \(connections) connections"
    report.add(
      name, reads,
      limit: "static route \(ceiling.perSecond.text(0)) req/s, \(ceiling.perServerCore.text(0))/s per core: "
        + "\(ratio.text(2)) of it per core")
    report.add("Bare static route of the same body", ceiling)
    report.summary += [
      reads.perSecond.text(0), reads.percentile(0.99).text(2), reads.perServerCore.text(0), ratio.text(2),
    ]
    return reads
  }

  private mutating func measureSearches(_ people: People, _ server: ServerProcess) throws {
    let requests = requests(server)
    for (name, queries) in people.searches {
      let workload = RepeatedRequests(queries.map { requests.get("\(Self.servicePath)/\($0)") })
      report.add("Search \(name)", try loop(workload, Self.searchConnections, server))
    }
    let counts = [
      "Observation?_summary=count", "Patient?_summary=count", "Observation?_summary=count&code=http://loinc.org|8867-4",
    ]
    for query in counts {
      let workload = RepeatedRequests([requests.get("\(Self.servicePath)/\(query)")])
      let measurement = try loop(workload, Self.searchConnections, server)
      report.add("Count `\(query.replacingPipes)` = \(try people.total(query, server))", measurement)
    }
  }

  // MARK: - Limits

  private mutating func measureRaw(_ samples: SampleResources, _ loaded: Measurement) throws {
    let appending = try RawLimits.appendAndSync(samples.bundles, in: folder.path)
    let syncs = Double(samples.bundles.count) / appending
    report.add(
      "Raw: append and sync of the same bundles", "\((Double(samples.resourceCount) / appending).text(0)) res/s",
      "\(syncs.text(0)) syncs/s",
      limit: "server \((appending / max(0.001, loaded.seconds)).text(3)) of it")
    let count = options.patients < 100 ? Self.rawResourceCount / 4 : Self.rawResourceCount
    let inserting = try RawLimits.insertRows(count, bodyBytes: 420, in: folder.path)
    let perSecond = Double(count) / inserting
    let ratio = Double(samples.resourceCount) / max(0.001, loaded.seconds) / perSecond
    report.add(
      "Raw: SQLite, 1 resource and 13 index rows", "\(perSecond.text(0)) res/s", "one thread, 100 in a transaction",
      limit: "server \(ratio.text(2)) of it")
    report.summary.append(ratio.text(2))
  }

  private mutating func measureJSON(_ samples: SampleResources) throws {
    let throughput = try JSONThroughput(samples.bundles, seconds: options.seconds / 4)
    report.add(
      "JSON core, one core, compact bundles", "\((throughput.parse / 1e9).text(2)) GB/s parse",
      "\((throughput.write / 1e9).text(2)) GB/s write, \(throughput.bytes / 1_000_000) MB of bundles")
    report.summary.append((throughput.parse / 1e9).text(2))
    guard let path = options.json else { return }
    let other = try JSONThroughput(SmallFile.bytes(path), seconds: options.seconds / 4)
    report.add(
      "JSON core, the file of --json", "\((other.parse / 1e9).text(2)) GB/s parse",
      "\((other.write / 1e9).text(2)) GB/s write without white space, \((Double(other.bytes) / 1e6).text(1)) MB")
  }
}

extension String {
  /// A pipe would end a table's cell.
  var replacingPipes: String { String(map { $0 == "|" ? "\u{a6}" : $0 }) }
}
