import Base

/// Figures that are judged against another of the same run: what is asked of them stands in their rows.
///
/// All of them compare processor time, which the client beside the server hardly changes.
extension Run {
  private static let patchConnections = 8
  /// The first of them is the warm-up.
  private static let rounds = 4

  /// What the checks of a write add to the load, by the processor time of both: the structure check by itself, and as
  /// an upper bound of all that a write may be checked for, `$validate`.
  mutating func measureValidation(_ samples: SampleResources, _ loaded: Measurement, _ server: ServerProcess) throws {
    let cost = try ValidationCost(samples.bundles, seconds: options.seconds / 4)
    let count = Double(max(1, samples.resourceCount))
    let load = loaded.serverProcessorSeconds
    func added(_ seconds: Double) -> String { (seconds / max(0.001, load - seconds) * 100).text(1) }
    func each(_ seconds: Double) -> String { (seconds * 1e6 / count).text(1) }
    report.add(
      "Structure check, added to the bundle load", "\(added(cost.seconds)) %",
      "\(each(cost.seconds)) µs CPU a resource, load with all checks \(each(load)) µs", limit: "wanted at most 20 %")

    let requests = requests(server)
    let bundles = RepeatedRequests(samples.bundles.map { requests.send("POST", "Bundle/$validate", $0) })
    let measurement = try loop(bundles, options.loadConnections, server)
    let validation = measurement.serverProcessorSeconds / Double(max(1, measurement.count))
    let seconds = validation * Double(samples.bundles.count)
    report.add(
      "`$validate` of the same bundles", "\(each(seconds)) µs CPU a resource",
      "every rule, also those that a write is not asked; transport and parsing included",
      limit: "\((seconds / max(0.001, load)).text(2)) of the load")
    report.note("$validate", measurement)
  }

  /// The same reads as XML.
  mutating func measureXMLReads(_ people: People, _ json: Measurement, _ server: ServerProcess) throws {
    let requests = requests(server)
    let reads = RepeatedRequests(people.ids.map { requests.readXML("Patient/\($0)") })
    let xml = try loop(reads, options.readConnections, server)
    let ratio = xml.perServerCore / max(1, json.perServerCore)
    report.add(
      "Read by id as XML, \(options.readConnections) connections", xml,
      limit: "\(ratio.text(2)) of the JSON read per core; wanted at least 0.3")
  }

  /// One field of a long resource changed by an update, and by both kinds of patch.
  mutating func measurePatches(_ server: ServerProcess) throws {
    let requests = requests(server)
    let bills = try (0..<Self.patchConnections).map { try LongBill(id: "bench-\($0)") }
    let bytes = bills.first?.states.first?.count ?? 0
    var puts = RequestsOnce(
      bills.compactMap { bill in bill.states.first.map { requests.send("PUT", bill.reference, $0) } })
    report.note("Long bills", try LoadClient(server: server).run(&puts, connections: 1, seconds: nil))

    let workloads = [
      RequestsOfConnections(bills.map { bill in bill.states.map { requests.send("PUT", bill.reference, $0) } }),
      Self.patching(bills, LongBill.jsonPatches, as: "application/json-patch+json", requests),
      Self.patching(bills, LongBill.fhirPathPatches, as: "application/fhir+json", requests),
    ]
    let best = try leastCost(workloads, Self.patchConnections, server)
    report.add("Update of \(bytes) bytes, \(Self.patchConnections) connections", best[0])
    for (name, patch) in zip(["JSON Patch", "FHIRPath Patch"], best.dropFirst()) {
      let ratio = patch.serverMicrosecondsEach / max(0.001, best[0].serverMicrosecondsEach)
      report.add("\(name) of one field of it", patch, limit: "\(ratio.text(2)) of the update's CPU; wanted at most 1.5")
    }
  }

  private static func patching(_ bills: [LongBill], _ patches: [[UInt8]], as type: String, _ requests: Requests)
    -> RequestsOfConnections
  {
    RequestsOfConnections(
      bills.map { bill in patches.map { requests.send("PATCH", bill.reference, $0, as: type) } })
  }

  /// Each workload's cheapest round by the server's processor time. They take turns, so that whatever else the machine
  /// does falls upon all of them.
  private func leastCost<W: Workload>(_ workloads: [W], _ connections: Int, _ server: ServerProcess) throws
    -> [Measurement]
  {
    var best: [Measurement] = []
    for _ in 0..<Self.rounds {
      for (index, workload) in workloads.enumerated() {
        var workload = workload
        let measured = try LoadClient(server: server).run(
          &workload, connections: connections, seconds: options.seconds / Double(Self.rounds))
        if index == best.count {
          best.append(measured)
        } else if best[index].refused == 0,
          measured.refused > 0 || measured.serverMicrosecondsEach < best[index].serverMicrosecondsEach
        {
          best[index] = measured
        }
      }
    }
    return best
  }
}
