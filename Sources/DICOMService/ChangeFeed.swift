import Base
import DICOMCore
import DICOMStore
import DICOMweb
import JSONCore

extension DICOMService {
  /// Microsoft's feed of changes: of v1 by sequence numbers, of v2 and the standard's form by time.
  func changeFeed(_ call: DICOMCall) async throws -> DICOMAnswer {
    let request = try ChangeFeedRequest(call.parameters, call.version)
    let withMetadata = try ChangeFeedRequest.includesMetadata(call.parameters)
    guard call.acceptance.takesJSON else { throw Acceptance.notAcceptable }
    let entries: [ChangeFeedEntry]
    switch request {
    case .sequence(let offset, let limit):
      entries = try await store.changes(after: Int64(offset), limit: limit, withMetadata: withMetadata)
    case .window(let start, let end, let offset, let limit):
      entries = try await store.changes(
        from: start, to: end, offset: offset, limit: limit, withMetadata: withMetadata)
    }
    var writer = JSONWriter(reserving: 1024 + entries.reduce(0) { $0 + 512 + ($1.metadata?.count ?? 0) })
    writer.beginArray()
    for entry in entries { write(entry, &writer) }
    writer.endArray()
    return DICOMAnswer(200, contentType: "application/json", .bytes(writer.bytes))
  }

  /// The newest entry; an answer without a body if there is none.
  func latestChange(_ call: DICOMCall) async throws -> DICOMAnswer {
    let withMetadata = try ChangeFeedRequest.includesMetadata(call.parameters)
    guard call.acceptance.takesJSON else { throw Acceptance.notAcceptable }
    guard let entry = try await store.latestChange(withMetadata: withMetadata) else { return DICOMAnswer(200) }
    var writer = JSONWriter(reserving: 512 + (entry.metadata?.count ?? 0))
    write(entry, &writer)
    return DICOMAnswer(200, contentType: "application/json", .bytes(writer.bytes))
  }

  private func write(_ entry: ChangeFeedEntry, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("sequence")
    writer.number(entry.sequence)
    writer.member("partitionName", entry.partition)
    writer.member("studyInstanceUid", entry.studyUID.value)
    writer.member("seriesInstanceUid", entry.seriesUID.value)
    writer.member("sopInstanceUid", entry.instanceUID.value)
    writer.member("action", entry.action.name)
    writer.member("timestamp", entry.timestamp.fhir)
    writer.member("state", entry.state.rawValue)
    if let metadata = entry.metadata {
      writer.key("metadata")
      writer.raw(metadata)
    }
    writer.endObject()
  }
}
