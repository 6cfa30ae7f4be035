import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Testing

/// What contained resources say (FHIR R4 references#contained) is extracted as for any other, and kept apart.
@Suite struct ContainedIndexTests {
  private static let medication = #"""
    {"resourceType":"Medication","id":"m1","code":{"coding":[{"system":"urn:s","code":"abc"}]},
     "ingredient":[{"itemReference":{"reference":"Substance/7"}},{"itemReference":{"reference":"#x"}}]}
    """#

  private static func request(_ contained: String) -> String {
    #"{"resourceType":"MedicationRequest","id":"r","status":"active","intent":"order","contained":[\#(contained)]}"#
  }

  private static func inner(_ json: String) throws -> [Int: [IndexRow]] {
    var inner: [Int: [IndexRow]] = [:]
    for row in try Extraction.rows(json) {
      if case .within(let place, let row) = row { inner[place, default: []].append(row) }
    }
    return inner
  }

  @Test func rowsAreThoseOfTheResourceAlone() throws {
    let offset = SearchParameter.containedOffset
    let alone = try Extraction.rows(Self.medication)
    let within = try #require(try Self.inner(Self.request(Self.medication))[0])
    #expect(within.map { $0.parameter - offset } == alone.map(\.parameter))
    #expect(within.map(Extraction.line) == alone.map(Extraction.line))
    #expect(within.map(Extraction.line).contains("token urn:s|abc"))
    #expect(within.map(Extraction.line).contains("reference Substance/7"))
    // What the container itself says stands under the usual numbers, and stays what it is.
    let own = try Extraction.rows(Self.request(Self.medication)).filter { $0.parameter > 0 && $0.parameter < offset }
    let bare = try Extraction.rows(#"{"resourceType":"MedicationRequest","id":"r","status":"active","intent":"order"}"#)
    #expect(own == bare)
  }

  @Test func theResourceItselfIsARow() throws {
    let json = Self.request(#"\#(Self.medication),{"resourceType":"Patient"}"#)
    let found = try Extraction.rows(json).compactMap { row in
      if case .contained = row { Extraction.line(row) } else { nil }
    }
    #expect(found == ["0: Medication m1 in MedicationRequest", "1: Patient  in MedicationRequest"])
  }

  /// A reference to a contained resource tells its place; one to nothing says nothing.
  @Test func referencesTellThePlace() throws {
    let json = ##"""
      {"resourceType":"DiagnosticReport","status":"final","code":{"text":"r"},"subject":{"reference":"#p"},
       "result":[{"reference":"#o"},{"reference":"#none"},{"reference":"#"}],
       "contained":[{"resourceType":"Patient","id":"p"},
                    {"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"#p"}}]}
      """##
    let local = try Extraction.rows(json).compactMap { row -> String? in
      guard SearchParameter.isLocal(row.parameter) else { return nil }
      return Extraction.line(row)
    }
    #expect(Set(local) == ["reference Patient/0", "reference Observation/1", "1: reference Patient/0"])
  }

  /// What is no list, no resource, or of no known type says nothing.
  @Test(arguments: [
    #""contained":{}"#, #""contained":"x""#, #""contained":[1,"a",null,{},{"resourceType":7},{"resourceType":"Foo"}]"#,
    #""contained":[{"resourceType":"Resource","id":"a"}]"#, #""contained":[]"#,
  ]) func othersAreNone(_ member: String) throws {
    let rows = try Extraction.rows(#"{"resourceType":"Patient","gender":"male",\#(member)}"#)
    #expect(rows == (try Extraction.rows(#"{"resourceType":"Patient","gender":"male"}"#)))
  }

  /// Contained resources do not contain others (FHIR R4 dom-2).
  @Test func oneLevelOnly() throws {
    let nested = #"{"resourceType":"Medication","contained":[{"resourceType":"Substance","code":{"text":"deep"}}]}"#
    #expect(!(try Extraction.rows(Self.request(nested))).contains { Extraction.line($0).contains("deep") })
  }

  /// The first so many count.
  @Test func limits() throws {
    let many = Array(repeating: #"{"resourceType":"Medication"}"#, count: IndexExtractor.containedMax + 1)
    func places(_ count: Int) throws -> Int {
      try Extraction.rows(Self.request(many.prefix(count).joined(separator: ","))).count {
        if case .contained = $0 { true } else { false }
      }
    }
    #expect(try places(IndexExtractor.containedMax) == IndexExtractor.containedMax)
    #expect(try places(IndexExtractor.containedMax + 1) == IndexExtractor.containedMax)
    // Their rows count like the container's own.
    var limits = Limits()
    limits.indexRowsMax = 10
    let extractor = IndexExtractor(Extraction.parameters, limits: limits)
    let names = (0..<10).map { #"{"resourceType":"Patient","gender":"male","id":"p\#($0)"}"# }
    #expect(throws: Fault.self) {
      try Extraction.rows(Self.request(names.joined(separator: ",")), extractor: extractor)
    }
  }
}
