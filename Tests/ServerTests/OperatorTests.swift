import JSONCore
import Server
import Testing
import Workspace

/// What operators look at.
@Suite struct OperatorTests {
  @Test func healthIsToldAtTheRootAndBelowEachService() async throws {
    try await LiveServer.run { live in
      for target in ["/health/check", "\(LiveServer.path)/health/check"] {
        let reply = try await live.askRoot("GET", target)
        let value = try reply.json()
        #expect(reply.status == 200)
        #expect(reply.header("content-type") == "application/json; charset=utf-8")
        #expect(value["overallStatus"]?.string == "Healthy")
        let details = value["details"]?.elements ?? []
        #expect(details.first?["name"]?.string == "default/fhir")
        #expect(details.first?["status"]?.string == "Healthy")
        #expect(details.first?["description"]?.string?.isEmpty == false)
        #expect(try await live.askRoot("HEAD", target).status == 200)
        #expect(try await live.askRoot("POST", target).status == 405)
      }
    }
  }

  @Test func theRootNamesTheServices() async throws {
    try await LiveServer.run { live in
      let value = try await live.askRoot("GET", "/").json()
      #expect(value["name"]?.string == "Aceso")
      #expect(value["version"]?.string == "1.2.3")
      #expect(value["services"]?.elements.first?["path"]?.string == "/default/fhir")
      #expect(value["services"]?.elements.first?["fhirVersion"]?.string == "4.0.1")
    }
  }

  /// Prometheus text format 0.0.4.
  @Test func metricsCountRequests() async throws {
    try await LiveServer.run { live in
      for _ in 0..<3 { _ = try await live.ask("GET", "/Patient/none") }
      _ = try await live.send("POST", "/Patient", VersionTests.patient)
      _ = try await live.raw(Array("nonsense\r\n\r\n".utf8))
      let reply = try await live.askRoot("GET", "/metrics")
      #expect(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
      let lines = Set(reply.text.split(separator: "\n").map(String.init))
      #expect(lines.contains(#"aceso_http_requests_total{method="GET",interaction="read",status="404"} 3"#))
      #expect(lines.contains(#"aceso_http_requests_total{method="POST",interaction="create",status="201"} 1"#))
      #expect(lines.contains(#"aceso_http_request_duration_seconds_count{interaction="read"} 3"#))
      #expect(lines.contains(#"aceso_http_request_duration_seconds_bucket{interaction="read",le="+Inf"} 3"#))
      #expect(lines.contains(#"aceso_http_refused_total{status="400"} 1"#))
      #expect(lines.contains(#"aceso_service_writable{workspace="default",service="fhir"} 1"#))
      #expect(lines.contains("# TYPE aceso_http_request_duration_seconds histogram"))
      #expect(lines.contains("aceso_http_requests_in_flight 1"))
      #expect(lines.contains { $0.hasPrefix("process_resident_memory_bytes ") })
      // Each name is introduced once.
      let types = reply.text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
      #expect(Set(types).count == types.count)
    }
  }

  /// The log tells what was asked, never of whom.
  @Test func theLogHoldsNoValues() async throws {
    try await LiveServer.run(logLevel: .debug) { live in
      let body = #"{"resourceType":"Patient","id":"secret-id","name":[{"family":"Secretname"}]}"#
      _ = try await live.send("PUT", "/Patient/secret-id", body, ["X-Request-Id": "secret-correlation"])
      _ = try await live.ask("GET", "/Patient?name=Secretname")
      _ = try await live.ask("GET", "/Patient/secret-id/_history/1")
      _ = try await live.ask("SECRET", "/Patient/secret-id")
      _ = try await live.ask("GET", "/secret-path")
      let log = live.log
      #expect(log.contains { $0.contains(#""method":"PUT","route":"/default/fhir/Patient/{id}","status":201"#) })
      #expect(log.contains { $0.contains(#""route":"/default/fhir/Patient?{criteria}","status":200"#) })
      #expect(log.contains { $0.contains(#""route":"/default/fhir/Patient/{id}/_history/{vid}""#) })
      #expect(log.allSatisfy { !$0.lowercased().contains("secret") })
      #expect(log.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}\n") })
    }
  }

  @Test func requestsAreNotLoggedUnlessAskedFor() async throws {
    try await LiveServer.run(logLevel: .info) { live in
      _ = try await live.ask("GET", "/Patient")
      // A slow one may be told as a warning.
      #expect(live.log.allSatisfy { !$0.contains("\"level\":\"debug\"") })
      #expect(live.log.contains { $0.contains("\"event\":\"listening\"") })
    }
  }
}
