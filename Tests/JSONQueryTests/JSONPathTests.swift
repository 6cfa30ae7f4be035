import JSONCore
import JSONQuery
import Testing

/// The dialect of Json.NET, by its documented behaviour.
@Suite struct JSONPathTests {
  static let store = """
    {"store":{"book":[
      {"category":"reference","author":"Rees","title":"Sayings","price":8.95},
      {"category":"fiction","author":"Waugh","title":"Sword","price":12.99},
      {"category":"fiction","author":"Melville","title":"Moby","isbn":"0-553","price":8.99},
      {"category":"fiction","author":"Tolkien","title":"Lord","isbn":"0-395","price":22.99}],
     "bicycle":{"color":"red","price":19.95,"top speed":30,"a-b":null}},"$id":7,"flag":true}
    """

  private func select(_ expression: String, _ text: String = store) throws -> [String] {
    let document = try JSONDocument(text)
    return try JSONPath(expression).nodes(in: document).map { node in
      var bytes: [UInt8] = []
      document.appendCompact(node, to: &bytes)
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test(arguments: [
    ("$.store.bicycle.color", [#""red""#]), ("store.bicycle.color", [#""red""#]),
    ("$['store']['bicycle'].color", [#""red""#]), ("$.store.bicycle['color','price']", [#""red""#, "19.95"]),
    ("$.store.bicycle['top speed']", ["30"]), ("$.store.bicycle.a-b", ["null"]), ("$id", ["7"]), ("$.$id", ["7"]),
    ("$.store.book[0].author", [#""Rees""#]), ("$.store.book(0).author", [#""Rees""#]),
    ("$.store.book[*].price", ["8.95", "12.99", "8.99", "22.99"]),
    ("$.store.book[0,2].title", [#""Sayings""#, #""Moby""#]), ("$.store.book[9]", []),
    ("$.store.book[-1:].title", [#""Lord""#]), ("$.store.book[:2].title", [#""Sayings""#, #""Sword""#]),
    ("$.store.book[1:3].title", [#""Sword""#, #""Moby""#]),
    ("$.store.book[::-2].title", [#""Lord""#, #""Sword""#]), ("$.store.book[ 1 : 2 ].title", [#""Sword""#]),
    ("$..author", [#""Rees""#, #""Waugh""#, #""Melville""#, #""Tolkien""#]),
    ("$..['color','isbn']", [#""0-553""#, #""0-395""#, #""red""#]),
    ("$.store.bicycle.*", [#""red""#, "19.95", "30", "null"]),
    // Of arrays `.*` selects nothing, of objects `[*]` nothing.
    ("$.store.book.*", []), ("$.store.bicycle[*]", []),
    // The dot-less name behind @, which the documents of the service use.
    ("$..[?(@isbn)].title", [#""Moby""#, #""Lord""#]), ("$..[?(@.isbn)].title", [#""Moby""#, #""Lord""#]),
    ("$.store.book[?(@.price < 10)].title", [#""Sayings""#, #""Moby""#]),
    ("$.store.book[?(@.price == 8.99)].title", [#""Moby""#]),
    ("$..[?(@category == 'fiction' && @price > 20)].title", [#""Lord""#]),
    ("$..[?(@category=='reference' || @isbn)].title", [#""Sayings""#, #""Moby""#, #""Lord""#]),
    ("$..book[?(@.category != 'fiction')].title", [#""Sayings""#]),
    ("$..book[?(@.category <> 'fiction')].title", [#""Sayings""#]),
    ("$..book[?(@.author =~ /^t.*EN$/i)].title", [#""Lord""#]), ("$..book[?(@.title =~ /o/)].author.length", []),
    ("$.store.book[?(@.price > $.store.bicycle.price)].title", [#""Lord""#]),
    ("$..[?(@.price === 19.95)].color", [#""red""#]), ("$..[?(@store.bicycle)].flag", ["true"]),
    ("$.store[?(@.color)]", []), ("$.flag", ["true"]), ("$.flag.x", []), ("$.nothing..x", []),
  ])
  func selects(_ expression: String, _ expected: [String]) throws {
    #expect(try select(expression) == expected)
    // The names of a document never deny a path that selects something.
    let names = JSONNames(of: try JSONDocument(Self.store))
    #expect(try names.mayMeet(JSONPath(expression).requirement) || expected.isEmpty)
  }

  @Test func namesThatAreMissing() throws {
    let names = JSONNames(of: try JSONDocument(#"{"Body":[{"heart\u0052ate":1,"long name of a member":2}]}"#))
    func mayMeet(_ expression: String) throws -> Bool { try names.mayMeet(JSONPath(expression).requirement) }
    for path in [
      "$..[?(@heartRate)]", "$.Body[?(@heartRate && @.heartRate > 0)]", "$..heartRate", "$.Body", "$..['a','b']",
      "$..[?(@a || @heartRate)]", "$..*", "$..['long name of a member']", "$[?(@ == 1)]",
    ] {
      #expect(try mayMeet(path), "\(path)")
    }
    // The filter may affirm a name that is missing, but of many it denies nearly all.
    let denied = try (0..<200).filter { try !mayMeet("$..[?(@member\($0) && @heartRate)]") }
    #expect(denied.count > 180)
  }

  /// Where the operators alternate, the rest belongs to the last term: `a && (b || c)`.
  @Test(arguments: [
    ("$[?(@.a && @.b || @.c)].n", ["2", "3"]), ("$[?(@.c || @.a && @.b)].n", ["2", "3", "4", "5"]),
  ])
  func alternatingOperators(_ expression: String, _ expected: [String]) throws {
    let text = """
      [{"n":1,"a":1},{"n":2,"a":1,"b":1},{"n":3,"a":1,"c":1},{"n":4,"c":1},{"n":5,"b":1,"c":1},{"n":6,"b":1}]
      """
    #expect(try select(expression, text) == expected)
  }

  @Test(arguments: [
    ("$[?(@.v == '1')]", [#"{"v":"1"}"#]), ("$[?(@.v == 1)]", [#"{"v":1}"#, #"{"v":1.0}"#]),
    ("$[?(@.v == 1.0)]", [#"{"v":1}"#, #"{"v":1.0}"#]), ("$[?(@.v == null)]", [#"{"v":null}"#]),
    ("$[?(@.v == true)]", [#"{"v":true}"#]), ("$[?(@.v > 1)]", [#"{"v":"2"}"#]),
    (
      "$[?(@.v != 1)].v",
      [
        #""1""#, "true", "null", #""2""#, #""a\u0041""#, "[1]",
      ]
    ),
    ("$[?(@.v == 'aA')]", [#"{"v":"a\u0041"}"#]), ("$[?(@.v >= 'a')].v", [#""a\u0041""#]),
  ])
  func compares(_ expression: String, _ expected: [String]) throws {
    let text = #"[{"v":"1"},{"v":1},{"v":1.0},{"v":true},{"v":null},{"v":"2"},{"v":"a\u0041"},{"v":[1]}]"#
    #expect(try select(expression, text) == expected)
  }

  @Test func everything() throws {
    #expect(
      try select("$..*", #"{"a":[1,{"b":2}]}"#) == [#"{"a":[1,{"b":2}]}"#, #"[1,{"b":2}]"#, "1", #"{"b":2}"#, "2"])
    #expect(try select("$", "[1]") == ["[1]"])
    #expect(try select("", "[1]") == ["[1]"])
  }

  @Test(arguments: [
    ("$.", 2), ("$..", 3), ("$[", 2), ("$[?", 3), ("$[?(@.a", 7), ("$[?(@.a]", 7), ("$['a", 4), ("$[a]", 2),
    ("$[]", 2), ("$[1:2:0]", 2), ("$['a'", 5), ("$.a b", 3), ("$[?(@.a == )]", 11), ("$[?(@.a = 1)]", 8),
    ("$[0]a", 4), ("$[?(@.a =~ /(/)]", 12), ("$[99999999999]", 2), ("$[?(@.a == 'x\\q')]", 14),
  ])
  func errorsHaveAPlace(_ expression: String, _ offset: Int) {
    let error = #expect(throws: JSONQueryError.self, "\(expression)") { try JSONPath(expression) }
    #expect(error?.code == .syntax, "\(expression)")
    #expect(error?.offset == offset, "\(expression)")
    #expect(error?.column == offset + 1)
  }

  @Test func oneNode() throws {
    let document = try JSONDocument(#"{"a":{"b":1},"c":[{"x":1},{"x":2}]}"#)
    #expect(try JSONPath("$.a.b").node(in: document) != nil)
    #expect(try JSONPath("$.a.c").node(in: document) == nil)
    let error = #expect(throws: JSONQueryError.self) { try JSONPath("$..x").node(in: document) }
    #expect(error?.code == .multipleResults)
  }

  /// The whole message with one member more, without a copy.
  @Test func overlay() throws {
    let document = try JSONDocument(#"{"Body":[{"hr":1},{"hr":2}],"matchedToken":"hidden"}"#)
    let second = try #require(try JSONPath("$.Body[1]").node(in: document))
    let overlay = JSONOverlay("matchedToken", second)
    func select(_ expression: String) throws -> [Int?] {
      try JSONPath(expression).nodes(in: document, adding: overlay).map { document.integer($0) }
    }
    #expect(try select("$.matchedToken.hr") == [2])
    #expect(try select("$.Body[0].hr") == [1])
    #expect(try select("$['matchedToken'].hr") == [2])
    #expect(try select("$..hr") == [1, 2, 2])
    #expect(try select("$..[?(@hr == 2)].hr") == [2, 2])
    #expect(try select("$.*.hr") == [2])
    #expect(try JSONPath("$").nodes(in: document, adding: overlay) == [document.root])
  }

  // MARK: - Limits

  @Test func limits() throws {
    var limits = JSONQueryLimits()
    limits.resultsMax = 3
    limits.expressionBytesMax = 12
    let path = try JSONPath("$[*]", limits: limits)
    #expect(try path.nodes(in: try JSONDocument("[1,2,3]")).count == 3)
    let error = #expect(throws: JSONQueryError.self) { try path.nodes(in: try JSONDocument("[1,2,3,4]")) }
    #expect(error?.code == .tooCostly)
    _ = try JSONPath("$.abcdefghij", limits: limits)
    #expect(throws: JSONQueryError.self) { try JSONPath("$.abcdefghijk", limits: limits) }
  }

  @Test func stepsAreLimited() throws {
    var limits = JSONQueryLimits()
    // The root and each of two elements.
    limits.stepsMax = 3
    let path = try JSONPath("$[*]", limits: limits)
    #expect(try path.nodes(in: try JSONDocument("[1,2]")).count == 2)
    let error = #expect(throws: JSONQueryError.self) { try path.nodes(in: try JSONDocument("[1,2,3]")) }
    #expect(error?.code == .tooCostly)
  }

  @Test func patternsAreLimited() throws {
    var limits = JSONQueryLimits()
    // Four characters and the end.
    limits.patternInstructionsMax = 5
    _ = try JSONPath("$[?(@ =~ /abcd/)]", limits: limits)
    let error = #expect(throws: JSONQueryError.self) { try JSONPath("$[?(@ =~ /abcde/)]", limits: limits) }
    #expect(error?.code == .tooCostly)
    #expect(throws: JSONQueryError.self) { try JSONPath("$[?(@ =~ /((a{1000}){1000}){1000}/)]") }
  }

  @Test(arguments: [
    ("/^a.c$/", ["a\\tc"]), ("/^a.c$/s", ["a\\tc", "a\\nc"]), ("/^c/m", ["a\\nc"]), ("/A\\wB/i", ["axb"]),
    ("/x?b$/", ["axb"]), ("/(ax|c)b?$/", ["axb", "a\\tc", "a\\nc"]), ("/[^a-c\\s]/", ["axb"]), ("/\\bxb/", []),
  ])
  func patterns(_ pattern: String, _ expected: [String]) throws {
    let selected = try select("$[?(@ =~ \(pattern))]", #"["axb","a\tc","a\nc"]"#)
    #expect(Set(selected) == Set(expected.map { "\"\($0)\"" }))
  }

  @Test func bombsEnd() throws {
    let deep = String(repeating: #"{"a":"#, count: 100) + "1" + String(repeating: "}", count: 100)
    let scans = "$" + String(repeating: "..*", count: 12)
    let error = #expect(throws: JSONQueryError.self) { try JSONPath(scans).nodes(in: try JSONDocument(deep)) }
    #expect(error?.code == .tooCostly)
    let pattern = "$[?(@ =~ /(a*)*(a*)*(a*)*b/)]"
    let text = "[\"" + String(repeating: "a", count: 5_000) + "\"]"
    #expect(try JSONPath(pattern).nodes(in: try JSONDocument(text)).isEmpty)
    let nested = "$" + String(repeating: "[?(@", count: 40)
    #expect(throws: JSONQueryError.self) { try JSONPath(nested) }
    #expect(throws: JSONQueryError.self) { try JSONPath("$" + String(repeating: ".a", count: 300)) }
  }
}
