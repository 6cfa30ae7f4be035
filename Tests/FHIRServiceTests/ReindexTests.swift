import Base
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import Testing

/// `$reindex` as Azure has it, but online, resumable, and with the result of a fresh load.
@Suite struct ReindexTests {
  /// What is in the index afterwards is what a store has that knew the parameters from the start.
  @Test func theResultIsThatOfAFreshLoad() async throws {
    try await withService { service in
      service.service.start()
      try await service.load(patients: 2)
      try await service.defineOwn()
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
        try await fresh.defineOwn()
        _ = try await fresh.reindex()
        try await service.copyAll(to: fresh)
        #expect(try await fresh.lines() == lines)
        #expect(lines.contains { $0.contains("Patient.own-line 1") })
      }
    }
  }

  /// A parameter of a type is one of contained resources of the type as well: their containers are indexed anew, of
  /// whatever type these are, also where the job is asked for the one type only, and where there is no other resource.
  @Test(arguments: ["", #"{"name":"targetResourceTypes","valueString":"Medication"}"#])
  func containersAreIndexedForWhatTheyContain(_ options: String) async throws {
    try await withService { service in
      service.service.start()
      let request = #"""
        {"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"reference":"Patient/1"},
         "contained":[{"resourceType":"Medication","id":"m","batch":{"lotNumber":"L1"},"status":"active"}],
         "medicationReference":{"reference":"#m"}}
        """#
      _ = try await service.create("MedicationRequest", request)
      let parameter = SearchParameterTests.parameter(
        id: "lot", code: "lot", base: "Medication", expression: "Medication.batch.lotNumber")
      #expect(try await service.send(.put, "SearchParameter/lot", parameter).status == 201)
      _ = try await service.create("MedicationRequest", request.replacingOccurrences(of: "L1", with: "L2"))
      let job = try await service.reindex(options)
      #expect(job.parameter("status") == "Completed")
      #expect(job.parameter("totalResourcesToReindex") == "1.0")
      let found = try await service.send(.get, "Medication?lot=l&_contained=true&_sort=lot")
      #expect(found.entries.count == 2)
      #expect(try await service.send(.get, "Medication?lot=L1&_contained=true").entries.count == 1)
      let lines = try await service.lines()
      #expect(lines.contains { $0.contains("#0 | Medication.lot 1") })
      // What another program left out is made up for as a whole.
      for table: SQL in ["contained", "index_token", "index_string", "index_reference"] {
        try await service.database.write { _ = try $0.execute("DELETE FROM \(table) WHERE key >= 70368744177664") }
      }
      #expect(try await service.send(.get, "Medication?lot=l&_contained=true").entries.isEmpty)
      await service.service.stop()
      await service.store.close()
      let second = try await TestService(folder: service.folder, extractionVersion: IndexExtractor.version + 1)
      second.service.start()
      let id = try #require(try await second.send(.get, "$reindex").parameter("id"))
      #expect(try await second.ended(id).parameter("status") == "Completed")
      #expect(try await second.lines() == lines)
      await second.service.stop()
      await second.store.close()
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
      // Azure's documentation sends this.
      let made = try await service.send(.post, "$reindex", empty)
      #expect(made.status == 201)
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
        #"{"name":"maximumConcurrency","valueInteger":0}"#,
        #"{"name":"maximumConcurrency","valueInteger":2},{"name":"maximumConcurrency","valueInteger":3}"#,
        #"{"name":"maximumNumberOfResourcesPerWrite","valueInteger":10001}"#,
        #"{"name":"queryDelayIntervalInMilliseconds","valueInteger":500001}"#,
        #"{"name":"queryDelayIntervalInMilliseconds","valueString":"soon"}"#,
        #"{"name":"targetDataStoreUsagePercentage","valueInteger":101}"#,
        #"{"name":"maximumNumberOfResourcesPerQuery"}"#,
      ] {
        let reply = try await service.send(
          .post, "$reindex", "{\"resourceType\":\"Parameters\",\"parameter\":[\(parameter)]}")
        #expect(reply.status == 400, "\(parameter)")
      }
      for body in [
        #"{"resourceType":"Patient"}"#, #"{"resourceType":"Parameters","parameter":[],"language":"de"}"#,
        #"{"resourceType":"Parameters","parameter":[{}]}"#,
      ] {
        #expect(try await service.send(.post, "$reindex", body).status == 400, "\(body)")
      }
      #expect(try await service.send(.put, "$reindex", #"{"resourceType":"Parameters"}"#).status == 405)
    }
  }

  /// The bounds themselves are fine. A job without anything to do ends at once and says so.
  @Test(arguments: [
    ("maximumNumberOfResourcesPerQuery", [1, 10_000]), ("maximumNumberOfResourcesPerWrite", [1, 10_000]),
    ("queryDelayIntervalInMilliseconds", [0, 500_000]), ("maximumConcurrency", [1, 10]),
    ("targetDataStoreUsagePercentage", [1, 100]),
  ])
  func optionsAtTheirBounds(name: String, bounds: [Int]) async throws {
    try await withService { service in
      for bound in bounds {
        let job = try await service.reindex("{\"name\":\"\(name)\",\"valueInteger\":\(bound)}")
        #expect(job.parameter("status") == "Canceled")
        #expect(job.parameter("totalResourcesToReindex") == "0.0")
        #expect(job.parameter("progress") == "0.0")
        #expect(job.parameter("failureDetails")?.contains("nothing to do") == true)
        if name.hasPrefix("maximum") { #expect(job.parameter(name) == "\(bound).0") }
      }
    }
  }

  /// The smallest and the largest steps come to the same end, with one thread and with many.
  @Test func stepsMakeNoDifference() async throws {
    try await withService { service in
      for number in 0..<300 {
        let json = #"{"resourceType":"Person","id":"p\#(number)","name":[{"given":["A\#(number)","B"]}]}"#
        #expect(try await service.send(.put, "Person/p\(number)", json).status == 201)
      }
      service.service.start()
      var before: [String] = []
      for (steps, threads) in [(1, 1), (128, 2), (129, 10), (10_000, 10)] {
        let parameter = SearchParameterTests.parameter(id: "f", code: "first")
        #expect([200, 201].contains(try await service.send(.put, "SearchParameter/f", parameter).status))
        let job = try await service.reindex(
          TestService.steps(query: steps, write: steps)
            + ",{\"name\":\"maximumConcurrency\",\"valueInteger\":\(threads)}")
        #expect(job.parameter("status") == "Completed")
        #expect(job.parameter("resourcesSuccessfullyReindexed") == "300.0")
        let lines = try await service.lines().filter { $0.contains("Person.first 1") }
        #expect(lines.count == 600)
        if before.isEmpty { before = lines } else { #expect(lines == before) }
        #expect(try await service.send(.delete, "SearchParameter/f").status == 204)
        try await service.removeRetired(rowsMax: 100)
      }
    }
  }

  /// Where a type has no resources, a parameter needs no more than a job.
  @Test func aTypeWithoutResources() async throws {
    try await withService { service in
      service.service.start()
      let made = try await service.send(.post, "SearchParameter", SearchParameterTests.parameter(code: "first"))
      #expect(made.status == 201)
      let job = try await service.reindex()
      #expect(job.parameter("status") == "Completed")
      #expect(job.parameter("totalResourcesToReindex") == "0.0")
      #expect(job.parameter("progress") == "100.0")
      let id = try await service.create("Person", #"{"resourceType":"Person","name":[{"given":["Ada"]}]}"#)
      #expect(try await service.send(.get, "Person?first=ada", prefer: "handling=strict").ids == [id])
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
    try await first.load(patients: 1)
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
