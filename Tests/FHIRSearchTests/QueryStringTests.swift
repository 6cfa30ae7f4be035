import FHIRSearch
import Testing

/// WHATWG URL §5.1, the form that HTTP query strings have.
@Suite struct QueryStringTests {
  @Test(arguments: [
    ("a=1&b=2", [["a", "1"], ["b", "2"]]),
    ("a", [["a", ""]]), ("a=", [["a", ""]]), ("=b", [["", "b"]]), ("", []), ("&&a=1&", [["a", "1"]]),
    ("a=b=c", [["a", "b=c"]]),
    ("name=M%C3%BCller", [["name", "Müller"]]), ("name=M%c3%bcller", [["name", "Müller"]]),
    ("n=a+b%2Bc", [["n", "a b+c"]]), ("n%3Aexact=x", [["n:exact", "x"]]),
    ("a=%", [["a", "%"]]), ("a=%4", [["a", "%4"]]), ("a=%zz", [["a", "%zz"]]), ("a=%4g%41", [["a", "%4gA"]]),
    ("a=%26%3D", [["a", "&="]]),
    // Bytes that are no UTF-8 do not vanish.
    ("a=%FF", [["a", "\u{FFFD}"]]),
    ("a=%F0%9F%98%80", [["a", "😀"]]),
  ])
  func parsing(query: String, expected: [[String]]) {
    #expect(QueryString(parsing: query).parameters.map { [$0.name, $0.value] } == expected)
  }

  @Test func keepsWhatWasSent() {
    let query = QueryString(parsing: "n%3Aexact=a+b&x")
    #expect(query.parameters.map(\.raw) == ["n%3Aexact=a+b", "x"])
    #expect(query["n:exact"] == "a b")
    #expect(query["y"] == nil)
    #expect(QueryString(parsing: "a=1&a=2")["a"] == "1")
  }

  @Test func encodingComesBack() {
    let text = "http://a/b|c,d$e\\ ü😀&=+%~-._\u{0}\n"
    #expect(QueryString(parsing: "x=" + QueryString.encode(text))["x"] == text)
    #expect(QueryString.encode("a b/ü~") == "a%20b%2F%C3%BC~")
  }
}
