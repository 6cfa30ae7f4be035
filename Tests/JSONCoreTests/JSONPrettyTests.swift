import JSONCore
import Testing

@Suite struct JSONPrettyTests {
  private func pretty(_ text: String) throws -> String {
    let document = try JSONDocument(text)
    var bytes: [UInt8] = []
    document.appendPretty(document.root, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func indents() throws {
    let text = #" {"a":[1.00,{"b":null},[ ],{ },[[]]],"c\n":"x\u0041","d":{"e":true}} "#
    #expect(
      try pretty(text) == #"""
        {
          "a": [
            1.00,
            {
              "b": null
            },
            [],
            {},
            [
              []
            ]
          ],
          "c\n": "x\u0041",
          "d": {
            "e": true
          }
        }
        """#)
  }

  @Test(arguments: ["1.50", "\"x\"", "null", "true", "[]", "{}"])
  func scalarsStandAlone(text: String) throws {
    #expect(try pretty("  \(text) ") == text)
  }

  @Test func aPartOfADocument() throws {
    let document = try JSONDocument(#"{"a":{"b":[1]},"c":2}"#)
    let node = try #require(document.member(document.root, "a"))
    var bytes = Array("x".utf8)
    document.appendPretty(node, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "x{\n  \"b\": [\n    1\n  ]\n}")
  }

  /// Pretty and compact say the same, at the parser's greatest depth too.
  @Test func roundTrips() throws {
    let deep = String(repeating: "[", count: 127) + "{}" + String(repeating: "]", count: 127)
    for text in [#"{"a":[{"b":"\"{,}"},-1e5],"":{"":[]}}"#, deep] {
      let document = try JSONDocument(try pretty(text))
      var bytes: [UInt8] = []
      document.appendCompact(document.root, to: &bytes)
      #expect(String(decoding: bytes, as: UTF8.self) == text)
    }
  }
}
