import DICOMCore
import DICOMService
import JSONCore
import Server
import Testing
import Workspace

/// What the edge itself answers below a DICOM service.
@Suite struct DICOMEdgeTests {
  @Test func errorsArePlainText() async throws {
    try await LiveDICOM.run { live in
      let cases: [(String, String, [String: String], Int)] = [
        ("GET", "/v2/studies/1.2.3", ["Accept": "*/*"], 404), ("GET", "/v2/unheard", [:], 404),
        ("GET", "/v3/studies", ["Accept": "*/*"], 404), ("GET", "/v1/studies/abc", ["Accept": "*/*"], 400),
        ("GET", "/v2/studies/1.2.3", [:], 406), ("GET", "/v2/studies", ["Accept": "application/data"], 406),
        ("GET", "/v2/studies?PatientID=%3cscript", ["Accept": "*/*"], 400),
        ("GET", "/v1/studies?PatientID=<script", ["Accept": "*/*"], 400),
        ("DELETE", "/v2/studies/1.2.3", [:], 404), ("PUT", "/v2/studies", [:], 405), ("BREW", "/v2/studies", [:], 405),
        ("GET", "/v2/partitions/a/studies", ["Accept": "*/*"], 400),
      ]
      for (method, path, headers, status) in cases {
        let reply = try await live.ask(method, path, headers)
        #expect(reply.status == status, "\(method) \(path): \(reply.status) \(reply.text)")
        #expect(reply.header("content-type") == "text/plain; charset=utf-8", "\(path)")
        #expect(!reply.body.isEmpty && reply.body.first != UInt8(ascii: "{"), "\(path)")
        #expect(reply.header("x-request-id") != nil)
        #expect(reply.header("x-content-type-options") == "nosniff")
        #expect((reply.header("api-supported-versions") != nil) == !path.hasPrefix("/v3"), "\(path)")
        if status == 405 { #expect(reply.header("allow") == "GET, HEAD, POST, OPTIONS") }
      }
    }
  }

  /// What fails after the head has said 200 ends the connection without the end of the body, and is told in the log.
  @Test func answersThatFailAreCutOff() async throws {
    var limits = DICOMServiceLimits()
    limits.retrieve.rehearsedBytesMax = 100
    try await LiveDICOM.run(limits: limits) { live in
      let good = try DICOMLifeTests.large("1.2.3", "1.2.3.1.1", 5_000)
      let damaged = try Self.damaged("1.2.3", "1.2.3.1.2")
      #expect(try await live.store([good, damaged]).status == 200)
      let explicit = "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1"
      let reply = try await live.get("/v2/studies/1.2.3", accept: explicit)
      #expect(reply.status == 200)
      #expect(reply.header("transfer-encoding") == "chunked")
      #expect(throws: (any Error).self) { try reply.decodedBody() }
      let line = live.log.first { $0.contains("answer cut off") }
      #expect(line?.contains("notAcceptable") == true, "\(line ?? "nothing was logged")")
      #expect(line?.contains("1.2.3") == false)
      // Other connections are as they were.
      #expect(try await live.get("/v2/studies/1.2.3", accept: "*/*").status == 200)
    }
  }

  /// An instance whose pixels nobody can decode.
  private static func damaged(_ study: String, _ uid: String) throws -> [UInt8] {
    var builder = DataSetBuilder()
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7")
    try builder.append(.sopInstanceUID, .UI, uid)
    try builder.append(.patientID, .LO, "P")
    try builder.append(.studyInstanceUID, .UI, study)
    try builder.append(.seriesInstanceUID, .UI, study + ".1")
    for (tag, number) in [(Tag.samplesPerPixel, 1), (.rows, 4), (.columns, 4), (.bitsAllocated, 8), (.bitsStored, 8)] {
      try builder.append(tag, .US, integers: [number])
    }
    try builder.appendFragments(offsetTable: [], [[0xFF, 0x4F, 0xFF, 0x51, 0, 41, 1, 2]])
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7", mediaStorageSOPInstanceUID: UID(uid),
      transferSyntax: TransferSyntax(uid: "1.2.840.10008.1.2.4.90"))
    return DICOMFile.prefix + meta + builder.bytes
  }

  @Test func longBodiesAreRefused() async throws {
    try await LiveDICOM.run(storeBytesMax: 100_000) { live in
      let fits = try DICOMLifeTests.large("1.2.3", "1.2.3.1.1", 95_000)
      #expect(try await live.store([fits]).status == 200)
      let over = try DICOMLifeTests.large("1.2.4", "1.2.4.1.1", 100_000)
      let reply = try await live.store([over])
      #expect(reply.status == 413)
      #expect(reply.header("content-type") == "text/plain; charset=utf-8")
      #expect(try await live.get("/v2/studies/1.2.4", accept: "*/*").status == 404)
      // Refused for its type before the body is read.
      let wrong = try await live.ask(
        "POST", "/v2/studies", ["Accept": "application/dicom+json", "Content-Type": "multipart/form-data; boundary=a"],
        body: fits)
      #expect(wrong.status == 415)
    }
  }

  @Test func padsInAddressesSayNothing() async throws {
    try await LiveDICOM.run { live in
      let instance = try DICOMLifeTests.large("1.2.3", "1.2.3.1.1", 5_000)
      let stored = try await live.ask(
        "POST", "/v2/studies/1.2.3%00", ["Accept": "application/dicom+json", "Content-Type": "application/dicom"],
        body: instance)
      #expect(stored.status == 200, "\(stored.text)")
      for path in ["/v2/studies/1.2.3", "/v2/studies/1.2.3%00", "/v2/studies/%201.2.3%20"] {
        let reply = try await live.get(path, accept: "multipart/related; type=\"application/dicom\"; transfer-syntax=*")
        #expect(try reply.parts().map(\.body) == [instance], "\(path)")
      }
    }
  }

  @Test func headOptionsAndCORS() async throws {
    try await LiveDICOM.run { configuration in
      configuration.cors.origins = ["https://viewer.example.org"]
    } _: { live in
      let instance = try DICOMLifeTests.large("1.2.3", "1.2.3.1.1", 70_000)
      _ = try await live.store([instance])
      let path = "/v2/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1"
      let head = try await live.ask("HEAD", path, ["Accept": "application/dicom; transfer-syntax=*"])
      #expect(head.status == 200)
      #expect(head.header("content-length") == "\(instance.count)")
      #expect(head.body.isEmpty)
      let options = try await live.ask("OPTIONS", path + "/rendered")
      #expect(options.status == 204)
      #expect(options.header("allow") == "GET, HEAD, OPTIONS")
      let preflight = try await live.ask(
        "OPTIONS", path + "/frames/1",
        [
          "Origin": "https://viewer.example.org", "Access-Control-Request-Method": "GET",
          "Access-Control-Request-Headers": "authorization",
        ])
      #expect(preflight.status == 204)
      #expect(preflight.header("access-control-allow-origin") == "https://viewer.example.org")
      let asked = try await live.ask(
        "GET", path + "/frames/1", ["Accept": "application/octet-stream", "Origin": "https://viewer.example.org"])
      #expect(asked.header("access-control-allow-origin") == "https://viewer.example.org")
      #expect(asked.body.count == 70_000)
      #expect(asked.header("vary")?.contains("Accept") == true)
    }
  }

  @Test func partitions() async throws {
    try await LiveDICOM.run(hasPartitions: true) { live in
      let instance = try DICOMLifeTests.large("1.2.3", "1.2.3.1.1", 5_000)
      let stored = try await live.store([instance], "/v2/partitions/clinic-a/studies")
      #expect(stored.status == 200)
      #expect(stored.text.contains("/default/dicom/v2/partitions/clinic-a/studies/1.2.3/"))
      let here = try await live.get("/v2/partitions/clinic-a/studies/1.2.3", accept: "*/*")
      #expect(try here.parts().map(\.body) == [instance])
      #expect(try await live.store([instance], "/v2/partitions/clinic-b/studies").status == 200)
      #expect(try await live.ask("DELETE", "/v2/partitions/clinic-b/studies/1.2.3").status == 204)
      #expect(try await live.get("/v2/partitions/clinic-b/studies/1.2.3", accept: "*/*").status == 404)
      #expect(try await live.get("/v2/partitions/clinic-a/studies/1.2.3", accept: "*/*").status == 200)
      #expect(try await live.get("/v2/studies/1.2.3", accept: "*/*").status == 400)
      let all = try await live.get("/v2/partitions", accept: "application/json")
      #expect(
        try all.json().elements.compactMap { $0["partitionName"]?.string } == [
          "Microsoft.Default", "clinic-a", "clinic-b",
        ])
    }
  }

  @Test func operatorsSeeTheService() async throws {
    try await LiveDICOM.run { live in
      let instance = try DICOMLifeTests.large("1.2.3", "1.2.3.1.1", 5_000)
      _ = try await live.store([instance])
      _ = try await live.get("/v2/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1", accept: "*/*")
      let welcome = try await live.askRoot("GET", "/").json()
      #expect(welcome["services"]?.elements.first?["kind"]?.string == "dicom")
      for path in ["/health/check", "/default/dicom/health/check"] {
        let health = try await live.askRoot("GET", path)
        #expect(health.status == 200)
        #expect(try health.json()["details"]?.elements.first?["name"]?.string == "default/dicom")
      }
      let metrics = try await live.askRoot("GET", "/metrics").text
      #expect(metrics.contains("interaction=\"dicom-store\",status=\"200\""))
      #expect(metrics.contains("interaction=\"dicom-frames\",status=\"200\""))
      #expect(metrics.contains("aceso_service_writable{workspace=\"default\",service=\"dicom\"} 1"))
      // The log tells the form of a request, and none of its values.
      let requests = live.log.filter { $0.contains("/frames/{frames}") }
      #expect(requests.count == 1)
      let stores = live.log.filter { $0.contains("dicom/studies\"") }
      #expect(stores.count == 1 && stores.allSatisfy { !$0.contains("\"received\":0,") })
      #expect(!live.log.contains { $0.contains("1.2.3.1") })
    }
  }
}
