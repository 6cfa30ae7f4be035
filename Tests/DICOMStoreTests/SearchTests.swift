import Base
import DICOMCore
import DICOMStore
import DICOMweb
import JSONCore
import TestSupport
import Testing

@Suite struct SearchTests {
  private typealias Condition = DICOMQuery.Condition

  private static func fill(_ fixture: StoreFixture) async throws {
    var first = TestInstance(
      "1.1", "1", "1",
      [
        (.patientName, .PN, "Müller^Jörg^Karl"), (.patientID, .LO, "ID-1"), (.studyDate, .DA, "20200131"),
        (.studyTime, .TM, "101530.5"), (.accessionNumber, .SH, "A_1%"), (.studyID, .SH, "S1"),
        (.referringPhysicianName, .PN, "House^Gregory"), (.patientBirthDate, .DA, "19700501"),
        (.seriesNumber, .IS, "3"), (.instanceNumber, .IS, "7"), (.modality, .CS, "CT"),
        (.studyDescription, .LO, "Chest CT"), (.manufacturerModelName, .LO, "Scanner X"),
        (.performedProcedureStepStartDate, .DA, "20200131"), (.performedProcedureStepStartTime, .TM, "1020"),
      ])
    first.requested = [("SPS1", "RP1"), ("SPS2", "RP1")]
    let second = TestInstance(
      "1.1", "2", "1", [(.patientName, .PN, "Müller^Jörg^Karl"), (.patientID, .LO, "ID-1"), (.modality, .CS, "MR")])
    let third = TestInstance(
      "1.2", "1", "1",
      [
        (.patientName, .PN, "Yamada^Tarou=山田^太郎=やまだ^たろう"), (.patientID, .LO, "ID-2"), (.studyDate, .DA, "20200201"),
        (.studyTime, .TM, "09"), (.accessionNumber, .SH, "AX11"), (.modality, .CS, "US"),
      ])
    var fourth = TestInstance("1.3", "1", "1", [(.patientName, .PN, "Smith^Anna Maria^^Dr^"), (.patientID, .LO, "")])
    fourth.set(.modality, .CS, nil)
    fourth.sopClass = "1.2.840.10008.5.1.4.1.1.4"
    try await fixture.store(first, second)
    try await fixture.store(third)
    try await fixture.store(fourth)
    // What is found by the study's values takes its newest instance's: the second has few.
    let more = TestInstance("1.1", "1", "2", first.attributes.filter { $0.0.group != 0x20 })
    var again = more
    again.requested = first.requested
    again.set(.seriesNumber, .IS, "3")
    try await fixture.store(again)
  }

  @Test("each kind of match finds what it should and nothing else")
  func matches() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await Self.fill(fixture)
    let studies: [(Condition, [String])] = [
      // Single values: case does not matter, in names neither do accents.
      (.match(.patientID, .text("id-1")), ["1.1"]),
      (.match(.patientID, .text("ID")), []),
      (.match(.patientName, .text("muller^JORG^karl")), ["1.1"]),
      (.match(.patientName, .text("Müller^Jörg")), []),
      (.match(.patientName, .text("yamada^tarou")), ["1.2"]),
      (.match(.patientName, .text("山田^太郎")), ["1.2"]),
      (.match(.patientName, .text("=山田^太郎")), ["1.2"]),
      (.match(.patientName, .wildcard("==やまだ*")), ["1.2"]),
      (.match(.patientName, .text("Yamada^Tarou=山田^太郎=やまだ^たろう")), ["1.2"]),
      (.match(.patientName, .text("Smith^Anna Maria^^Dr")), ["1.3"]),
      (.match(.accessionNumber, .text("a_1%")), ["1.1"]),
      (.match(.studyDescription, .text("chest ct")), ["1.1"]),
      // Wildcards, with characters that mean something to SQL.
      (.match(.patientID, .wildcard("ID-*")), ["1.2", "1.1"]),
      (.match(.patientID, .wildcard("*-2")), ["1.2"]),
      (.match(.patientID, .wildcard("?D-?")), ["1.2", "1.1"]),
      (.match(.patientID, .wildcard("ID-1?")), []),
      (.match(.accessionNumber, .wildcard("A_1*")), ["1.1"]),
      (.match(.accessionNumber, .wildcard("A*1%")), ["1.1"]),
      (.match(.accessionNumber, .wildcard("A*11")), ["1.2"]),
      (.match(.patientName, .wildcard("MULLER*")), ["1.1"]),
      (.match(.patientName, .wildcard("*tarou")), ["1.2"]),
      (.match(.patientName, .wildcard("m?ller^*")), ["1.1"]),
      // Words of names, each the beginning of one.
      (.match(.patientName, .words(["karl"])), ["1.1"]),
      (.match(.patientName, .words(["jo", "mül"])), ["1.1"]),
      (.match(.patientName, .words(["jo", "smi"])), []),
      (.match(.patientName, .words(["maria"])), ["1.3"]),
      (.match(.patientName, .words(["aria"])), []),
      (.match(.patientName, .words(["やま"])), ["1.2"]),
      (.match(.referringPhysicianName, .words(["greg"])), ["1.1"]),
      // Dates and times.
      (.match(.studyDate, .range(low: 20_200_131, high: 20_200_131)), ["1.1"]),
      (.match(.studyDate, .range(low: 20_200_131, high: nil)), ["1.2", "1.1"]),
      (.match(.studyDate, .range(low: nil, high: 20_200_131)), ["1.1"]),
      (.match(.studyDate, .range(low: 20_200_202, high: 20_200_301)), []),
      (.match(.studyTime, .range(low: 36_900_000_000, high: 36_930_500_000)), ["1.1"]),
      (.match(.studyTime, .range(low: nil, high: 32_400_000_000)), ["1.2"]),
      (.match(.patientBirthDate, .range(low: 19_700_501, high: 19_700_501)), ["1.1"]),
      // Combined: from the 31st of January at eleven on.
      (
        .combined(
          date: .studyDate, time: .studyTime, low: .init(date: 20_200_131, time: 39_600_000_000), high: nil), ["1.2"]
      ),
      (
        .combined(
          date: .studyDate, time: .studyTime, low: .init(date: 20_200_131, time: 36_000_000_000),
          high: .init(date: 20_200_201, time: 32_399_999_999)), ["1.1"]
      ),
      // UIDs and modalities.
      (.match(.studyInstanceUID, .uids(["1.3", "1.1", "9"])), ["1.3", "1.1"]),
      (.match(.modalitiesInStudy, .text("mr")), ["1.1"]),
      (.match(.modalitiesInStudy, .wildcard("?R")), ["1.1"]),
      (.match(.modalitiesInStudy, .wildcard("*")), ["1.2", "1.1"]),
      // Without a value.
      (.match(.patientID, .empty), ["1.3"]),
      (.match(.studyDate, .empty), ["1.3"]),
      (.match(.modalitiesInStudy, .empty), ["1.3"]),
      (.match(.referringPhysicianName, .empty), ["1.3", "1.2"]),
    ]
    for (condition, expected) in studies {
      #expect(try await fixture.found(SearchScope(.study), condition) == expected, "\(condition)")
    }
    let series: [(Condition, [String])] = [
      (.match(.modality, .text("CT")), ["1.1/1.1.1"]),
      (.match(.modality, .empty), ["1.3/1.3.1"]),
      (.match(.seriesNumber, .number(3)), ["1.1/1.1.1"]),
      (.match(.scheduledProcedureStepID, .text("sps2")), ["1.1/1.1.1"]),
      (.match(.scheduledProcedureStepID, .wildcard("SPS*")), ["1.1/1.1.1"]),
      (.match(.requestedProcedureID, .text("RP1")), ["1.1/1.1.1"]),
      (.match(.requestedProcedureID, .text("RP")), []),
      (.match(.manufacturerModelName, .wildcard("scanner*")), ["1.1/1.1.1"]),
      (.match(.performedProcedureStepStartDate, .range(low: 20_200_101, high: 20_201_231)), ["1.1/1.1.1"]),
      (.match(.performedProcedureStepStartTime, .range(low: 37_200_000_000, high: nil)), ["1.1/1.1.1"]),
      (.match(.seriesInstanceUID, .uids(["1.1.2"])), ["1.1/1.1.2"]),
      // Of the study.
      (.match(.patientID, .text("ID-1")), ["1.1/1.1.2", "1.1/1.1.1"]),
    ]
    for (condition, expected) in series {
      #expect(try await fixture.found(SearchScope(.series), condition) == expected, "\(condition)")
    }
    let instances: [(Condition, [String])] = [
      (.match(.instanceNumber, .number(7)), ["1.1/1.1.1/1.1.1.1"]),
      (.match(.sopClassUID, .uids(["1.2.840.10008.5.1.4.1.1.4"])), ["1.3/1.3.1/1.3.1.1"]),
      (.match(.sopClassUID, .uids(["1.2.9"])), []),
      (.match(.sopInstanceUID, .uids(["1.1.1.2"])), ["1.1/1.1.1/1.1.1.2"]),
      (.match(.modality, .text("CT")), ["1.1/1.1.1/1.1.1.2", "1.1/1.1.1/1.1.1.1"]),
      (.match(.patientName, .words(["smith"])), ["1.3/1.3.1/1.3.1.1"]),
    ]
    for (condition, expected) in instances {
      #expect(try await fixture.found(SearchScope(.instance), condition) == expected, "\(condition)")
    }
    await fixture.close()
  }

  @Test("conditions together, and within a study or series")
  func scopes() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await Self.fill(fixture)
    #expect(
      try await fixture.found(
        SearchScope(.study), .match(.patientID, .text("ID-1")), .match(.modalitiesInStudy, .text("CT")),
        .match(.patientName, .words(["karl"])), .match(.studyDate, .range(low: 20_200_131, high: nil))) == ["1.1"])
    #expect(
      try await fixture.found(
        SearchScope(.study), .match(.patientID, .text("ID-1")), .match(.modalitiesInStudy, .text("US"))) == [])
    #expect(try await fixture.found(SearchScope(.series, study: "1.1")) == ["1.1/1.1.2", "1.1/1.1.1"])
    #expect(
      try await fixture.found(SearchScope(.series, study: "1.1"), .match(.modality, .text("MR"))) == ["1.1/1.1.2"])
    #expect(
      try await fixture.found(SearchScope(.instance, study: "1.1"), .match(.modality, .text("MR")))
        == ["1.1/1.1.2/1.1.2.1"])
    #expect(
      try await fixture.found(SearchScope(.instance, study: "1.1", series: "1.1.1"))
        == ["1.1/1.1.1/1.1.1.2", "1.1/1.1.1/1.1.1.1"])
    #expect(try await fixture.found(SearchScope(.instance, study: "1.2", series: "1.1.1")) == [])
    #expect(try await fixture.found(SearchScope(.series, study: "9")) == [])
    await fixture.close()
  }

  @Test("answers have the attributes asked for, from rows, counts and metadata, in ascending order")
  func answers() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await Self.fill(fixture)
    func json(_ scope: SearchScope, _ condition: Condition, _ tags: [Tag]) async throws -> [String] {
      try await fixture.search(scope, [condition], tags: tags).matches.map { String(decoding: $0.json, as: UTF8.self) }
    }
    let one = Condition.match(.studyInstanceUID, .uids(["1.1"]))
    #expect(
      try await json(
        SearchScope(.study), one,
        [
          .studyInstanceUID, .patientID, .modalitiesInStudy, .numberOfStudyRelatedSeries, .retrieveURL,
          .numberOfStudyRelatedInstances, .studyDate, .patientSex,
        ]) == [
          #"{"00080020":{"vr":"DA","Value":["20200131"]},"00080061":{"vr":"CS","Value":["CT","MR"]},"#
            + #""00081190":{"vr":"UR","Value":["http://host/dicom/studies/1.1"]},"00100020":{"vr":"LO","Value":["ID-1"]},"#
            + #""0020000D":{"vr":"UI","Value":["1.1"]},"00201206":{"vr":"IS","Value":[2]},"#
            + #""00201208":{"vr":"IS","Value":[3]}}"#
        ])
    // Series: its own, its study's, and what is in the metadata only.
    #expect(
      try await json(
        SearchScope(.series), .match(.seriesInstanceUID, .uids(["1.1.1"])),
        [.patientID, .modality, .numberOfSeriesRelatedInstances, .sopInstanceUID, .retrieveURL]) == [
          #"{"00080018":{"vr":"UI","Value":["1.1.1.2"]},"00080060":{"vr":"CS","Value":["CT"]},"#
            + #""00081190":{"vr":"UR","Value":["http://host/dicom/studies/1.1/series/1.1.1"]},"#
            + #""00100020":{"vr":"LO","Value":["ID-1"]},"00201209":{"vr":"IS","Value":[2]}}"#
        ])
    #expect(
      try await json(
        SearchScope(.instance), .match(.instanceNumber, .number(7)),
        [.sopClassUID, .instanceNumber, .accessionNumber, .availableTransferSyntaxUID, .seriesNumber]) == [
          #"{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00080050":{"vr":"SH","Value":["A_1%"]},"#
            + #""00083002":{"vr":"UI","Value":["1.2.840.10008.1.2.1"]},"00200011":{"vr":"IS","Value":[3]},"00200013":{"vr":"IS","Value":[7]}}"#
        ])
    // A study's only series has no modality; an empty value is shown as one.
    #expect(
      try await json(
        SearchScope(.study), .match(.studyInstanceUID, .uids(["1.3"])), [.modalitiesInStudy, .patientID]) == [
          #"{"00080061":{"vr":"CS"},"00100020":{"vr":"LO"}}"#
        ])
    await fixture.close()
  }

  @Test("values too large for a row come from the metadata")
  func large() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let history = String(repeating: "long ", count: 2_000) + "end"
    let tag = Tag(0x0010, 0x21B0)
    try await fixture.store(TestInstance("1.1", "1", "1", [(tag, .LT, history), (.patientID, .LO, "P")]))
    let match = try #require(try await fixture.search(SearchScope(.study), tags: [tag, .patientID]).matches.first)
    #expect(try match.text(tag) == history)
    #expect(try match.text(.patientID) == "P")
    await fixture.close()
  }

  @Test("pages are newest first, whole, and tell how many remain")
  func pages() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    for study in 1...25 { try await fixture.store(TestInstance("1.\(study)", "1", "1")) }
    // A study's place is that of its first instance.
    try await fixture.store(TestInstance("1.3", "1", "2"))
    var all: [String] = []
    for (offset, remaining) in [(0, 15), (10, 5), (20, 0)] {
      let page = try await fixture.search(SearchScope(.study), limit: 10, offset: offset)
      all += page.matches.map(\.studyUID.value)
      #expect(page.remaining == remaining)
      #expect(page.isRemainingExact)
    }
    #expect(all == (1...25).reversed().map { "1.\($0)" })
    #expect(try await fixture.search(SearchScope(.study), limit: 10, offset: 25).matches.isEmpty)
    let page = try await fixture.search(
      SearchScope(.study), [.match(.patientID, .text("P1"))], limit: 25, offset: 0)
    #expect(page.matches.count == 25 && page.remaining == 0)
    await fixture.close()
  }

  @Test("how many remain is counted up to a bound")
  func remainingBound() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let all = (0...DICOMStore.remainingMax + 1).map { TestInstance("1.1", "1", "\($0)") }
    _ = try await fixture.store.store(all.map { try $0.new() })
    let exact = try await fixture.search(SearchScope(.instance), limit: 2)
    #expect(exact.remaining == DICOMStore.remainingMax && exact.isRemainingExact)
    let more = try await fixture.search(SearchScope(.instance), limit: 1)
    #expect(more.remaining == DICOMStore.remainingMax && !more.isRemainingExact)
    await fixture.close()
  }
}
