import FHIRModel
import Testing

@Suite struct PrimitiveCheckTests {
  static let million = String(repeating: "é", count: 1024 * 1024)

  // From the regular expressions of the R4 StructureDefinitions.
  @Test(
    arguments: [
      (Primitive.boolean, ["true", "false"], ["True", "1", "", "false "]),
      (
        .integer, ["0", "-0", "17", "2147483647", "-2147483648"],
        ["", "-", "+1", "01", "2147483648", "-2147483649", "1.0"]
      ),
      (.unsignedInt, ["0", "2147483647"], ["-0", "-1", "00", "2147483648", "99999999999999999999"]),
      (.positiveInt, ["1"], ["0", "-1", "01"]),
      (.decimal, ["0", "-1.50", "1e9", "1E-9", "0.00"], ["", "-", ".1", "1.", "01", "+1", "1e", "0x1"]),
      (.string, ["a", " a ", " ", "a\tb\r\nc", "é"], ["", "a\u{0}", "a\u{8}"]),
      (.markdown, ["# a\n"], ["", "\u{1F}"]),
      (.code, ["a", "a b", "a-b c.d"], ["", " a", "a ", "a  b", " ", "a\u{1}"]),
      (
        .id, ["a", "A-1.b", String(repeating: "x", count: 64)],
        ["", "a_b", "a/b", "é", String(repeating: "x", count: 65)]
      ),
      (.uri, ["http://a", "urn:x", "a%20b"], ["", "a b", "a\n"]),
      (.canonical, ["http://a|1"], ["", " "]), (.url, ["mailto:a@b"], ["", "a b"]),
      (
        .oid, ["urn:oid:1.2.3", "urn:oid:2.16.840.1.113883", "urn:oid:0.0"],
        ["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02", "urn:oid:1..2", "urn:oid:1.", "urn:oid:1.a"]
      ),
      (
        .uuid, ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
        [
          "c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "urn:uuid:1",
          "urn:uuid:c757873d-ec9a-4326-a141-556f4323952g", "urn:uuid:c757873dxec9a-4326-a141-556f43239520",
        ]
      ),
      (
        .base64Binary, ["YQ==", "YWI=", "YWJj", "YWJj\n YWI=", "+/+/"],
        ["", "YQ", "YQ=", "YQ==YQ==", "Y===", "====", "Y Q=="]
      ),
      (.date, ["2020-02-29"], ["2019-02-29", "2020-01-01T00:00:00Z"]),
      (.dateTime, ["2020", "2020-01-01T00:00:00Z"], ["2020-01-01T00:00Z", "2020-01-01T00:00:00", "2021-10-13+02:00"]),
      (.instant, ["2020-01-01T00:00:00.1Z"], ["2020-01-01", "2020-01-01T00:00:00"]),
      (.time, ["23:59:60", "00:00:00.123"], ["24:00:00", "10:00", "10:00:00Z"]),
      (.xhtml, ["<div>a</div>"], ["a", "<p>a</p>"]),
    ] as [(Primitive, [String], [String])])
  func followsTheExpression(_ type: Primitive, _ good: [String], _ bad: [String]) {
    for text in good { #expect(PrimitiveCheck.isValid(text, as: type), "\(type): \(text)") }
    for text in bad { #expect(!PrimitiveCheck.isValid(text, as: type), "\(type): \(text)") }
  }

  // R4 datatypes#string: 1024 × 1024 characters, not bytes.
  @Test func stringsEndAtOneMillion() {
    #expect(PrimitiveCheck.isValid(Self.million, as: .string))
    #expect(!PrimitiveCheck.isValid(Self.million + "x", as: .string))
  }

  static func div(_ content: String) -> String { "<div xmlns=\"http://www.w3.org/1999/xhtml\">\(content)</div>" }

  @Test(arguments: [
    "text", "<p class='a' title=\"b\">x</p>", "<br/>", "<br />", "<img src=\"a.png\" alt='x'/>",
    "a &amp; b &#160; &#xA9;",
    "<!-- comment -->x", "<a href=\"http://a?b&amp;c\">x</a>", "<p xml:lang=\"en\">x</p>", "é", "<b><i>x</i></b >", "",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "<p style=\"color:red\">x</p>", "<a href=\"#javascript\">x</a>",
  ])
  func acceptsNarratives(_ content: String) {
    #expect(PrimitiveCheck.isValid(Self.div(content), as: .xhtml))
  }

  @Test(arguments: [
    "<script>alert(1)</script>", "<img src=\"x\" onerror=\"alert(1)\"/>", "<IMG SRC=\"x\"/>", "<![CDATA[x]]>",
    "<?xml version=\"1.0\"?>x", "<p>x", "<b><i>x</b></i>", "<p a=\"b\">x</p>", "<p class=a>x</p>", "<p class>x</p>",
    "<a href=\"javascript:alert(1)\">x</a>", "<a href=\" JaVa&#x53;cript:alert(1)\">x</a>",
    "<img src='java\tscript:x'/>", "&nbsp;", "a & b", "&#0;", "&#xD800;", "<p class='a' class='b'>x</p>", "<", "<p",
    "<p class='", "</p>", "<!DOCTYPE html>", "<!-- a", "<form>x</form>", "<p class='a<b'>x</p>", "<iframe/>", "\u{1}",
    "<p xmlns=\"urn:other\">x</p>", "<p class='a'title='b'>x</p>",
  ])
  func refusesNarratives(_ content: String) {
    #expect(!PrimitiveCheck.isValid(Self.div(content), as: .xhtml))
  }

  @Test func narrativesAreOneDiv() {
    for text in [
      "", " ", "<div", "<div/>x", "<div>a</div><div>b</div>", "x<div>a</div>", "<?xml version='1.0'?><div>a</div>",
    ] {
      #expect(!PrimitiveCheck.isValid(text, as: .xhtml), "\(text)")
    }
    #expect(PrimitiveCheck.isValid(" <div>a</div>\n", as: .xhtml))
  }

  @Test func narrativesNestUpTo256() {
    func nested(_ depth: Int) -> String {
      String(repeating: "<div>", count: depth) + "x" + String(repeating: "</div>", count: depth)
    }
    #expect(PrimitiveCheck.isValid(nested(256), as: .xhtml))
    #expect(!PrimitiveCheck.isValid(nested(257), as: .xhtml))
  }
}
