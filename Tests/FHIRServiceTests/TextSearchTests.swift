import Base
import FHIRService
import Foundation
import JSONCore
import Testing

/// `_text` and `_content` (FHIR R4 search §2.1.1.5.7).
@Suite struct TextSearchTests {
  private static func patient(_ id: String, _ narrative: String, family: String = "Example") -> String {
    """
    {"resourceType":"Patient","id":"\(id)",
     "text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">\(narrative)</div>"},
     "name":[{"family":"\(family)"}]}
    """
  }

  private static func put(_ service: TestService, _ list: [(String, String)]) async throws {
    for (url, json) in list {
      let reply = try await service.send(.put, url, json)
      #expect(reply.status < 300, "\(reply.text)")
    }
  }

  private static func expect(_ service: TestService, _ url: String, _ ids: [String]) async throws {
    let escaped = url.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? url
    let reply = try await service.send(.get, escaped)
    #expect(reply.status == 200, "\(url): \(reply.text)")
    #expect(reply.ids.sorted() == ids.sorted(), "\(url)")
  }

  @Test func narrativesWithoutTheirTags() async throws {
    try await withService { service in
      try await Self.put(
        service,
        [
          ("Patient/1", Self.patient("1", "<p>Known <b>asth</b>ma</p><p>since childhood</p>")),
          ("Patient/2", Self.patient("2", "<table><tr><td>Bronchitis</td><td>acute</td></tr></table>")),
          (
            "Patient/3",
            Self.patient("3", "H<sub>2</sub>O &amp; salt &lt;br&gt; caf&#233; <a href=\\\"asthma\\\">x</a>")
          ),
          ("Patient/4", Self.patient("4", "<!-- asthma > bronchitis -->nothing", family: "Asthma")),
        ])
      try await Self.expect(service, "Patient?_text=asthma", ["1"])
      try await Self.expect(service, "Patient?_content=asthma", ["1", "4"])
      try await Self.expect(service, "Patient?_text=bronchitis acute", ["2"])
      try await Self.expect(service, "Patient?_text=bronchitisacute", [])
      try await Self.expect(service, "Patient?_text=H2O", ["3"])
      try await Self.expect(service, "Patient?_text=cafe", ["3"])
      try await Self.expect(service, "Patient?_text=CAFÉ salt br", ["3"])
      // Neither a tag's name nor an attribute is text.
      try await Self.expect(service, "Patient?_text=td OR href OR xhtml OR div", [])
    }
  }

  @Test func wordsPhrasesAndAlternatives() async throws {
    try await withService { service in
      try await Self.put(
        service,
        [
          ("Patient/1", Self.patient("1", "metastases in the left lung")),
          ("Patient/2", Self.patient("2", "lung, left: metastases; bone clear")),
          ("Patient/3", Self.patient("3", "bone fracture")),
        ])
      try await Self.expect(service, "Patient?_text=left lung", ["1", "2"])
      try await Self.expect(service, "Patient?_text=\"left lung\"", ["1"])
      try await Self.expect(service, "Patient?_text=(bone OR lung) AND metastases", ["1", "2"])
      try await Self.expect(service, "Patient?_text=bone,\"left lung\"", ["1", "2", "3"])
      try await Self.expect(service, "Patient?_text=bone&_text=clear", ["2"])
      try await Self.expect(service, "Patient?_text=bone&family=example&_id=3", ["3"])
      // Whole words, not their beginnings.
      try await Self.expect(service, "Patient?_text=metasta", [])
      let count = try await service.send(.get, "Patient?_text=bone&_summary=count")
      #expect(count.body?["total"]?.integer == 2)
    }
  }

  @Test func contentIsAllTextButAddresses() async throws {
    try await withService { service in
      try await Self.put(
        service,
        [
          (
            "Observation/zebra",
            """
            {"resourceType":"Observation","id":"zebra","status":"final","subject":{"reference":"Patient/giraffe"},
             "code":{"coding":[{"system":"http://okapi.example","code":"8480-6"}],"text":"Blutdruck \\u00fcber Norm"},
             "note":[{"text":"measured **twice**"}],
             "extension":[{"url":"http://gnu.example","valueString":"antelope"}],
             "_status":{"extension":[{"url":"http://gnu.example","valueString":"kudu"}]},
             "contained":[{"resourceType":"Patient","id":"lion","name":[{"family":"Löwenherz"}]}]}
            """
          ),
          (
            "Binary/b", #"{"resourceType":"Binary","id":"b","contentType":"text/plain","data":"aHllbmE="}"#
          ),
        ])
      for word in ["blutdruck uber", "ÜBER", "twice", "antelope", "kudu", "lowenherz", "final", "\"8480-6\"", "8480-6"]
      {
        try await Self.expect(service, "Observation?_content=\(word)", ["zebra"])
      }
      for word in ["zebra", "giraffe", "okapi", "gnu", "lion", "http", "aHllbmE"] {
        try await Self.expect(service, "?_type=Observation,Binary&_content=\(word)", [])
      }
      // Every narrative is content as well, content is no narrative.
      try await Self.expect(service, "Observation?_text=blutdruck", [])
    }
  }

  @Test func followsUpdatesAndDeletions() async throws {
    try await withService { service in
      try await Self.put(
        service, [("Patient/1", Self.patient("1", "first")), ("Patient/2", Self.patient("2", "first"))])
      try await Self.expect(service, "Patient?_text=first", ["1", "2"])
      try await Self.put(service, [("Patient/1", Self.patient("1", "second"))])
      try await Self.expect(service, "Patient?_text=first", ["2"])
      try await Self.expect(service, "Patient?_text=second", ["1"])
      try await service.send(.delete, "Patient/1")
      try await Self.expect(service, "Patient?_text=second", [])
      try await Self.put(service, [("Patient/1", Self.patient("1", "third"))])
      try await Self.expect(service, "Patient?_text=third", ["1"])
      let purged = try await service.send(.delete, "Patient/1?_hardDelete=true")
      #expect(purged.status == 204)
      try await Self.expect(service, "Patient?_text=third OR first", ["2"])
    }
  }

  /// FHIR R4 Bundle.entry.search.score: the more often the words occur and the shorter the text, the higher.
  @Test func scores() async throws {
    try await withService { service in
      let long = String(repeating: "nothing of importance ", count: 100)
      let texts = [
        ("1", "asthma"), ("2", "asthma asthma asthma"), ("3", "asthma \(long)"), ("4", "bronchitis"),
        ("5", "asthma and asthma"), ("6", "ASTHMA"), ("7", "bronchitis \(long) asthma"),
      ]
      try await Self.put(service, texts.map { ("Patient/\($0.0)", Self.patient($0.0, $0.1)) })
      let found = try await service.send(.get, "Patient?_text=asthma&_sort=-_score")
      #expect(found.ids == ["2", "5", "1", "6", "3", "7"])
      let scores = found.entries.compactMap {
        $0["search"]?["score"].flatMap { Double(String(decoding: $0.json, as: UTF8.self)) }
      }
      #expect(scores.count == 6 && scores.allSatisfy { $0 > 0 && $0 < 1 })
      #expect(scores == scores.sorted(by: >) && scores[2] == scores[3])
      #expect(try await service.send(.get, "Patient?_text=asthma&_sort=_score").ids == ["7", "3", "1", "6", "5", "2"])
      // Ties are in the order of the next key.
      #expect(
        try await service.send(.get, "Patient?_text=asthma&_sort=-_score,-_id").ids == ["2", "5", "6", "1", "3", "7"])
      #expect(try await service.send(.get, "Patient?_text=asthma&_text=bronchitis&_sort=-_score").ids == ["7"])
      #expect(try await service.send(.get, "Patient?_content=asthma&_id=1,2&_sort=-_score").ids == ["2", "1"])
      #expect(try await service.send(.get, "?_type=Patient,Group&_content=asthma&_sort=-_score").ids.first == "2")
      // Without words there is nothing to score.
      let plain = try await service.send(.get, "Patient?_id=1")
      #expect(plain.entries.first?["search"]?["score"] == nil)
      #expect(try await service.send(.get, "Patient?_sort=_score", prefer: "handling=strict").status == 400)
      let lenient = try await service.send(.get, "Patient?_sort=-_score")
      #expect(lenient.ids == ["1", "2", "3", "4", "5", "6", "7"] && lenient.text.contains("'_score'"))
    }
  }

  /// A score is the resource's own: what others write in between moves nothing.
  @Test func pagesByScoreHoldStill() async throws {
    try await withService { service in
      for number in 0..<30 {
        let words = String(repeating: "word ", count: 1 + number % 7)
        try await Self.put(service, [("Patient/p\(number)", Self.patient("p\(number)", words))])
      }
      let whole = try await service.send(.get, "Patient?_text=word&_sort=-_score&_count=1000").ids
      #expect(whole.count == 30)
      var seen: [String] = []
      var next: String? = "Patient?_text=word&_sort=-_score&_count=4"
      while let url = next {
        let page = try await service.send(.get, url)
        #expect(page.status == 200, "\(page.text)")
        seen += page.ids
        next = page.link("next")
        for number in 0..<3 {
          let id = "x\(seen.count)-\(number)"
          try await Self.put(service, [("Patient/\(id)", Self.patient(id, "word among many others"))])
        }
      }
      #expect(seen.filter { $0.hasPrefix("p") } == whole)
      #expect(Set(seen).count == seen.count)
    }
  }

  /// What was acknowledged is found at once, however fast it comes.
  @Test func findsWhatWasAcknowledged() async throws {
    try await withService { service in
      for number in 0..<50 {
        try await Self.put(service, [("Patient/p\(number)", Self.patient("p\(number)", "number\(number) of all"))])
        try await Self.expect(service, "Patient?_text=number\(number)", ["p\(number)"])
      }
      let all = try await service.send(.get, "Patient?_text=all&_count=1000")
      #expect(all.ids.count == 50)
    }
  }

  @Test func withChainsFiltersAndPages() async throws {
    try await withService { service in
      try await Self.put(
        service,
        [
          ("Patient/1", Self.patient("1", "smoker")), ("Patient/2", Self.patient("2", "athlete")),
          (
            "Observation/o",
            #"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"}}"#
          ),
        ])
      try await Self.expect(service, "Observation?subject:Patient._text=smoker", ["o"])
      try await Self.expect(service, "Observation?subject:Patient._text=athlete", [])
      try await Self.expect(service, "Patient?_has:Observation:subject:_content=x", ["1"])
      for number in 0..<30 {
        try await Self.put(service, [("Patient/n\(number)", Self.patient("n\(number)", "pages"))])
      }
      var found: [String] = []
      var url: String? = "Patient?_text=pages&_count=7"
      while let next = url {
        let page = try await service.send(.get, next)
        found += page.ids
        url = page.link("next")
      }
      #expect(found.sorted() == (0..<30).map { "n\($0)" }.sorted())
      let sorted = try await service.send(.get, "Patient?_text=pages&_sort=-_id&_count=2")
      #expect(sorted.ids == ["n9", "n8"])
    }
  }

  @Test func bundles() async throws {
    try await withService { service in
      func bundle(_ type: String) -> String {
        """
        {"resourceType":"Bundle","type":"\(type)","entry":[
          {"resource":\(Self.patient("b", "bundled")),"request":{"method":"PUT","url":"Patient/b"}},
          {"request":{"method":"GET","url":"Patient?_text=bundled"}}]}
        """
      }
      let batch = try await service.send(.post, "", bundle("batch"))
      #expect(
        batch.entries.last?["resource"]?["entry"]?.elements.first?["resource"]?["id"]?.string == "b", "\(batch.text)")
      let transaction = try await service.send(.post, "", bundle("transaction"))
      #expect(transaction.status == 400)
      #expect(transaction.text.contains("_text"))
      let conditional = try await service.send(
        .post, "Patient", Self.patient("x", "y"), ifNoneExist: "_content=bundled")
      #expect(conditional.status == 400)
    }
  }

  /// Whatever is asked reaches the engine as words.
  @Test func hostileWords() async throws {
    var limits = Limits()
    limits.searchTextSecondsMax = 60
    try await withService(limits: limits) { service in
      try await Self.put(service, [("Patient/1", Self.patient("1", "plain words NEAR here"))])
      let hostile = [
        "\"", "\"\"", "*", "plain*", "^plain", "narrative:plain", "content:{x}", "NEAR(plain words)", "plain + words",
        "-plain", "plain' OR '1'='1", "plain\") OR (\"words", "plain\\\"", "(((plain", "NOT plain", "AND", "OR OR",
        "%00plain",
        "{narrative content} : plain", "plain--", "\u{0301}", "\u{FFFF}", "²³", "🙂", "a NEAR/2 b",
      ]
      for text in hostile {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "%")
        let value =
          text.addingPercentEncoding(withAllowedCharacters: text.hasPrefix("%") ? allowed : .alphanumerics) ?? ""
        for name in ["_text", "_content"] {
          let reply = try await service.send(.get, "Patient?\(name)=\(value)")
          #expect(reply.status == 200 || reply.status == 400, "\(text): \(reply.status) \(reply.text)")
        }
      }
      try await Self.expect(service, "Patient?_text=NEAR", ["1"])
      let unknown = try await service.send(.get, "Patient?_text:exact=plain")
      #expect(unknown.status == 400)
    }
  }

  /// More than can be taken in within the time: the answer says how far it is, and a later one is whole.
  @Test func saysHowFarItIs() async throws {
    var limits = Limits()
    limits.searchTextSecondsMax = 0
    try await withService(limits: limits) { service in
      for start in stride(from: 0, to: 2_000, by: 500) {
        let entries = (start..<start + 500).map { number in
          """
          {"resource":\(Self.patient("p\(number)", "entry number\(number % 10)")),
           "request":{"method":"PUT","url":"Patient/p\(number)"}}
          """
        }
        let reply = try await service.send(
          .post, "", #"{"resourceType":"Bundle","type":"batch","entry":[\#(entries.joined(separator: ","))]}"#)
        #expect(reply.status == 200)
      }
      var reply = try await service.send(.get, "Patient?_text=number3&_summary=count")
      #expect(reply.status == 503)
      #expect(reply.diagnostics.first?.contains("of 2000 changes") == true, "\(reply.text)")
      for _ in 0..<600 where reply.status == 503 {
        try await Task.sleep(for: .milliseconds(50))
        reply = try await service.send(.get, "Patient?_text=number3&_summary=count")
      }
      #expect(reply.body?["total"]?.integer == 200, "\(reply.text)")
    }
  }
}
