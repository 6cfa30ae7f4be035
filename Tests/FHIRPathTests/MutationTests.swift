import FHIRModel
import FHIRPath
import JSONCore
import Testing
import TestSupport

/// Expressions that nobody would write: none may crash, hang or pass a limit.
@Suite struct MutationTests {
  private struct Random {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
      // splitmix64
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((z ^ (z >> 31)) % UInt64(max(bound, 1)))
    }
  }

  private static let pieces = [
    "(", ")", ".", "[", "]", "{}", "'", "`", "@2015", "@T10", "%", "$this", "$total", " | ", " and ", " is ", " as ",
    "-",
    "999999999999999999999999", "0.00000000000000000000001", ".descendants()", ".repeat($this)", ".repeat(children())",
    ".matches('(a*)*b')", ".combine(", ".select(", "name", "%resource", ".toChars()", "\\", "\u{e9}", "/*", " years",
    ".repeatAll($this)", ".replace('','xxxxxxxxxxxxxxxx')", ".aggregate($total & $this & $total, 'x')", " ~ ",
    "descendants()",
  ]

  private static func mutated(_ text: String, _ random: inout Random) -> String {
    var bytes = Array(text.utf8)
    for _ in 0...random.next(below: 3) {
      let place = random.next(below: bytes.count + 1)
      switch random.next(below: 4) {
      case 0: bytes.insert(contentsOf: pieces[random.next(below: pieces.count)].utf8, at: place)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2 where place < bytes.count: bytes[place] = UInt8(32 + random.next(below: 95))
      default:
        let from = random.next(below: bytes.count + 1)
        let slice = bytes[min(from, place)..<max(from, place)]
        bytes.insert(contentsOf: slice.prefix(40), at: place)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(.enabled(if: ConformanceData.has(OfficialSuite.file), "needs data set tests-fhir-cases"))
  func survivesMutations() throws {
    var suite = try OfficialSuite()
    var random = Random(state: 20_261_121)
    let input = try #require(try suite.input("patient-example.xml"))
    var limits = FHIRPathLimits()
    limits.stepsMax = 20_000
    limits.itemsMax = 5_000
    limits.stringBytesMax = 20_000
    var evaluated = 0
    var tooCostly = 0
    for round in 0..<20_000 {
      let source = suite.tests[random.next(below: suite.tests.count)].expression
      let text = Self.mutated(source, &random)
      do {
        let program = try FHIRPathProgram(
          text, schema: .r4, context: input.type, isStrict: round % 2 == 0, limits: limits)
        let context = FHIRPathContext(
          document: input.document, node: input.document.root, type: input.type, now: OfficialSuite.now)
        let items = try program.evaluate(in: context)
        #expect(items.count <= limits.itemsMax)
        evaluated += 1
      } catch {
        if error.code == .tooCostly { tooCostly += 1 }
        #expect(error.offset >= 0 && !error.message.isEmpty)
      }
    }
    print("FHIRPath mutations: seed 20261121, \(evaluated) evaluated, \(tooCostly) past a limit")
    #expect(evaluated > 1_000)
  }

  @Test func depthHasALimit() throws {
    let limit = FHIRPathLimits().expressionDepthMax
    // Each pair of parentheses is one level of the parser, a step or a sign one of the tree.
    #expect(throws: FHIRPathError.self) {
      _ = try FHIRPathProgram(String(repeating: "(", count: 100_00), schema: .r4)
    }
    let inside = String(repeating: "(", count: limit - 1) + "1" + String(repeating: ")", count: limit - 1)
    _ = try FHIRPathProgram(inside, schema: .r4)
    #expect(throws: FHIRPathError.self) { _ = try FHIRPathProgram("(" + inside + ")", schema: .r4) }
    let chain = "a" + String(repeating: ".a", count: limit - 2)
    _ = try FHIRPathProgram(chain, schema: .r4)
    #expect(throws: FHIRPathError.self) { _ = try FHIRPathProgram(chain + ".a", schema: .r4) }
    #expect(throws: FHIRPathError.self) {
      _ = try FHIRPathProgram(String(repeating: "-", count: 5_000) + "1", schema: .r4)
    }
  }

  @Test func lengthHasALimit() throws {
    var limits = FHIRPathLimits()
    limits.expressionBytesMax = 10
    _ = try FHIRPathProgram("1234567890", schema: .r4, limits: limits)
    #expect(throws: FHIRPathError.self) { _ = try FHIRPathProgram("1234567890 ", schema: .r4, limits: limits) }
  }

  @Test func workAndSizesHaveLimits() throws {
    func code(_ expression: String) throws -> FHIRPathError.Code? {
      let program = try FHIRPathProgram(expression, schema: .r4)
      do {
        _ = try program.evaluate(in: FHIRPathContext(focus: [], now: OfficialSuite.now))
        return nil
      } catch {
        return error.code
      }
    }
    let ten = "(1|2|3|4|5|6|7|8|9|10)"
    // 10^8 items, or a string that doubles, or work without end.
    #expect(
      try code("\(ten).select(\(ten).select(\(ten).select(\(ten).select(\(ten).select(\(ten).select(\(ten)))))))")
        == .tooCostly)
    #expect(
      try code("\(ten).select(\(ten)).select(\(ten)).aggregate($total & $total & 'x', 'xxxxxxxxxx')") == .tooCostly)
    #expect(try code("1.repeatAll($this)") == .tooCostly)
    #expect(try code("1.repeat($this + 1)") == .tooCostly)
    #expect(try code("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a*)*(a*)*(a*)*b')") == nil)
    #expect(throws: FHIRPathError.self) {
      _ = try FHIRPathProgram("'a'.matches('((a{1000}){1000}){1000}')", schema: .r4)
    }
  }
}
