import Base
import FHIRService
import Foundation
import JSONCore
import Testing

/// As many values as a search may have, and one more; whatever their kind, and beside another condition.
@Suite struct ManyValuesTests {
  private static let observation =
    #"{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"urn:s","code":"c"}]},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-01-01","valueQuantity":{"value":7,"system":"http://unitsofmeasure.org","code":"mg"}}"#

  @Test(arguments: [
    ("code", "urn:s|c", "urn:s|x"), ("subject", "Patient/p", "Patient/x"), ("date", "2020-01-01", "1990-01-01T00:00:"),
    ("value-quantity", "7", "9000"), ("_id", "o", "x"), ("_lastUpdated", "gt2000-01-01", "1990-01-01T00:00:"),
  ])
  func alternatives(name: String, value: String, other: String) async throws {
    try await withService { service in
      try await service.send(.put, "Observation/o", Self.observation)
      func values(_ count: Int) -> String {
        let others = (0..<count).map { number in
          other.hasSuffix(":")
            ? String(format: "1990-01-01T%02d:%02d:00Z", number / 60, number % 60) : "\(other)\(number)"
        }
        return ([value] + others).joined(separator: ",")
      }
      let count = name == "date" || name == "_lastUpdated" ? 1_400 : 1_900
      for query in ["\(name)=\(values(count))", "\(name)=\(values(count))&status=final"] {
        let found = try await service.send(.get, "Observation?\(query)")
        #expect(found.status == 200, "\(found.diagnostics)")
        #expect(found.ids == ["o"])
        let total = try await service.send(.get, "Observation?\(query)&_summary=count")
        #expect(total.body?["total"]?.integer == 1)
      }
    }
  }

  @Test func limit() async throws {
    var limits = Limits()
    limits.searchValuesMax = 10
    try await withService(limits: limits) { service in
      let ten = (0..<10).map { "c\($0)" }.joined(separator: ",")
      #expect(try await service.send(.get, "Observation?code=\(ten)").status == 200)
      let more = try await service.send(.get, "Observation?code=\(ten)&status=final")
      #expect(more.status == 400)
      #expect(more.body?["issue"]?[0]?["code"]?.string == "too-costly")
    }
  }

  @Test func conditionalReferences() async throws {
    var limits = Limits()
    limits.conditionalReferencesMax = 2
    try await withService(limits: limits) { service in
      for id in ["a", "b", "c"] {
        try await service.send(
          .put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)","identifier":[{"value":"\#(id)"}]}"#)
      }
      func group(_ ids: [String]) -> String {
        let members = ids.map { #"{"entity":{"reference":"Patient?identifier=\#($0)"}}"# }.joined(separator: ",")
        return #"{"resourceType":"Group","type":"person","actual":true,"member":[\#(members)]}"#
      }
      // The same reference again costs nothing.
      let two = try await service.send(.post, "Group", group(["a", "b", "a", "b"]))
      #expect(two.status == 201, "\(two.text)")
      #expect(two.body?["member"]?[2]?["entity"]?["reference"]?.string == "Patient/a")
      let three = try await service.send(.post, "Group", group(["a", "b", "c"]))
      #expect(three.status == 400)
    }
  }
}
