import DICOMCore
import FoundationEssentials
import JSONCore
import Testing

/// Every DICOM file we have, through the running server and back.
@Suite struct DICOMCorpusTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(".conformance-data/dicom")

  private static func files() throws -> [URL] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    return paths.map { folder.appendingPathComponent($0) }.filter { url in
      var isFolder = false
      return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && !isFolder
    }
  }

  /// What came of a file.
  private struct Outcome {
    var isDICOM = false
    var hasPixels = false
    var isStored = false
    /// Why it was not: a Failure Reason.
    var reason: Int?
    var isIdentical = false
    var hasMetadata = false
    var frame: Int?
    var rendered: Int?
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: DICOMCorpusTests.folder.path), "needs data set dicom"))
  func everyFileComesBackAsItWas() async throws {
    try await LiveDICOM.run { live in
      var outcomes: [(name: String, is: Outcome)] = []
      for url in try Self.files() {
        let bytes = [UInt8](try Data(contentsOf: url))
        outcomes.append((url.lastPathComponent, try await Self.outcome(bytes, live)))
      }
      Self.tell(outcomes.map(\.is))
      for (name, outcome) in outcomes where outcome.isStored {
        #expect(outcome.isIdentical, "\(name)")
        #expect(outcome.hasMetadata, "\(name)")
        // Never the server's own failure; and what has pixels has a first frame.
        #expect(outcome.frame == 200 || !outcome.hasPixels && outcome.frame == 404, "\(name): \(outcome.frame ?? 0)")
        #expect([200, 406].contains(outcome.rendered) || !outcome.hasPixels && outcome.rendered == 404, "\(name)")
      }
      // Whatever is refused is refused with a reason.
      for (name, outcome) in outcomes where !outcome.isStored { #expect(outcome.reason != nil, "\(name)") }
      #expect(outcomes.count { $0.is.isStored } >= 300)
    }
  }

  private static func tell(_ outcomes: [Outcome]) {
    func counts(_ values: [Int?]) -> String {
      var counts: [Int: Int] = [:]
      for value in values { if let value { counts[value, default: 0] += 1 } }
      return counts.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
    }
    let stored = outcomes.filter(\.isStored)
    let shown = stored.filter(\.hasPixels)
    print(
      """
      \(outcomes.count) files, \(outcomes.count(where: \.isDICOM)) of them DICOM: \(stored.count) stored, of them \
      \(stored.count(where: \.isIdentical)) came back identical and \(stored.count(where: \.hasMetadata)) have metadata
      refused by reason: \(counts(outcomes.filter { !$0.isStored }.map(\.reason)))
      \(shown.count) with pixels: frame 1 as stored \(counts(shown.map(\.frame))), rendered \(counts(shown.map(\.rendered)))
      """)
  }

  private static func outcome(_ bytes: [UInt8], _ live: LiveDICOM) async throws -> Outcome {
    var outcome = Outcome()
    if let file = try? DICOMFile(bytes) {
      outcome.isDICOM = true
      outcome.hasPixels = PixelData(file.dataSet).map { !$0.frames.isEmpty } ?? false
    }
    let answer = try await live.ask(
      "POST", "/studies", ["Accept": "application/dicom+json", "Content-Type": "application/dicom"], body: bytes)
    guard [200, 202, 409].contains(answer.status) else { throw WireError(what: "store: \(answer.status)") }
    let response = try answer.json()
    // What names no instance is among the other failures (PS3.18 §10.5.3.2).
    let failed = response["00081198"] ?? response["0008119A"]
    outcome.reason = failed?["Value"]?.elements.first?["00081197"]?["Value"]?.elements.first?.integer
    guard let url = response["00081199"]?["Value"]?.elements.first?["00081190"]?["Value"]?.elements.first?.string,
      let start = url.firstRange(of: "/studies/")
    else { return outcome }
    outcome.isStored = true
    let path = String(url[start.lowerBound...])
    let back = try await live.get(path, accept: "application/dicom; transfer-syntax=*")
    outcome.isIdentical = back.status == 200 && same(back.body, bytes)
    let metadata = try await live.get(path + "/metadata", accept: "application/dicom+json")
    outcome.hasMetadata = try metadata.status == 200 && metadata.json().elements.count == 1
    let frame = try await live.get(
      path + "/frames/1", accept: "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*")
    outcome.frame = frame.status
    let rendered = try await live.get(path + "/rendered")
    outcome.rendered = rendered.status
    // Many files share their UIDs: the next one finds the place free.
    _ = try await live.ask("DELETE", "/v2" + path)
    return outcome
  }

  /// Byte for byte, but for the preamble, which the store sets to zeros (PS3.10 §7.1).
  private static func same(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    let hasPreamble = second.count >= 132 && second[128..<132].elementsEqual("DICM".utf8)
    return first.count == second.count && (hasPreamble ? first[128...] == second[128...] : first == second)
  }
}
