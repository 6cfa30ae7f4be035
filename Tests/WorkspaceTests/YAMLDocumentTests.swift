import JSONCore
import Testing

@testable import Workspace

@Suite struct YAMLDocumentTests {
  private func json(_ yaml: String) throws -> String {
    var writer = JSONWriter()
    try YAMLDocument(yaml).root.write(to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test(arguments: [
    ("a: 1", #"{"a":1}"#), ("a: '1'", #"{"a":"1"}"#), ("- a\n- true\n- null\n- ~\n-", #"["a",true,null,null,null]"#),
    ("{a: [1, -2.5e3, 007, 1., .5, 0x1]}", #"{"a":[1,-2.5e3,"007","1.",".5","0x1"]}"#),
    ("a: yes", #"{"a":"yes"}"#), ("a: |\n  x\n  y\n", #"{"a":"x\ny\n"}"#), ("", "null"), ("# nothing", "null"),
    ("a: &x {b: 1}\nc: *x", #"{"a":{"b":1},"c":{"b":1}}"#), ("a: \"\\u00e9\\n\"", #"{"a":"é\n"}"#),
    ("a: !!str 1", #"{"a":"1"}"#), ("---\na: 1\n...\n", #"{"a":1}"#), ("\u{FEFF}a: 1", #"{"a":1}"#),
  ])
  func isReadAsJSON(yaml: String, json: String) throws { #expect(try self.json(yaml) == json) }

  @Test(arguments: [
    ("a: 1\na: 2", 2, 1, "second time"), ("a: [1", 2, 1, ""), ("a: 1\n  b: 2", 2, 4, ""), ("a:\n\tb: 1", 2, 1, ""),
    ("a: *x", 1, 4, "no value before"), ("a: &x [*x]", 1, 8, "no value before"),
    ("a: !secret x", 1, 4, "tags"), ("a: !!binary x", 1, 4, "tags"), ("a: 1\n---\nb: 2", 2, 1, "second document"),
    ("[a]: 1", 1, 1, "single value"), ("{{a: 1}: 2}", 1, 2, "single value"), ("a: \"\\x\"", 1, 4, ""),
    ("a: 'x", 1, 6, ""), ("%YAML 3.0\n---\na", 1, 1, ""), ("a: \u{0}", 1, 1, ""),
  ])
  func aMistakeIsToldWithItsPlace(yaml: String, line: Int, column: Int, why: String) throws {
    let error = #expect(throws: ConfigurationError.self) { try YAMLDocument(yaml) }
    #expect(error?.line == line, "\(error?.description ?? "")")
    #expect(error.map { $0.message.contains(why) } == true, "\(error?.description ?? "")")
    if !why.isEmpty { #expect(error?.column == column, "\(error?.description ?? "")") }
  }

  @Test func aNodeKnowsItsPlace() throws {
    let root = try YAMLDocument("a:\n  - b: x\n    c:   'y'").root
    guard case .sequence(let items) = root["a"]?.content, let c = items.first?["c"] else {
      Issue.record("no list")
      return
    }
    #expect(c.line == 3)
    #expect(c.column == 10)
  }

  @Test func depthIsBounded() throws {
    var limits = YAMLLimits()
    limits.depthMax = 4
    _ = try YAMLDocument("[[[[1]]]]", limits: limits)
    #expect(throws: ConfigurationError.self) { try YAMLDocument("[[[[[1]]]]]", limits: limits) }
    _ = try YAMLDocument("a: &x [[1]]\nb: [*x]", limits: limits)
    #expect(throws: ConfigurationError.self) { try YAMLDocument("a: &x [[1]]\nb: [[[*x]]]", limits: limits) }
    // However deep, nothing is put on the stack.
    #expect(throws: ConfigurationError.self) { try YAMLDocument(String(repeating: "[", count: 100_000)) }
    #expect(throws: ConfigurationError.self) { try YAMLNode(json: Array(String(repeating: "[", count: 100_000).utf8)) }
  }

  @Test func aliasesCountAsWhatTheyStandFor() throws {
    var limits = YAMLLimits()
    limits.nodesMax = 12
    // 1 + 3 for the first, then 3 for each alias, and the mapping.
    _ = try YAMLDocument("a: &x [1, 2]\nb: *x", limits: limits)
    #expect(throws: ConfigurationError.self) {
      try YAMLDocument("a: &x [1, 2]\nb: *x\nc: *x\nd: *x\ne: *x", limits: limits)
    }
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for i in 1...20 {
      bomb += "a\(i): &a\(i) [" + Array(repeating: "*a\(i - 1)", count: 9).joined(separator: ", ") + "]\n"
    }
    let error = #expect(throws: ConfigurationError.self) { try YAMLDocument(bomb) }
    #expect(error?.message.contains("aliases") == true)
  }

  @Test func lengthIsBounded() throws {
    var limits = YAMLLimits()
    limits.bytesMax = 10
    _ = try YAMLDocument("a: 1234567", limits: limits)
    #expect(throws: ConfigurationError.self) { try YAMLDocument("a: 12345678", limits: limits) }
    #expect(throws: ConfigurationError.self) { try YAMLNode(json: Array(#"{"a":12345}"#.utf8), limits: limits) }
  }

  /// RFC 7396, appendix A.
  @Test(arguments: [
    (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
    (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
    (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
    (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
    (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
    (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
    ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
  ])
  func mergePatch(original: String, patch: String, result: String) throws {
    var writer = JSONWriter()
    try YAMLNode(json: Array(original.utf8)).merging(try YAMLNode(json: Array(patch.utf8))).write(to: &writer)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == result)
  }
}
