import BlobStore
import DICOMCore
import DICOMweb
import Storage
import TestStores
import TestSupport
import Testing

@testable import DICOMStore

/// How SQLite carries searches out: by which index, and never by a scan of what grows, nor by sorting all of it.
@Suite(.onSQLite("its plans")) struct SearchPlanTests {
  private static func plan(
    _ fixture: StoreFixture, _ file: IndexFile, _ scope: SearchScope, _ conditions: [DICOMQuery.Condition]
  ) async throws -> [String] {
    let query = DICOMQuery(scope, conditions: conditions, matchSet: MatchSet([]), limit: 100, offset: 0)
    let statements = try await fixture.store.searchStatements(query, partition: DICOMStore.defaultPartition)
    return try statements.flatMap { try file.rows("EXPLAIN QUERY PLAN \($0.text)").map { $0[3] } }
  }

  @Test("searches probe indexes", .timeLimit(.minutes(2)))
  func plans() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let all = (0..<200).map { number in
      TestInstance(
        "1.\(number)", "1", "1",
        [(.patientID, .LO, "P\(number)"), (.patientName, .PN, "Name^\(number)"), (.studyDate, .DA, "20200101")])
    }
    _ = try await fixture.store.store(all.map { try $0.new() })
    let file = try IndexFile(folder.file("index"))
    let cases: [(SearchScope, [DICOMQuery.Condition], [String])] = [
      (SearchScope(.study), [.match(.patientID, .text("P7"))], ["study_patient_id (partition=? AND patient_id=?)"]),
      (
        SearchScope(.study), [.match(.patientID, .wildcard("P7*"))],
        ["study_patient_id (partition=? AND patient_id>? AND patient_id<?)"]
      ),
      (SearchScope(.study), [.match(.patientName, .text("name^7"))], ["(partition=? AND attribute=? AND text=?)"]),
      (
        SearchScope(.study), [.match(.patientName, .words(["name"]))],
        ["(partition=? AND attribute=? AND text>? AND text<?)"]
      ),
      (SearchScope(.study), [.match(.studyDate, .range(low: 20_200_101, high: 20_200_131))], ["study_study_date"]),
      (SearchScope(.study), [.match(.modalitiesInStudy, .text("CT"))], ["(partition=? AND attribute=? AND text=?)"]),
      (SearchScope(.study), [.match(.studyInstanceUID, .uids(["1.7"]))], ["study_uid (partition=? AND uid=?)"]),
      (
        SearchScope(.instance), [.match(.patientID, .text("P7"))],
        ["study_patient_id (partition=? AND patient_id=?)", "instance_study (study=?)"]
      ),
      (SearchScope(.instance), [.match(.sopInstanceUID, .uids(["1.7.1.1"]))], ["instance_uid (partition=? AND uid=?)"]),
      (SearchScope(.series), [.match(.modality, .text("CT"))], ["series_modality (partition=? AND modality=?)"]),
      (SearchScope(.instance, study: "1.7"), [], ["instance_study (study=?)"]),
      (
        SearchScope(.instance, study: "1.7", series: "1.7.1"), [.match(.instanceNumber, .number(1))],
        ["instance_series (series=?)"]
      ),
      // Without a condition that leaves few: the newest, in order.
      (SearchScope(.study), [], ["study_partition (partition=?)"]),
      (SearchScope(.series), [.match(.seriesNumber, .number(1))], ["series_partition (partition=?)"]),
      (SearchScope(.instance), [.match(.instanceNumber, .number(1))], ["instance_partition (partition=?)"]),
    ]
    for (scope, conditions, expected) in cases {
      let plan = try await Self.plan(fixture, file, scope, conditions)
      for part in expected {
        #expect(plan.contains { $0.contains(part) }, "\(conditions): \(plan)")
      }
      #expect(!plan.contains { $0.hasPrefix("SCAN") && !$0.contains("(subquery") && !$0.hasSuffix(" k") }, "\(plan)")
    }
    await fixture.close()
  }

  @Test("a condition that most meet is not sorted: the newest are met on the way")
  func broad() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let count = SearchPlan.fewMax + 5
    // Rows enough, without the cost of storing so many instances.
    _ = try await fixture.store.database.write { transaction in
      try transaction.execute(
        """
        INSERT INTO study (key, partition, uid, newest, series_count, instance_count, modalities, study_date, attributes)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
        SELECT i, 1, '1.' || i, i, 1, 1, 'CT', 20200101, x'' FROM n
        """)
    }
    let file = try IndexFile(folder.file("index"))
    let day = DICOMQuery.Condition.match(.studyDate, .range(low: 20_200_101, high: 20_200_101))
    let plan = try await Self.plan(fixture, file, SearchScope(.study), [day])
    #expect(plan.contains { $0.contains("study_partition (partition=?)") }, "\(plan)")
    #expect(!plan.contains { $0.contains("study_study_date") }, "\(plan)")
    let page = try await fixture.search(SearchScope(.study), [day], limit: 3)
    #expect(page.matches.map(\.studyUID.value) == ["1.\(count)", "1.\(count - 1)", "1.\(count - 2)"])
    await fixture.close()
  }
}
