import Base
import FHIRModel
import FHIRXML
import JSONCore
import Testing

/// XML that is refused: with which words, at which line, at what cost.
@Suite struct RefusalTests {
  static func reasons(_ bytes: [UInt8], limits: Limits = Limits()) -> [Fault.Reason] {
    do {
      _ = try XMLForm(schema: .r4).json(fromXML: bytes, limits: limits)
      return []
    } catch {
      #expect(error.category == .invalid)
      return error.reasons
    }
  }

  static func reasons(_ xml: String, limits: Limits = Limits()) -> [Fault.Reason] {
    reasons(Array(xml.utf8), limits: limits)
  }

  /// Content of a Patient that begins in line 2, and what must be said of it: a part of the diagnostics, its line and
  /// place.
  struct Case: CustomTestStringConvertible {
    let content: String
    let words: String
    let line: Int
    let expression: String?

    init(_ content: String, _ words: String, _ line: Int = 2, at expression: String? = "Patient") {
      (self.content, self.words, self.line, self.expression) = (content, words, line, expression)
    }

    var testDescription: String { content }
  }

  @Test(arguments: [
    Case("<name>\n<givn value='x'/></name>", "'givn' is not an element of HumanName", 3, at: "Patient.name[0].givn"),
    Case("<name/>\n<name x='1'><text value='a'/></name>", "'x' is not allowed", 3, at: "Patient.name[1]"),
    Case("<active/>", "is empty", at: "Patient.active"), Case("<name/>", "is empty", at: "Patient.name[0]"),
    Case("<active value=''/>", "attribute 'value' is empty", at: "Patient.active"),
    Case("<active value='yes'/>", "'yes' is not a valid boolean", at: "Patient.active"),
    Case("<multipleBirthInteger value='01'/>", "'01' is not a valid integer", at: "Patient.multipleBirth"),
    Case("<active value='true'>x</active>", "Text is not allowed", at: "Patient.active"),
    Case("<active value='true'><b/></active>", "nothing but extensions", at: "Patient.active.b"),
    Case("<gender value='male'/><active value='true'/>", "must stand before 'gender'", at: "Patient.active"),
    Case(
      "<name><text value='a'/></name><active value='true'/><name><text value='b'/></name>", "out of order",
      at: "Patient.active"),
    Case("<gender value='male'/><gender value='male'/>", "once at most", at: "Patient.gender"),
    Case(
      "<deceasedBoolean value='true'/><deceasedDateTime value='2020'/>", "Only one of the types of deceased[x]",
      at: "Patient.deceased"),
    Case("<deceased value='true'/>", "with its type: deceasedBoolean, deceasedDateTime", at: "Patient.deceased"),
    Case("<name><id value='x'/></name>", "is an attribute in XML", at: "Patient.name[0].id"),
    Case("<active id='' value='true'/>", "attribute 'id' is empty", at: "Patient.active"),
    Case("<active xmlns='http://example.org' value='true'/>", "namespace http://hl7.org/fhir", at: "Patient.active"),
    Case("<active xmlns='' value='true'/>", "not in no namespace", at: "Patient.active"),
    Case("<contained/>", "holds no resource", at: "Patient.contained[0]"),
    Case("<contained><Basic/><Basic/></contained>", "not several", at: "Patient.contained[0]"),
    Case("<contained><Nonsense/></contained>", "no resource type", at: "Patient.contained[0]"),
    Case("<contained><Resource/></contained>", "no resource type", at: "Patient.contained[0]"),
    Case("<contained id='a'><Basic/></contained>", "'id' is not allowed", at: "Patient.contained[0]"),
    Case("<text><status value='empty'/><div>x</div></text>", "http://www.w3.org/1999/xhtml", at: "Patient.text.div"),
    Case(
      "<text><div xmlns='http://www.w3.org/1999/xhtml'><p xmlns='http://hl7.org/fhir'>x</p></div></text>",
      "<p> within the narrative", at: "Patient.text.div"),
    Case("<active><![CDATA[true]]></active>", "CDATA", at: "Patient.active"),
    Case("<active value='true' value='true'/>", "not well-formed", at: nil),
    Case("<active value='true'>", "not well-formed", at: nil), Case("<active value=true/>", "not well-formed", at: nil),
    Case("<active value='&nbsp;'/>", "not well-formed", at: nil), Case("&x;", "not well-formed", at: nil),
    Case("<a:active value='true'/>", "not well-formed", at: nil),
    Case("<active value='<'/>", "not well-formed", at: nil),
    Case("<active value='&#1;'/>", "not well-formed", at: nil), Case("<active", "not well-formed", at: nil),
  ])
  func namesTheProblem(_ example: Case) throws {
    let reasons = Self.reasons("<Patient xmlns='http://hl7.org/fhir'>\n\(example.content)</Patient>")
    let reason = try #require(reasons.first { $0.diagnostics.contains(example.words) }, "\(reasons)")
    #expect(reason.expression == example.expression)
    #expect(reason.code == "structure" || reason.code == "value")
    #expect(reason.diagnostics.hasSuffix("(line \(example.line))") || example.expression == nil)
  }

  @Test(arguments: [
    ("", "empty"), (" \n", "empty"), ("{\"resourceType\":\"Patient\"}", "must start with '<'"),
    ("<Patient/>", "namespace"), ("<Patient xmlns='http://hl7.org/fhir/'/>", "namespace"),
    ("<Nonsense xmlns='http://hl7.org/fhir'/>", "no resource type"),
    ("<HumanName xmlns='http://hl7.org/fhir'/>", "no resource type"),
    ("<Patient xmlns='http://hl7.org/fhir' xml:base='x'/>", "'xml:base' is not allowed"),
    ("<Patient xmlns='http://hl7.org/fhir'/><Patient/>", "not well-formed"),
    ("<Patient xmlns='http://hl7.org/fhir'></Person>", "not well-formed"),
    ("<Patient xmlns='http://hl7.org/fhir'>", "not well-formed"), ("<", "not well-formed"), ("<!--", "not well-formed"),
    ("<?xml version='1.0' encoding='EBCDIC-CP-US'?><Patient/>", "encoding 'EBCDIC-CP-US'"),
    ("<?xml version='1.0' encoding='UTF-16'?><Patient/>", "encoding 'UTF-16'"),
    ("<?xml version='1.0' encoding='ISO-8859-1'?><Patient/>", "encoding 'ISO-8859-1'"),
  ])
  func refusesWhatIsNoResource(_ xml: String, _ words: String) {
    let reasons = Self.reasons(xml)
    #expect(reasons.contains { $0.diagnostics.contains(words) }, "\(reasons)")
  }

  @Test func reportsAllProblemsAtOnce() {
    let reasons = Self.reasons(
      "<Patient xmlns='http://hl7.org/fhir'><a/><active value='x'/><name><b><c/></b></name></Patient>")
    #expect(reasons.map(\.expression) == ["Patient.a", "Patient.active", "Patient.name[0].b", "Patient.name[0]"])
    let many = Self.reasons(
      "<Patient xmlns='http://hl7.org/fhir'>" + String(repeating: "<a/>", count: 99) + "</Patient>")
    #expect(many.count == XMLForm.reasonsMax)
  }

  // MARK: - Attacks

  @Test(arguments: [
    "<!DOCTYPE Patient>", "<!DOCTYPE Patient SYSTEM 'file:///etc/passwd'>",
    "<!DOCTYPE Patient SYSTEM 'http://127.0.0.1:9/x'>",
    "<!DOCTYPE Patient [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
    "<!DOCTYPE p [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;'>]>",
    "<!DOCTYPE p [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/x'> %x;]>", "<!ENTITY x 'y'>", "<!-- --><?a?>\n <!DOCTYPE p>",
  ])
  func refusesEveryDoctype(_ doctype: String) {
    let xml = "<?xml version='1.0'?>\(doctype)<Patient xmlns='http://hl7.org/fhir'><language value='&c;'/></Patient>"
    #expect(Self.reasons(xml).first?.diagnostics.contains("DOCTYPE") == true)
    var wide: [UInt8] = [0xFF, 0xFE]
    for unit in xml.utf16 { wide += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
    #expect(Self.reasons(wide).first?.diagnostics.contains("DOCTYPE") == true)
  }

  @Test func boundsDepth() throws {
    func nested(_ depth: Int) -> String {
      let open = String(repeating: "<extension url='a'>", count: depth)
      return "<Basic xmlns='http://hl7.org/fhir'>\(open)<valueCode value='x'/>"
        + String(repeating: "</extension>", count: depth) + "</Basic>"
    }
    var limits = Limits()
    limits.jsonDepthMax = 20
    // Basic, 18 extensions, valueCode.
    #expect(Self.reasons(nested(18), limits: limits).isEmpty)
    #expect(Self.reasons(nested(19), limits: limits).first?.diagnostics.contains("nested too deeply") == true)
    #expect(Self.reasons(nested(100_000)).first?.diagnostics.contains("nested too deeply") == true)
    let unknown = "<Basic xmlns='http://hl7.org/fhir'>" + String(repeating: "<a>", count: 100_000)
    #expect(Self.reasons(unknown).last?.diagnostics.contains("nested too deeply") == true)
    let div = "<Basic xmlns='http://hl7.org/fhir'><text><div xmlns='http://www.w3.org/1999/xhtml'>"
    #expect(
      Self.reasons(div + String(repeating: "<b>", count: 100_000)).first?.diagnostics.contains("too deeply") == true)
  }

  @Test func boundsSizeNodesAttributesAndNamespaces() {
    var limits = Limits()
    limits.jsonNodesMax = 5
    let two = "<Patient xmlns='http://hl7.org/fhir'><active value='true'/><gender value='male'/></Patient>"
    #expect(Self.reasons(two, limits: limits).isEmpty)
    limits.jsonNodesMax = 4
    #expect(Self.reasons(two, limits: limits).first?.diagnostics.contains("more than 4 elements") == true)

    limits.bodyBytesMax = two.utf8.count
    #expect(throws: Never.self) { try XMLSourceSize.read(two, limits, nodes: 100) }
    limits.bodyBytesMax -= 1
    let fault = #expect(throws: Fault.self) { try XMLSourceSize.read(two, limits, nodes: 100) }
    #expect(fault?.category == .tooLarge)

    func declarations(_ count: Int) -> String { (0..<count).map { " xmlns:n\($0)='u\($0)'" }.joined() }
    #expect(Self.reasons("<Patient xmlns='http://hl7.org/fhir'\(declarations(63))/>").isEmpty)
    #expect(
      Self.reasons("<Patient xmlns='http://hl7.org/fhir'\(declarations(64))/>").first?.diagnostics
        .contains("more than 64 attributes") == true)
    let inner = "<name\(declarations(60))><text value='x'/></name>"
    #expect(
      Self.reasons("<Patient xmlns='http://hl7.org/fhir'\(declarations(10))>\(inner)</Patient>").first?.diagnostics
        .contains("namespace declarations") == true)
  }

  /// Millions of attributes, names, and errors: each would take minutes or gigabytes if it were let through.
  @Test(.timeLimit(.minutes(1)))
  func refusesLargeNonsenseSoon() {
    let head = "<Patient xmlns='http://hl7.org/fhir'"
    var attributes = head
    for index in 0..<200_000 { attributes += " a\(index)=''" }
    var names = head + "><text><div xmlns='http://www.w3.org/1999/xhtml'>"
    for index in 0..<200_000 { names += "<n\(index)/>" }
    let clock = ContinuousClock()
    let spent = clock.measure {
      #expect(!Self.reasons(attributes + "/>").isEmpty)
      #expect(!Self.reasons(names + "</div></text></Patient>").isEmpty)
      #expect(!Self.reasons(head + ">" + String(repeating: "<a>x</a>", count: 200_000)).isEmpty)
      #expect(!Self.reasons("<" + String(repeating: "a", count: 2_000_000)).isEmpty)
      #expect(!Self.reasons(head + "><!--" + String(repeating: "-", count: 2_000_000)).isEmpty)
      #expect(!Self.reasons(String(repeating: "<", count: 2_000_000)).isEmpty)
    }
    #expect(spent < .seconds(20))
  }

  // An attachment of 20 MB is one attribute.
  @Test func readsLargeValues() throws {
    let data = String(repeating: "QUJD", count: 5_000_000)
    let xml = "<Binary xmlns='http://hl7.org/fhir'><contentType value='a/b'/><data value='\(data)'/></Binary>"
    let json = try XMLForm(schema: .r4).json(fromXML: Array(xml.utf8))
    #expect(json.count == data.utf8.count + #"{"resourceType":"Binary","contentType":"a/b","data":""}"#.utf8.count)
  }

  @Test(
    arguments: [
      [0xC3, 0x28], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x00], [0x0B],
      [0xEF, 0xBF, 0xBF],
    ] as [[UInt8]])
  func refusesBrokenEncodings(_ bytes: [UInt8]) {
    let start = Array("<Patient xmlns='http://hl7.org/fhir'><language value='a".utf8)
    #expect(!Self.reasons(start + bytes + Array("'/></Patient>".utf8)).isEmpty)
    #expect(!Self.reasons(Array("<?xml version='1.0' encoding='UTF-8'?>".utf8) + start + bytes).isEmpty)
    let div = Array("<Patient xmlns='http://hl7.org/fhir'><text><div xmlns='http://www.w3.org/1999/xhtml'>".utf8)
    #expect(!Self.reasons(div + bytes + Array("</div></text></Patient>".utf8)).isEmpty)
  }

  @Test(
    arguments: [
      [0xFE, 0xFF, 0x00], [0xFF, 0xFE, 0x3C, 0x00, 0x00, 0xD8], [0xFF, 0xFE, 0x00, 0x00, 0x3C, 0x00, 0x00, 0x00],
      [0x00, 0x00, 0x00, 0x3C], [0x4C, 0x6F, 0xA7, 0x94], [0x3C, 0x00, 0x00, 0x00], [0x2B, 0x2F, 0x76, 0x38],
    ] as [[UInt8]])
  func refusesOtherEncodings(_ bytes: [UInt8]) {
    #expect(!Self.reasons(bytes).isEmpty)
  }
}

/// Reads with limits on bytes alone.
enum XMLSourceSize {
  static func read(_ xml: String, _ limits: Limits, nodes: Int) throws {
    var limits = limits
    limits.jsonNodesMax = nodes
    _ = try XMLForm(schema: .r4).json(fromXML: Array(xml.utf8), limits: limits)
  }
}
