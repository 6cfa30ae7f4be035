import JSONCore
import Testing

@Suite struct JSONDocumentTests {
  /// Scalars keep their lexemes; nothing is normalised.
  @Test func lexemesAreKept() throws {
    let document = try JSONDocument(
      #"{"value":1.00,"exponent":-2.0E+10,"text":"a\u00e9\n\ud83d\ude00\/","yes":true,"no":false,"none":null}"#)
    func lexeme(_ key: JSONKey) -> String? {
      document.member(document.root, key).map { String(decoding: document.lexeme($0), as: UTF8.self) }
    }
    #expect(lexeme("value") == "1.00")
    #expect(lexeme("exponent") == "-2.0E+10")
    #expect(lexeme("text") == #"a\u00e9\n\ud83d\ude00\/"#)
    #expect(document.value["text"]?.string == "aé\n😀/")
    #expect(document.value["yes"]?.bool == true)
    #expect(document.value["no"]?.bool == false)
    #expect(document.value["none"]?.kind == .null)
    #expect(document.value["absent"] == nil)
    #expect(document.count(document.root) == 6)
  }

  /// Members are found by names of every length around the eight-byte head, and only by the whole name.
  @Test func membersByName() throws {
    let names = (1...24).map { String(repeating: "n", count: $0) } + ["nnnnnnnnX", "é", "a\\\"b"]
    var writer = JSONWriter()
    writer.beginObject()
    for (place, name) in names.enumerated() {
      writer.key(name)
      writer.number(place)
    }
    writer.endObject()
    let document = try JSONDocument(writer.bytes)
    for (place, name) in names.enumerated() {
      #expect(document.member(document.root, JSONKey(name)).flatMap { document.integer($0) } == place)
    }
    #expect(document.member(document.root, "nnnnnnnnY") == nil)
    #expect(document.value.members.map(\.name) == names)
  }

  /// A name written with escapes is the same name.
  @Test func escapedNames() throws {
    let document = try JSONDocument(#"{"\u0069d":"x"}"#)
    #expect(document.value["id"]?.string == "x")
  }

  @Test(arguments: [
    ("0", 0), ("-0", 0), ("42", 42), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
  ])
  func integers(text: String, value: Int) throws {
    let document = try JSONDocument(text)
    #expect(document.integer(document.root) == value)
  }

  @Test(arguments: ["9223372036854775808", "-9223372036854775809", "1.0", "1e3", "true", "\"1\""])
  func notIntegers(text: String) throws {
    let document = try JSONDocument(text)
    #expect(document.integer(document.root) == nil)
  }

  /// The grammar of RFC 8259: each text is refused with its code at its place.
  @Test(arguments: [
    ("", JSONError.Code.empty, 1, 1), ("  \n ", .empty, 2, 2),
    ("{", .unexpectedEnd, 1, 2), ("[1", .unexpectedEnd, 1, 3), ("\"abc", .unexpectedEnd, 1, 5),
    ("{\"a\"", .unexpectedEnd, 1, 5), ("{\"a\":", .unexpectedEnd, 1, 6),
    ("[1,]", .unexpectedCharacter, 1, 4), ("{\"a\":1,}", .unexpectedCharacter, 1, 8),
    ("[1 2]", .unexpectedCharacter, 1, 4),
    ("{a:1}", .unexpectedCharacter, 1, 2), ("{'a':1}", .unexpectedCharacter, 1, 2),
    ("{1:1}", .unexpectedCharacter, 1, 2),
    ("{\"a\" 1}", .unexpectedCharacter, 1, 6), (",", .unexpectedCharacter, 1, 1), ("]", .unexpectedCharacter, 1, 1),
    ("[1}", .unexpectedCharacter, 1, 3), ("{]", .unexpectedCharacter, 1, 2),
    ("01", .invalidNumber, 1, 1), ("-", .invalidNumber, 1, 1), ("1.", .invalidNumber, 1, 1),
    ("1e", .invalidNumber, 1, 1),
    (".5", .unexpectedCharacter, 1, 1), ("+1", .unexpectedCharacter, 1, 1), ("-a", .invalidNumber, 1, 1),
    ("NaN", .unexpectedCharacter, 1, 1), ("nul", .invalidLiteral, 1, 1), ("truE", .invalidLiteral, 1, 1),
    ("1 1", .trailingContent, 1, 3), ("{}\n{}", .trailingContent, 2, 1),
    (#""\x""#, .invalidEscape, 1, 2), (#""\u12g4""#, .invalidEscape, 1, 2), (#""\ud800""#, .invalidEscape, 1, 2),
    (#""\ud800\u0041""#, .invalidEscape, 1, 2), (#""\udc00""#, .invalidEscape, 1, 2), ("\"\\", .unexpectedEnd, 1, 2),
    ("\"a\u{1}\"", .controlCharacter, 1, 3), ("\"a\nb\"", .controlCharacter, 1, 3),
    ("[\"a\tb\"]", .controlCharacter, 1, 4),
    ("{\"a\":1,\n \"a\":2}", .duplicateKey, 2, 2), (#"{"id":1,"\u0069d":2}"#, .duplicateKey, 1, 9),
    ("\u{feff}{}", .unexpectedCharacter, 1, 1),
  ])
  func refused(text: String, code: JSONError.Code, line: Int, column: Int) {
    let error = #expect(throws: JSONError.self) { try JSONDocument(text) }
    #expect(error?.code == code)
    #expect(error?.line == line)
    #expect(error?.column == column)
  }

  /// Unicode table 3-7: overlong forms, surrogates, values past U+10FFFF and cut sequences are refused.
  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
      [0xF0, 0x80, 0x80, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
    ] as [[UInt8]])
  func invalidUTF8(sequence: [UInt8]) {
    let error = #expect(throws: JSONError.self) { try JSONDocument([0x22] + sequence + [0x22]) }
    #expect(error?.code == .invalidUTF8)
  }

  @Test(arguments: ["é", "€", "😀", "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}", "aaaaaaa€aaaaaaaaaaaaa😀"])
  func validUTF8(text: String) throws {
    #expect(try JSONDocument("\"\(text)\"").value.string == text)
  }

  /// Depth is allowed up to the limit and refused one past it.
  @Test func depthLimit() throws {
    var limits = JSONLimits()
    limits.depthMax = 10
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(throws: Never.self) { try JSONDocument(nested(10), limits: limits) }
    let error = #expect(throws: JSONError.self) { try JSONDocument(nested(11), limits: limits) }
    #expect(error?.code == .tooDeep)
    #expect(throws: JSONError.self) { try JSONDocument(nested(1_000_000)) }
  }

  /// A text with more values than allowed is refused.
  @Test func nodesLimit() throws {
    var limits = JSONLimits()
    limits.nodesMax = 1_000
    func array(_ count: Int) -> String { "[" + Array(repeating: "1", count: count).joined(separator: ",") + "]" }
    #expect(throws: Never.self) { try JSONDocument(array(998), limits: limits) }
    let error = #expect(throws: JSONError.self) { try JSONDocument(array(1_001), limits: limits) }
    #expect(error?.code == .tooManyNodes)
  }

  /// Duplicate names are found in objects of every size, in bounded time.
  @Test(arguments: [2, 20, 33, 34, 100, 100_000])
  func duplicatesInLargeObjects(count: Int) {
    let members = (0..<count).map { "\"member number \($0)\":\($0)" }
    #expect(throws: Never.self) { try JSONDocument("{" + members.joined(separator: ",") + "}") }
    let twice = members + ["\"member number \(count / 2)\":null"]
    let error = #expect(throws: JSONError.self) { try JSONDocument("{" + twice.joined(separator: ",") + "}") }
    #expect(error?.code == .duplicateKey)
  }

  /// Slices point at exactly the value's text.
  @Test func ranges() throws {
    let text = #"{ "a" : [ 1 , {"b": "c"} ] , "d":[] }"#
    let document = try JSONDocument(text)
    func slice(_ node: JSONNode) -> String { String(decoding: document.text[document.range(node)], as: UTF8.self) }
    let array = try #require(document.member(document.root, "a"))
    #expect(slice(array) == #"[ 1 , {"b": "c"} ]"#)
    #expect(document.elements(array).map(slice) == ["1", #"{"b": "c"}"#])
    #expect(slice(document.root) == text)
    #expect(document.members(document.root).map { slice($0.key) } == [#""a""#, #""d""#])
  }
}
