import Base
import DICOMCore
import DICOMStore
import DICOMweb
import JSONCore

extension DICOMService {
  /// QIDO-RS (PS3.18 §10.6): matches as an array of DICOM JSON, or as parts of Native XML.
  func search(_ scope: SearchScope, _ call: DICOMCall) async throws -> DICOMAnswer {
    let form = try call.acceptance.resultsForm()
    var query = try DICOMQuery(scope, call.parameters, call.version, limits: limits.search)
    query.retrieveRoot = call.root
    let counts = call.version == .standard
    let result = try await store.search(query, partition: call.partitionName, countsRemaining: counts)
    if result.matches.isEmpty { try await checkPartition(call) }
    var answer = result.matches.isEmpty ? DICOMAnswer(204) : try content(result.matches.map(\.json), form)
    answer.headers += query.warnings.map { call.warning($0) }
    if result.remaining > 0 {
      // PS3.18 §8.3.4.4: whoever pages learns that there is more.
      let count = counts ? (result.isRemainingExact ? "" : "at least ") + "\(result.remaining) " : ""
      answer.headers.append(call.warning("There are \(count)additional results that can be requested"))
    }
    return answer
  }

  private func content(_ matches: [[UInt8]], _ form: Acceptance.DataSetForm) throws -> DICOMAnswer {
    switch form {
    case .json:
      var bytes: [UInt8] = []
      bytes.reserveCapacity(matches.reduce(2) { $0 + $1.count + 1 })
      bytes.append(UInt8(ascii: "["))
      for (number, match) in matches.enumerated() {
        if number > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes += match
      }
      bytes.append(UInt8(ascii: "]"))
      return DICOMAnswer(200, contentType: "application/dicom+json", .bytes(bytes))
    case .xml:
      let writer = MultipartWriter()
      var bytes: [UInt8] = []
      for (number, match) in matches.enumerated() {
        bytes += writer.head(isFirst: number == 0, [("Content-Type", "application/dicom+xml")])
        bytes += NativeXMLWriter.xml(try DICOMJSONReader.dataSet(try JSONDocument(match)))
      }
      bytes += writer.end
      return DICOMAnswer(200, contentType: writer.contentType("application/dicom+xml"), .bytes(bytes))
    }
  }
}
