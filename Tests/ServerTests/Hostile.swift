/// Texts that have broken other servers (OWASP cheat sheets on cross-site scripting and SQL injection).
enum Hostile {
  static let strings = [
    "<script>alert('XSS')</script>", "<img src=x onerror=alert('XSS')>", "<svg/onload=alert('XSS')>",
    "<body onload=alert('XSS')>", "<iframe src=javascript:alert('XSS')>", "\"><script>alert('XSS')</script>",
    "'; DROP TABLE resource; --", "' OR '1'='1", "1; SELECT * FROM resource", "' UNION SELECT NULL,NULL--",
    "admin'--", "' AND 1=CONVERT(int,(SELECT @@version))--", "%' OR name LIKE '%", "\u{0}", "😀\u{202E}",
  ]
  static let injections = [
    "1' OR '1'='1", "x'; DROP TABLE resource; --", "\" OR \"\"=\"", "1;SELECT(1)", "1/**/UNION/**/SELECT",
  ]

  static let harmlessNarratives = [
    "&lt;script&gt;alert('XSS')&lt;/script&gt;", "&#60;img src=x onerror=alert(1)&#62;",
    "javascript:alert('XSS')", "&amp;lt;script&amp;gt;", "' OR 1=1 --", "&quot;&gt;&lt;svg onload=alert(1)&gt;",
  ]
  static let actingNarratives = [
    "<script>alert('XSS')</script>", "<img src=\"x\" onerror=\"alert(1)\"/>", "<IMG SRC=\"javascript:alert('XSS');\"/>",
    "<a href=\"javascript:alert(1)\">x</a>", "<iframe src=\"http://example.org\"/>",
    "<?xml version=\"1.0\"?><p>x</p>", "<object data=\"x\"/>", "<p style=\"x\" onclick=\"alert(1)\">x</p>",
    "<form action=\"/\"><input/></form>", "<p>unclosed",
  ]

  static func div(_ inner: String) -> String { "<div xmlns=\"http://www.w3.org/1999/xhtml\">\(inner)</div>" }

  /// As it stands in a path or a query (RFC 3986 §2.1).
  static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      let hex = String(byte, radix: 16, uppercase: true)
      return isPlain ? String(UnicodeScalar(byte)) : "%" + (hex.count < 2 ? "0" : "") + hex
    }.joined()
  }

  /// As it stands between the quotes of a JSON string.
  static func json(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case let control where control.value < 0x20:
        "\\u00" + (control.value < 16 ? "0" : "") + String(control.value, radix: 16)
      default: String(scalar)
      }
    }.joined()
  }
}
