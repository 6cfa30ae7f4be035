import Base
import DICOMweb
import Testing

/// §1.6: both kinds of paging, and all that is refused.
@Suite struct ChangeFeedRequestTests {
  private func request(_ query: String, _ version: DICOMVersion) throws -> ChangeFeedRequest {
    try ChangeFeedRequest(QueryParameters(query: query), version)
  }

  private func message(_ query: String, _ version: DICOMVersion) -> String? {
    do {
      _ = try request(query, version)
      return nil
    } catch {
      guard let fault = error as? Fault, fault.category == .invalid else { return "\(error)" }
      return fault.reasons.first?.diagnostics
    }
  }

  @Test func `v1 pages by sequence numbers`() throws {
    #expect(try request("", .v1) == .sequence(offset: 0, limit: 10))
    #expect(try request("OFFSET=7&Limit=100", .v1) == .sequence(offset: 7, limit: 100))
    #expect(
      message("limit=101", .v1) == "The query parameter 'Limit' is invalid. The field Limit must be between 1 and 100.")
  }

  @Test func `v2 pages by time`() throws {
    #expect(try request("", .v2) == .window(start: nil, end: nil, offset: 0, limit: 100))
    let start = Instant(milliseconds: 1_683_108_000_123)
    #expect(
      try request("startTime=2023-05-03T10:00:00.1234567Z&limit=200", .v2)
        == .window(start: start, end: nil, offset: 0, limit: 200))
    // The same moment elsewhere; a form's plus is a space.
    for text in ["2023-05-03T12:00:00.123%2B02:00", "2023-05-03T12:00:00.123+02:00", "2023-05-03T05:00:00.123-0500"] {
      #expect(
        try request("endTime=\(text)", .v2) == .window(start: nil, end: start, offset: 0, limit: 100), "\(text)")
    }
    #expect(message("limit=201", .v2) != nil)
  }

  @Test(arguments: [
    "startTime=foo", "startTime=2023-05-03T10:00:00", "endTime=2023-05-03", "startTime=2023-02-30T10:00:00Z",
    "startTime=2023-05-03T10:00:00Z&endTime=2023-05-03T10:00:00Z",
    "startTime=2023-05-03T10:00:01Z&endTime=2023-05-03T10:00:00Z", "startTime=2023-13-03T10:00:00Z",
    "startTime=2023-05-03T25:00:00Z",
  ])
  func `times need a zone, and the end is behind the start`(query: String) {
    #expect(message(query, .v2) != nil)
  }

  @Test func `a time without a zone is told so`() {
    #expect(
      message("startTime=2023-05-03T10:00:00", .v2)
        == "The query parameter 'StartTime' is invalid. Date and time value must specify a time zone.")
  }

  @Test(arguments: ["offset=-1", "offset=x", "offset=1.5", "limit=0", "limit=-1", "limit=x", "limit=1.5"])
  func `numbers are in their range`(query: String) {
    for version in DICOMVersion.allCases { #expect(message(query, version) != nil, "\(query)") }
  }

  @Test func `metadata is there unless it is not wanted`() throws {
    #expect(try ChangeFeedRequest.includesMetadata(QueryParameters(query: "")))
    #expect(try !ChangeFeedRequest.includesMetadata(QueryParameters(query: "includemetadata=False")))
    #expect(throws: Fault.self) { try ChangeFeedRequest.includesMetadata(QueryParameters(query: "includeMetadata=x")) }
  }
}
