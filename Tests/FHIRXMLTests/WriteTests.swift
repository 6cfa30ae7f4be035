import Base
import FHIRModel
import FHIRXML
import JSONCore
import Testing

/// JSON to XML.
@Suite struct WriteTests {
  static let form = XMLForm(schema: .r4)
  private let prolog = #"<?xml version="1.0" encoding="UTF-8"?>"#

  static func xml(_ json: String, indented: Bool = false) throws -> String {
    var bytes: [UInt8] = []
    try form.append(try JSONDocument(json), to: &bytes, indented: indented)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func patient(_ members: String) throws -> String {
    let xml = try Self.xml("{\"resourceType\":\"Patient\"\(members)}")
    let (head, tail) = (prolog + #"<Patient xmlns="http://hl7.org/fhir">"#, "</Patient>")
    #expect(xml.hasPrefix(head) && xml.hasSuffix(tail))
    return String(xml.dropFirst(head.count).dropLast(tail.count))
  }

  @Test func ordersElementsAsDefined() throws {
    #expect(
      try patient(
        #","gender":"male","_active":{"id":"a"},"name":[{"given":["x"],"family":"y","id":"n"}],"active":true,"id":"i""#)
        == #"<id value="i"/><active id="a" value="true"/><name id="n"><family value="y"/><given value="x"/></name>"#
        + #"<gender value="male"/>"#)
    #expect(
      try Self.xml(#"{"valueQuantity":{"unit":"g","value":1.00},"resourceType":"Observation","status":"final"}"#)
        == prolog + #"<Observation xmlns="http://hl7.org/fhir"><status value="final"/><valueQuantity>"#
        + #"<value value="1.00"/><unit value="g"/></valueQuantity></Observation>"#)
    #expect(try Self.xml(#"{"resourceType":"Basic"}"#) == prolog + #"<Basic xmlns="http://hl7.org/fhir"/>"#)
  }

  @Test func writesSiblings() throws {
    #expect(
      try patient(
        #","name":[{"_given":[null,{"extension":[{"valueCode":"v","url":"u"}]},{"id":"i"}],"given":["a",null,"b"]}]"#)
        == #"<name><given value="a"/><given><extension url="u"><valueCode value="v"/></extension></given>"#
        + #"<given id="i" value="b"/></name>"#)
    #expect(
      try patient(#","_birthDate":{"extension":[{"url":"u","valueCode":"v"}]}"#)
        == #"<birthDate><extension url="u"><valueCode value="v"/></extension></birthDate>"#)
  }

  // XML 1.0 §2.4, §3.3.3: markup characters, quotes, and whitespace that a parser would make spaces of.
  @Test func escapesText() throws {
    #expect(
      try patient(#","name":[{"text":"a & <b> \"c\" 'd'\t\r\n\\\/ \u00e9é \ud83d\ude00 &amp; ]]>"}]"#)
        == #"<name><text value="a &amp; &lt;b&gt; &quot;c&quot; 'd'&#9;&#13;&#10;\/ éé 😀 &amp;amp; ]]&gt;"/></name>"#)
    // Nothing but U+FFFD can stand for what XML has no character for.
    #expect(
      try patient(#","name":[{"text":"a\u0001\b\uffff\ufffe\uFFFD\uFEFFb"}]"#)
        == "<name><text value=\"a\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FEFF}b\"/></name>")
    // At every place of a word of eight bytes.
    for length in 0..<20 {
      let text = String(repeating: "x", count: length)
      #expect(try patient(",\"language\":\"\(text)<\(text)&\(text)\"").contains("\"\(text)&lt;\(text)&amp;\(text)\""))
    }
  }

  @Test func writesResourcesWithinResources() throws {
    #expect(
      try patient(#","contained":[{"id":"b","resourceType":"Basic"},{"resourceType":"Basic"}]"#)
        == #"<contained><Basic><id value="b"/></Basic></contained><contained><Basic/></contained>"#)
  }

  @Test func embedsNarratives() throws {
    let div =
      #"<div xmlns="http://www.w3.org/1999/xhtml" class='a'><!-- c -->a&#160;&lt;<br /><img alt="&quot;"/></div>"#
    let json = ",\"text\":{\"status\":\"empty\",\"div\":\(JSONWriter.quoted(" " + div + "\n"))}"
    #expect(try patient(json) == #"<text><status value="empty"/>"# + div + "</text>")
    #expect(
      try patient(#","text":{"div":"<div>a\r\n<b>b</b></div>"}"#)
        == "<text><div xmlns=\"http://www.w3.org/1999/xhtml\">a\r\n<b>b</b></div></text>")
  }

  // Not one of these may open or close anything outside of the div.
  @Test(arguments: [
    "", "a", "<div>", "<div/>x", "</div>", "<div></div></text>", "<div></div><active value='true'/>", "<p>x</p>",
    "<divx></divx>", "<div><b></div></b>", "<div><b></div>", "<div a=b></div>", "<div a='<'></div>", "<div a='&x;'/>",
    "<div a='1' a='2'/>", "<div a='1'b='2'/>", "<div>&nbsp;</div>", "<div>& </div>", "<div>&#0;</div>",
    "<div>&#xD800;</div>", "<div>&#x110000;</div>", "<div>&#99999999999;</div>", "<div>&#;</div>", "<div>]]></div>",
    "<div><![CDATA[x]]></div>", "<div><?p?></div>", "<div><!-- a -- b --></div>", "<div><!-- a --->x</div>",
    "<div><!--", "<?xml version='1.0'?><div/>", "<!DOCTYPE div><div/>", "<div xmlns='http://hl7.org/fhir'/>",
    "<div><x:p/></div>", "<div x:a='b'/>", "<div xmlns:x='y'/>", "<div xml:='y'/>", "<div>\u{1}</div>",
    "<div>\u{FFFF}</div>", "<div><1/></div>", "<div \u{1F600}='x'/>", "<div/ >", "< div/>",
    String(repeating: "<div>", count: 300) + String(repeating: "</div>", count: 300),
  ])
  func showsMalformedNarrativesAsText(_ div: String) throws {
    let document = try JSONDocument(
      "{\"resourceType\":\"Patient\",\"text\":{\"div\":\(JSONWriter.quoted(div))},\"active\":false}")
    var xml: [UInt8] = []
    try Self.form.append(document, to: &xml)
    let back = try JSONDocument(Self.form.json(fromXML: xml)).value
    #expect(back["active"]?.bool == false)
    let shown = try #require(back["text"]?["div"]?.string)
    #expect(shown == "<div xmlns=\"http://www.w3.org/1999/xhtml\">" + escaped(div) + "</div>")
  }

  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\u{1}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  @Test func indents() throws {
    #expect(
      try Self.xml(
        #"{"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"b"}],"name":[{"family":"f"}]}"#,
        indented: true)
          == """
          <?xml version="1.0" encoding="UTF-8"?>
          <Patient xmlns="http://hl7.org/fhir">
            <contained>
              <Basic>
                <id value="b"/>
              </Basic>
            </contained>
            <name>
              <family value="f"/>
            </name>
          </Patient>

          """)
  }

  @Test(arguments: [
    "{}", "[]", "1", #"{"resourceType":"Nonsense"}"#, #"{"resourceType":1}"#, #"{"resourceType":"Patient","x":1}"#,
    #"{"resourceType":"Patient","name":["x"]}"#, #"{"resourceType":"Patient","active":{}}"#,
    #"{"resourceType":"Patient","name":[null]}"#, #"{"resourceType":"Patient","_name":[{}]}"#,
    #"{"resourceType":"Patient","_active":1}"#, #"{"resourceType":"Patient","name":[{"id":1}]}"#,
    #"{"resourceType":"Patient","contained":[1]}"#, #"{"resourceType":"Patient","contained":[{}]}"#,
    #"{"resourceType":"Patient","text":{"div":1}}"#, #"{"resourceType":"Patient","n\u0061me":[]}"#,
    #"{"resourceType":"Patient","name":[{"resourceType":"HumanName"}]}"#, #"{"resourceType":"Patient","":1}"#,
  ])
  func refusesWhatHasNoXML(_ json: String) throws {
    let document = try JSONDocument(json)
    var bytes = Array("before".utf8)
    let fault = #expect(throws: Fault.self) { try Self.form.append(document, to: &bytes) }
    #expect(fault?.category == .notAcceptable)
    #expect(bytes == Array("before".utf8))
  }
}
