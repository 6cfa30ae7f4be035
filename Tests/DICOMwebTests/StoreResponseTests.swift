import DICOMCore
import DICOMweb
import JSONCore
import Testing

@Suite struct StoreResponseTests {
  private let stored = StoreResponse.Stored(sopClassUID: "1.1", sopInstanceUID: "1.2", retrieveURL: "http://h/x")
  private let failed = StoreResponse.Failed(sopClassUID: "1.1", sopInstanceUID: "1.3", reason: .alreadyExists)

  private func response(
    _ version: DICOMVersion, _ stored: [StoreResponse.Stored], _ failed: [StoreResponse.Failed], studyURL: String? = nil
  ) -> StoreResponse {
    var response = StoreResponse(version, studyURL: studyURL)
    response.stored = stored
    response.failed = failed
    return response
  }

  @Test(arguments: DICOMVersion.allCases) func `the status tells what was stored`(version: DICOMVersion) {
    #expect(response(version, [], []).status == 204)
    #expect(response(version, [stored], []).status == 200)
    #expect(response(version, [stored], [failed]).status == 202)
    #expect(response(version, [], [failed]).status == 409)
  }

  @Test func `a warning is 202 but in v1`() {
    var warned = stored
    warned.warning = .validationWarnings
    #expect(response(.v1, [warned], []).status == 200)
    #expect(response(.v2, [warned], []).status == 202)
    #expect(response(.standard, [warned], []).status == 202)
  }

  @Test func `v1 tells what was stored and what was not`() {
    let json = String(decoding: response(.v1, [stored], [failed], studyURL: "http://h/s").json(), as: UTF8.self)
    #expect(
      json == #"{"00081190":{"vr":"UR","Value":["http://h/s"]},"#
        + #""00081198":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.1"]},"#
        + #""00081155":{"vr":"UI","Value":["1.3"]},"00081197":{"vr":"US","Value":[45070]}}]},"#
        + #""00081199":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.1"]},"#
        + #""00081155":{"vr":"UI","Value":["1.2"]},"00081190":{"vr":"UR","Value":["http://h/x"]}}]}}"#)
  }

  @Test func `v2 has a sequence of invalid attributes, also an empty one`() {
    #expect(String(decoding: response(.v2, [stored], []).json(), as: UTF8.self).contains(#""00741048":{"vr":"SQ"}"#))
    var warned = stored
    warned.warning = .validationWarnings
    warned.comments = ["DICOM100: x"]
    let json = String(decoding: response(.v2, [warned], []).json(), as: UTF8.self)
    #expect(json.contains(#""00081196":{"vr":"US","Value":[1]}"#))
    #expect(
      json.contains(
        #""00741048":{"vr":"SQ","Value":[{"00000902":{"vr":"LO","Value":["DICOM100: x"]}}]}"#))
  }

  @Test func `the study's address is told if something of it was stored`() {
    let json = String(decoding: response(.v2, [], [failed], studyURL: "http://h/s").json(), as: UTF8.self)
    #expect(json.hasPrefix(#"{"00081198""#))
  }

  @Test func `what is no instance is among other failures in the standard's form`() throws {
    let nothing = StoreResponse.Failed(reason: .processingFailure)
    let old = try JSONDocument(response(.v2, [], [nothing]).json())
    #expect(old.member(old.root, "00081198") != nil && old.member(old.root, "0008119A") == nil)
    let new = try JSONDocument(response(.standard, [], [nothing]).json())
    #expect(new.member(new.root, "00081198") == nil && new.member(new.root, "0008119A") != nil)
  }

  @Test func `reasons have the numbers of PS3-18 and Microsoft's`() {
    #expect(FailureReason.processingFailure.rawValue == 272)
    #expect(FailureReason.validationFailure.rawValue == 43_264)
    #expect(FailureReason.alreadyExists.rawValue == 45_070)
    #expect(FailureReason.pending.rawValue == 45_071)
    #expect(WarningReason.dataSetDoesNotMatchSOPClass.rawValue == 45_063)
    #expect(WarningReason.validationWarnings.rawValue == 1)
  }

  @Test func `XML says the same`() throws {
    var warned = stored
    warned.comments = ["a < b"]
    let xml = response(.v2, [warned], [failed], studyURL: "http://h/s").xml()
    let dataSet = try NativeXMLReader.dataSet(xml)
    #expect(dataSet.string(.retrieveURL) == "http://h/s")
    let item = try #require(dataSet[.referencedSOPSequence]?.items.first { _ in true }).dataSet
    #expect(item.string(.referencedSOPInstanceUID) == "1.2")
    #expect(item[.failedAttributesSequence]?.valueMultiplicity == 1)
    #expect(
      String(decoding: xml, as: UTF8.self).contains("keyword=\"ErrorComment\"><Value number=\"1\">a &lt; b</Value>"))
    let failure = try #require(dataSet[.failedSOPSequence]?.items.first { _ in true }).dataSet
    #expect(failure.integer(.failureReason) == 45_070)
  }
}
