import JSONCore
import Testing

@Suite struct JSONWritingTests {
  /// Compact output drops whitespace between tokens and nothing else.
  @Test(arguments: [
    ("{ }", "{}"), ("[ ]", "[]"), (" 1.00 ", "1.00"),
    (
      "{ \"a\" : [ 1 , 2.50 , { \"b\" : null } , [ ] , {} ] ,\r\n\t\"c d\" : \" e  f \" }",
      #"{"a":[1,2.50,{"b":null},[],{}],"c d":" e  f "}"#
    ),
    ("[[[]],[{}]]", "[[[]],[{}]]"),
  ])
  func compact(text: String, expected: String) throws {
    let document = try JSONDocument(text)
    var bytes: [UInt8] = []
    document.appendCompact(document.root, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
    #expect(try JSONDocument(bytes).isCompact)
  }

  /// Edits replace whole values, in compact texts (copied by slices) and in others (rewritten) alike.
  @Test(arguments: [#"{"a":"x","b":[{"c":1},2],"d":{}}"#, #"{ "a" : "x" , "b" : [ { "c" : 1 } , 2 ] , "d" : { } }"#])
  func edits(text: String) throws {
    let document = try JSONDocument(text)
    let value = document.value
    let edits = [
      JSONEdit(try #require(value["a"]).node, Array("\"y\"".utf8)),
      JSONEdit(try #require(value["b"]?[0]).node, Array("[]".utf8)),
      JSONEdit(try #require(value["d"]).node, Array("null".utf8)),
    ]
    var bytes: [UInt8] = []
    document.appendCompact(document.root, to: &bytes, replacing: edits[...])
    #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":"y","b":[[],2],"d":null}"#)
  }

  /// Everything written can be read back, whatever characters a string has.
  @Test func stringsRoundTrip() throws {
    let text = String(String.UnicodeScalarView((0..<0x300).compactMap(Unicode.Scalar.init))) + "\u{2028}😀\"\\"
    var writer = JSONWriter()
    writer.beginArray()
    writer.string(text)
    writer.string(utf8: Array(text.utf8))
    writer.beginObject()
    writer.key(text)
    writer.null()
    writer.member("n", -5)
    writer.member("b", true)
    writer.endObject()
    writer.raw(Array("[1]".utf8))
    writer.endArray()
    let value = try JSONDocument(writer.bytes).value
    #expect(value[0]?.string == text)
    #expect(value[1]?.string == text)
    #expect(value[2]?.members.first?.name == text)
    #expect(value[2]?["n"]?.integer == -5)
    #expect(value[3]?[0]?.integer == 1)
  }
}
