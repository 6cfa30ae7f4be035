import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Synthesis
import TestStores
import Testing

/// What tests of `$reindex` do with a service.
extension TestService {
  /// Search parameters of a service's own, of several kinds, on one type, on two, and on all.
  static let ownParameters = [
    SearchParameterTests.parameter(
      id: "s1", code: "own-note", base: "Observation,Condition", type: "token",
      expression: "Observation.category | Condition.category"),
    SearchParameterTests.parameter(
      id: "s2", code: "own-line", base: "Patient", expression: "Patient.address.line"),
    SearchParameterTests.parameter(
      id: "s3", code: "own-tag", base: "DomainResource", type: "uri", expression: "Resource.meta.profile"),
    SearchParameterTests.parameter(
      id: "s4", code: "own-issued", base: "Observation", type: "date", expression: "Observation.issued"),
    SearchParameterTests.parameter(
      id: "s5", code: "own-subject", base: "Observation,Encounter", type: "reference",
      expression: "Observation.subject | Encounter.subject", more: #","target":["Patient"]"#),
    SearchParameterTests.parameter(
      id: "s6", code: "own-value", base: "Observation", type: "quantity", expression: "Observation.value as Quantity"),
  ]

  func defineOwn() async throws {
    for (place, json) in Self.ownParameters.enumerated() {
      let reply = try await send(.put, "SearchParameter/s\(place + 1)", json)
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  func load(patients: Int) async throws {
    for patient in 0..<patients {
      let bundle = String(decoding: PatientSynthesis(seed: 11).bundle(patient: patient), as: UTF8.self)
      #expect(try await send(.post, "", bundle).status == 200)
    }
  }

  /// Every resource but search parameters goes to another service with its own id, through the front door.
  func copyAll(to fresh: TestService) async throws {
    var next: String? = "?_count=500"
    while let url = next {
      let page = try await send(.get, url)
      for entry in page.entries {
        guard let resource = entry["resource"], let type = resource["resourceType"]?.string, type != "SearchParameter",
          let id = resource["id"]?.string
        else { continue }
        let reply = try await fresh.send(.put, "\(type)/\(id)", String(decoding: resource.json, as: UTF8.self))
        #expect(reply.status == 201, "\(reply.text)")
      }
      next = page.link("next")
    }
  }

  /// The index of a store that knew the parameters from the start and was given what this one has now.
  func linesOfAFreshLoad() async throws -> [String] {
    try await withService { fresh in
      fresh.service.start()
      try await fresh.defineOwn()
      _ = try await fresh.reindex()
      try await copyAll(to: fresh)
      return try await fresh.lines()
    }
  }

  // MARK: Jobs

  /// Small steps, so that much happens between them.
  static func steps(query: Int, write: Int, delay: Int = 0) -> String {
    [
      ("maximumNumberOfResourcesPerQuery", query), ("maximumNumberOfResourcesPerWrite", write),
      ("queryDelayIntervalInMilliseconds", delay),
    ].map { "{\"name\":\"\($0)\",\"valueInteger\":\($1)}" }.joined(separator: ",")
  }

  /// Makes a job.
  /// - Returns: its id.
  func beginReindex(_ parameters: String = "") async throws -> String {
    let body = "{\"resourceType\":\"Parameters\"\(parameters.isEmpty ? "" : ",\"parameter\":[\(parameters)]")}"
    let reply = try await send(.post, "$reindex", body)
    #expect(reply.status == 201, "\(reply.text)")
    return try #require(reply.parameter("id"))
  }

  /// Runs a job and waits until it has ended.
  func reindex(_ parameters: String = "") async throws -> Reply { try await ended(try await beginReindex(parameters)) }

  func job(_ id: String) async throws -> Reply { try await send(.get, "_operations/reindex/\(id)") }

  /// Waits until a job is at a certain point; the answer that says so.
  func wait(for id: String, until isReached: (Reply) -> Bool) async throws -> Reply {
    for _ in 0..<6_000 {
      let reply = try await job(id)
      if isReached(reply) { return reply }
      try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("the job does not come so far")
    return try await job(id)
  }

  /// Waits until a job has ended.
  func ended(_ id: String) async throws -> Reply {
    try await wait(for: id) { !["Queued", "Running"].contains($0.parameter("status") ?? "") }
  }

  /// Removes what is left of parameters that are no more, as the service does some time later.
  func removeRetired(rowsMax: Int) async throws {
    for number in try await store.retiredParameters() {
      while try await store.removeRows(ofRetired: number, rowsMax: rowsMax) {}
    }
  }

  func lines() async throws -> [String] { try await IndexDump.lines(database) }

  /// Closes everything but the files.
  func abandon() async {
    await service.stop()
    await store.close()
  }

  /// What the disk has at this moment, as a kill of the process would leave it.
  func imageAfterKill() async throws -> String {
    let image = FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
    try await TestStores.copy(folder + "/store.sqlite", of: database, to: image + "/store.sqlite")
    return image
  }
}

extension TestService.Reply {
  /// The value of a parameter as it stands in the JSON.
  func parameter(_ name: String) -> String? { Self.value(name, in: body?["parameter"]?.elements ?? []) }

  /// A decimal among the parameters; -1 where there is none.
  func decimal(_ name: String) -> Double { parameter(name).flatMap(Double.init) ?? -1 }

  /// How far each search parameter is: resources done and all.
  var progressByURL: [String: (done: Double, total: Double)] {
    let parts = (body?["parameter"]?.elements ?? []).filter { $0["name"]?.string == "searchParameterProgress" }
      .map { $0["part"]?.elements ?? [] }
    func number(_ name: String, _ part: [JSONValue]) -> Double { Self.value(name, in: part).flatMap(Double.init) ?? -1 }
    return Dictionary(
      parts.map { part in
        (
          Self.value("url", in: part) ?? "",
          (number("resourcesSuccessfullyReindexed", part), number("totalResourcesToReindex", part))
        )
      }, uniquingKeysWith: { first, _ in first })
  }

  private static func value(_ name: String, in parameters: [JSONValue]) -> String? {
    let found = parameters.first { $0["name"]?.string == name }
    guard let value = found?.members.first(where: { $0.name.hasPrefix("value") })?.value else { return nil }
    return value.string ?? String(decoding: value.json, as: UTF8.self)
  }
}
