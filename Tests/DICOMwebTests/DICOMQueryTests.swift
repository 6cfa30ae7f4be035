import Base
import DICOMCore
import DICOMweb
import Testing

/// The grammar of searches: Microsoft's rules of §1.4, and what PS3.18 §8.3.4 and PS3.4 C.2.2.2 add.
@Suite struct DICOMQueryTests {
  private func query(
    _ text: String, _ scope: SearchScope = SearchScope(.study), _ version: DICOMVersion = .v2,
    limits: SearchLimits = SearchLimits()
  ) throws -> DICOMQuery {
    try DICOMQuery(scope, QueryParameters(query: text), version, limits: limits)
  }

  private func message(
    _ text: String, _ scope: SearchScope = SearchScope(.study), _ version: DICOMVersion = .v2,
    limits: SearchLimits = SearchLimits()
  ) -> String? {
    do {
      _ = try query(text, scope, version, limits: limits)
      return nil
    } catch {
      guard let fault = error as? Fault, fault.category == .invalid else { return "\(error)" }
      return fault.reasons.first?.diagnostics
    }
  }

  private func match(_ text: String, _ scope: SearchScope = SearchScope(.instance)) throws -> DICOMQuery.Match? {
    guard case .match(_, let match)? = try query(text, scope).conditions.first else { return nil }
    return match
  }

  private let all = SearchScope(.instance)

  // MARK: Names

  @Test func `attributes are named by keyword or tag`() throws {
    for name in ["PatientID", "00100020"] {
      #expect(try query("\(name)=x").conditions == [.match(.patientID, .text("x"))])
    }
    for name in ["0020000D", "0020000d", "StudyInstanceUID"] {
      #expect(try query("\(name)=1.2").conditions == [.match(.studyInstanceUID, .uids(["1.2"]))])
    }
  }

  @Test func `attributes in sequences are named by paths`() throws {
    for name in [
      "RequestAttributesSequence.ScheduledProcedureStepID", "00400275.00400009", "00400275.ScheduledProcedureStepID",
    ] {
      #expect(try query("\(name)=x", all).conditions == [.match(.scheduledProcedureStepID, .text("x"))])
    }
    #expect(try query("00400275.00401001=x", all).conditions == [.match(.requestedProcedureID, .text("x"))])
  }

  @Test(arguments: ["studydate", "PatientId", "Foo", "0010002", "001000201", "00100020.", "00400275.x", "12345678"])
  func `unknown attributes are refused, keywords by their case`(name: String) {
    #expect(
      message("\(name)=1")
        == "Invalid query: unknown query parameter '\(name)'. If the parameter is an attribute keyword, check the casing "
        + "as they are case-sensitive. The conformance statement has a list of supported query parameters, attributes and "
        + "the levels.")
  }

  @Test func `attributes that no level has, or a lower one, are not queryable`() {
    let text = { (name: String) in
      "Invalid query: AttributeId \(name) is not queryable.  If the parameter is an attribute keyword, check the casing as "
        + "they are case-sensitive. The conformance statement has a list of supported query parameters, attributes and "
        + "the levels."
    }
    #expect(message("Modality=CT") == text("Modality"))
    #expect(message("Modality=CT", SearchScope(.study), .v1) == text("Modality"))
    #expect(message("SOPInstanceUID=1", SearchScope(.series)) == text("SOPInstanceUID"))
    #expect(message("Rows=512", all) == text("Rows"))
    #expect(message("00091001=1", all) == text("00091001"))
  }

  @Test func `the standard's form has studies by modality`() throws {
    let conditions = try query("Modality=CT", SearchScope(.study), .standard).conditions
    #expect(conditions == [.match(.modalitiesInStudy, .text("CT"))])
  }

  @Test func `every required key of PS3-18 table 10-6-1-5 is searched for`() throws {
    for key in SearchKey.allCases {
      let value =
        switch key.vr {
        case .DA: "20200101"
        case .TM: "1000"
        case .IS: "1"
        case .UI: "1.2"
        default: "x"
        }
      #expect(try query("\(key.keyword)=\(value)", SearchScope(key.level)).conditions.count == 1, "\(key)")
    }
  }

  @Test func `an attribute is there once`() {
    #expect(
      message("PatientID=1&PatientID=1")
        == "Invalid QIDO-RS query. Duplicate AttributeId 'PatientID'. Each attribute is only allowed to be specified once."
    )
    #expect(
      message("PatientID=1&00100020=1")
        == "Invalid query: attribute '00100020' has been specified more than once using different ID formats. Each attribute "
        + "is only allowed to be specified once.")
    #expect(
      message("StudyInstanceUID=1", SearchScope(.series, study: "1.2"))
        == "Invalid query: cannot specify attribute 'StudyInstanceUID' for the given resource.")
    #expect(
      message("SeriesInstanceUID=1", SearchScope(.instance, study: "1.2", series: "3"))
        == "Invalid query: cannot specify attribute 'SeriesInstanceUID' for the given resource.")
  }

  // MARK: Values

  @Test func `texts are matched without padding`() throws {
    #expect(try match("Modality=X%00") == .text("X"))
    #expect(try match("Modality=X%20") == .text("X"))
    #expect(try match("PatientName=Gr%C3%BCn%5EAnna") == .text("Grün^Anna"))
  }

  @Test func `texts have wildcards, UIDs and dates do not`() throws {
    #expect(try match("PatientName=Do*") == .wildcard("Do*"))
    #expect(try match("PatientID=1%3F3") == .wildcard("1?3"))
    #expect(try match("ModalitiesInStudy=C*") == .wildcard("C*"))
    #expect(try match("StudyInstanceUID=1.*") == .uids(["1.*"]))
    #expect(message("StudyDate=2020*") != nil)
  }

  @Test(arguments: ["PatientID=", "PatientID=*", "PatientID=%20", "StudyDate=", "StudyInstanceUID=", "PatientName=**"])
  func `an empty value and a single star match everything, and are answered`(text: String) throws {
    let query = try query(text)
    #expect(query.conditions.isEmpty)
    let tag = try #require(Tag(String(text.prefix { $0 != "=" })))
    #expect(query.matchSet.contains(tag))
  }

  @Test func `two quotes match what is empty, if that is asked for`() throws {
    #expect(try match("emptyvaluematching=true&PatientID=%22%22") == .empty)
    #expect(try match("PatientID=%22%22&emptyvaluematching=true") == .empty)
    #expect(try match("PatientID=%22%22") == .text("\"\""))
  }

  @Test func `lists of UIDs have commas or backslashes`() throws {
    #expect(try match("StudyInstanceUID=1.2,3.4") == .uids(["1.2", "3.4"]))
    #expect(try match("SOPClassUID=1.2%5C3.4,%205.6,") == .uids(["1.2", "3.4", "5.6"]))
    var limits = SearchLimits()
    limits.uidsMax = 2
    #expect(message("StudyInstanceUID=1,2", limits: limits) == nil)
    #expect(message("StudyInstanceUID=1,2,3", limits: limits) != nil)
  }

  @Test func `dates are single, or ranges with one end or two`() throws {
    #expect(try match("StudyDate=20200229") == .range(low: 20_200_229, high: 20_200_229))
    #expect(try match("StudyDate=20200101-20200131") == .range(low: 20_200_101, high: 20_200_131))
    #expect(try match("StudyDate=20200101-") == .range(low: 20_200_101, high: nil))
    #expect(try match("StudyDate=-20200131") == .range(low: nil, high: 20_200_131))
    #expect(try match("StudyDate=20200101%20-%2020200101") == .range(low: 20_200_101, high: 20_200_101))
  }

  @Test func `what is no date is refused in Microsoft's words`() {
    for value in ["NotAValidStudyDate", "2020", "20200230", "20201301", "2020-01-01", "2020.01.01"] {
      #expect(
        message("StudyDate=\(value)")
          == "Invalid query: specified Date value '\(value)' is invalid for attribute 'StudyDate'. Date should be valid and "
          + "formatted as yyyyMMdd.")
    }
    #expect(
      message("StudyDate=20200102-20200101")
        == "Invalid query: specified date range '20200102-20200101' is invalid.\nThe first part date 20200102 should be lesser "
        + "than or equal to the second part date 20200101.")
    #expect(
      message("PatientBirthDate=-")
        == "Invalid query: specified range is invalid.\nBoth parts in the range cannot be empty.")
    #expect(
      message("StudyTime=25")
        == "Invalid query: specified Time value '25' is invalid for parameter 'StudyTime'. Time should be valid and formatted "
        + "as HHmmss.FFFFFF where HH is mandatory.")
  }

  @Test func `a time covers what it does not say`() throws {
    let second = 1_000_000
    #expect(try match("StudyTime=10") == .range(low: 36_000 * second, high: 39_600 * second - 1))
    #expect(try match("StudyTime=1015") == .range(low: 36_900 * second, high: 36_960 * second - 1))
    #expect(try match("StudyTime=101530.5") == .range(low: 36_930_500_000, high: 36_930_599_999))
    #expect(try match("StudyTime=10-1130") == .range(low: 36_000 * second, high: 41_460 * second - 1))
    #expect(try match("StudyTime=-000000.000001") == .range(low: nil, high: 1))
  }

  @Test func `ranges of a date and a time are one range of moments`() throws {
    let conditions = try query("StudyDate=20200101-20200103&StudyTime=1000-1200").conditions
    #expect(
      conditions == [
        .combined(
          date: .studyDate, time: .studyTime, low: DICOMQuery.Moment(date: 20_200_101, time: 36_000_000_000),
          high: DICOMQuery.Moment(date: 20_200_103, time: 43_260_000_000 - 1))
      ])
    let open = try query("StudyDate=20200101-&StudyTime=1000-").conditions
    #expect(
      open == [
        .combined(
          date: .studyDate, time: .studyTime, low: DICOMQuery.Moment(date: 20_200_101, time: 36_000_000_000), high: nil)
      ])
    // On one day they are what each of them says.
    #expect(try query("StudyDate=20200101&StudyTime=10-12").conditions.count == 2)
  }

  @Test func `numbers are compared as numbers`() throws {
    #expect(try match("InstanceNumber=0003") == .number(3))
    #expect(try match("SeriesNumber=-1") == .number(-1))
    #expect(message("SeriesNumber=x", all) != nil)
    #expect(message("SeriesNumber=99999999999999999999", all) != nil)
  }

  @Test func `names are matched by words if that is asked for`() throws {
    #expect(try match("fuzzymatching=true&PatientName=jo+do") == .words(["jo", "do"]))
    #expect(try match("PatientName=Doe%5EJohn%3DX&FuzzyMatching=True") == .words(["Doe", "John", "X"]))
    #expect(try match("fuzzymatching=false&PatientName=jo") == .text("jo"))
    // Names alone.
    #expect(try match("fuzzymatching=true&PatientID=jo+do") == .text("jo do"))
    #expect(
      message("fuzzymatching=true&PatientName=%22x%22")
        == "Invalid query: specified tag 'PatientName' value '\"x\"' contains unsupported character '\"'. Character is not "
        + "supported with Fuzzy match, try exact match or removing the invalid character.")
  }

  @Test func `values have a length`() {
    var limits = SearchLimits()
    limits.valueBytesMax = 3
    #expect(message("PatientID=abc", limits: limits) == nil)
    #expect(message("PatientID=abcd", limits: limits) != nil)
  }

  // MARK: Options

  @Test func `pages have limits`() throws {
    #expect(try query("").limit == 100)
    #expect(try query("").offset == 0)
    #expect(try query("LIMIT=1&Offset=7").limit == 1)
    #expect(try query("limit=200&offset=7").offset == 7)
    for limit in ["0", "201", "500", "-1"] {
      #expect(
        message("limit=\(limit)")
          == "The query parameter 'Limit' is invalid. The field Limit must be between 1 and 200.")
    }
    #expect(message("limit=x") == "The query parameter 'Limit' is invalid. The value 'x' is not valid for Limit.")
    #expect(message("offset=-1") != nil)
    #expect(message("offset=99999999999999999999") != nil)
    // PS3.18 §8.3.4.4: a server gives what it can.
    #expect(try query("limit=100000", SearchScope(.study), .standard).limit == 1_000)
    #expect(message("limit=0", SearchScope(.study), .standard) != nil)
  }

  @Test func `switches are true or false`() {
    #expect(
      message("fuzzymatching=1")
        == "The query parameter 'FuzzyMatching' is invalid. The value '1' is not valid for FuzzyMatching.")
  }

  @Test func `include fields are lists, or all`() throws {
    let query = try query("includefield=00081030%2C00080060&includefield=PatientSex,SeriesDescription")
    for tag in [Tag.studyDescription, .modality, .patientSex, .seriesDescription] {
      #expect(query.matchSet.contains(tag))
    }
    #expect(try self.query("includefield=00400275.00400009").matchSet.contains(.requestAttributesSequence))
    #expect(try self.query("includefield=ALL").matchSet.contains(.patientAge))
    let mixed = "Invalid query: cannot specify included fields in addition to 'all'."
    #expect(message("includefield=all&includefield=PatientSex") == mixed)
    #expect(message("includefield=PatientSex,all") == mixed)
    #expect(
      message("includefield=PatientSex,Foo") == "Invalid query: IncludeField has unknown attribute 'Foo'.")
    var limits = SearchLimits()
    limits.includesMax = 2
    #expect(message("includefield=PatientSex,Modality", limits: limits) == nil)
    #expect(message("includefield=PatientSex,Modality,Rows", limits: limits) != nil)
  }

  /// PS3.4 C.2.2.2.8: each of the values has to be there, in any order; of keys with one value only it is no list.
  @Test func `several values of a key`() throws {
    let both = try query("multiplevaluematching=true&ModalitiesInStudy=CT%5CPT")
    #expect(both.warnings.isEmpty)
    #expect(
      both.conditions == [.match(.modalitiesInStudy, .text("CT")), .match(.modalitiesInStudy, .text("PT"))])
    let literal: [DICOMQuery.Condition] = [.match(.modalitiesInStudy, .text("CT\\PT"))]
    #expect(try query("ModalitiesInStudy=CT%5CPT").conditions == literal)
    #expect(try query("multiplevaluematching=false&ModalitiesInStudy=CT%5CPT").conditions == literal)
    #expect(
      try query("multiplevaluematching=true&PatientID=a%5Cb").conditions == [.match(.patientID, .text("a\\b"))])
    #expect(try query("multiplevaluematching=true&ModalitiesInStudy=CT%5C").conditions.count == 1)
    let many = (1...21).map { "M\($0)" }.joined(separator: "%5C")
    #expect(message("multiplevaluematching=true&ModalitiesInStudy=\(many)") != nil)
    #expect(message("multiplevaluematching=maybe") != nil)
  }

  /// What OHIF's list of studies asks.
  @Test func `the query of a viewer is understood`() throws {
    let query = try query(
      "limit=25&offset=0&includefield=00081030%2C00080060&StudyDate=20200101-20201231&fuzzymatching=true&PatientName=*")
    #expect(query.limit == 25)
    #expect(query.conditions == [.match(.studyDate, .range(low: 20_200_101, high: 20_201_231))])
  }

  // MARK: Attributes of answers

  @Test func `defaults are Microsoft's by version and level`() {
    let study: Set<Tag> = [
      .studyInstanceUID, .studyDate, .studyDescription, .accessionNumber, .referringPhysicianName, .patientName,
      .patientID, .patientBirthDate,
    ]
    let series: Set<Tag> = [.seriesInstanceUID, .modality, .performedProcedureStepStartDate, .manufacturerModelName]
    #expect(Set(MatchSet(.v2, SearchScope(.study)).tags) == study)
    #expect(Set(MatchSet(.v2, SearchScope(.series)).tags) == study.union(series))
    #expect(Set(MatchSet(.v2, SearchScope(.instance)).tags) == study.union(series).union([.sopInstanceUID]))
    #expect(
      Set(MatchSet(.v2, SearchScope(.series, study: "1")).tags) == series.union([.studyInstanceUID]))
    #expect(
      Set(MatchSet(.v2, SearchScope(.instance, study: "1", series: "2")).tags)
        == [.sopInstanceUID, .studyInstanceUID, .seriesInstanceUID])
    #expect(
      Set(MatchSet(.v1, SearchScope(.study)).tags) == [
        .specificCharacterSet, .studyDate, .studyTime, .accessionNumber, .referringPhysicianName,
        .timezoneOffsetFromUTC, .patientName, .patientID, .patientBirthDate, .patientSex, .studyInstanceUID, .studyID,
      ])
  }

  @Test func `the standard's form answers what PS3-18 tables 10-6-3-3 to 5 require`() {
    let study = MatchSet(.standard, SearchScope(.study))
    for tag: Tag in [
      .studyDate, .studyTime, .accessionNumber, .instanceAvailability, .modalitiesInStudy, .referringPhysicianName,
      .retrieveURL, .patientName, .patientID, .patientBirthDate, .patientSex, .studyInstanceUID, .studyID,
      .numberOfStudyRelatedSeries, .numberOfStudyRelatedInstances,
    ] { #expect(study.contains(tag), "\(tag)") }
    let series = MatchSet(.standard, SearchScope(.series, study: "1"))
    for tag: Tag in [
      .modality, .seriesDescription, .retrieveURL, .seriesInstanceUID, .seriesNumber, .numberOfSeriesRelatedInstances,
      .performedProcedureStepStartDate, .performedProcedureStepStartTime, .requestAttributesSequence,
    ] { #expect(series.contains(tag), "\(tag)") }
    let instance = MatchSet(.standard, SearchScope(.instance, study: "1", series: "2"))
    for tag: Tag in [
      .sopClassUID, .sopInstanceUID, .instanceAvailability, .retrieveURL, .instanceNumber, .rows, .columns,
      .bitsAllocated, .numberOfFrames,
    ] { #expect(instance.contains(tag), "\(tag)") }
    #expect(!series.contains(.patientName))
  }

  @Test func `what is searched for is answered`() throws {
    #expect(try query("ModalitiesInStudy=CT").matchSet.contains(.modalitiesInStudy))
    #expect(try query("00400275.00400009=x", all).matchSet.contains(.requestAttributesSequence))
    #expect(try !query("").matchSet.contains(.modalitiesInStudy))
  }
}
