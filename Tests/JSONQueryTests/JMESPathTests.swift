import JSONCore
import JSONQuery
import Testing

/// What device mappings need of JMESPath beyond the standard's suite.
@Suite struct JMESPathTests {
  private func json(_ expression: String, _ text: String = "{}") throws -> String {
    let document = try JSONDocument(text)
    var writer = JSONWriter()
    JMESPath.write(try JMESPath(expression).value(in: document), of: document, to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private func code(_ expression: String, _ text: String = "{}") -> JSONQueryError.Code? {
    do {
      _ = try json(expression, text)
      return nil
    } catch {
      return (error as? JSONQueryError)?.code
    }
  }

  @Test(arguments: [
    ("add(`10`, `5`)", "15"), ("add(`10.5`, `5`)", "15.5"), ("subtract(`3`, `10`)", "-7"),
    ("multiply(`3`, `4`)", "12"), ("multiply(`78`, `0.5`)", "39.0"), ("divide(`40`, `8`)", "5"),
    ("divide(`40`, `50`)", "0"), ("divide(`40.0`, `50`)", "0.8"), ("divide(`-7`, `2`)", "-3"),
    ("pow(`2`, `10`)", "1024"), ("pow(`2`, `-1`)", "0"), ("pow(`2.0`, `0.5`)", "1.4142135623730951"),
    ("insertString('123', 'patient', `0`)", "\"patient123\""), ("insertString('123', 'x', `3`)", "\"123x\""),
    ("fromUnixTimestamp(`1625097600`)", "\"2021-07-01T00:00:00Z\""),
    ("fromUnixTimestampMs(`1625097600123`)", "\"2021-07-01T00:00:00.123Z\""),
    ("fromUnixTimestamp(`-1`)", "\"1969-12-31T23:59:59Z\""),
  ])
  func deviceFunctions(_ expression: String, _ expected: String) throws {
    #expect(try json(expression) == expected)
  }

  @Test(arguments: [
    ("divide(`1`, `0`)", JSONQueryError.Code.invalidValue), ("divide(`1.0`, `0.0`)", .invalidValue),
    ("add(`9223372036854775807`, `1`)", .invalidValue), ("multiply(`1e308`, `10`)", .invalidValue),
    ("pow(`10`, `19`)", .invalidValue), ("pow(`10`, `400`)", .invalidValue), ("add('1', `1`)", .invalidType),
    ("add(`1`)", .invalidArity), ("insertString('123', 'x', `4`)", .invalidValue),
    ("insertString('123', 'x', `-1`)", .invalidValue), ("insertString('123', 'x', `1.0`)", .invalidType),
    ("fromUnixTimestamp(`1.5`)", .invalidType), ("fromUnixTimestamp(`253402300800`)", .invalidValue),
    ("fromUnixTimestamp('1')", .invalidType), ("nothing(@)", .unknownFunction),
  ])
  func deviceFunctionErrors(_ expression: String, _ expected: JSONQueryError.Code) {
    #expect(code(expression) == expected)
  }

  @Test func trueDivisionIsAnOption() throws {
    var options = JMESPath.Options()
    options.dividesIntegersWhole = false
    let document = try JSONDocument("{}")
    guard case .number(let number) = try JMESPath("divide(`40`, `50`)", options: options).value(in: document) else {
      Issue.record("no number")
      return
    }
    #expect(number == .double(0.8))
  }

  /// Every token of a projection is a match of its own; an array is one value, and parentheses or a pipe make one.
  @Test(arguments: [
    ("a[].b", 2), ("a[*].b", 2), ("a[?b]", 2), ("a[0:1]", 1), ("o.*", 2), ("x || a[].b", 2), ("a && a[].b", 2),
    ("@ | a[].b", 2),
  ])
  func projections(_ expression: String, _ count: Int) throws {
    let document = try JSONDocument(#"{"a":[{"b":1},{"b":2}],"o":{"p":1,"q":2}}"#)
    guard case .projection(let values) = try JMESPath(expression).selection(in: document) else {
      Issue.record("\(expression) is no projection")
      return
    }
    #expect(values.count == count)
  }

  @Test(arguments: ["a", "to_array(a)", "(a[].b)", "a[].b | @", "a[].b | [0]", "nothing[]"])
  func noProjections(_ expression: String) throws {
    let document = try JSONDocument(#"{"a":[{"b":1},{"b":2}]}"#)
    guard case .value = try JMESPath(expression).selection(in: document) else {
      Issue.record("\(expression) is a projection")
      return
    }
  }

  @Test func sampleOfAzure() throws {
    let document = try JSONDocument(
      #"{"Body":[{"deviceId":"deviceTypeB1","data":[{"x":1},{"x":2}]},{"deviceId":"other","data":[{"x":3}]}]}"#)
    let path = try JMESPath("to_array(@.Body) | [? deviceId && starts_with(deviceId, 'deviceTypeB')].data[]")
    guard case .projection(let values) = try path.selection(in: document) else {
      Issue.record("no projection")
      return
    }
    #expect(values.count == 2)
  }

  @Test func overlay() throws {
    let document = try JSONDocument(#"{"Body":{"a":[1,2]},"matchedToken":"hidden"}"#)
    let body = try #require(document.member(document.root, "Body"))
    let token = try #require(document.member(body, "a"))
    let overlay = JSONOverlay("matchedToken", token)
    let value = try JMESPath("add(matchedToken[0], Body.a[1])").value(in: document, adding: overlay)
    guard case .number(.integer(3)) = value else {
      Issue.record("\(value)")
      return
    }
  }

  // MARK: - Errors and limits

  @Test func errorsHaveAPlace() {
    let error = #expect(throws: JSONQueryError.self) { try JMESPath("a.\nb.[") }
    #expect(error?.code == .syntax)
    #expect(error?.line == 2)
    #expect(error?.column == 4)
    #expect(error?.offset == 6)
    #expect(error?.description.contains("b.") == false)
  }

  @Test func nestingIsLimited() throws {
    var limits = JSONQueryLimits()
    limits.expressionDepthMax = 20
    func nested(_ count: Int) -> String {
      String(repeating: "[", count: count) + "@" + String(repeating: "]", count: count)
    }
    _ = try JMESPath(nested(19), limits: limits)
    #expect(throws: JSONQueryError.self) { try JMESPath(nested(20), limits: limits) }
    let chain = Array(repeating: "a", count: 21).joined(separator: ".")
    #expect(throws: JSONQueryError.self) { try JMESPath(chain, limits: limits) }
    let hostile = String(repeating: "(", count: 16_000)
    #expect(throws: JSONQueryError.self) { try JMESPath(hostile) }
    #expect(throws: JSONQueryError.self) { try JMESPath(String(repeating: "!", count: 16_384)) }
  }

  @Test func lengthIsLimited() throws {
    var limits = JSONQueryLimits()
    limits.expressionBytesMax = 5
    _ = try JMESPath("abcde", limits: limits)
    let error = #expect(throws: JSONQueryError.self) { try JMESPath("abcdef", limits: limits) }
    #expect(error?.code == .tooCostly)
  }

  /// Each pipe doubles the value: forty of them would make a million million elements.
  @Test func bombsEnd() throws {
    let doubling = Array(repeating: "[@, @]", count: 40).joined(separator: " | ")
    #expect(code("\(doubling) | to_string(@)", "1") == .tooCostly)
    let flattening = Array(repeating: "[@, @][]", count: 40).joined(separator: " | ")
    #expect(code(flattening, "[1]") == .tooCostly)
    let comparing = "\(doubling) | @ == @"
    #expect(code(comparing, "1") == .tooCostly)
  }

  @Test func resultsAreLimited() throws {
    var limits = JSONQueryLimits()
    limits.resultsMax = 3
    let path = try JMESPath("[*]", limits: limits)
    _ = try path.value(in: try JSONDocument("[1,2,3]"))
    #expect(throws: JSONQueryError.self) { try path.value(in: try JSONDocument("[1,2,3,4]")) }
  }

  @Test func stepsAreLimited() throws {
    var limits = JSONQueryLimits()
    // The projection, its array, two elements looked at and evaluated.
    limits.stepsMax = 6
    let path = try JMESPath("[*]", limits: limits)
    _ = try path.value(in: try JSONDocument("[1,2]"))
    let error = #expect(throws: JSONQueryError.self) { try path.value(in: try JSONDocument("[1,2,3]")) }
    #expect(error?.code == .tooCostly)
  }

  @Test func textsAreLimited() throws {
    var limits = JSONQueryLimits()
    limits.stringBytesMax = 5
    let path = try JMESPath("join('', @)", limits: limits)
    _ = try path.value(in: try JSONDocument(#"["abc","de"]"#))
    #expect(throws: JSONQueryError.self) { try path.value(in: try JSONDocument(#"["abc","def"]"#)) }
  }
}
