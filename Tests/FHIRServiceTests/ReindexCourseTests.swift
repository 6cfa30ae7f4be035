import Base
import FHIRModel
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import TestStores
import Testing
import TestSupport

/// What may happen while a job runs: writers, an end, a kill, a cancellation. The index is that of a fresh load in the
/// end, and nothing answers before.
@Suite struct ReindexCourseTests {
  /// A job that is ended anywhere goes on after the next start and loses nothing. (Its pauses are long enough that a busy
  /// machine, too, sees it on the way.)
  @Test func aJobGoesOnAfterAStop() async throws {
    let first = try await TestService()
    try await first.load(patients: 1)
    try await first.defineOwn()
    let id = try await first.beginReindex(TestService.steps(query: 10, write: 3, delay: 40))
    let made = try await first.job(id)
    #expect(made.parameter("status") == "Queued")
    #expect(made.answer?.location == "\(TestService.base)/_operations/reindex/\(id)")
    var service = first
    var stops = 0
    var last = 0.0
    while true {
      service.service.start()
      try await Task.sleep(for: .milliseconds(Int.random(in: 5...40)))
      await service.service.stop()
      let reply = try await service.job(id)
      let done = reply.decimal("resourcesSuccessfullyReindexed")
      #expect(done >= last)
      last = done
      if reply.parameter("status") == "Completed" { break }
      try await expectSilence(service)
      stops += 1
      await service.store.close()
      service = try await TestService(folder: first.folder)
    }
    #expect(stops > 1)
    let lines = try await service.lines()
    #expect(try await service.linesOfAFreshLoad() == lines)
    await service.close()
  }

  /// Not before everything is done does a parameter answer.
  private func expectSilence(_ service: TestService) async throws {
    let early = try await service.send(.get, "Patient?own-line=a", prefer: "handling=strict")
    #expect(early.status == 400)
  }

  /// Whatever a kill leaves on the disk is a job that comes to the same end.
  @Test func aJobGoesOnAfterAKill() async throws {
    try await withService { service in
      try await service.load(patients: 2)
      try await service.defineOwn()
      let id = try await service.beginReindex(TestService.steps(query: 40, write: 7, delay: 300))
      service.service.start()
      var images: [String] = []
      var done = -1.0
      while true {
        let job = try await service.job(id)
        if job.parameter("status") == "Completed" { break }
        // One for each place: on a busy machine an image takes as long as several steps.
        if images.count < 6, job.decimal("resourcesSuccessfullyReindexed") > done {
          done = job.decimal("resourcesSuccessfullyReindexed")
          images.append(try await service.imageAfterKill())
        }
        try await Task.sleep(for: .milliseconds(10))
      }
      let lines = try await service.lines()
      #expect(try await service.linesOfAFreshLoad() == lines)
      var places: Set<Double> = []
      for image in images {
        let killed = try await TestService(folder: image)
        let found = try await killed.job(id)
        if found.parameter("status") == "Running" {
          places.insert(found.decimal("resourcesSuccessfullyReindexed"))
          try await expectSilence(killed)
        }
        killed.service.start()
        let job = try await killed.ended(id)
        #expect(job.parameter("status") == "Completed")
        #expect(job.parameter("resourcesSuccessfullyReindexed") == job.parameter("totalResourcesToReindex"))
        #expect(try await killed.lines() == lines)
        await killed.close()
      }
      #expect(places.count > 1, "the kills were all at the same place: \(places)")
    }
  }

  /// Writers create, update and delete all the while; the index is that of a fresh load of what is there in the end.
  @Test(arguments: [(query: 30, write: 5), (query: 1_000, write: 1_000)])
  func busyWritersAndAFreshLoad(query: Int, write: Int) async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    try await withService { service in
      try await service.load(patients: 3)
      try await service.defineOwn()
      let ids = try await observations(service)
      #expect(ids.count > 50)
      let id = try await service.beginReindex(TestService.steps(query: query, write: write, delay: 1))
      service.service.start()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<3 {
          group.addTask {
            var generator = SeededGenerator(seed: seed &+ UInt64(writer))
            repeat {
              for _ in 0..<10 { try await writeOne(service, ids, &generator) }
            } while try await service.job(id).parameter("status") != "Completed"
          }
        }
        try await group.waitForAll()
      }
      let job = try await service.job(id)
      #expect(job.parameter("resourcesSuccessfullyReindexed") == job.parameter("totalResourcesToReindex"))
      let lines = try await service.lines()
      let fresh = try await service.linesOfAFreshLoad()
      #expect(lines == fresh, "seed \(seed): \(Set(lines).symmetricDifference(fresh).sorted().prefix(4))")
      #expect(lines.contains { $0.contains("Observation.own-value 1") })
    }
  }

  private func observations(_ service: TestService) async throws -> [String] {
    try await service.send(.get, "Observation?_count=1000&_elements=id").ids
  }

  /// One write of a random kind; several writers may meet at one resource.
  private func writeOne(
    _ service: TestService, _ ids: [String], _ generator: inout SeededGenerator
  ) async throws {
    guard let id = ids.randomElement(using: &generator) else { return }
    let value = Int.random(in: 1...9_999, using: &generator)
    let body = """
      "status":"final","code":{"text":"t\(value)"},"issued":"20\(10 + value % 10)-01-01T00:00:00Z",
      "category":[{"coding":[{"system":"http://e.org/\(value % 7)","code":"c\(value % 50)"}]}],
      "valueQuantity":{"value":\(value),"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}
      """
    switch Int.random(in: 0..<10, using: &generator) {
    case 0..<3:
      let reply = try await service.send(.post, "Observation", "{\"resourceType\":\"Observation\",\(body)}")
      #expect(reply.status == 201, "\(reply.text)")
    case 3..<5:
      #expect(try await service.send(.delete, "Observation/\(id)").status == 204)
    default:
      let json = "{\"resourceType\":\"Observation\",\"id\":\"\(id)\",\(body)}"
      let reply = try await service.send(.put, "Observation/\(id)", json)
      #expect([200, 201].contains(reply.status), "\(reply.text)")
    }
  }

  /// Writers go on while a job runs; whatever they write is indexed as it is in the end.
  @Test func racingWritesLoseNothing() async throws {
    try await withService { service in
      for number in 0..<300 {
        let json = #"{"resourceType":"Person","id":"p\#(number)","name":[{"given":["Old\#(number)"]}]}"#
        #expect(try await service.send(.put, "Person/p\(number)", json).status == 201)
      }
      service.service.start()
      async let writes: Void = writePersons(service)
      try await Task.sleep(for: .milliseconds(20))
      let parameter = SearchParameterTests.parameter(id: "f", code: "first")
      #expect(try await service.send(.put, "SearchParameter/f", parameter).status == 201)
      let job = try await service.reindex(TestService.steps(query: 20, write: 5))
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

  private func writePersons(_ service: TestService) async throws {
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

  /// A canceled job stops where it is; the next one does the rest, and only that.
  @Test func aCanceledJobIsTakenUpByTheNext() async throws {
    try await withService { service in
      try await service.load(patients: 2)
      try await service.defineOwn()
      let id = try await service.beginReindex(TestService.steps(query: 20, write: 5, delay: 2))
      service.service.start()
      let some = try await service.wait(for: id) { $0.decimal("resourcesSuccessfullyReindexed") > 20 }
      #expect(some.parameter("status") == "Running")
      let canceled = try await service.send(.delete, "_operations/reindex/\(id)")
      #expect(canceled.status == 202)
      #expect(canceled.parameter("status") == "Canceled")
      try await Task.sleep(for: .milliseconds(50))
      let stopped = try await service.job(id)
      let (done, total) = (
        stopped.decimal("resourcesSuccessfullyReindexed"), stopped.decimal("totalResourcesToReindex")
      )
      #expect(stopped.parameter("status") == "Canceled")
      #expect(done == canceled.decimal("resourcesSuccessfullyReindexed"))
      #expect(done < total)
      #expect(stopped.decimal("progress") < 100)
      try await expectSilence(service)
      let rest = try await service.reindex()
      #expect(rest.parameter("status") == "Completed")
      #expect(rest.decimal("totalResourcesToReindex") == total - done)
      let lines = try await service.lines()
      #expect(try await service.linesOfAFreshLoad() == lines)
    }
  }

  /// What a job says of itself while it runs: it only grows, and is never at its end before the parameters answer.
  @Test func progressIsTrue() async throws {
    try await withService { service in
      try await service.load(patients: 2)
      try await service.defineOwn()
      let count = try await service.send(.get, "Observation?_summary=count").body?["total"]?.integer ?? 0
      let id = try await service.beginReindex(TestService.steps(query: 25, write: 5, delay: 150))
      service.service.start()
      var (last, steps) = (-1.0, 0)
      _ = try await service.wait(for: id) { reply in
        let (done, total) = (reply.decimal("resourcesSuccessfullyReindexed"), reply.decimal("totalResourcesToReindex"))
        #expect(done >= last && done <= total)
        if done > last { steps += 1 }
        last = done
        guard reply.parameter("status") == "Running" else { return reply.parameter("status") == "Completed" }
        #expect(reply.decimal("progress") < 100)
        #expect(abs(reply.decimal("progress") - min(99.9, done * 100 / total)) < 0.11)
        #expect(reply.progressByURL.values.allSatisfy { $0.done <= $0.total })
        return false
      }
      #expect(steps > 3)
      let job = try await service.job(id)
      #expect(job.parameter("progress") == "100.0")
      let parts = job.progressByURL
      #expect(parts.count == TestService.ownParameters.count)
      #expect(parts["http://example.org/own-value"]?.total == Double(count))
      #expect(parts["http://example.org/own-tag"]?.total == job.decimal("totalResourcesToReindex"))
      #expect(parts.values.allSatisfy { $0.done == $0.total })
    }
  }

  /// A resource whose stored body is damaged is named; the job comes to its end.
  @Test func aDamagedBodyIsTold() async throws {
    try await withService { service in
      for number in 0..<5 {
        let json = #"{"resourceType":"Person","id":"p\#(number)","name":[{"given":["A"]}]}"#
        #expect(try await service.send(.put, "Person/p\(number)", json).status == 201)
      }
      try await service.database.write {
        _ = try $0.execute("UPDATE resource SET body = \([0x28, 0xb5, 0x2f, 0xfd] as [UInt8]) WHERE id = 'p3'")
      }
      let made = try await service.send(.post, "SearchParameter", SearchParameterTests.parameter(code: "first"))
      #expect(made.status == 201)
      service.service.start()
      let job = try await service.reindex()
      #expect(job.parameter("status") == "Failed")
      #expect(job.parameter("failureDetails")?.contains("Person/p3: ") == true)
      #expect(job.parameter("resourcesSuccessfullyReindexed") == "4.0")
      #expect(try await service.send(.get, "Person?first=a", prefer: "handling=strict").status == 400)
    }
  }

  /// Opening makes no job where there is nothing to do, and asks for no time.
  @Test func aFreshStoreHasNoJob() async throws {
    let folder = try TemporaryFolder()
    for _ in 0..<2 {
      let clock = Clock {
        Issue.record("the clock was asked")
        return Instant(milliseconds: 0)
      }
      let database = try TestStores.open(folder.file("store"))
      let store = try await FHIRStore(database, schema: .r4, clock: clock)
      #expect(try await IndexDump.count(database, "SELECT count(*) FROM reindex_job") == 0)
      await store.close()
    }
  }
}
