/// Value sets and a code system that are stored with the data, and what they come to: written down by hand.
enum OracleTerminology {
  static let codes = "http://c.example/codes"
  private static let loinc = "http://loinc.org"
  private static let acts = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
  private static let genders = "http://hl7.org/fhir/administrative-gender"

  /// A nil code is every code of the system.
  struct Member {
    let system: String
    let code: String?
  }

  /// What a value set comes to, by the name that a search calls it by.
  static let valueSets: [String: [Member]] = {
    func members(_ system: String, _ codes: String?...) -> [Member] { codes.map { Member(system: system, code: $0) } }
    let newer = members(codes, "A")
    let older = members(loinc, "8867-4", "A") + members(codes, "a", "b-1")
    return [
      "http://in.example/one|1": older, "http://in.example/one|2": newer, "http://in.example/one": newer,
      "ValueSet/in-1": older, "http://in.example/all": members(loinc, nil),
      "http://in.example/both": newer + members(acts, "AMB"),
      "http://in.example/less": members(codes, "A", "8867-4"),
      "http://in.example/expanded": members(loinc, "29463-7") + members(codes, "A", "a"),
      "http://hl7.org/fhir/ValueSet/administrative-gender": members(genders, "male", "female", "other", "unknown"),
    ]
  }()

  /// What no search may ask for.
  static let unknown = ["http://in.example/none", "http://in.example/one|3", "ValueSet/none", "nothing"]

  /// The hierarchy: 8867-4 and A on top, a below A, b-1 below a.
  private static let parents = ["a": "A", "b-1": "a"]
  private static let all = ["8867-4", "A", "a", "b-1"]

  /// A code of `codes` with all above it, or below it; of one that is not among them, itself.
  static func branch(_ modifier: String, _ code: String) -> Set<String> {
    func ancestors(_ code: String) -> [String] { [code] + (parents[code].map(ancestors) ?? []) }
    if modifier == "above" { return Set(ancestors(code)) }
    return Set(all.filter { ancestors($0).contains(code) } + [code])
  }

  /// Whether the hierarchy of a system is known: it is stored, or the standard's own, which has none.
  static func isKnown(_ system: String) -> Bool { system == codes || system == genders }

  /// Type, id and JSON.
  static let resources: [(type: String, id: String, json: String)] =
    [
      (
        "CodeSystem", "codes",
        #"{"resourceType":"CodeSystem","id":"codes","url":"\#(codes)","status":"active","content":"complete","concept":["#
          + #"{"code":"8867-4"},{"code":"A","concept":[{"code":"a","concept":[{"code":"b-1"}]}]}]}"#
      )
    ] + sets.map { id, members in ("ValueSet", id, #"{"resourceType":"ValueSet","id":"\#(id)",\#(members)}"#) }

  private static let sets = [
    (
      "in-1",
      #""url":"http://in.example/one","version":"1","status":"active","compose":{"include":["#
        + #"{"system":"\#(loinc)","concept":[{"code":"8867-4"},{"code":"A"}]},"#
        + #"{"system":"\#(codes)","filter":[{"property":"concept","op":"is-a","value":"a"}]}]}"#
    ),
    (
      "in-2",
      #""url":"http://in.example/one","version":"2","status":"active","compose":{"include":["#
        + #"{"system":"\#(codes)","concept":[{"code":"A"}]}]}"#
    ),
    (
      "in-3",
      #""url":"http://in.example/one","version":"3.1","status":"draft","compose":{"include":["#
        + #"{"system":"\#(codes)","concept":[{"code":"a"}]}]}"#
    ),
    (
      "in-all",
      #""url":"http://in.example/all","status":"active","compose":{"include":[{"system":"\#(loinc)"}]}"#
    ),
    (
      "in-both",
      #""url":"http://in.example/both","status":"active","compose":{"include":["#
        + #"{"valueSet":["http://in.example/one"]},{"system":"\#(acts)","concept":[{"code":"AMB"}]}]}"#
    ),
    (
      "in-less",
      #""url":"http://in.example/less","status":"active","compose":{"include":[{"system":"\#(codes)"}],"#
        + #""exclude":[{"system":"\#(codes)","filter":[{"property":"concept","op":"is-a","value":"a"}]}]}"#
    ),
    (
      "in-expanded",
      #""url":"http://in.example/expanded","status":"active","expansion":{"timestamp":"2024-01-01","total":3,"#
        + #""contains":[{"system":"\#(loinc)","code":"29463-7","contains":[{"system":"\#(codes)","code":"A"},"#
        + #"{"system":"\#(codes)","code":"a"}]}]}"#
    ),
  ]
}
