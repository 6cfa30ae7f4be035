import Base
import FHIRModel
import Foundation
import JSONCore
import Testing
import TestSupport

/// The check against whole collections: what is published as sound passes, what is broken on purpose does not.
@Suite struct StructureCheckCorpusTests {
  static let check = StructureCheck(schema: .r4)

  static func bytes(_ url: URL) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: url))
    // Some files begin with a byte order mark.
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }

  static func rejected(_ folder: String) throws -> [String: [Fault.Reason]] {
    var rejected: [String: [Fault.Reason]] = [:]
    for url in try ConformanceData.files(folder) {
      let issues = check.issues(of: try JSONDocument(bytes(url)))
      if !issues.isEmpty { rejected[url.lastPathComponent] = issues }
    }
    return rejected
  }

  // Both lack required elements: ImplementationGuide.name and status; Questionnaire.item.linkId.
  @Test(.enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
  func acceptsTheOfficialExamples() throws {
    let rejected = try Self.rejected("fhir-r4-examples/json")
    #expect(rejected.keys.sorted() == ["ImplementationGuide-fhir.json", "Questionnaire-qs1.json"])
    #expect(rejected.values.joined().allSatisfy { $0.code == "required" })
  }

  // Ten search parameters without base, one id of 68 characters.
  @Test(.enabled(if: ConformanceData.has("fhir-r4-core/package"), "needs data set fhir-r4-core"))
  func acceptsTheDefinitions() throws {
    var rejected = try Self.rejected("fhir-r4-core/package")
    for name in [".index.json", "package.json"] { rejected[name] = nil }
    #expect(rejected.count == 11)
    #expect(rejected.keys.allSatisfy { $0.hasPrefix("SearchParameter-") })
  }

  @Test(.enabled(if: ConformanceData.has("patients-synthea-r4/dev"), "needs data set patients-synthea-r4"))
  func acceptsSyntheticPatients() throws {
    #expect(try Self.rejected("patients-synthea-r4/dev").isEmpty)
  }

  @Test(
    .enabled(if: ConformanceData.has("ms-fhir-server/TestFiles/Normative"), "needs data set ms-fhir-server"),
    arguments: [
      ("ObservationWithInvalidStatus", "code-invalid Observation.status"),
      ("ObservationWithNoCode", "required Observation.code"),
      ("ObservationWithInvalidDecimalSpecification", "value Observation.value.value"),
      ("MoneyWithWrongDecimal", "structure Resource"), ("PatientMissingResourceType", "structure Resource"),
      ("PatientWithUnknownElements", "structure Patient.name1"), ("InvalidObservation", "structure Observation.text"),
      ("Bundle-InvalidBundleType", "code-invalid Bundle.type"), ("Bundle-TypeMissing", "required Bundle.type"),
      ("Bundle-BatchWithInvalidEleEnums", "structure Bundle.entry[0].resource.gender1"),
      ("SearchParameterInvalidBase", "code-invalid SearchParameter.base[0]"),
      ("SearchParameterInvalidType", "code-invalid SearchParameter.type"),
      ("SearchParameterMissingBase", "structure SearchParameter.base"),
    ])
  func refusesTheNegativeInputs(_ name: String, _ issue: String) throws {
    let url = URL(fileURLWithPath: ConformanceData.path("ms-fhir-server/TestFiles/Normative/\(name).json"))
    let issues = Self.check.issues(of: try JSONDocument(Self.bytes(url)))
    #expect(issues.contains { "\($0.code ?? "") \($0.expression ?? "")" == issue })
  }
}

/// Official examples, each broken in one place by a seeded choice: every one must be refused, and whatever the place,
/// nothing may trap.
@Suite struct StructureCheckMutationTests {
  /// A generator that a seed determines (SplitMix64).
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// One member somewhere in a document, with the type it belongs to.
  struct Place {
    let key: JSONNode
    let value: JSONNode
    let element: Schema.Element?
  }

  enum Mutation: CaseIterable { case rename, changeKind, wrap, unwrap, empty, null, delete, repeated }

  static func places(_ document: JSONDocument, _ node: JSONNode, _ type: Schema.TypeID, into list: inout [Place]) {
    let schema = Schema.r4
    for (key, value) in document.members(node) {
      guard let found = schema.element(type, key: document.lexeme(key)) else { continue }
      list.append(Place(key: key, value: value, element: schema[found.element]))
      let values = document.kind(value) == .array ? Array(document.elements(value)) : [value]
      for item in values where document.kind(item) == .object {
        let name = document.member(item, "resourceType").flatMap { document.string($0) }
        places(document, item, name.flatMap { schema.type($0) } ?? found.type, into: &list)
      }
    }
  }

  /// The document's bytes with one place broken; nil where the mutation does not apply to it.
  static func broken(_ document: JSONDocument, _ place: Place, _ mutation: Mutation) -> [UInt8]? {
    guard let element = place.element else { return nil }
    let text = Array(document.text)
    let key = document.range(place.key)
    let value = document.range(place.value)
    let isArray = document.kind(place.value) == .array
    func with(_ replacement: String, _ range: Range<Int>) -> [UInt8] {
      var copy = text
      copy.replaceSubrange(range, with: replacement.utf8)
      return copy
    }
    switch mutation {
    case .rename: return with("\"zz\(element.name)\"", key)
    case .changeKind: return with(document.kind(place.value) == .object ? "7" : "{\"zz\":1}", value)
    case .wrap: return isArray ? nil : with("[\(String(decoding: text[value], as: UTF8.self))]", value)
    case .unwrap: return isArray ? with(document.kind(place.value) == .array ? "true" : "", value) : nil
    case .empty: return with(isArray ? "[]" : document.kind(place.value) == .object ? "{}" : "\"\"", value)
    case .null: return with("null", value)
    case .repeated:
      let member = String(decoding: text[key.lowerBound..<value.upperBound], as: UTF8.self)
      return with(member + "," + member, key.lowerBound..<value.upperBound)
    case .delete:
      guard element.min > 0 else { return nil }
      // The member goes with the comma behind it, or the one before it.
      var end = value.upperBound
      while end < text.count, text[end] <= 32 { end += 1 }
      if text[end] == UInt8(ascii: ",") { return with("", key.lowerBound..<(end + 1)) }
      var start = key.lowerBound
      while start > 0, text[start - 1] <= 32 { start -= 1 }
      return text[start - 1] == UInt8(ascii: ",") ? with("", (start - 1)..<value.upperBound) : nil
    }
  }

  /// Members of one name are the parser's to refuse.
  static func isRefused(_ bytes: [UInt8], _ mutation: Mutation) throws -> Bool {
    if mutation == .repeated {
      #expect(throws: JSONError.self) { try JSONDocument(bytes) }
      return true
    }
    return !StructureCheckCorpusTests.check.issues(of: try JSONDocument(bytes)).isEmpty
  }

  @Test(.enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
  func refusesEveryMutation() throws {
    let seed: UInt64 = 20_260_101
    var random = Random(state: seed)
    var tried: [Mutation: Int] = [:]
    for url in try ConformanceData.files("fhir-r4-examples/json") {
      let document = try JSONDocument(StructureCheckCorpusTests.bytes(url))
      guard document.byteCount < 200_000, StructureCheckCorpusTests.check.issues(of: document).isEmpty,
        let name = document.member(document.root, "resourceType").flatMap({ document.string($0) }),
        let type = Schema.r4.type(name)
      else { continue }
      var places: [Place] = []
      Self.places(document, document.root, type, into: &places)
      for mutation in Mutation.allCases {
        guard let place = places.randomElement(using: &random), let bytes = Self.broken(document, place, mutation)
        else { continue }
        #expect(
          try Self.isRefused(bytes, mutation),
          "seed \(seed): \(mutation) of \(place.element?.path ?? "") in \(url.lastPathComponent)")
        tried[mutation, default: 0] += 1
      }
    }
    #expect(tried.count == Mutation.allCases.count && tried.values.reduce(0, +) > 2000)
  }
}
