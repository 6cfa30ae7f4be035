import HTTPServer

/// A page for people: plain HTML that a server wrote, without a script. Every text from outside goes through `text`.
struct Page {
  private var body = ""
  let title: String

  init(_ title: String) { self.title = title }

  /// A text as HTML, also inside quotes.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  /// Markup of our own.
  mutating func markup(_ text: StaticString) { body += text.withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }

  /// Anybody's text.
  mutating func text(_ text: String) { body += Self.escaped(text) }

  mutating func paragraph(_ text: String, isAlert: Bool = false) {
    body += isAlert ? "<p class=\"alert\" role=\"alert\">" : "<p>"
    self.text(text)
    body += "</p>\n"
  }

  /// The beginning of a form that is posted.
  /// - Parameters:
  ///   - action: relative to the page.
  ///   - step: what is posted.
  mutating func form(action: String, step: String, token: String) {
    body += "<form method=\"post\" action=\"\(Self.escaped(action))\">\n"
    hidden("step", step)
    hidden("token", token)
  }

  mutating func endForm() { body += "</form>\n" }

  mutating func hidden(_ name: String, _ value: String) {
    body += "<input type=\"hidden\" name=\"\(Self.escaped(name))\" value=\"\(Self.escaped(value))\">\n"
  }

  struct Field {
    var name: String
    var label: String
    var kind = "text"
    var value = ""
    var autocomplete = "off"
    var isRequired = true
    var hasFocus = false
  }

  mutating func field(_ field: Field) {
    body += "<label for=\"\(field.name)\">\(Self.escaped(field.label))</label>\n"
    body += "<input id=\"\(field.name)\" name=\"\(field.name)\" type=\"\(field.kind)\""
    body += " value=\"\(Self.escaped(field.value))\" autocomplete=\"\(field.autocomplete)\" autocapitalize=\"none\""
    body += " maxlength=\"1024\"\(field.isRequired ? " required" : "")\(field.hasFocus ? " autofocus" : "")>\n"
  }

  mutating func checkbox(_ name: String, _ value: String, label: String) {
    body +=
      "<li><label><input type=\"checkbox\" name=\"\(Self.escaped(name))\" value=\"\(Self.escaped(value))\" checked> "
    body += "\(Self.escaped(label)) <code>\(Self.escaped(value))</code></label></li>\n"
  }

  mutating func button(_ label: String, name: String? = nil, value: String = "", isSecondary: Bool = false) {
    body += "<button type=\"submit\"\(isSecondary ? " class=\"secondary\"" : "")"
    if let name { body += " name=\"\(Self.escaped(name))\" value=\"\(Self.escaped(value))\"" }
    body += ">\(Self.escaped(label))</button>\n"
  }

  /// Header fields of every page: nothing is loaded but the style, nothing runs, nobody frames it, nobody keeps it, and
  /// no other server learns its address.
  static func fields(formTargets: [String]) -> [(name: String, value: String)] {
    let targets = (["'self'"] + formTargets).joined(separator: " ")
    return [
      ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"),
      (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; form-action \(targets); frame-ancestors 'none'; base-uri 'none'"
      ),
      ("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
  }

  /// - Parameter formTargets: origins that a form's answer may lead to (Content-Security-Policy `form-action` holds for
  ///   redirections as well).
  func response(status: Int = 200, formTargets: [String] = []) -> HTTPResponse {
    let html = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(Self.escaped(title))</title>
      <link rel="stylesheet" href="style.css">
      </head>
      <body>
      <main>
      <h1>\(Self.escaped(title))</h1>
      \(body)</main>
      </body>
      </html>

      """
    var response = HTTPResponse(
      status: status, headers: Self.fields(formTargets: formTargets), body: .bytes(Array(html.utf8)))
    response.hasCommonFields = false
    return response
  }

  static let style: StaticString = """
    :root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.45; }
    body { margin: 0; display: flex; justify-content: center; }
    main { width: 100%; max-width: 30rem; padding: 2rem 1rem; }
    h1 { font-size: 1.4rem; }
    label { display: block; margin: .8rem 0 .2rem; }
    input[type=text], input[type=password], input[type=search] {
      width: 100%; box-sizing: border-box; padding: .5rem; font-size: 1rem; }
    button { margin: 1rem .5rem 0 0; padding: .55rem 1.1rem; font-size: 1rem; cursor: pointer;
      border: 1px solid #0b57d0; border-radius: .4rem; background: #0b57d0; color: #fff; }
    button.secondary { background: transparent; color: inherit; border-color: #888; }
    button:focus-visible, input:focus-visible { outline: 3px solid #f5a623; outline-offset: 1px; }
    ul { list-style: none; padding: 0; }
    li label { margin: .4rem 0; }
    code { font-size: .8rem; opacity: .75; overflow-wrap: anywhere; }
    .alert { border-left: .3rem solid #b3261e; padding: .4rem .8rem; }
    .choices button { display: block; width: 100%; text-align: left; margin: .4rem 0; }

    """

  static var styleResponse: HTTPResponse {
    var response = HTTPResponse(
      status: 200,
      headers: [
        ("Content-Type", "text/css; charset=utf-8"), ("Cache-Control", "max-age=3600"),
        ("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"),
      ], body: .bytes(style.withUTF8Buffer { Array($0) }))
    response.hasCommonFields = false
    return response
  }
}
