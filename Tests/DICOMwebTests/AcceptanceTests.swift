import Base
import DICOMCore
import DICOMweb
import Testing

/// Microsoft's rules of §1.3 and those of PS3.18 §8.7.
@Suite struct AcceptanceTests {
  private func fault<T>(_ body: () throws -> T) -> Fault.Category? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? Fault)?.category
    }
  }

  private let explicit: RetrieveForm.Syntax = .transferSyntax("1.2.840.10008.1.2.1")

  private func form(_ header: String, _ level: Target.Level) throws -> RetrieveForm? {
    try Acceptance([header]).instanceForms(level).first
  }

  private func values(_ header: String, isOne: Bool = true) throws -> RetrieveForm? {
    try Acceptance([header]).valueForms(isOne: isOne).first
  }

  @Test func `JSON is what most ranges mean`() throws {
    for header in [
      "application/dicom+json", "*/*", "application/*", "text/html, application/dicom+json;q=0.1",
      "APPLICATION/DICOM+JSON",
    ] {
      #expect(try Acceptance([header]).resultsForm() == .json, "\(header)")
      #expect(try Acceptance([header]).dataSetForm() == .json, "\(header)")
    }
  }

  @Test(arguments: ["application/dicom", "application/data", "application/dicom+json;q=0", "text/html", ""])
  func `what is no form of a data set is not acceptable`(header: String) {
    #expect(fault { try Acceptance([header]).resultsForm() } == .notAcceptable)
    #expect(fault { try Acceptance([header]).dataSetForm() } == .notAcceptable)
  }

  @Test func `to say nothing is not acceptable`() {
    #expect(fault { try Acceptance([]).resultsForm() } == .notAcceptable)
    #expect(fault { try Acceptance([]).instanceForms(.study) } == .notAcceptable)
    #expect(Acceptance([]).isAbsent)
  }

  @Test func `XML is multipart for results and single for one data set`() throws {
    let parts = Acceptance(["multipart/related; type=\"application/dicom+xml\""])
    #expect(try parts.resultsForm() == .xml)
    #expect(fault { try parts.dataSetForm() } == .notAcceptable)
    let single = Acceptance(["application/dicom+xml"])
    #expect(try single.dataSetForm() == .xml)
    #expect(fault { try single.resultsForm() } == .notAcceptable)
    let both = Acceptance(["application/dicom+json;q=0.5, multipart/related;type=application/dicom+xml"])
    #expect(try both.resultsForm() == .xml)
  }

  @Test func `the accept parameter goes before the header`() throws {
    let parameters = try QueryParameters(query: "accept=application/dicom%2Bjson")
    #expect(try Acceptance(["text/html"], parameters: parameters).resultsForm() == .json)
  }

  @Test(arguments: [
    #"multipart/related; type="application/dicom"; transfer-syntax=*"#,
    "multipart/related; type=application/dicom; transfer-syntax=*",
    #"Multipart/Related;TYPE="Application/Dicom";Transfer-Syntax="*""#, "*/*", "multipart/related",
    "application/xml;q=0.9, multipart/related; type=application/dicom; transfer-syntax=*; q=0.2",
  ])
  func `a study as it is stored`(header: String) throws {
    #expect(
      try form(header, .study) == RetrieveForm(mediaType: "application/dicom", isMultipart: true, syntax: .original))
  }

  @Test func `explicit little endian is meant where no transfer syntax is named`() throws {
    let header = #"multipart/related; type="application/dicom""#
    for level in Target.Level.allCases { #expect(try form(header, level)?.syntax == explicit) }
    #expect(try form("application/dicom", .instance)?.syntax == explicit)
    #expect(try form("application/dicom", .instance)?.isMultipart == false)
    let jpeg2000 = #"multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90"#
    #expect(try form(jpeg2000, .series)?.syntax == .transferSyntax("1.2.840.10008.1.2.4.90"))
  }

  @Test(arguments: [
    "application/dicom", "application/octet-stream", "multipart/related; type=application/octet-stream",
    "multipart/related; type=application/dicom; transfer-syntax=1.2.3.4", "image/jpeg",
    "multipart/related; type=application/dicom; transfer-syntax=unknown",
  ])
  func `a study is multipart, DICOM, and in a transfer syntax`(header: String) {
    #expect(fault { try form(header, .study) } == .notAcceptable)
  }

  @Test func `as stored goes first among equals, quality before all`() throws {
    let equal = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1, application/dicom; transfer-syntax=*"
    #expect(try form(equal, .instance)?.syntax == .original)
    let less = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1, application/dicom; transfer-syntax=*; q=0.9"
    #expect(try form(less, .instance)?.syntax == explicit)
    let forms = try Acceptance([less]).instanceForms(.instance)
    #expect(forms.map(\.syntax) == [explicit, .original])
  }

  @Test func `several headers are one list`() throws {
    let forms = try Acceptance(["image/png", "application/dicom; transfer-syntax=*"]).instanceForms(.instance)
    #expect(forms.count == 1)
  }

  @Test func `frames are octets or a compressed form`() throws {
    #expect(
      try values("application/octet-stream")
        == RetrieveForm(mediaType: "application/octet-stream", isMultipart: false, syntax: explicit))
    #expect(
      try values("multipart/related; type=\"image/jp2\"")
        == RetrieveForm(
          mediaType: "image/jp2", isMultipart: true, syntax: .transferSyntax("1.2.840.10008.1.2.4.90")))
    #expect(
      try values("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*", isOne: false)?.syntax
        == .original)
    #expect(
      try values("*/*", isOne: false)
        == RetrieveForm(mediaType: "application/octet-stream", isMultipart: true, syntax: .original))
    #expect(
      try values("image/jls; transfer-syntax=1.2.840.10008.1.2.4.81")?.syntax
        == .transferSyntax("1.2.840.10008.1.2.4.81"))
    #expect(fault { try values("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.50") } == .notAcceptable)
    #expect(fault { try values("application/dicom") } == .notAcceptable)
  }

  @Test func `several frames need several parts`() {
    let fault: Fault? = {
      do {
        _ = try values("application/octet-stream", isOne: false)
        return nil
      } catch { return error as? Fault }
    }()
    #expect(
      fault
        == Fault(
          .invalid,
          "The accept header is supported for single frame retrieval, use multi-part accept header instead."))
  }

  @Test func `pictures are chosen by the client, then by the server`() {
    #expect(Acceptance(["image/png, image/jpeg"]).choice(of: ["image/jpeg", "image/png"]) == "image/png")
    #expect(Acceptance(["image/*"]).choice(of: ["image/jpeg", "image/png"]) == "image/jpeg")
    #expect(Acceptance(["image/gif"]).choice(of: ["image/jpeg", "image/png"]) == nil)
  }

  @Test func `so many ranges are looked at and no more`() throws {
    let many = Array(repeating: "text/html", count: Acceptance.rangesMax).joined(separator: ",")
    #expect(fault { try Acceptance([many + ",*/*"]).resultsForm() } == .notAcceptable)
    #expect(try Acceptance([String(many.dropFirst(10)) + ",*/*"]).resultsForm() == .json)
  }
}
