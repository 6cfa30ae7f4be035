import Base
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import StorageSQLite
import Synthesis
import Testing

extension TestService {
  /// Runs a job and waits until it has ended.
  func reindex(_ parameters: String = "") async throws -> Reply {
    let body = "{\"resourceType\":\"Parameters\"\(parameters.isEmpty ? "" : ",\"parameter\":[\(parameters)]")}"
    let reply = try await send(.post, "$reindex", body)
    #expect(reply.status == 201, "\(reply.text)")
    return try await ended(try #require(reply.parameter("id")))
  }

  /// Waits until a job has ended.
  func ended(_ id: String) async throws -> Reply {
    for _ in 0..<6_000 {
      let reply = try await send(.get, "_operations/reindex/\(id)")
      if !["Queued", "Running"].contains(reply.parameter("status") ?? "") { return reply }
      try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("the job does not end")
    return try await send(.get, "_operations/reindex/\(id)")
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
}

extension TestService.Reply {
  /// The value of a parameter as it stands in the JSON.
  func parameter(_ name: String) -> String? {
    let found = body?["parameter"]?.elements.first { $0["name"]?.string == name }
    guard let value = found?.members.first(where: { $0.name.hasPrefix("value") })?.value else { return nil }
    return value.string ?? String(decoding: value.json, as: UTF8.self)
  }
}

/// `$reindex` as Azure has it, but online, resumable, and with the result of a fresh load.
@Suite struct ReindexTests {
  private static let parameters = [
    SearchParameterTests.parameter(
      id: "s1", code: "own-note", base: "Observation,Condition", type: "token",
      expression: "Observation.category | Condition.category"),
    SearchParameterTests.parameter(
      id: "s2", code: "own-line", base: "Patient", expression: "Patient.address.line"),
    SearchParameterTests.parameter(
      id: "s3", code: "own-tag", base: "DomainResource", type: "uri", expression: "Resource.meta.profile"),
    SearchParameterTests.parameter(
      id: "s4", code: "own-issued", base: "Observation", type: "date", expression: "Observation.issued"),
  ]

  private func define(_ service: TestService) async throws {
    for (place, json) in Self.parameters.enumerated() {
      let reply = try await service.send(.put, "SearchParameter/s\(place + 1)", json)
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  private func load(_ service: TestService, patients: Int) async throws {
    for patient in 0..<patients {
      let bundle = String(decoding: PatientSynthesis(seed: 11).bundle(patient: patient), as: UTF8.self)
      #expect(try await service.send(.post, "", bundle).status == 200)
    }
  }

  /// What is in the index afterwards is what a store has that knew the parameters from the start.
  @Test func theResultIsThatOfAFreshLoad() async throws {
    try await withService { service in
      service.service.start()
      try await load(service, patients: 2)
      try await define(service)
      let job = try await service.reindex()
      #expect(job.parameter("status") == "Completed")
      let lines = try await service.lines()
      let total = Int((job.parameter("totalResourcesToReindex") ?? "").dropLast(2)) ?? 0
      #expect(total > 100)
      #expect(job.parameter("resourcesSuccessfullyReindexed") == "\(total).0")
      #expect(job.parameter("progress") == "100.0")
      #expect(job.parameter("searchParams")?.contains("http://example.org/own-line") == true)

      try await withService { fresh in
        fresh.service.start()
        try await define(fresh)
        _ = try await fresh.reindex()
        try await copyAll(from: service, to: fresh)
        #expect(try await fresh.lines() == lines)
        #expect(lines.contains { $0.contains("Patient.own-line 1") })
      }
    }
  }

  /// Every resource with its own id, through the front door.
  private func copyAll(from service: TestService, to fresh: TestService) async throws {
    var next: String? = "?_count=500"
    while let url = next {
      let page = try await service.send(.get, url)
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

  /// A job that is ended anywhere goes on after the next start and loses nothing.
  @Test func aJobGoesOnAfterAStop() async throws {
    let first = try await TestService()
    try await load(first, patients: 1)
    try await define(first)
    let small =
      #"{"name":"maximumNumberOfResourcesPerQuery","valueInteger":10},{"name":"maximumNumberOfResourcesPerWrite","valueInteger":3},{"name":"queryDelayIntervalInMilliseconds","valueInteger":1}"#
    let made = try await first.send(
      .post, "$reindex", "{\"resourceType\":\"Parameters\",\"parameter\":[\(small)]}")
    let id = try #require(made.parameter("id"))
    #expect(made.status == 201)
    #expect(made.parameter("status") == "Queued")
    #expect(made.answer?.location == "\(TestService.base)/_operations/reindex/\(id)")
    var service = first
    var stops = 0
    var last = 0.0
    while true {
      service.service.start()
      try await Task.sleep(for: .milliseconds(Int.random(in: 5...40)))
      await service.service.stop()
      let reply = try await service.send(.get, "_operations/reindex/\(id)")
      let done = Double(reply.parameter("resourcesSuccessfullyReindexed") ?? "") ?? -1
      #expect(done >= last)
      last = done
      if reply.parameter("status") == "Completed" { break }
      // Not before everything is done does it answer.
      let early = try await service.send(.get, "Patient?own-line=a", prefer: "handling=strict")
      #expect(early.status == 400)
      stops += 1
      await service.store.close()
      service = try await TestService(folder: first.folder)
    }
    #expect(stops > 1)
    let lines = try await service.lines()
    let fresh = try await TestService()
    fresh.service.start()
    try await define(fresh)
    _ = try await fresh.reindex()
    try await copyAll(from: service, to: fresh)
    #expect(try await fresh.lines() == lines)
    await fresh.close()
    await service.close()
  }

  /// Writers go on while a job runs; whatever they write is indexed as it is in the end.
  @Test func racingWritesLoseNothing() async throws {
    try await withService { service in
      for number in 0..<300 {
        let json = #"{"resourceType":"Person","id":"p\#(number)","name":[{"given":["Old\#(number)"]}]}"#
        #expect(try await service.send(.put, "Person/p\(number)", json).status == 201)
      }
      service.service.start()
      async let writes: Void = write(service)
      try await Task.sleep(for: .milliseconds(20))
      let parameter = SearchParameterTests.parameter(id: "f", code: "first")
      #expect(try await service.send(.put, "SearchParameter/f", parameter).status == 201)
      let job = try await service.reindex(
        #"{"name":"maximumNumberOfResourcesPerQuery","valueInteger":20},{"name":"maximumNumberOfResourcesPerWrite","valueInteger":5}"#
      )
      #expect(job.parameter("status") == "Completed")
      try await writes
      let newest = try await all(service, "Person?_count=1000")
      for (id, name) in newest {
        let found = try await service.send(.get, "Person?first:exact=\(name)", prefer: "handling=strict")
        #expect(found.ids.contains(id), "\(id) \(name)")
      }
      // And nothing that is no longer true.
      let rows = try await IndexDump.count(
        service.database,
        "SELECT count(*) FROM index_string AS i JOIN parameter AS p ON p.number = i.parameter WHERE p.code = 'first'")
      #expect(rows == Int64(newest.count))
    }
  }

  private func write(_ service: TestService) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for round in 0..<60 {
            let number = (writer * 75 + round * 7) % 300
            if round % 10 == 9 {
              _ = try await service.send(.delete, "Person/p\(number)")
            } else {
              let json = #"{"resourceType":"Person","id":"p\#(number)","name":[{"given":["New\#(writer)x\#(round)"]}]}"#
              let reply = try await service.send(.put, "Person/p\(number)", json)
              #expect(reply.status == 200 || reply.status == 201, "\(reply.text)")
            }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func all(_ service: TestService, _ query: String) async throws -> [(String, String)] {
    let page = try await service.send(.get, query)
    return page.entries.compactMap { entry in
      guard let id = entry["resource"]?["id"]?.string, let name = entry["resource"]?["name"]?[0]?["given"]?[0]?.string
      else { return nil }
      return (id, name)
    }
  }

  /// One job at a time, and the parameters stay as they are meanwhile.
  @Test func oneAtATime() async throws {
    try await withService { service in
      _ = try await service.create("Person", #"{"resourceType":"Person","name":[{"given":["Ada"]}]}"#)
      #expect(
        try await service.send(.put, "SearchParameter/f", SearchParameterTests.parameter(id: "f", code: "first")).status
          == 201)
      let empty = #"{"resourceType":"Parameters","parameter":[]}"#
      #expect(try await service.send(.post, "$reindex", empty).status == 400)
      let made = try await service.send(.post, "$reindex", #"{"resourceType":"Parameters"}"#)
      let id = try #require(made.parameter("id"))
      let second = try await service.send(.post, "$reindex", #"{"resourceType":"Parameters"}"#)
      #expect(second.status == 409)
      #expect(second.diagnostics.first?.contains(id) == true)
      #expect(try await service.send(.get, "$reindex").parameter("id") == id)
      // Everything about search parameters waits.
      let other = SearchParameterTests.parameter(id: "g", code: "other")
      for reply in [
        try await service.send(.put, "SearchParameter/g", other), try await service.send(.delete, "SearchParameter/f"),
        try await service.send(.post, "SearchParameter", other),
        try await service.send(
          .post, "",
          #"{"resourceType":"Bundle","type":"transaction","entry":[{"resource":\#(other),"request":{"method":"PUT","url":"SearchParameter/g"}}]}"#
        ),
        try await service.send(
          .put, "SearchParameter/$status",
          #"{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus","part":[{"name":"url","valueUrl":"http://example.org/first"},{"name":"status","valueString":"Disabled"}]}]}"#
        ),
      ] {
        #expect(reply.status == 409)
        #expect(reply.text.contains("reindex"))
      }
      let batch = try await service.send(
        .post, "",
        #"{"resourceType":"Bundle","type":"batch","entry":[{"resource":\#(other),"request":{"method":"PUT","url":"SearchParameter/g"}}]}"#
      )
      #expect(batch.entries.first?["response"]?["status"]?.string == "409")
      // Canceled, it is at its end.
      let canceled = try await service.send(.delete, "_operations/reindex/\(id)")
      #expect(canceled.status == 202)
      #expect(canceled.parameter("status") == "Canceled")
      #expect(try await service.send(.delete, "_operations/reindex/\(id)").status == 409)
      #expect(try await service.send(.get, "_operations/reindex/\(id)").parameter("status") == "Canceled")
      #expect(try await service.send(.get, "_operations/reindex/none").status == 404)
      #expect(try await service.send(.delete, "_operations/reindex/none").status == 404)
      #expect(try await service.send(.get, "$reindex").body?["parameter"] == nil)
      service.service.start()
      #expect(try await service.reindex().parameter("status") == "Completed")
      let idle = try await service.reindex()
      #expect(idle.parameter("status") == "Canceled")
      #expect(idle.parameter("failureDetails")?.contains("nothing to do") == true)
    }
  }

  @Test func badOptionsAreRefused() async throws {
    try await withService { service in
      for parameter in [
        #"{"name":"maximumNumberOfResourcesPerQuery","valueInteger":0}"#,
        #"{"name":"maximumNumberOfResourcesPerQuery","valueInteger":10001}"#,
        #"{"name":"maximumNumberOfResourcesPerWrite","valueDecimal":1.5}"#,
        #"{"name":"maximumConcurrency","valueInteger":11}"#,
        #"{"name":"queryDelayIntervalInMilliseconds","valueInteger":-1}"#,
        #"{"name":"targetResourceTypes","valueString":"Patient,Nonsense"}"#,
        #"{"name":"targetSearchParameterTypes","valueString":"http://example.org/none"}"#,
        #"{"name":"targetSearchParameterTypes","valueString":"http://hl7.org/fhir/SearchParameter/Resource-id"},{"name":"targetResourceTypes","valueString":"Patient"}"#,
        #"{"name":"nonsense","valueString":"x"}"#,
      ] {
        let reply = try await service.send(
          .post, "$reindex", "{\"resourceType\":\"Parameters\",\"parameter\":[\(parameter)]}")
        #expect(reply.status == 400, "\(parameter)")
      }
      #expect(try await service.send(.post, "$reindex", #"{"resourceType":"Patient"}"#).status == 400)
      #expect(try await service.send(.put, "$reindex", #"{"resourceType":"Parameters"}"#).status == 405)
    }
  }

  @Test func targetsNarrowAJob() async throws {
    try await withService { service in
      service.service.start()
      for type in ["Person", "Patient"] {
        _ = try await service.create(type, "{\"resourceType\":\"\(type)\",\"name\":[{\"given\":[\"Ada\"]}]}")
      }
      let parameter = SearchParameterTests.parameter(
        code: "first", base: "Person,Patient,Practitioner",
        expression: "Person.name.given | Patient.name.given | Practitioner.name.given")
      #expect(try await service.send(.post, "SearchParameter", parameter).status == 201)
      let job = try await service.reindex(#"{"name":"targetResourceTypes","valueString":"Person, Practitioner"}"#)
      #expect(job.parameter("resources") == "Person,Practitioner")
      #expect(try await service.send(.get, "Person?first=ada", prefer: "handling=strict").ids.count == 1)
      #expect(try await service.send(.get, "Practitioner?first=ada", prefer: "handling=strict").status == 200)
      #expect(try await service.send(.get, "Patient?first=ada", prefer: "handling=strict").status == 400)
      let rest = try await service.reindex(
        #"{"name":"targetSearchParameterTypes","valueString":"http://example.org/first"}"#)
      #expect(rest.parameter("resourceReindexProgressByResource (CountReindexed of Count)") == "Patient:1 of 1")
      #expect(try await service.send(.get, "Patient?first=ada", prefer: "handling=strict").ids.count == 1)
    }
  }

  @Test func oneResource() async throws {
    try await withService { service in
      let id = try await service.create(
        "Person", #"{"resourceType":"Person","name":[{"family":"Fox","given":["Ada"]}]}"#)
      #expect(
        try await service.send(
          .post, "SearchParameter",
          SearchParameterTests.parameter(code: "first", expression: "Person.name.given.first()")
        ).status == 201)
      let before = try await service.lines()
      let dry = try await service.send(.get, "Person/\(id)/$reindex")
      #expect(dry.status == 200)
      #expect(dry.parameter("first") == "Ada")
      #expect(dry.parameter("name") == "Fox" || dry.parameter("name") == "Ada")
      #expect(try await service.lines() == before)
      let done = try await service.send(.post, "Person/\(id)/$reindex")
      #expect(done.status == 200)
      #expect(done.parameter("first") == "Ada")
      #expect(try await service.lines().count == before.count + 1)
      #expect(try await service.send(.post, "Person/\(id)/$reindex").status == 200)
      #expect(try await service.send(.get, "Person/none/$reindex").status == 404)
      #expect(try await service.send(.post, "Person/none/$reindex").status == 404)
      _ = try await service.send(.delete, "Person/\(id)")
      #expect(try await service.send(.post, "Person/\(id)/$reindex").status == 410)
    }
  }

  /// What another version of the program indexed is indexed anew after opening, and answers all the while.
  @Test func anotherProgramsIndexIsMadeAnew() async throws {
    let first = try await TestService()
    try await load(first, patients: 1)
    let whole = try await first.lines()
    // As if the older program had known no codes and had taken down nonsense.
    try await first.database.write { transaction in
      _ = try transaction.execute(
        "DELETE FROM index_token WHERE parameter IN (SELECT number FROM parameter WHERE code = 'code')")
      _ = try transaction.execute("UPDATE index_string SET text = text || 'x', folded = folded || 'x'")
    }
    #expect(try await first.lines() != whole)
    await first.abandon()
    let second = try await TestService(folder: first.folder, extractionVersion: IndexExtractor.version + 1)
    let id = try #require(try await second.send(.get, "$reindex").parameter("id"))
    #expect(try await second.send(.get, "Patient?gender=male,female").ids.count == 1)
    // An update before its turn is as good.
    let patient = try await second.send(.get, "Patient")
    let resource = try #require(patient.entries.first?["resource"])
    let changed = String(decoding: resource.json, as: UTF8.self).replacingOccurrences(
      of: "\"resourceType\":\"Patient\"", with: "\"resourceType\":\"Patient\",\"implicitRules\":\"http://e.org\"")
    let patientID = try #require(resource["id"]?.string)
    let update = try await second.send(.put, "Patient/\(patientID)", changed)
    #expect(update.status == 200, "\(update.text)")
    second.service.start()
    #expect(try await second.ended(id).parameter("status") == "Completed")
    #expect(try await second.lines() == whole)
    await second.abandon()
    let third = try await TestService(folder: first.folder, extractionVersion: IndexExtractor.version + 1)
    #expect(try await third.send(.get, "$reindex").body?["parameter"] == nil)
    await third.close()
  }

  @Test func parametersAreKnownAgainAfterOpening() async throws {
    let first = try await TestService()
    first.service.start()
    _ = try await first.create("Person", #"{"resourceType":"Person","name":[{"given":["Ada"]}]}"#)
    #expect(
      try await first.send(.post, "SearchParameter", SearchParameterTests.parameter(code: "first")).status == 201)
    _ = try await first.reindex()
    #expect(
      try await first.send(
        .post, "SearchParameter", SearchParameterTests.parameter(code: "last", expression: "Person.name.family")
      ).status == 201)
    await first.abandon()
    let second = try await TestService(folder: first.folder)
    #expect(try await second.send(.get, "Person?first=ada", prefer: "handling=strict").ids.count == 1)
    let waiting = try await second.send(.get, "Person?last=x", prefer: "handling=strict")
    #expect(waiting.text.contains("$reindex"))
    await second.close()
  }

  /// A resource that cannot be indexed keeps its parameter from answering, and is named.
  @Test func failuresAreTold() async throws {
    var limits = Limits()
    limits.indexRowsMax = 100
    try await withService(limits: limits) { service in
      service.service.start()
      let lines = (0..<150).map { "\"line \($0)\"" }.joined(separator: ",")
      let id = try await service.create(
        "Person",
        #"{"resourceType":"Person","photo":{"title":"x"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"extension":[{"url":"http://e.org/x","valueAddress":{"line":[\#(lines)]}}]}"#
      )
      let parameter = SearchParameterTests.parameter(
        id: "l", code: "line", expression: "Person.extension('http://e.org/x').value.line")
      let made = try await service.send(.put, "SearchParameter/l", parameter)
      #expect(made.status == 201, "\(made.text)")
      let job = try await service.reindex()
      #expect(job.parameter("status") == "Failed")
      #expect(job.parameter("failureDetails")?.contains("Person/\(id)") == true)
      #expect(try await service.send(.get, "Person?line=x", prefer: "handling=strict").status == 400)
      // Once it is gone, the next job is whole.
      _ = try await service.send(.delete, "Person/\(id)")
      #expect(try await service.reindex().parameter("status") == "Completed")
      #expect(try await service.send(.get, "Person?line=x", prefer: "handling=strict").status == 200)
    }
  }
}
