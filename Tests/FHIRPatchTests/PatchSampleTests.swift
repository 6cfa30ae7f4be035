import Base
import FHIRModel
import FHIRPatch
import Foundation
import JSONCore
import Testing

/// The samples of Microsoft's FHIR server, as data: patches in bundles and in request files.
@Suite struct PatchSampleTests {
  static let folder = "ms-fhir-server"

  @Test(.enabled(if: ConformanceData.has(folder), "needs data set ms-fhir-server"))
  func bundleOfFHIRPathPatches() throws {
    let bundle = try JSONDocument(
      try ConformanceData.text("ms-fhir-server/TestFiles/Normative/Bundle-FhirPatch.json")
    ).value
    let entries = try #require(bundle["entry"]).elements
    var patient = String(decoding: try #require(entries[0]["resource"]?.json), as: UTF8.self)
    for entry in entries.dropFirst() {
      let body = String(decoding: try #require(entry["resource"]?.json), as: UTF8.self)
      patient = try Patching.fhirPath(body, to: patient)
    }
    let result = try JSONDocument(patient).value
    #expect(result["gender"]?.string == "female")
    let race = try #require(result["extension"]?[0]?["extension"])
    #expect(race[0]?["valueCoding"]?["code"]?.string == "2054-5")
    #expect(race[1]?["valueString"]?.string == "Asian")
    #expect(result["extension"]?.count == 3)
  }

  @Test(.enabled(if: ConformanceData.has(folder), "needs data set ms-fhir-server"))
  func bundleOfBinaryPatch() throws {
    let bundle = try JSONDocument(
      try ConformanceData.text("ms-fhir-server/TestFiles/Normative/Bundle-BinaryPatch.json")
    ).value
    let entries = try #require(bundle["entry"]).elements
    let patient = String(decoding: try #require(entries[0]["resource"]?.json), as: UTF8.self)
    let text = try #require(entries[1]["resource"]?["data"]?.string)
    let data = try #require(Data(base64Encoded: text))
    let result = try Patching.json(String(decoding: data, as: UTF8.self), to: patient)
    #expect(try JSONDocument(result).value["gender"]?.string == "female")
  }

  /// The JSON bodies of a request file: from a line that is a bracket to the blank line or "###" after it.
  private func bodies(_ file: String) throws -> [String] {
    var bodies: [String] = []
    var body: [Substring] = []
    for line in try ConformanceData.text(file).split(separator: "\n", omittingEmptySubsequences: false) {
      let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
      if body.isEmpty, text != "{", text != "[" { continue }
      if text.hasPrefix("#") || text.isEmpty {
        bodies.append(body.joined(separator: "\n"))
        body = []
      } else {
        body.append(line)
      }
    }
    return body.isEmpty ? bodies : bodies + [body.joined(separator: "\n")]
  }

  private static let patient = """
    {"resourceType":"Patient","id":"p1","meta":{"versionId":"1","lastUpdated":"2024-01-01T00:00:00.000Z"},\
    "name":[{"family":"A"}],"telecom":[{"use":"home","value":"1"},{"use":"work","value":"2"}],\
    "address":[{"use":"home","city":"B"}]}
    """

  @Test(.enabled(if: ConformanceData.has(folder), "needs data set ms-fhir-server"))
  func requestFiles() throws {
    var counts = (applied: 0, refused: 0, skipped: 0)
    for body in try bodies("ms-fhir-server/docs-rest/JsonPatchRequests.http") where body.hasPrefix("[") {
      // The file says of these that they fail, or what the patient must have before.
      let mustFail = body.contains("versionId") || body.contains("\"test\"") || body.contains("/meta/security/-")
      let result = try? Patching.json(body, to: Self.patient)
      #expect((result == nil) == mustFail, "\(body)")
      if result == nil { counts.refused += 1 } else { counts.applied += 1 }
    }
    for body in try bodies("ms-fhir-server/docs-rest/FhirPatchRequests.http") where body.contains("\"operation\"") {
      guard let document = try? JSONDocument(body), document.value["resourceType"]?.string == "Parameters" else {
        counts.skipped += 1
        continue
      }
      let result = try? Patching.fhirPath(body, to: Self.patient)
      #expect((result == nil) == body.contains("versionId"), "\(body)")
      if result == nil { counts.refused += 1 } else { counts.applied += 1 }
    }
    print("patch samples: \(counts.applied) applied, \(counts.refused) refused, \(counts.skipped) no patches in JSON")
    #expect(counts.applied >= 10)
  }
}
