import Foundation
import JSONCore
import JSONQuery
import TestSupport
import Testing

/// The official compliance suite of JMESPath: every case of every file.
@Suite struct JMESPathComplianceTests {
  static let folder = "jmespath-compliance/tests/compliance"

  static let codes: [String: JSONQueryError.Code] = [
    "syntax": .syntax, "invalid-type": .invalidType, "invalid-arity": .invalidArity, "invalid-value": .invalidValue,
    "unknown-function": .unknownFunction,
  ]

  @Test(.enabled(if: ConformanceData.has(folder), "needs data set jmespath-compliance"))
  func suite() throws {
    var count = 0
    for file in try ConformanceData.files(Self.folder) {
      let name = file.lastPathComponent
      for group in try ConformanceData.read("\(Self.folder)/\(name)").value.elements {
        let given = try JSONDocument(try #require(group["given"]).json)
        for one in group["cases"]?.elements ?? [] {
          count += 1
          try check(one, given, name)
        }
      }
    }
    #expect(count == 908)
  }

  private func check(_ one: JSONValue, _ given: JSONDocument, _ file: String) throws {
    let expression = try #require(one["expression"]?.string)
    let outcome = Result { () throws(JSONQueryError) in try result(expression, given) }
    switch outcome {
    case .failure(let error):
      let wanted = one["error"]?.string.flatMap { Self.codes[$0] }
      #expect(wanted == error.code, "\(file): \(expression): \(error.code) at \(error.offset)")
      #expect(error.offset <= expression.utf8.count)
    case .success(let json):
      guard let expected = one["result"] else {
        // A benchmark without a result only has to run.
        #expect(one["error"] == nil, "\(file): \(expression): \(json)")
        return
      }
      let isSame = try sameJSON(JSONDocument(json).value, expected)
      #expect(isSame, "\(file): \(expression): \(json)")
    }
  }

  private func result(_ expression: String, _ given: JSONDocument) throws(JSONQueryError) -> String {
    let value = try JMESPath(expression).value(in: given)
    var writer = JSONWriter()
    JMESPath.write(value, of: given, to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

/// Whether two values are equal; numbers by value, members in any order.
func sameJSON(_ a: JSONValue, _ b: JSONValue) -> Bool {
  guard a.kind == b.kind else { return false }
  switch a.kind {
  case .number:
    return Double(String(decoding: a.json, as: UTF8.self)) == Double(String(decoding: b.json, as: UTF8.self))
  case .string: return a.string == b.string
  case .array:
    return a.count == b.count && zip(a.elements, b.elements).allSatisfy { sameJSON($0, $1) }
  case .object:
    return a.count == b.count
      && a.members.allSatisfy { name, value in b[JSONKey(name)].map { sameJSON(value, $0) } ?? false }
  default: return true
  }
}
