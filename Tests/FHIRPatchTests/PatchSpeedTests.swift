import Base
import FHIRModel
import FHIRPatch
import JSONCore
import Testing

/// What patching one field of a resource of 30 kB costs. It prints; only a release build's figure means anything.
@Suite struct PatchSpeedTests {
  private static let patient: String = {
    let names = (0..<200).map { place in
      #"{"use":"official","family":"Family\#(place)","given":["Given\#(place)","Second"],"#
        + #""period":{"start":"1990-01-01","end":"2020-01-01"},"text":"Given Second Family \#(place)"}"#
    }
    return Patching.patient.replacing(#""active":true,"#, with: #""active":true,"contact":[{"gender":"male"}],"#)
      .replacing(#""name":["#, with: #""name":[\#(names.joined(separator: ",")),"#)
  }()

  @Test func oneField() throws {
    let document = try JSONDocument(Self.patient)
    let type = try #require(Schema.r4.type("Patient"))
    let operation = [Patching.type("replace"), Patching.path("Patient.gender"), Patching.value("Code", #""female""#)]
    let parameters = try JSONDocument(Patching.parameters(operation))
    let json = try JSONDocument(#"[{"op":"replace","path":"/gender","value":"female"}]"#)
    let rounds = 300
    let clock = ContinuousClock()
    let byPath = try clock.measure {
      for _ in 0..<rounds {
        let patch = try FHIRPathPatch(parsing: parameters, schema: .r4)
        _ = try patch.apply(to: document, type: type, now: Patching.now)
      }
    }
    let byPointer = try clock.measure {
      for _ in 0..<rounds { _ = try JSONPatch(parsing: json).apply(to: document, schema: .r4) }
    }
    print(
      "one field of \(document.byteCount) bytes: JSON Patch \(byPointer / rounds), FHIRPath Patch \(byPath / rounds)")
    #expect(byPath / rounds < .milliseconds(20))
  }
}
