import Base

/// Measures the search shapes over stores of several sizes.
struct SearchBench {
  private static let rowSamplesMax = 8

  let options: Options

  init(_ options: Options) { self.options = options }

  func measureAll() throws -> SearchTable {
    let machine = Machine.description(label: options.label)
    Report.say(machine)
    let temporary = options.dataFolder == nil ? try TemporaryFolder() : nil
    defer { temporary?.remove() }
    let parent = options.dataFolder ?? temporary?.path ?? "."
    var table = SearchTable(sizes: options.sizes, about: machine)
    for size in options.sizes {
      let store = GeneratedStore(size: size, in: parent, aceso: options.aceso)
      table.note(try store.prepare(connections: options.loadConnections))
      let server = try store.start()
      let others = OtherLoad(server)
      try measure(size, server, &table)
      table.note(others.text)
      server.stop()
    }
    Report.say("\n\(table.markdown)")
    return table
  }

  private func measure(_ size: Int, _ server: ServerProcess, _ table: inout SearchTable) throws {
    let client = ServiceClient(server: server, requests: Run.requests(server))
    Report.say("\n\(Double(size).text(0)) resources: finding values to search for …")
    let samples = try SearchSamples(size: size, client: client)
    let catalogue = SearchShape.catalogue(samples)
    let shapes = catalogue.filter { $0.isMeant(by: options.shapes) }
    guard !shapes.isEmpty else {
      throw Options.Refusal(text: "--shapes names none of \(catalogue.map(\.name).joined(separator: ", "))")
    }
    for shape in shapes {
      let addresses = try shape.addresses()
      let figure = try measure(shape, addresses, client)
      table.add(figure, of: shape, at: size)
      if options.explains { explain(addresses, client) }
    }
  }

  private func measure(_ shape: SearchShape, _ addresses: [SearchAddress], _ client: ServiceClient) throws
    -> SearchFigure
  {
    var workload = RepeatedRequests(addresses.map { $0.request(client.requests) })
    let load = LoadClient(server: client.server)
    _ = try load.run(&workload, connections: Run.searchConnections, seconds: options.warmUpSeconds)
    let measurement = try load.run(&workload, connections: Run.searchConnections, seconds: options.seconds)
    var figure = SearchFigure(measurement)
    let count = min(Self.rowSamplesMax, addresses.count)
    // A server that refuses these has refused the measured ones too, which is reported.
    for place in 0..<count {
      let address = addresses[place * addresses.count / count]
      if case .read = address { continue }
      guard let page = (try? answer(address.adding("_total=accurate") ?? address, client)) else { continue }
      figure.add(rows: page.resources.count, total: page.total)
    }
    return figure
  }

  private func answer(_ address: SearchAddress, _ client: ServiceClient) throws -> SearchAnswer {
    SearchAnswer(document: try client.answer(address.request(client.requests)))
  }

  /// How the server carries out one of them.
  private func explain(_ addresses: [SearchAddress], _ client: ServiceClient) {
    guard let address = addresses.first?.adding("_explain=true") else { return }
    do {
      for line in try answer(address, client).outcomes { Report.say("      \(line)") }
    } catch {
      Report.say("      not explained: \(error)")
    }
  }
}

/// What else ran on the machine meanwhile: latencies mean something only where this is next to nothing.
struct OtherLoad {
  private let server: ServerProcess
  private let began = monotonicNanoseconds()
  private let before: Double

  init(_ server: ServerProcess) {
    self.server = server
    before = Self.processorSeconds(server)
  }

  var text: String {
    let share = (Self.processorSeconds(server) - before) / max(0.001, seconds(since: began))
    return "Other processes used \(max(0, share).text(2)) cores while this was measured."
  }

  private static func processorSeconds(_ server: ServerProcess) -> Double {
    Machine.busySeconds - server.processorSeconds - Machine.ownSeconds
  }
}
