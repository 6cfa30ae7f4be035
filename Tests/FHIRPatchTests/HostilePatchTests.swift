import Base
import FHIRModel
import FHIRPatch
import JSONCore
import Testing

/// Patches that are meant to hurt: each ends in a fault, in bounded time and memory.
@Suite struct HostilePatchTests {
  private func category(_ patch: String, limits: PatchLimits = PatchLimits()) -> Fault.Category? {
    do {
      let patch = try JSONPatch(parsing: try JSONDocument(patch), limits: limits)
      _ = try patch.apply(to: try JSONDocument(Patching.patient))
      return nil
    } catch {
      return (error as? Fault)?.category
    }
  }

  @Test func operationsAreCounted() throws {
    var limits = PatchLimits()
    limits.operationsMax = 3
    let operation = #"{"op":"test","path":"/gender","value":"male"}"#
    func list(_ count: Int) -> String { "[" + Array(repeating: operation, count: count).joined(separator: ",") + "]" }
    #expect(category(list(3), limits: limits) == nil)
    #expect(category(list(4), limits: limits) == .unprocessable)
    let parts = [Patching.type("delete"), Patching.path("Patient.photo")]
    func parse(_ count: Int) throws {
      let body = (0..<count).map { _ in "{\"name\":\"operation\",\"part\":[\(parts.joined(separator: ","))]}" }
      let text = "{\"resourceType\":\"Parameters\",\"parameter\":[\(body.joined(separator: ","))]}"
      _ = try FHIRPathPatch(parsing: try JSONDocument(text), schema: .r4, limits: limits)
    }
    try parse(3)
    #expect(throws: Fault(.unprocessable, "A patch may have 3 operations at most.", code: "too-costly")) {
      try parse(4)
    }
  }

  @Test func doublingEnds() {
    let doubling = (0..<100).map { _ in #"{"op":"copy","from":"/name","path":"/name/-"}"# }
    #expect(category("[" + doubling.joined(separator: ",") + "]") == .tooLarge)
  }

  @Test func resultIsBounded() {
    var limits = PatchLimits()
    let patch = #"[{"op":"add","path":"/language","value":"de"}]"#
    limits.resultBytesMax = Patching.patient.utf8.count + #","language":"de""#.utf8.count
    #expect(category(patch, limits: limits) == nil)
    limits.resultBytesMax -= 1
    #expect(category(patch, limits: limits) == .tooLarge)
  }

  @Test func workIsBounded() {
    var limits = PatchLimits()
    let size = Patching.patient.utf8.count
    let operation = #"{"op":"replace","path":"/gender","value":"male"}"#
    limits.textBytesMax = 3 * size
    #expect(category("[\(operation),\(operation),\(operation)]", limits: limits) == nil)
    #expect(category("[\(operation),\(operation),\(operation),\(operation)]", limits: limits) == .tooLarge)
  }

  @Test func depthIsBounded() {
    let deepening = (0..<200).map { _ in #"{"op":"copy","from":"/name","path":"/name/0/x"}"# }
    #expect(category("[" + deepening.joined(separator: ",") + "]") == .invalid)
    let pointer = String(repeating: "/0", count: 129)
    #expect(category(#"[{"op":"test","path":"\#(pointer)","value":1}]"#) == .invalid)
    #expect(category(#"[{"op":"test","path":"/\#(String(repeating: "x", count: 20_000))","value":1}]"#) == .invalid)
  }

  @Test func largeObjectsAreComparedInTime() {
    let members = (0..<50_000).map { "\"m\($0)\":\($0)" }
    let (forth, back) = (members.joined(separator: ","), members.reversed().joined(separator: ","))
    let patch = #"[{"op":"add","path":"/x","value":{\#(forth)}},{"op":"test","path":"/x","value":{\#(back)}}]"#
    let clock = ContinuousClock()
    let time = clock.measure { #expect(category(patch) == nil) }
    #expect(time < .seconds(10))
  }

  @Test func pathsAreBounded() {
    let costly =
      "Patient.descendants().where($this.descendants().where(%resource.descendants().count() > 1)"
      + ".where(%resource.descendants().count() > 2).exists())"
    let parts = [Patching.type("delete"), Patching.path(costly + ".first()")]
    let parameter = "{\"name\":\"operation\",\"part\":[\(parts.joined(separator: ","))]}"
    let body = Array(repeating: parameter, count: 500).joined(separator: ",")
    let clock = ContinuousClock()
    let time = clock.measure {
      _ = try? Patching.fhirPath("{\"resourceType\":\"Parameters\",\"parameter\":[\(body)]}")
    }
    #expect(time < .seconds(30))
    let long = "Patient.name" + String(repeating: ".where(true)", count: 3_000)
    _ = Patching.diagnostics {
      try Patching.fhirPath(Patching.parameters([Patching.type("delete"), Patching.path(long)]))
    }
  }

  @Test func valuesThatAreMarkupStayText() throws {
    let value = #"<script>alert(1)</script>'; DROP TABLE resource; --"#
    let result = try Patching.json(#"[{"op":"replace","path":"/name/0/family","value":"\#(value)"}]"#)
    #expect(try JSONDocument(result).value["name"]?[0]?["family"]?.string == value)
  }

  @Test func faultsPrintNoValues() {
    let fault = Patching.fault { try Patching.json(#"[{"op":"test","path":"/name/0/family","value":"Meier"}]"#) }
    #expect(fault?.description == "Fault(invalid)")
    #expect(fault?.reasons.contains { $0.diagnostics.contains("Chalmers") } == false)
  }
}
