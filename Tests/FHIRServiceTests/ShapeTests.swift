import Base
import FHIRModel
import FHIRSearch
import FHIRService
import Foundation
import JSONCore
import Testing
import TestSupport

/// FHIR R4 search.html#summary and #elements.
@Suite struct ShapeTests {
  static let patient = #"""
    {"resourceType":"Patient","id":"p","meta":{"versionId":"1","profile":["http://x.org/p"]},
     "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
     "extension":[{"url":"http://x.org/e","valueString":"e"}],
     "modifierExtension":[{"url":"http://x.org/m","valueString":"m"}],
     "active":true,"name":[{"id":"n","family":"F","_family":{"extension":[{"url":"http://x.org/q","valueCode":"q"}]}}],
     "birthDate":"1970-01-01","deceasedBoolean":false,"maritalStatus":{"text":"m"},
     "photo":[{"contentType":"image/png","data":"AAAA","title":"t"}],
     "contact":[{"name":{"family":"C"}}],"managingOrganization":{"display":"o"}}
    """#

  static func shape(_ query: String) throws(Fault) -> ResourceShape? {
    try ResourceShape(QueryString(parsing: query), schema: .r4)
  }

  static func apply(_ query: String, _ resource: String = patient) throws -> JSONValue {
    let shape = try #require(try shape(query))
    return try JSONDocument(shape.apply(to: Array(resource.utf8))).value
  }

  private static func names(_ value: JSONValue?) -> [String] { (value?.members ?? []).map(\.name) }

  @Test(arguments: ["", "name=x", "_summary=false", "_summary=count", "_summary=count&_summary=count"])
  func wholeResources(query: String) throws {
    #expect(try Self.shape(query) == nil)
  }

  @Test(arguments: [
    ("_summary=", "The '_summary' parameter value ''"), ("_summary=xyz", "'xyz' is invalid"),
    ("_summary=_count", "'_count' is invalid"), ("_summary=TRUE", "'TRUE' is invalid"),
    ("_summary=true&_summary=text", "more than once"), ("_elements=", "at least one"),
    ("_elements=%20", "at least one"),
    ("_elements=,%20,", "at least one"), ("_elements=.", "at least one"),
  ])
  func refuses(query: String, words: String) {
    let fault = #expect(throws: Fault.self) { try Self.shape(query) }
    #expect(fault?.category == .invalid)
    #expect(fault?.reasons.first?.diagnostics.contains(words) == true, "\(fault?.reasons.first?.diagnostics ?? "")")
  }

  @Test(arguments: ["true", "text", "data", "count"])
  func refusesElementsWithASummary(summary: String) throws {
    let words =
      "The '_elements' parameter is supported only when '_summary' is SummaryType.False or '_summary' is not specified "
      + "at all."
    for query in ["_elements=name&_summary=\(summary)", "_summary=\(summary)&_elements=name"] {
      let fault = #expect(throws: Fault.self) { try Self.shape(query) }
      #expect(fault?.category == .invalid && fault?.reasons.first?.diagnostics == words)
    }
    #expect(try Self.shape("_elements=name&_summary=false") == Self.shape("_elements=name"))
  }

  /// `active`, `deceased` and `modifierExtension` modify the meaning.
  @Test(arguments: [
    ("name", ["name"]), ("birthDate,name", ["name", "birthDate"]), ("%20name%20,%20birthDate", ["name", "birthDate"]),
    ("name&_elements=birthDate", ["name", "birthDate"]), ("Patient.name", ["name"]), ("Observation.name", []),
    ("Patient", []), ("name.given", ["name"]), ("Patient.name.given", ["name"]), ("deceased", []), ("foo", []),
    ("foo,name", ["name"]), ("text", ["text"]), ("id,meta,extension", ["extension"]), ("NAME,nam,names", []),
    ("contact,photo", ["photo", "contact"]), ("__proto__,resourceType", []),
  ])
  func elements(list: String, more: [String]) throws {
    let result = try Self.apply("_elements=\(list)")
    let kept = Self.names(result).filter {
      !["resourceType", "id", "meta", "active", "modifierExtension", "deceasedBoolean"].contains($0)
    }
    #expect(kept == more)
    #expect(result["active"]?.bool == true && result["deceasedBoolean"]?.bool == false)
    #expect(result["id"]?.string == "p" && result["modifierExtension"] != nil)
    // What is kept is whole.
    if more.contains("name") { #expect(result["name"]?[0]?["_family"]?["extension"]?.elements.count == 1) }
  }

  /// A choice is named by its element; what must be there is kept.
  @Test(arguments: ["value", "value[x]", "value%5Bx%5D", "Observation.value"])
  func choices(name: String) throws {
    let observation = #"""
      {"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"valueString":"v",
       "_valueString":{"id":"i"},"issued":"2020-01-01T00:00:00Z"}
      """#
    let result = try Self.apply("_elements=\(name)", observation)
    #expect(
      Self.names(result) == ["resourceType", "id", "meta", "status", "code", "valueString", "_valueString"])
  }

  @Test func summaries() throws {
    let short = try Self.apply("_summary=true")
    #expect(
      Self.names(short) == [
        "resourceType", "id", "meta", "modifierExtension", "active", "name", "birthDate", "deceasedBoolean",
        "managingOrganization",
      ])
    #expect(short["modifierExtension"]?[0]?["valueString"]?.string == "m")
    // The id of an element is no summary element, what belongs to a primitive's value is.
    #expect(Self.names(short["name"]?[0]) == ["family", "_family"])
    #expect(Self.names(try Self.apply("_summary=text")) == ["resourceType", "id", "meta", "text"])
    let data = try Self.apply("_summary=data")
    #expect(Self.names(data) == Self.names(try JSONDocument(Self.patient).value).filter { $0 != "text" })
    #expect(data["photo"]?[0]?["data"]?.string == "AAAA")
  }

  /// A stored bundle's resources are summarised each by its own type.
  @Test func bundle() throws {
    let text = #"{"resourceType":"Bundle","id":"b","type":"collection","entry":[{"resource":\#(Self.patient)}]}"#
    let result = try Self.apply("_summary=true", text)
    let inner = result["entry"]?[0]?["resource"]
    #expect(inner?["contact"] == nil && inner?["birthDate"]?.string == "1970-01-01")
    #expect(inner?["meta"]?["tag"]?.elements.count == 2)
  }

  @Test func tags() throws {
    let systems = [
      "http://hl7.org/fhir/v3/ObservationValue", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    ]
    for query in ["_summary=true", "_summary=text", "_summary=data", "_elements=id"] {
      let meta = try Self.apply(query)["meta"]
      #expect(meta?["tag"]?.elements.map { $0["system"]?.string } == systems)
      #expect(meta?["tag"]?.elements.allSatisfy { $0["code"]?.string == "SUBSETTED" } == true)
      #expect(meta?["versionId"]?.string == "1" && meta?["profile"]?.elements.count == 1)
    }
    // Without meta, with tags, with one of the two already.
    let bare = try Self.apply("_elements=id", #"{"resourceType":"Patient","active":true}"#)
    #expect(Self.names(bare) == ["resourceType", "meta", "active"])
    #expect(Self.names(try Self.apply("_elements=id", #"{"resourceType":"Patient"}"#)) == ["resourceType", "meta"])
    let other = #"{"system":"http://x.org","code":"SUBSETTED"}"#
    let second = #"{"system":"\#(systems[1])","code":"SUBSETTED"}"#
    let tagged = try Self.apply(
      "_elements=id", #"{"resourceType":"Patient","meta":{"tag":[\#(other),\#(second)],"source":"s"}}"#)
    #expect(tagged["meta"]?["tag"]?.elements.map { $0["system"]?.string } == ["http://x.org", systems[1], systems[0]])
    #expect(Self.names(tagged["meta"]) == ["tag", "source"])
  }

  /// Shaping twice changes nothing more.
  @Test(arguments: ["_summary=true", "_summary=text", "_summary=data", "_elements=name"])
  func isStable(query: String) throws {
    let shape = try #require(try Self.shape(query))
    let once = try shape.apply(to: Array(Self.patient.utf8))
    #expect(try shape.apply(to: once) == once)
  }

  @Test func keepsWhatNothingIsMarkedOf() throws {
    let result = try Self.apply(
      "_summary=true",
      #"""
      {"resourceType":"Patient","n\u0061me":[{"family":"F"}],
       "managingOrganization":{"extension":[{"url":"http://x.org/a","valueCode":"x"}]},
       "_birthDate":{"extension":[{"url":"http://x.org/a","valueCode":"x"}]}}
      """#)
    #expect(result["managingOrganization"]?["extension"]?.elements.count == 1)
    #expect(result["_birthDate"] != nil && result["name"]?[0]?["family"]?.string == "F")
  }

  @Test(arguments: ["", "{", "[]", "7", "{}", #"{"resourceType":"Nobody"}"#, #"{"resourceType":7}"#])
  func whatIsNoResourceIsAFault(text: String) throws {
    let shape = try #require(try Self.shape("_summary=true"))
    #expect(throws: Fault.self) { try shape.apply(to: Array(text.utf8)) }
  }

  /// Far deeper than the walk needs to go: nested extensions in what is kept, and bundles in bundles.
  @Test func depth() throws {
    var text = #"{"resourceType":"Patient","id":"x"}"#
    for _ in 0..<40 { text = #"{"resourceType":"Bundle","type":"collection","entry":[{"resource":\#(text)}]}"# }
    let result = try Self.apply("_summary=true", text)
    #expect(result["entry"]?[0]?["resource"]?["entry"] != nil)
  }
}

/// Every official example, against the definitions read here anew.
@Suite(
  .enabled(
    if: ConformanceData.has("fhir-r4-examples/json") && ConformanceData.has("fhir-r4-core/package"),
    "needs data sets fhir-r4-examples, fhir-r4-core"))
struct ShapeExampleTests {
  struct Definition {
    var isSummary = false
    var isKept = false
    /// Where the members of its value are defined: a path, or a type.
    var inside = ""
  }

  /// By owner ("Patient.contact", "HumanName") and JSON member name.
  static func definitions() throws -> [String: [String: Definition]] {
    var all: [String: [String: Definition]] = [:]
    for file in try ConformanceData.files("fhir-r4-core/package")
    where file.lastPathComponent.hasPrefix("StructureDefinition-") {
      let structure = try JSONDocument([UInt8](Data(contentsOf: file))).value
      guard structure["derivation"]?.string != "constraint" else { continue }
      for element in (structure["snapshot"]?["element"]?.elements ?? []).dropFirst() {
        let path = element["path"]?.string ?? ""
        let dot = try #require(path.lastIndex(of: "."))
        let types = (element["type"]?.elements ?? []).compactMap { $0["code"]?.string }
        var found = Definition()
        found.isKept = (element["min"]?.integer ?? 0) > 0
        found.isSummary = element["isSummary"]?.bool ?? false
        let isModifier = element["isModifier"]?.bool ?? false
        found.isKept = found.isKept || isModifier
        let name = String(path[path.index(after: dot)...])
        for type in types.isEmpty ? [""] : types {
          let key = name.hasSuffix("[x]") ? name.dropLast(3) + type.prefix(1).uppercased() + type.dropFirst() : name
          let own = type == "BackboneElement" || type == "Element"
          let reference = element["contentReference"]?.string.map { String($0.dropFirst()) }
          found.inside = reference ?? (own ? path : type)
          all[String(path[..<dot]), default: [:]][key] = found
        }
      }
    }
    return all
  }

  struct Example {
    let name: String
    let document: JSONDocument
    var type: String { document.value["resourceType"]?.string ?? "" }
  }

  static func examples() throws -> [Example] {
    try ConformanceData.files("fhir-r4-examples/json").compactMap { file in
      let document = try JSONDocument([UInt8](Data(contentsOf: file)))
      guard document.byteCount < 100_000, StructureCheck(schema: .r4).issues(of: document).isEmpty else { return nil }
      return Example(name: file.lastPathComponent, document: document)
    }
  }

  static func bare(_ name: String) -> String { name.hasPrefix("_") ? String(name.dropFirst()) : name }

  @Test func topLevelIsWhatTheDefinitionsSay() throws {
    let definitions = try Self.definitions()
    let check = StructureCheck(schema: .r4)
    var count = 0
    for example in try Self.examples() {
      let source = example.document.value
      let own = try #require(definitions[example.type])
      let always = ["resourceType", "id", "meta"]
      let names = source.members.map(\.name).filter { !always.contains($0) }
      // Of every second element one asks.
      let asked = Set(own.keys.sorted().enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
      let modes: [(String, (String) -> Bool)] = [
        ("_summary=true", { own[$0]?.isSummary == true || own[$0]?.isKept == true }),
        ("_summary=data", { $0 != "text" }),
        ("_summary=text", { $0 == "text" || Schema.r4.isMandatory($0, example.type) }),
        ("_elements=" + asked.joined(separator: ","), { asked.contains($0) || own[$0]?.isKept == true }),
      ]
      for (query, isWanted) in modes {
        let shape = try #require(try ShapeTests.shape(query))
        let result = try JSONDocument(shape.apply(to: Array(example.document.text)))
        let kept = result.value.members.map(\.name).filter { !always.contains($0) }
        // A choice is asked for by its element's name, not by its member's.
        let expected = names.filter { isWanted(Self.bare($0)) }
        if query.hasPrefix("_elements") {
          #expect(
            Set(kept).isSubset(of: names)
              && Set(kept).isSuperset(of: expected.filter { !Self.isChoice($0, example.type) }))
        } else {
          #expect(kept == expected, "\(example.name) \(query)")
        }
        #expect(check.issues(of: result).isEmpty, "\(example.name) \(query)")
        #expect(result.value["meta"]?["tag"]?.elements.contains { $0["code"]?.string == "SUBSETTED" } == true)
        count += 1
      }
    }
    #expect(count > 2_500)
  }

  static func isChoice(_ name: String, _ type: String) -> Bool {
    guard let type = Schema.r4.type(type), let found = Schema.r4.element(type, key: bare(name)) else { return false }
    return Schema.r4[found.element].isChoice
  }

  /// Compares a summary with its source, level by level.
  struct Comparison {
    let definitions: [String: [String: Definition]]
    var compared = 0
    var faults: [String] = []

    mutating func object(_ source: JSONValue, _ result: JSONValue, _ owner: String, depth: Int = 0) {
      guard depth < 64, owner != "Extension" else { return }
      let type = source["resourceType"]?.string ?? owner
      guard let own = definitions[type] else { return }
      let isResource = source["resourceType"] != nil
      let kept = source.members.map(\.name).filter { name in
        if isResource && ["resourceType", "id", "meta"].contains(name) { return true }
        let found = own[bare(name)]
        return found?.isSummary == true || found?.isKept == true
      }
      let whole = kept.isEmpty ? source.members.map(\.name) : kept
      let names = result.members.map(\.name).filter { !isResource || $0 != "meta" }
      if names != whole.filter({ !isResource || $0 != "meta" }) { faults.append("\(type): \(names), \(whole)") }
      compared += 1
      guard !kept.isEmpty else { return }
      for name in kept where name != "meta" && !name.hasPrefix("_") {
        guard let inside = own[name]?.inside, let before = source[JSONKey(name)],
          let after = result[JSONKey(name)]
        else { continue }
        let befores = before.kind == .array ? before.elements : [before]
        let afters = after.kind == .array ? after.elements : [after]
        if befores.count != afters.count { faults.append("\(type).\(name)") }
        for (before, after) in zip(befores, afters) where before.kind == .object {
          object(before, after, inside, depth: depth + 1)
        }
      }
    }
  }

  @Test func everyLevelOfASummary() throws {
    let shape = try #require(try ShapeTests.shape("_summary=true"))
    var comparison = Comparison(definitions: try Self.definitions())
    for example in try Self.examples() {
      let result = try JSONDocument(shape.apply(to: Array(example.document.text)))
      comparison.object(example.document.value, result.value, example.type)
      #expect(comparison.faults.isEmpty, "\(example.name) \(comparison.faults)")
      comparison.faults = []
    }
    #expect(comparison.compared > 6_000)
    print("summaries: \(comparison.compared) objects compared")
  }

  @Test func speed() throws {
    let shape = try #require(try ShapeTests.shape("_summary=true"))
    let bodies = try Self.examples().map { Array($0.document.text) }
    let time = try ContinuousClock().measure { for body in bodies { _ = try shape.apply(to: body) } }
    print("summaries: \(bodies.count) resources, \(bodies.reduce(0) { $0 + $1.count }) bytes in \(time)")
  }
}

extension Schema {
  /// Whether a member of that name must be there.
  fileprivate func isMandatory(_ name: String, _ type: String) -> Bool {
    guard let type = self.type(type), let found = element(type, key: name) else { return false }
    return self[found.element].min > 0
  }
}
