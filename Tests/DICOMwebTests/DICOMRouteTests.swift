import Base
import DICOMCore
import DICOMweb
import Testing

@Suite struct DICOMRouteTests {
  private func route(_ method: DICOMRoute.Method, _ path: String, _ query: String = "", partitions: Bool = false) throws
    -> DICOMInteraction
  {
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return try DICOMRoute(
      method, path.isEmpty ? [] : segments, parameters: QueryParameters(query: query), hasPartitions: partitions
    ).interaction
  }

  private func fault(_ body: () throws -> Void) -> Fault? {
    do {
      try body()
      return nil
    } catch {
      return error as? Fault
    }
  }

  private let study = Target(study: "1.2")
  private let series = Target(study: "1.2", series: "3.4")
  private let instance = Target(study: "1.2", series: "3.4", instance: "5.6")

  @Test func `versions have their segments`() {
    #expect(DICOMVersion(segment: "v1") == .v1)
    #expect(DICOMVersion(segment: "v1.0-prerelease") == .v1)
    #expect(DICOMVersion(segment: "v2") == .v2)
    #expect(DICOMVersion(segment: "v3") == nil)
    #expect(DICOMVersion(segment: "studies") == nil)
  }

  @Test func `every route of PS3-18 and Microsoft's is found`() throws {
    let instances = "studies/1.2/series/3.4/instances/5.6"
    let routes: [(DICOMRoute.Method, String, DICOMInteraction)] = [
      (.post, "studies", .store(study: nil)), (.post, "studies/1.2", .store(study: "1.2")),
      (.get, "studies", .search(SearchScope(.study))), (.get, "series", .search(SearchScope(.series))),
      (.get, "instances", .search(SearchScope(.instance))),
      (.get, "studies/1.2/series", .search(SearchScope(.series, study: "1.2"))),
      (.get, "studies/1.2/instances", .search(SearchScope(.instance, study: "1.2"))),
      (.get, "studies/1.2/series/3.4/instances", .search(SearchScope(.instance, study: "1.2", series: "3.4"))),
      (.get, "studies/1.2", .retrieve(study)), (.head, "studies/1.2", .retrieve(study)),
      (.get, "studies/1.2/series/3.4", .retrieve(series)), (.get, instances, .retrieve(instance)),
      (.get, "studies/1.2/metadata", .metadata(study)),
      (.get, "studies/1.2/series/3.4/metadata", .metadata(series)),
      (.get, "\(instances)/metadata", .metadata(instance)),
      (.delete, "studies/1.2", .delete(study)), (.delete, "studies/1.2/series/3.4", .delete(series)),
      (.delete, instances, .delete(instance)), (.get, "\(instances)/frames/1,3,2", .frames(instance, [1, 3, 2])),
      (.get, "\(instances)/frames/2/rendered", .rendered(instance, frames: [2])),
      (.get, "\(instances)/frames/2/thumbnail", .thumbnail(instance, frames: [2])),
      (.get, "\(instances)/rendered", .rendered(instance, frames: nil)),
      (.get, "studies/1.2/rendered", .rendered(study, frames: nil)),
      (.get, "studies/1.2/thumbnail", .thumbnail(study, frames: nil)),
      (.get, "studies/1.2/series/3.4/thumbnail", .thumbnail(series, frames: nil)),
      (.get, "studies/1.2/bulkdata", .bulkData(study, path: [])),
      (.get, "\(instances)/bulkdata/7FE00010", .bulkData(instance, path: ["7FE00010"])),
      (.get, "\(instances)/bulkdata/52009229/1/00281201", .bulkData(instance, path: ["52009229", "1", "00281201"])),
      (.get, "\(instances)/pixeldata", .pixelData(instance)), (.get, "studies/1.2/pixeldata", .pixelData(study)),
      (.get, "changefeed", .changeFeed), (.get, "changefeed/latest", .changeFeedLatest),
      (.get, "partitions", .partitions), (.get, "wado", .wadoURI), (.options, "", .capabilities),
      (.options, "studies", .capabilities), (.options, "studies/1.2/series", .capabilities),
      (.options, instances, .capabilities), (.get, "studies/", .search(SearchScope(.study))),
    ]
    for (method, path, expected) in routes { #expect(try route(method, path) == expected, "\(method) \(path)") }
    #expect(try route(.get, "", "requestType=WADO") == .wadoURI)
  }

  @Test(arguments: [
    "", "x", "studies/1.2/x", "studies/1.2/frames/1", "studies/1.2/series/3.4/x", "changefeed/x", "patients",
    "studies/1.2/series/3.4/instances/5.6/frames/1/x", "studies/1.2/metadata/x", "workitems",
  ])
  func `what is no route is not found`(path: String) {
    #expect(fault { _ = try route(.get, path) }?.category == .notFound)
  }

  @Test func `other methods are not allowed`() {
    for (method, path) in [
      (.put, "studies"), (.delete, "studies"), (.post, "series"), (.post, "changefeed"),
      (.post, "studies/1.2/metadata"),
      (.patch, "studies/1.2"), (.post, "studies/1.2/series/3.4"),
    ] as [(DICOMRoute.Method, String)] {
      #expect(fault { _ = try route(method, path) }?.category == .methodNotAllowed, "\(method) \(path)")
    }
  }

  @Test(arguments: [
    "abc", "1.2.", "..", "1..2", "1.2/../3", "%2e", String(repeating: "1", count: 65),
    String(repeating: "a", count: 65), "1.2;x",
  ])
  func `UIDs with other characters, or too long, are refused`(uid: String) {
    let fault = fault { _ = try DICOMRoute(.get, ["studies", uid]) }
    #expect(fault?.category == .invalid)
    #expect(
      fault?.reasons.first?.diagnostics
        == "Dicom element 'StudyInstanceUid' failed validation for VR 'UI': DICOM Identifier is invalid. Value length "
        + "should not exceed the maximum length of 64 characters. Value should contain characters in '0'-'9' and '.'. "
        + "Each component must start with non-zero number.")
  }

  @Test func `64 digits are a UID, and what pads one is passed over`() throws {
    let long = String(repeating: "1", count: 64)
    #expect(try route(.get, "studies/\(long)") == .retrieve(Target(study: UID(long))))
    #expect(try route(.get, "studies/ 1.2 \0") == .retrieve(study))
    // Leading zeros are common, and Microsoft's service takes them.
    #expect(try route(.get, "studies/1.02") == .retrieve(Target(study: "1.02")))
  }

  @Test(arguments: ["0", "-1", "1,-1", "0,1", "", "x", "1,", "1.5", "99999999999999999999"])
  func `lists of frames have numbers from 1`(list: String) {
    let path = ["studies", "1.2", "series", "3.4", "instances", "5.6", "frames", list, "rendered"]
    let fault = fault { _ = try DICOMRoute(.get, path) }
    #expect(fault?.category == .invalid)
    #expect(
      fault?.reasons.first?.diagnostics
        == "The specified frames value is not valid. At least one frame must be present, and all requested frames must "
        + "have value greater than 0.")
  }

  @Test func `lists of frames have an end`() throws {
    let most = Array(repeating: "1", count: DICOMRoute.framesMax).joined(separator: ",")
    #expect(try DICOMRoute.frameList(most).count == DICOMRoute.framesMax)
    #expect(fault { _ = try DICOMRoute.frameList(most + ",1") }?.category == .invalid)
  }

  @Test func `instances are in partitions where a service has them`() throws {
    let route = try DICOMRoute(.get, ["partitions", "Site_1.a-b", "studies", "1.2"], hasPartitions: true)
    #expect(route.partition == "Site_1.a-b")
    #expect(route.interaction == .retrieve(study))
    #expect(
      fault { _ = try DICOMRoute(.get, ["studies"], hasPartitions: true) }
        == Fault(.invalid, "PartitionName value is missing in the route segment."))
    #expect(
      fault { _ = try DICOMRoute(.get, ["partitions", "p", "studies"]) }
        == Fault(.invalid, "Data partitions feature is disabled."))
    #expect(try self.route(.get, "partitions", partitions: true) == .partitions)
    #expect(try self.route(.get, "changefeed", partitions: true) == .changeFeed)
    #expect(fault { _ = try self.route(.get, "partitions/p/changefeed", partitions: true) }?.category == .notFound)
  }

  @Test func `names of partitions have few characters`() {
    for name in ["", "a b", "ä", "a/b", String(repeating: "p", count: 65)] {
      let found = fault { _ = try DICOMRoute(.get, ["partitions", name, "studies"], hasPartitions: true) }
      #expect(found?.category == .invalid, "\(name)")
    }
    let longest = String(repeating: "p", count: 64)
    #expect(fault { _ = try DICOMRoute(.get, ["partitions", longest, "studies"], hasPartitions: true) } == nil)
  }

  @Test func `parameters are decoded, and names have no case`() throws {
    let parameters = try QueryParameters(query: "PatientName=Gr%C3%BCn+A&includefield=a&IncludeField=b&x")
    #expect(parameters["PatientName"] == "Grün A")
    #expect(parameters.all("includefield") == ["a", "b"])
    #expect(parameters["x"] == "")
    #expect(parameters["y"] == nil)
  }

  @Test(arguments: ["a=<script>", "a=%3cb", "a=%3Cb", "%3c=1", "a=%FF"])
  func `angle brackets and bytes that are no UTF-8 are refused`(query: String) {
    #expect(
      fault { _ = try QueryParameters(query: query) }
        == Fault(.invalid, "The query string included invalid characters."))
  }

  @Test func `there are so many parameters and no more`() {
    let most = Array(repeating: "a=1", count: QueryParameters.countMax).joined(separator: "&")
    #expect(fault { _ = try QueryParameters(query: most) } == nil)
    #expect(fault { _ = try QueryParameters(query: most + "&a=1") }?.category == .invalid)
  }
}
