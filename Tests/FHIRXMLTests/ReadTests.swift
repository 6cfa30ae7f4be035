import Base
import FHIRModel
import FHIRXML
import JSONCore
import Testing

/// XML to JSON, by the examples of R4 xml.html and json.html.
@Suite struct ReadTests {
  static let form = XMLForm(schema: .r4)

  static func json(_ xml: String) throws -> String {
    String(decoding: try form.json(fromXML: Array(xml.utf8)), as: UTF8.self)
  }

  static func patient(_ content: String) throws -> String {
    try json("<Patient xmlns=\"http://hl7.org/fhir\">\(content)</Patient>")
  }

  private let head = #"{"resourceType":"Patient""#

  @Test func primitivesKeepTheirText() throws {
    let observation = try Self.json(
      """
      <?xml version="1.0"?>
      <Observation xmlns="http://hl7.org/fhir"><id value="x"/><status value="final"/>
      <valueQuantity><value value="1.00"/><unit value="a &amp; &quot;b&quot; &lt;&#10;\\ é 😀"/></valueQuantity>
      </Observation>
      """)
    #expect(
      observation == #"{"resourceType":"Observation","id":"x","status":"final","#
        + #""valueQuantity":{"value":1.00,"unit":"a & \"b\" <\n\\ é 😀"}}"#)
    #expect(
      try Self.patient("<active value='true'/><multipleBirthInteger value='+2'/>")
        == head + #","active":true,"multipleBirthInteger":2}"#)
    #expect(try Self.patient("") == head + "}")
  }

  // R4 json.html#primitive: the values' array and that of ids and extensions are of one length, filled with null.
  @Test func extensionsOfPrimitivesBecomeSiblings() throws {
    let url = #""url":"u","valueString":"v""#
    let inner = #"<extension url="u"><valueString value="v"/></extension>"#
    #expect(
      try Self.patient("<birthDate id='314159' value='1970-03-30'>\(inner)</birthDate>")
        == head + #","birthDate":"1970-03-30","_birthDate":{"id":"314159","extension":[{\#(url)}]}}"#)
    #expect(
      try Self.patient("<birthDate>\(inner)</birthDate>") == head + #","_birthDate":{"extension":[{\#(url)}]}}"#)
    #expect(
      try Self.patient(
        "<name><given value='a'/><given>\(inner)</given><given id='i' value='c'/><given value='d'/></name>")
        == head + #","name":[{"given":["a",null,"c","d"],"_given":[null,{"extension":[{\#(url)}]},{"id":"i"},null]}]}"#)
    #expect(
      try Self.patient("<name><given>\(inner)</given><given id='i'>\(inner)</given></name>")
        == head + #","name":[{"_given":[{"extension":[{\#(url)}]},{"id":"i","extension":[{\#(url)}]}]}]}"#)
  }

  @Test func siblingsWithinSiblings() throws {
    let inner =
      "<extension url='a'><valueString id='deep'><extension url='b'><valueCode value='c'/></extension>"
      + "</valueString></extension>"
    #expect(
      try Self.patient("<name><given value='x'/><given value='y'>\(inner)</given></name><gender value='male'/>")
        == head + #","name":[{"given":["x","y"],"_given":[null,{"extension":[{"url":"a","_valueString":{"id":"deep","#
        + #""extension":[{"url":"b","valueCode":"c"}]}}]}]}],"gender":"male"}"#)
  }

  @Test func resourcesWithinResources() throws {
    #expect(
      try Self.patient(
        "<contained><Organization><id value='o'/></Organization></contained><contained><Basic/></contained>")
        == head + #","contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Basic"}]}"#)
    #expect(
      try Self.json(
        """
        <f:Parameters xmlns:f="http://hl7.org/fhir"><f:parameter><f:name value="a"/><f:resource>
          <Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry id="e"><resource><Basic/></resource></entry>
          </Bundle></f:resource></f:parameter></f:Parameters>
        """)
        == #"{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Bundle","type":"batch","#
        + #""entry":[{"id":"e","resource":{"resourceType":"Basic"}}]}}]}"#)
  }

  @Test func narrativesAreCopiedAsTheyStand() throws {
    let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\" ><!-- c -->a&#160;&amp;<br/>\n<b class='x' >c</b ></div >"
    let text = JSONWriter.quoted(div)
    #expect(
      try Self.patient("<text><status value='empty'/>\(div)</text>")
        == head + #","text":{"status":"empty","div":\#(text)}}"#)
  }

  // The same markup with the namespace declared elsewhere or by a prefix.
  @Test(arguments: [
    "<h:div xmlns:h='http://www.w3.org/1999/xhtml' class='&lt;&quot;'><h:p xml:lang='de'>a &lt; b</h:p><h:br/></h:div>",
    """
    <f:status xmlns:f="http://hl7.org/fhir" value="empty"/><!-- -->
    """,
  ])
  func narrativesWithPrefixesAreWrittenAnew(_ content: String) throws {
    let isDiv = content.contains("div")
    let json = try Self.patient("<text>\(isDiv ? "<status value='empty'/>" : "")\(content)</text>")
    let div = #"<div xmlns="http://www.w3.org/1999/xhtml" class="&lt;&quot;"><p xml:lang="de">a &lt; b</p><br/></div>"#
    #expect(json == head + #","text":{"status":"empty"\#(isDiv ? ",\"div\":\(JSONWriter.quoted(div))" : "")}}"#)
  }

  @Test func whatIsNoContentIsDropped() throws {
    #expect(
      try Self.json(
        """
        <?xml version="1.0" encoding="utf-8" standalone="yes"?><!-- a --><?xml-stylesheet href="x"?>
        <Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
          xsi:schemaLocation="http://hl7.org/fhir patient.xsd"><!-- b --><?p?><active value="true"><!-- c --></active>
        </Patient><!-- d -->
        """) == head + #","active":true}"#)
  }

  @Test(arguments: [true, false], [true, false])
  func readsUTF16(_ isBigEndian: Bool, _ hasMark: Bool) throws {
    let text =
      "<?xml version='1.0' encoding='UTF-16'?>"
      + "<Patient xmlns='http://hl7.org/fhir'><name><text value='é😀'/></name></Patient>"
    var bytes: [UInt8] = []
    for unit in (hasMark ? [0xFEFF] : []) + Array(text.utf16) {
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      bytes += isBigEndian ? [high, low] : [low, high]
    }
    let json = String(decoding: try Self.form.json(fromXML: bytes), as: UTF8.self)
    #expect(json == head + #","name":[{"text":"é😀"}]}"#)
  }

  @Test func readsUTF8WithByteOrderMark() throws {
    let bytes = [0xEF, 0xBB, 0xBF] + Array("<Patient xmlns='http://hl7.org/fhir'/>".utf8)
    #expect(try Self.form.json(fromXML: bytes) == Array((head + "}").utf8))
  }

  @Test func followsTheReleaseOfItsSchema() throws {
    let xml = Array(
      "<Patient xmlns='http://hl7.org/fhir'><animal><species><text value='x'/></species></animal></Patient>".utf8)
    #expect(try XMLForm(schema: .stu3).json(fromXML: xml).count > 20)
    #expect(throws: Fault.self) { try XMLForm(schema: .r4).json(fromXML: xml) }
    // R5 json.html#primitive: integer64 is a string, R4's unsignedInt a number.
    let size = Array(
      "<Media xmlns='http://hl7.org/fhir'><status value='completed'/><content><size value='9'/></content></Media>".utf8)
    #expect(try String(decoding: XMLForm(schema: .r4).json(fromXML: size), as: UTF8.self).contains("\"size\":9"))
    let reference = Array(
      ("<DocumentReference xmlns='http://hl7.org/fhir'><content><attachment><size value='9'/></attachment></content>"
        + "</DocumentReference>")
        .utf8)
    #expect(
      try String(decoding: XMLForm(schema: .r5).json(fromXML: reference), as: UTF8.self).contains("\"size\":\"9\""))
  }
}

extension JSONWriter {
  static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
