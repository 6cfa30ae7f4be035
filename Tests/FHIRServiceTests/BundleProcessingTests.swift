import Base
import FHIRSearch
import FHIRService
import Foundation
import JSONCore
import Testing

/// `x-bundle-processing-logic`, and what a bundle's entries come to under either of its values.
@Suite struct BundleProcessingTests {
  static let logics: [BundleProcessing?] = [nil, .parallel, .sequential]

  private static func send(_ service: TestService, _ json: String, _ logic: BundleProcessing?) async throws
    -> ServiceReply
  {
    try await service.service.send(.post, "", json) { $0.bundleProcessing = logic }
  }

  @Test func header() throws {
    for (text, expected) in [
      ("parallel", BundleProcessing.parallel), ("Parallel", .parallel), ("PARALLEL", .parallel),
      ("sequential", .sequential), ("Sequential", .sequential),
    ] {
      let read = try BundleProcessing(header: text)
      #expect(read == expected)
    }
    for text in ["", "both", "parallel, sequential", " parallel"] {
      do throws(Fault) {
        _ = try BundleProcessing(header: text)
        Issue.record("'\(text)' is taken")
      } catch {
        #expect(error.category == .invalid)
        let expected = "The x-bundle-processing-logic header '\(text)' is not one of parallel, sequential."
        #expect(error.reasons.first?.diagnostics == expected)
      }
    }
  }

  private static func patch(_ json: String) -> String {
    #"{"resourceType":"Binary","contentType":"application/json-patch+json","data":"\#(Data(json.utf8).base64EncodedString())"}"#
  }

  /// Every status of a batch that has all of them.
  @Test(arguments: logics) func batch(logic: BundleProcessing?) async throws {
    try await withService { service in
      for id in ["patched", "gone", "gone2"] {
        try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
      }
      let json = #"""
        {"resourceType":"Bundle","type":"batch","entry":[
          {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},
          {"resource":{"resourceType":"Patient","id":"new"},"request":{"method":"PUT","url":"Patient/new"}},
          {"resource":\#(Self.patch(#"[{"op":"add","path":"/active","value":true}]"#)),
           "request":{"method":"PATCH","url":"Patient/patched"}},
          {"resource":\#(Self.patch(#"[{"op":"add","path":"/gender","value":"male"}]"#)),
           "request":{"method":"PATCH","url":"Patient/patched"}},
          {"request":{"method":"DELETE","url":"Patient/gone"}}, {"request":{"method":"DELETE","url":"Patient/gone2"}},
          {"request":{"method":"POST","url":"ValueSet/$lookup"}}, {"request":{"method":"GET","url":"Patient?gender=male"}},
          {"request":{"method":"GET","url":"Patient/12334"}}]}
        """#
      let reply = try await Self.send(service, json, logic)
      #expect(reply.status == 200)
      #expect(reply.statuses == ["201", "201", "200", "200", "204", "204", "404", "200", "404"], "\(reply.text)")
      let patched = try await service.send(.get, "Patient/patched")
      #expect(patched.body?["active"]?.bool == true)
      #expect(patched.body?["gender"]?.string == "male")
      #expect(patched.answer?.version == 3)
    }
  }

  @Test(arguments: logics) func transaction(logic: BundleProcessing?) async throws {
    try await withService { service in
      try await service.send(.put, "Patient/old", #"{"resourceType":"Patient","id":"old"}"#)
      let json = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[
          {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},
          {"resource":{"resourceType":"Patient","identifier":[{"value":"c"}]},
           "request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=c"}},
          {"resource":{"resourceType":"Patient","id":"put"},"request":{"method":"PUT","url":"Patient/put"}},
          {"resource":{"resourceType":"Patient","identifier":[{"value":"u"}]},
           "request":{"method":"PUT","url":"Patient?identifier=u"}},
          {"request":{"method":"GET","url":"Patient?identifier=c"}}, {"request":{"method":"GET","url":"Patient/put"}},
          {"request":{"method":"DELETE","url":"Patient/old"}}]}
        """#
      let reply = try await Self.send(service, json, logic)
      #expect(reply.statuses == ["201", "201", "201", "201", "200", "200", "204"], "\(reply.text)")
      let failing = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[
          {"request":{"method":"DELETE","url":"Patient/put"}}, {"request":{"method":"GET","url":"Patient/12345"}}]}
        """#
      let failed = try await Self.send(service, failing, logic)
      #expect(failed.status == 404)
      #expect(
        failed.diagnostics == [
          "Transaction failed on 'GET' for the requested url '/Patient/12345'.",
          "Resource type 'Patient' with id '12345' couldn't be found.",
        ])
      #expect(try await service.send(.get, "Patient/put").answer?.version == 1)
    }
  }

  /// "If any resource identities overlap, the transaction SHALL fail" (FHIR R4 http#trules), also where an entry finds
  /// nothing to do.
  @Test(arguments: [
    #"{"resource":{"resourceType":"Patient","id":"p"},"request":{"method":"PUT","url":"Patient/p"}}"#,
    #"{"resource":{"resourceType":"Patient","id":"p","active":true},"request":{"method":"PUT","url":"Patient/p"}}"#,
    #"{"resource":{"resourceType":"Patient","identifier":[{"value":"1"}],"active":true},"request":{"method":"PUT","url":"Patient?identifier=1"}}"#,
    #"{"request":{"method":"DELETE","url":"Patient/p"}}"#,
    #"{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=1"}}"#,
  ])
  func overlaps(entry: String) async throws {
    try await withService { service in
      let stored = #"{"resourceType":"Patient","id":"p","identifier":[{"value":"1"}]}"#
      try await service.send(.put, "Patient/p", stored)
      let json = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[\#(entry),
          {"resource":\#(stored),"request":{"method":"PUT","url":"Patient/p"}}]}
        """#
      let reply = try await service.send(.post, "", json)
      #expect(reply.status == 400, "\(reply.text)")
      #expect(
        reply.diagnostics == ["Bundle contains multiple entries that refers to the same resource 'Patient/p'."])
      #expect(try await service.send(.get, "Patient/p").answer?.version == 1)
    }
  }
}
