import Testing
import UCUM

@Suite("Codes that are none")
struct UnitErrorTests {
  static let reasons: [(code: String, reason: UnitError.Code, offset: Int)] = [
    ("", UnitError.Code.empty, 0), ("m/", .componentExpected, 2), ("m.", .componentExpected, 2),
    ("/", .componentExpected, 1), ("//m", .componentExpected, 1), (".m", .componentExpected, 0),
    ("m..s", .componentExpected, 2), ("()", .componentExpected, 1), ("(/m)", .componentExpected, 1),
    ("(m", .unbalanced, 0), ("m)", .unbalanced, 1), ("m(s)", .unexpectedCharacter, 1),
    ("(m)2", .unexpectedCharacter, 3), ("(m){a}{b}", .unexpectedCharacter, 6), ("{a", .unbalanced, 0),
    ("{a}m", .unexpectedCharacter, 3), ("{|}1", .unexpectedCharacter, 3), ("{a{b}}", .unexpectedCharacter, 2),
    ("m{a}2", .unexpectedCharacter, 4), ("m{a}{b}", .unexpectedCharacter, 4), ("a}", .unexpectedCharacter, 1),
    ("{\u{b5}}", .unexpectedCharacter, 1), ("[in_i", .unbalanced, 0), ("in_i]", .unbalanced, 4),
    ("[[in_i]]", .unexpectedCharacter, 1), ("beats", .unknownSymbol, 0), ("mg/beats", .unknownSymbol, 3),
    ("KG", .unknownSymbol, 0), ("\u{b5}g", .unknownSymbol, 0), ("kkg", .unknownSymbol, 0), ("k", .unknownSymbol, 0),
    ("mg dL", .unknownSymbol, 0), ("kmin", .prefixNotAllowed, 0), ("m[pH]", .prefixNotAllowed, 0),
    ("m2-3", .unexpectedCharacter, 2), ("m-", .unexpectedCharacter, 1), ("m--2", .unexpectedCharacter, 1),
    ("10-3", .unexpectedCharacter, 2), ("-3", .unexpectedCharacter, 0), ("0", .factorOutOfRange, 0),
    ("m/0", .factorOutOfRange, 2), ("1000000000000000000", .factorOutOfRange, 0), ("m1000", .exponentOutOfRange, 1),
    ("m-1000", .exponentOutOfRange, 1), ("m999.m", .exponentOutOfRange, 5),
    ("m1000000000000000000", .exponentOutOfRange, 1),
    ("10*400", .magnitudeOutOfRange, 0), ("10*-400", .magnitudeOutOfRange, 0), ("[lb_av]9", .magnitudeOutOfRange, 0),
    ("\u{0}", .unknownSymbol, 0), ("m\u{0}", .unknownSymbol, 0),
  ]

  @Test("reasons and places", arguments: reasons)
  func reason(code: String, reason: UnitError.Code, offset: Int) throws {
    let error = #expect(throws: UnitError.self) { try UCUM.unit(code) }
    #expect(error == UnitError(reason, offset: offset))
    #expect(UCUM.canonical(code) == nil)
    #expect(error?.message.isEmpty == false)
    // The printed form has nothing of the text.
    if code.utf8.count > 3 { #expect(error?.description.contains(code) == false) }
  }

  @Test("limits, at and one past")
  func limits() throws {
    let longest = "{" + String(repeating: "a", count: UCUM.lengthMax - 2) + "}"
    #expect(try UCUM.unit(longest).code == "1")
    #expect(throws: UnitError(.tooLong, offset: UCUM.lengthMax)) { try UCUM.unit(longest + "a") }

    func nested(_ depth: Int) -> String {
      String(repeating: "(", count: depth) + "m" + String(repeating: ")", count: depth)
    }
    #expect(try UCUM.unit(nested(UCUM.depthMax)).code == "m")
    #expect(throws: UnitError(.tooDeep, offset: UCUM.depthMax)) { try UCUM.unit(nested(UCUM.depthMax + 1)) }
    #expect(throws: UnitError.self) { try UCUM.unit(String(repeating: "(", count: UCUM.lengthMax)) }

    #expect(try UCUM.unit("m\(UCUM.exponentMax)").code == "m999")
    #expect(try UCUM.unit("m-\(UCUM.exponentMax)").code == "m-999")
    #expect(throws: UnitError(.exponentOutOfRange, offset: 1)) { try UCUM.unit("m\(UCUM.exponentMax + 1)") }
    #expect(try UCUM.unit("999999999999999999").factorDouble == 1e18)
    #expect(try UCUM.unit("10*308").factorDouble == 1e308)
    #expect(throws: UnitError(.magnitudeOutOfRange, offset: 0)) { try UCUM.unit("10*309") }
  }
}
