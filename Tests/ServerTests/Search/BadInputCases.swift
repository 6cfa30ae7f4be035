import Testing

/// Nothing that a query says harms the server: a refusal that names the parameter and the reason, or an answer, within
/// bounded time.
@Suite(
  .scene { scene in
    try await scene.create("patient", #"{"resourceType":"Patient","name":[{"family":"Smith"}]}"#)
  }) struct BadInputCases
{
  private let form = ["Content-Type": "application/x-www-form-urlencoded"]

  /// The server still answers, and quickly.
  private func checkAlive(_ scene: SearchScene, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    #expect(try await scene.names("Patient?_tag=t&family=smith") == ["patient"], sourceLocation: sourceLocation)
  }

  /// A modifier of another kind, or of none (FHIR R4 search#modifiers: to be refused).
  @Test(arguments: [
    "Patient?birthdate:exact=2000", "Patient?birthdate:contains=2000", "Patient?active:exact=true",
    "Patient?active:Patient=true", "Patient?family:in=x", "Patient?family:not=x",
    "Patient?general-practitioner:contains=1",
    "Patient?general-practitioner:text2=1", "RiskAssessment?probability:not=1", "Observation?value-quantity:exact=1",
    "Observation?value-quantity:below=1", "Observation?date:not=2000", "ValueSet?url:text=x", "Patient?_id:exact=1",
    "Patient?_lastUpdated:not=2000", "Patient?_tag:contains=x", "Patient?_profile:not-in=x", "Location?near:below=1|1",
    "Observation?code-value-quantity:above=a$1", "Patient?_text:exact=x", "Patient?_content:not=x",
    "Patient?_list:in=x",
    "Patient?_filter:not=x", "Patient?family:=x", "Patient?family::exact=x", "Patient?family:exact:exact=x",
    "Patient?family:MISSING=true", "Patient?identifier:OF-TYPE=a|b|c", "Patient?_type:in=Patient&_tag=t",
  ]) func wrongModifiers(_ query: String) async throws {
    let scene = try SearchScene.current
    let reply = try await scene.ask(query)
    #expect(reply.status == 400, "\(reply.text)")
    guard reply.status == 400 else { return }
    let name = query.split(separator: "?")[1].prefix { $0 != ":" }
    #expect(try reply.outcome().diagnostics.contains("'\(name)"))
    #expect(try reply.outcome().diagnostics.lowercased().contains("modifier"))
  }

  /// A prefix where none belongs is part of the value; on ordered values what is no number or date is refused.
  @Test(arguments: [
    ("Patient?birthdate=zz2000", "'birthdate'"), ("Patient?birthdate=g2000", "'birthdate'"),
    ("Patient?birthdate=GT2000", "'birthdate'"), ("RiskAssessment?probability=>5", "'probability'"),
    ("RiskAssessment?probability=gtlt5", "'probability'"), ("Observation?value-quantity=!5", "'value-quantity'"),
    ("Patient?_lastUpdated=ge", "'_lastUpdated'"), ("Patient?_lastUpdated=ge2000-01-01,foo", "'_lastUpdated'"),
  ]) func wrongPrefixes(_ query: String, _ name: String) async throws {
    try await SearchScene.current.checkRefused(query, [name])
  }

  @Test func prefixesOfStringsAreLetters() async throws {
    let scene = try SearchScene.current
    #expect(try await scene.names("Patient?family=gtsmith") == [])
    #expect(try await scene.names("Patient?_id=eq{{patient}}") == [])
  }

  /// More alternatives than a search takes.
  @Test(arguments: ["_id", "family", "identifier", "general-practitioner", "birthdate"])
  func lists(_ name: String) async throws {
    let scene = try SearchScene.current
    func body(_ count: Int) -> String {
      "\(name)="
        + (0..<count).map { name == "birthdate" ? "\(1000 + $0 % 9000)-0\(1 + $0 / 9000)" : "v\($0)" }.joined(
          separator: ",")
    }
    let many = try await scene.live.ask("POST", "/Patient/_search", form, body: body(10_000))
    #expect(many.status == 400)
    #expect(try many.outcome().code == "too-costly")
    #expect(try many.outcome().diagnostics.contains(name))
    let most = try await scene.live.ask("POST", "/Patient/_search", form, body: body(2_000))
    #expect(most.status == 200, "\(most.text)")
    let over = try await scene.live.ask("POST", "/Patient/_search", form, body: body(2_001))
    #expect(over.status == 400)
    try await checkAlive(scene)
  }

  /// 10,000 values over many parameters are as many.
  @Test func listsTogether() async throws {
    let scene = try SearchScene.current
    let some = (0..<1_001).map { "v\($0)" }.joined(separator: ",")
    let reply = try await scene.live.ask("POST", "/Patient/_search", form, body: "family=\(some)&given=\(some)")
    #expect(reply.status == 400)
    #expect(try reply.outcome().code == "too-costly")
    let parameters = (0..<201).map { "name=v\($0)" }.joined(separator: "&")
    let many = try await scene.live.ask("POST", "/Patient/_search", form, body: parameters)
    #expect(many.status == 400)
    #expect(try many.outcome().diagnostics.contains("200"))
    try await checkAlive(scene)
  }

  /// 64 kB in the address is too long (RFC 9110 §15.5.15), and in a form it is more than a value can be found by.
  @Test func longQueries() async throws {
    let scene = try SearchScene.current
    let long = String(repeating: "x", count: 65_536)
    let reply = try await scene.ask("Patient?family=" + long)
    #expect(reply.status == 414 || reply.status == 431)
    #expect(try reply.outcome().code == "too-long" || reply.outcome().code == "too-costly" || reply.status > 400)
    let posted = try await scene.live.ask("POST", "/Patient/_search", form, body: "family=" + long)
    #expect(posted.status == 400)
    #expect(try posted.outcome().code == "too-long")
    let name = try await scene.live.ask("POST", "/Patient/_search", form, body: "\(long)=x")
    #expect(name.status == 200)
    #expect(name.body.count < 10_000, "a stranger's text is not sent back whole")
    let megabyte = String(repeating: "a", count: 1 << 20)
    for body in [
      "family:contains=\(megabyte)", "identifier=\(megabyte)", "birthdate=\(megabyte)", "_sort=\(megabyte)",
      "_include=\(megabyte)", "subject.\(megabyte)=x", "_has:\(megabyte)=x", "_filter=\(megabyte)",
    ] {
      let reply = try await scene.live.ask("POST", "/Patient/_search", form, body: body)
      #expect([200, 400].contains(reply.status), "\(body.prefix(30))")
      // The self link of an answer is the query; a refusal does not send it back.
      if reply.status == 400 { #expect(reply.body.count < 10_000, "\(body.prefix(30))") }
    }
    try await checkAlive(scene)
  }

  /// Patterns that cost others dear, or that mean something to a database.
  @Test(arguments: [
    "Patient?family=%25%25%25%25%25%25%25%25%25%25", "Patient?family:contains=%25a%25a%25a%25a%25a%25a",
    "Patient?family:contains=*?[[]]{}", "Patient?family:contains=((((a+)+)+)+)$", "Patient?family=' OR '1'='1",
    "Patient?family=x'; DROP TABLE resource; --", "Patient?family=\u{1F600}\u{200D}\u{1F600}", "Patient?family=%C3%28",
    "Patient?family=%F0%9F", "Patient?family=%", "Patient?family=%zz", "Patient?family=%00", "Patient?family=a%00b",
    "Patient?family=%EF%BF%BF", "Patient?family=\\", #"Patient?family=\\\,\|\$"#, "Patient?identifier=\\|\\|",
    "Patient?family=e%CC%81%CC%81%CC%81%CC%81%CC%81%CC%81", "Patient?family=%0D%0AX-Header: 1", "Patient?%=%&%&=&=&&&",
    "Patient?=&==&===", "Patient?family", "Patient?&", "Patient??", "Patient?family=a=b=c", "Patient?[]=1&{}=2",
    "Patient?__proto__=1&constructor=2", "Patient?family=\u{202E}gnirts", "Patient?Family=x", "Patient?FAMILY=smith",
  ]) func hostilePatterns(_ query: String) async throws {
    let scene = try SearchScene.current
    let began = ContinuousClock.now
    let reply = try await scene.ask(query)
    #expect([200, 400].contains(reply.status), "\(reply.status) \(reply.text)")
    if reply.status == 400 { #expect(try !reply.outcome().diagnostics.isEmpty) }
    #expect(began.duration(to: .now) < .seconds(5))
    #expect(reply.header("x-header") == nil)
    try await checkAlive(scene)
  }

  /// Chains and includes that go round.
  @Test(arguments: [
    "Organization?_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof:Organization",
    "Patient?_include:iterate=Patient:link&_revinclude:iterate=Patient:link:Patient&_include:iterate=*",
    "Patient?_include=*&_revinclude=*:*&_include:iterate=*:*", "Patient?link.link.link._id=x",
    "Patient?_has:Patient:link:_has:Patient:link:_has:Patient:link:_id=x",
  ]) func circles(_ query: String) async throws {
    let scene = try SearchScene.current
    let reply = try await scene.ask(query)
    #expect([200, 400].contains(reply.status), "\(reply.text)")
    try await checkAlive(scene)
  }

  /// Chains without types multiply their targets; the product has a bound.
  @Test func wideChains() async throws {
    let scene = try SearchScene.current
    let began = ContinuousClock.now
    for query in [
      "Provenance?target.subject.subject.subject.subject.name=x", "Provenance?target.target.target.target.target._id=x",
      "Bundle?composition.subject.subject.subject.subject._id=x",
      "Provenance?_has:Provenance:target:target.target._id=x",
    ] {
      let reply = try await scene.ask(query)
      #expect([200, 400].contains(reply.status), "\(query): \(reply.text)")
    }
    #expect(began.duration(to: .now) < .seconds(60))
    try await checkAlive(scene)
  }

  /// As deep as the limit allows.
  @Test(arguments: [
    "Patient?link.link.link.link.link.link._id=x",
    "Provenance?_has:Provenance:target:target.target.target.target._id=x",
    "Patient?link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.family=smith",
    "Organization?partof.partof.partof.partof.partof.partof.partof.partof.partof.name=x",
  ]) func deepChains(_ query: String) async throws {
    let scene = try SearchScene.current
    let reply = try await scene.ask(query)
    #expect([200, 400].contains(reply.status), "\(reply.text)")
    try await checkAlive(scene)
  }
}
