import Testing

/// A form on a page.
struct PageForm {
  var action: String
  /// Hidden fields, checked boxes and prefilled ones.
  var fields: [(String, String)] = []
  /// Buttons with a name.
  var buttons: [(name: String, value: String, label: String)] = []

  func value(_ name: String) -> String? { fields.first { $0.0 == name }?.1 }

  /// The forms of a page, read as simply as it is written.
  static func all(_ html: String) -> [PageForm] {
    html.components("<form ").dropFirst().map { piece in
      let text = piece.components("</form>")[0]
      var form = PageForm(action: attribute("action", text) ?? "")
      for tag in text.components("<input ").dropFirst() {
        let tag = tag.components(">")[0]
        guard let name = attribute("name", tag) else { continue }
        if tag.contains("type=\"checkbox\""), !tag.contains("checked") { continue }
        form.fields.append((name, attribute("value", tag) ?? ""))
      }
      for tag in text.components("<button ").dropFirst() {
        let label = tag.components(">")[1].components("<")[0]
        let head = tag.components(">")[0]
        guard let name = attribute("name", head) else { continue }
        form.buttons.append((name, attribute("value", head) ?? "", label))
      }
      return form
    }
  }

  private static func attribute(_ name: String, _ tag: String) -> String? {
    let parts = (" " + tag).components(" \(name)=\"")
    guard parts.count > 1 else { return nil }
    return parts[1].components("\"")[0].replacing("&lt;", with: "<").replacing("&gt;", with: ">")
      .replacing("&quot;", with: "\"").replacing("&#39;", with: "'").replacing("&amp;", with: "&")
  }
}

extension String {
  func components(_ separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}

/// A browser in somebody's hands: it keeps cookies, follows the server's own redirections and fills in forms.
final class Visitor {
  let site: Site
  var cookies: [String: String] = [:]
  private(set) var reply = Reply(status: 0, headers: [], body: [])
  /// Set once the server sent the browser somewhere else.
  private(set) var left: String?

  init(_ site: Site) { self.site = site }

  private var headers: [(String, String)] {
    cookies.isEmpty ? [] : [("Cookie", cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; "))]
  }

  func get(_ target: String) async throws {
    try await go("GET", target, nil)
  }

  func post(_ target: String, _ fields: [(String, String)]) async throws {
    try await go("POST", target, Form.encode(fields))
  }

  private func go(_ method: String, _ target: String, _ body: String?) async throws {
    var (method, target, body) = (method, target, body)
    for _ in 0..<10 {
      left = nil
      let type = body == nil ? [] : [("Content-Type", "application/x-www-form-urlencoded")]
      reply = try await site.web.send(method, target, headers: headers + type, body: body)
      for field in reply.headers where field.name.lowercased() == "set-cookie" {
        let pair = field.value.components(";")[0].components("=")
        cookies[pair[0]] = pair[1].isEmpty ? nil : pair[1]
      }
      guard reply.status == 303, let location = reply.header("location") else { return }
      guard location.hasPrefix(site.root + "/") else {
        left = location
        return
      }
      (method, target, body) = ("GET", String(location.dropFirst(site.root.count)), nil)
    }
    Issue.record("the server redirects in circles")
  }

  var forms: [PageForm] { PageForm.all(reply.text) }

  /// Submits the page's form for a step, with what a person types.
  func submit(_ step: String, _ typed: [(String, String)], dropping: Set<String> = []) async throws {
    let form = try #require(forms.first { $0.value("step") == step }, "no form for \(step) in \(reply.text)")
    let names = Set(typed.map(\.0))
    let kept = form.fields.filter { !names.contains($0.0) && !dropping.contains($0.1) }
    try await post("/auth/" + form.action, kept + typed)
  }

  func logIn(_ name: String, _ password: String = Site.password) async throws {
    try await submit("login", [("name", name), ("password", password)])
  }

  func choosePatient(_ id: String) async throws {
    let form = try #require(forms.first { $0.buttons.contains { $0.value == id } })
    try await post("/auth/" + form.action, form.fields + [("patient", id)])
  }

  func allow(without: Set<String> = []) async throws {
    try await submit("consent", [("decision", "allow")], dropping: without)
  }

  /// What the app gets to hear at its redirect URI.
  func answer(at redirect: String = Site.callback) throws -> [String: String] {
    let left = try #require(left, "still at \(reply.status) \(reply.text)")
    try #require(left.hasPrefix(redirect + "?"), "sent to \(left)")
    return Form.decode(left.dropFirst(redirect.count + 1))
  }
}
