import JSONCore
import JSONQuery
import TestSupport
import Testing

/// Expressions of random pieces: each ends in a result or in a typed error whose place is inside it.
@Suite struct QueryFuzzTests {
  static let pieces = [
    "$", "@", ".", "..", "*", "[", "]", "(", ")", "?", "?(", "'a'", "\"a\"", "`1`", "`[1,{\"a\":2}]`", "a", "b", "c-d",
    "0", "-1", "2:", ":", "::-1", ",", "&&", "||", "|", "!", "==", "!=", "<", ">=", "=~", "/a(b|c)*/i", "&", "{", "}",
    "a: b", " ", "length(", "sort_by(", "max(", "to_string(", "add(", "pow(", "insertString(", "fromUnixTimestamp(",
    "map(&", "not_null(", "\\", "é", "\u{0}", "[]", "[?", "[*]", "[0]", "99999999999", "=", "'", "`", "/",
  ]

  static let text = """
    {"a":{"b":[1,2.5,"x",null,true,{"a":-3,"c-d":"é"}],"a":"abcc"},"b":[[1],[2,[3]]],"c-d":1e300,"d":"2024-01-02T03:04:05Z"}
    """

  private func expression(_ random: inout SeededGenerator) -> String {
    (0..<Int.random(in: 1...14, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined()
  }

  @Test(arguments: [1, 2, 3, 4])
  func jsonPath(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let document = try JSONDocument(Self.text)
    let names = JSONNames(of: document)
    let overlay = JSONOverlay("matchedToken", try #require(document.member(document.root, "a")))
    var compiled = 0
    for _ in 0..<5_000 {
      let expression = (Bool.random(using: &random) ? "$" : "") + expression(&random)
      do throws(JSONQueryError) {
        let path = try JSONPath(expression)
        compiled += 1
        let nodes = try path.nodes(in: document)
        #expect(nodes.isEmpty || names.mayMeet(path.requirement), "seed \(seed): \(expression)")
        _ = try path.nodes(in: document, adding: overlay)
      } catch {
        #expect(error.offset <= expression.utf8.count, "seed \(seed): \(expression)")
      }
    }
    #expect(compiled > 50)
  }

  @Test(arguments: [1, 2, 3, 4])
  func jmesPath(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let document = try JSONDocument(Self.text)
    let overlay = JSONOverlay("matchedToken", try #require(document.member(document.root, "a")))
    var compiled = 0
    for _ in 0..<5_000 {
      let expression = expression(&random)
      do throws(JSONQueryError) {
        let path = try JMESPath(expression)
        compiled += 1
        var writer = JSONWriter()
        JMESPath.write(try path.value(in: document, adding: overlay), of: document, to: &writer)
        #expect((try? JSONDocument(writer.bytes)) != nil, "seed \(seed): \(expression)")
      } catch {
        #expect(error.offset <= expression.utf8.count, "seed \(seed): \(expression)")
      }
    }
    #expect(compiled > 50)
  }

  /// At the limit of nesting, evaluation fits a thread's stack.
  @Test func deepestExpressions() throws {
    let document = try JSONDocument(Self.text)
    for expression in [
      String(repeating: "!", count: 190) + "a",
      String(repeating: "(", count: 189) + "a" + String(repeating: ")", count: 189),
      Array(repeating: "a", count: 190).joined(separator: " || "),
      Array(repeating: "[@]", count: 150).joined(separator: " | "),
      "to_string(" + Array(repeating: "[@]", count: 150).joined(separator: " | ") + ")",
      String(repeating: "not_null(", count: 189) + "a" + String(repeating: ")", count: 189),
    ] {
      _ = try JMESPath(expression).value(in: document)
    }
  }
}
